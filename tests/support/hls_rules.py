"""Follows a live HLS stream and holds it against Apple's rules (HLS Authoring Specification, RFC 8216bis)."""

from __future__ import annotations

import asyncio
import io
import re
from dataclasses import dataclass, field
from statistics import mean
from typing import Any

import av
import httpx

_ATTRIBUTE = re.compile(r'([A-Z0-9-]+)=("[^"]*"|[^,]*)')
# What a served BANDWIDTH may differ from the greatest bitrate measured (Apple's rule for live streams).
_BANDWIDTH_TOLERANCE = 0.10


def attributes(line: str) -> dict[str, str]:
    """Those of a tag."""
    return {name: value.strip('"') for name, value in _ATTRIBUTE.findall(line.partition(":")[2])}


def number(text: str, tag: str) -> float:
    """The value of a tag that is a number."""
    found = re.search(rf"^#{tag}:([\d.]+)", text, re.MULTILINE)
    assert found is not None, tag
    return float(found[1])


@dataclass
class Followed:
    """One rendition: its segments by media sequence number, as bit/s, seconds and address."""

    url: str
    stream_inf: dict[str, str]
    rates: dict[int, float] = field(default_factory=dict)
    seconds: dict[int, float] = field(default_factory=dict)
    uris: dict[int, str] = field(default_factory=dict)
    target_s: float = 0.0
    init: bytes = b""
    checked_size: tuple[int, int, float] = (0, 0, 0.0)


class RuleBook:
    """``broken``: every rule that did not hold, in words."""

    def __init__(self, index_url: str) -> None:
        self._index_url = index_url
        self._client = httpx.AsyncClient(timeout=30)
        self.broken: list[str] = []
        self.renditions: list[Followed] = []

    async def close(self) -> None:
        await self._client.aclose()

    async def open(self) -> None:
        """Read the multivariant playlist."""
        for variant, uri in await self._variants():
            self.renditions.append(Followed(str(httpx.URL(self._index_url).join(uri)), variant))

    async def follow(self, seconds: float) -> None:
        """Look at everything that is served for a while."""
        until = asyncio.get_running_loop().time() + seconds
        while asyncio.get_running_loop().time() < until:
            for rendition in self.renditions:
                await self._look(rendition)
            await asyncio.sleep(2)

    async def finish(self) -> dict[str, Any]:
        """Hold what is said at the end against what was measured; the figures."""
        figures = {}
        latest = await self._variants()
        for rendition, (variant, _) in zip(self.renditions, latest, strict=True):
            rates, said = rendition.rates.values(), int(variant["BANDWIDTH"])
            self._hold(
                abs(said / max(rates) - 1) <= _BANDWIDTH_TOLERANCE, f"BANDWIDTH {said}, measured {max(rates):.0f}"
            )
            average = int(variant["AVERAGE-BANDWIDTH"])
            self._hold(
                abs(average / mean(rates) - 1) <= _BANDWIDTH_TOLERANCE,
                f"AVERAGE-BANDWIDTH {average}, measured {mean(rates):.0f}",
            )
            figures[variant["RESOLUTION"]] = {
                "segments": len(rates),
                "segment_s": [min(rendition.seconds.values()), max(rendition.seconds.values())],
                "bandwidth": [said, round(max(rates))],
                "average_bandwidth": [average, round(mean(rates))],
                "codecs": variant["CODECS"],
            }
        aligned = [set(rendition.uris) for rendition in self.renditions]
        together = set.intersection(*aligned)
        for msn in together:
            self._hold(len({round(r.seconds[msn], 3) for r in self.renditions}) == 1, f"segment {msn} is not aligned")
        await self.close()
        return {"broken": sorted(set(self.broken)), **figures}

    def _hold(self, good: bool, words: str) -> None:
        if not good:
            self.broken.append(words)

    async def _variants(self) -> list[tuple[dict[str, str], str]]:
        answer = await self._client.get(self._index_url)
        lines = answer.text.splitlines()
        self._hold("#EXT-X-INDEPENDENT-SEGMENTS" in lines, "segments are not said to be independent")
        self._hold(answer.headers["content-type"] == "application/vnd.apple.mpegurl", "wrong type of the playlist")
        return [
            (attributes(line), lines[index + 1])
            for index, line in enumerate(lines)
            if line.startswith("#EXT-X-STREAM-INF:")
        ]

    async def _look(self, rendition: Followed) -> None:
        text = (await self._client.get(rendition.url)).text
        target_s, part_s = number(text, "EXT-X-TARGETDURATION"), attributes(_line(text, "EXT-X-PART-INF"))
        self._hold(rendition.target_s in (0, target_s), "the target duration has changed")
        rendition.target_s = target_s
        self._look_at_parts(text, float(part_s["PART-TARGET"]))
        msn, extinf, map_uri = int(number(text, "EXT-X-MEDIA-SEQUENCE")), 0.0, ""
        listed = text.count("#EXTINF:")
        self._hold(msn == 0 or listed >= 6, f"only {listed} segments are listed")
        for line in text.splitlines():
            if line.startswith("#EXTINF:"):
                extinf = float(line[8:].rstrip(","))
                self._hold(round(extinf) <= target_s, f"a segment of {extinf} s, target {target_s} s")
            elif line.startswith("#EXT-X-MAP:"):
                map_uri = attributes(line)["URI"]
            elif line and not line.startswith("#"):
                self._hold(rendition.uris.setdefault(msn, line) == line, f"segment {msn} has changed its address")
                if msn not in rendition.rates:
                    await self._look_at_segment(rendition, msn, extinf, map_uri)
                msn += 1

    def _look_at_parts(self, text: str, part_target_s: float) -> None:
        control = attributes(_line(text, "EXT-X-SERVER-CONTROL"))
        self._hold(float(control["PART-HOLD-BACK"]) >= 3 * part_target_s, "PART-HOLD-BACK is under 3 part targets")
        self._hold(
            float(control.get("HOLD-BACK", 1e9)) >= 3 * number(text, "EXT-X-TARGETDURATION"), "HOLD-BACK is too short"
        )
        for block in text.split("#EXTINF")[:-1]:
            parts = [float(attributes(line)["DURATION"]) for line in block.splitlines() if "EXT-X-PART:" in line]
            self._hold(all(one <= part_target_s + 1e-6 for one in parts), f"parts of {parts} s")
            self._hold(all(one >= 0.85 * part_target_s for one in parts[:-1]), f"parts of {parts} s")

    async def _look_at_segment(self, rendition: Followed, msn: int, extinf: float, map_uri: str) -> None:
        folder = httpx.URL(rendition.url)
        if not rendition.init:
            rendition.init = (await self._client.get(folder.join(map_uri))).content
        answer = await self._client.get(folder.join(rendition.uris[msn]))
        self._hold(answer.status_code == 200, f"segment {msn} answers {answer.status_code}")
        data = answer.content
        rendition.rates[msn], rendition.seconds[msn] = len(data) * 8 / extinf, extinf
        with av.open(io.BytesIO(rendition.init + data), "r") as container:
            video = container.streams.video[0]
            packets = [packet for packet in container.demux(video) if packet.size]
            seconds = float(sum(packet.duration or 0 for packet in packets) * (video.time_base or 0))
            self._hold(bool(packets[0].is_keyframe), f"segment {msn} begins without a key frame")
            self._hold(abs(seconds - extinf) < 0.05, f"segment {msn}: {seconds:.3f} s of picture, EXTINF {extinf}")
            size = f"{video.codec_context.width}x{video.codec_context.height}"
            self._hold(rendition.stream_inf["RESOLUTION"] == size, f"RESOLUTION is not {size}")
            extradata = bytes(video.codec_context.extradata or b"")
            codec = f"avc1.{extradata[1:4].hex()}"
            self._hold(codec in rendition.stream_inf["CODECS"].lower(), f"CODECS does not name {codec}")
            self._hold("mp4a.40.2" in rendition.stream_inf["CODECS"], "CODECS does not name AAC")


def _line(text: str, tag: str) -> str:
    return next((line for line in text.splitlines() if line.startswith(f"#{tag}")), "")
