"""A live stream to nginx's RTMP module and, through TLS, to it again: what arrives, and what trouble does to it.

    python -m tests.bench.live_rtmp [--minutes 10] [--quality 480p]        time stamps, key frames, sound and picture
    python -m tests.bench.live_rtmp --trouble [--down 30] [--slow 60]      the server away, then half the bitrate

The whole way: a film of flashes and beeps published by WHIP, composed, encoded, pushed, and recorded by nginx.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import tempfile
import time
from contextlib import AsyncExitStack
from pathlib import Path
from statistics import median
from typing import Any

import av

from tests.support import flash_beep
from tests.support.live_stage import LiveStage, Stoppages, memory_mb
from tests.support.participant import eventually
from tests.support.rtmp_server import RtmpServer, ffprobe
from tests.support.tcp_relay import TcpRelay


def time_stamps(path: Path) -> dict[str, Any]:
    """Of a recorded file, packet by packet."""
    last: dict[str, int] = {}
    gaps: dict[str, list[int]] = {"video": [], "audio": []}
    backwards, keys, size = 0, [], 0
    with av.open(str(path)) as container:
        for packet in container.demux():
            if packet.dts is None:
                continue
            kind = packet.stream.type
            size += packet.size
            if kind in last:
                backwards += packet.dts <= last[kind]
                gaps[kind].append(packet.dts - last[kind])
            last[kind] = packet.dts
            if kind == "video" and packet.is_keyframe:
                keys.append(packet.dts)
    apart = [later - earlier for earlier, later in itertools.pairwise(keys)]
    seconds = max(last.values(), default=0) / 1000
    return {
        "seconds": round(seconds, 1),
        "bit_per_s": round(size * 8 / max(1, seconds)),
        "not_monotonic": backwards,
        "largest_gap_ms": {kind: max(found, default=0) for kind, found in gaps.items()},
        "gaps_over_100_ms": {kind: sum(gap > 100 for gap in found) for kind, found in gaps.items()},
        "first_key_frames_apart_ms": apart[:1],
        "key_frames_apart_ms": [min(apart[1:], default=0), max(apart[1:], default=0)],
    }


def skew(path: Path) -> dict[str, Any]:
    """Sound against picture in a recorded file."""
    found = flash_beep.events(path)
    skews = found.skews_ms
    if not skews:
        return {"flashes": len(found.flashes), "beeps": len(found.beeps)}
    return {
        "pairs": len(skews),
        "median_ms": round(median(skews), 1),
        "least_ms": round(min(skews), 1),
        "most_ms": round(max(skews), 1),
        "outside_60_ms": sum(abs(one) > 60 for one in skews),
    }


async def steady(minutes: float, quality: str) -> None:
    """Nothing happens for a long while."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        nginx = await stack.enter_async_context(RtmpServer(folder / "nginx"))
        stage = await stack.enter_async_context(LiveStage({"SSL_CERT_FILE": str(nginx.folder / "certificate.pem")}))
        stoppages = Stoppages()
        ids = []
        for key, url in (("plain", nginx.url), ("tls", nginx.tls_url)):
            info = await stage.start(stream_url=url, stream_key=key, quality=quality)
            ids.append(info["stream_id"])
        memory = [memory_mb(pid) for pid in stage.workers()]
        probed = {key: await nginx.probe(key, timeout_s=60) for key in ("plain", "tls")}
        await asyncio.sleep(minutes * 60)
        found: dict[str, Any] = {
            "streams": {key: [_described(one) for one in value["streams"]] for key, value in probed.items()},
            "told": stage.statuses(stage.told[0][0]),
            "workers": len(stage.workers()),
            "memory_mb": [memory, [memory_mb(pid) for pid in stage.workers()]],
            "health": [(await stage.info(one))["health"] for one in ids],
        }
        for one in ids:
            await stage.stop(one)
        await asyncio.sleep(1)
        found["machine_stopped_us_s"] = stoppages.close()
        for path in nginx.recorded():
            words = (await ffprobe(path, timeout_s=120))["words"]
            found[path.name.split("-")[0]] = {
                "ffprobe_complains_of": words,
                **time_stamps(path),
                "skew": await asyncio.to_thread(skew, path),
            }
        print(json.dumps(found, indent=1), flush=True)


def _described(stream: dict[str, Any]) -> str:
    names = ("codec_name", "profile", "width", "height", "avg_frame_rate", "sample_rate", "channels")
    return " ".join(str(stream[name]) for name in names if stream.get(name) not in (None, "0/0"))


async def trouble(quality: str, clear_s: float, down_s: float, slow_s: float) -> None:
    """The server goes away, comes back, and then its line carries half of what the stream needs."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        nginx = await stack.enter_async_context(RtmpServer(folder / "nginx"))
        relay = await stack.enter_async_context(TcpRelay(nginx.port))
        stage = await stack.enter_async_context(LiveStage())
        stoppages = Stoppages()
        url = f"rtmp://127.0.0.1:{relay.port}/live"
        stream_id = (await stage.start(stream_url=url, stream_key="bench", quality=quality))["stream_id"]
        (worker,) = stage.workers()
        await asyncio.sleep(clear_s)
        before_mb = memory_mb(worker)
        found: dict[str, Any] = {"clear": (await stage.info(stream_id))["health"], "memory_mb": round(before_mb)}

        await nginx.stop()
        down_at = time.monotonic()
        await asyncio.sleep(down_s)
        found["down"] = {"memory_grew_mb": round(memory_mb(worker) - before_mb, 1)}
        await nginx.start()
        up_at = time.monotonic()

        async def live_again() -> bool:
            return bool((await stage.info(stream_id))["status"] == "live")

        await eventually(live_again, 60)
        found["down"] |= {"live_again_after_s": round(time.monotonic() - up_at, 1), "told": stage.statuses(down_at)}
        await asyncio.sleep(10)

        relay.rate_bps = (found["clear"]["video_bps"] + 128_000) / 2
        slow_at = time.monotonic()
        course = []
        for _ in range(max(1, round(slow_s / 5))):
            await asyncio.sleep(5)
            health = (await stage.info(stream_id))["health"]
            course.append([health["video_bps"], health["uplink_bps"], health["dropped_frames"]])
        found["half"] = {
            "line_bps": round(relay.rate_bps),
            "video_uplink_dropped": course,
            "memory_grew_mb": round(memory_mb(worker) - before_mb, 1),
            "told": stage.statuses(slow_at),
        }
        relay.rate_bps = None
        await asyncio.sleep(20)
        found["after"] = (await stage.info(stream_id))["health"] | {"same_worker": stage.workers() == [worker]}
        await stage.stop(stream_id)
        await asyncio.sleep(1)
        found["machine_stopped_us_s"] = stoppages.close()
        found["recorded"] = [time_stamps(path) | {"skew": skew(path)} for path in nginx.recorded()]
        print(json.dumps(found, indent=1), flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--quality", default="480p")
    parser.add_argument("--trouble", action="store_true")
    parser.add_argument("--clear", type=float, default=20)
    parser.add_argument("--down", type=float, default=30)
    parser.add_argument("--slow", type=float, default=60)
    given = parser.parse_args()
    run = (
        trouble(given.quality, given.clear, given.down, given.slow)
        if given.trouble
        else steady(given.minutes, given.quality)
    )
    asyncio.run(run)
