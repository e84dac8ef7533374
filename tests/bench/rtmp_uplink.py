"""A live stream over a bad uplink: the server away for a while, then half the bitrate, against a real nginx.

``python -m tests.bench.rtmp_uplink [--seconds 60] [--down 30] [--slow 60]``: synthetic H.264 and AAC at 720p in real
time through our client and a shaping relay; prints what the server recorded and how bitrate, queue and memory went.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import os
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import av

from streaming.encoded import VIDEO_TIMESCALE, VideoPacket
from streaming.rtmp.address import parse
from streaming.rtmp.output import OutputState, RtmpOutput, Source
from tests.support.encoded import SAMPLE_RATE, Encoded, encode
from tests.support.ports import free_tcp_port
from tests.support.rtmp_server import RtmpServer

RATES_BPS = (3_000_000, 2_400_000, 1_800_000, 1_200_000, 900_000, 600_000)


class Relay:
    """A TCP relay of ``rate_bps`` (None: as fast as it can) with little buffer of its own."""

    def __init__(self, target_port: int) -> None:
        self.port = free_tcp_port()
        self.rate_bps: float | None = None
        self._target_port = target_port
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port, limit=16_384)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._target_port)
        except OSError:
            writer.transport.abort()
            return
        await asyncio.gather(self._pump(reader, far_writer, True), self._pump(far_reader, writer, False))

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, shaped: bool) -> None:
        try:
            while data := await reader.read(4_096):
                writer.write(data)
                await writer.drain()
                if shaped and self.rate_bps is not None:
                    await asyncio.sleep(len(data) * 8 / self.rate_bps)
        except OSError:
            pass
        writer.transport.abort()


async def feed(output: RtmpOutput, clips: dict[int, Encoded]) -> None:
    """Packets in real time, at the bitrate that the output asks for; changes at key frames, as x264's do at once."""
    began = time.monotonic()
    for turn in itertools.count():
        wanted = output.status.target_bps
        clip = clips[max((rate for rate in clips if rate <= wanted), default=min(clips))]
        for packet in clip.packets:
            video = isinstance(packet, VideoPacket)
            rate = VIDEO_TIMESCALE if video else SAMPLE_RATE
            at_s = packet.pts / rate + 2 * turn
            await asyncio.sleep(max(0.0, began + at_s - time.monotonic()))
            shift = 2 * turn * rate
            if isinstance(packet, VideoPacket):
                output.add(replace(packet, pts=packet.pts + shift, dts=packet.dts + shift))
            elif packet.pts + packet.duration <= 2 * SAMPLE_RATE:
                output.add(replace(packet, pts=packet.pts + shift))


def recorded(path: Path) -> dict[str, Any]:
    """Time stamps of a recorded file."""
    last: dict[str, int] = {}
    gap_ms = {"video": 0, "audio": 0}
    backwards, keys = 0, []
    with av.open(str(path)) as container:
        for packet in container.demux():
            if packet.dts is None:
                continue
            kind = packet.stream.type
            if kind in last:
                backwards += packet.dts <= last[kind]
                gap_ms[kind] = max(gap_ms[kind], packet.dts - last[kind])
            last[kind] = packet.dts
            if kind == "video" and packet.is_keyframe:
                keys.append(packet.dts)
    apart = [later - earlier for earlier, later in itertools.pairwise(keys)]
    return {
        "seconds": round(max(last.values(), default=0) / 1000, 1),
        "not_monotonic": backwards,
        "largest_gap_ms": gap_ms,
        "key_frames_apart_ms": [min(apart, default=0), max(apart, default=0)],
    }


def memory_mb() -> float:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


async def run(seconds: float, down_s: float, slow_s: float) -> dict[str, Any]:
    clips = {rate: encode(2, width=1280, height=720, bitrate_bps=rate) for rate in RATES_BPS}
    made_bps = {rate: _rate_of(clip) for rate, clip in clips.items()}
    with tempfile.TemporaryDirectory() as folder:
        async with RtmpServer(Path(folder) / "nginx") as nginx:
            relay = Relay(nginx.port)
            await relay.start()
            first = clips[RATES_BPS[0]]
            address = parse(f"rtmp://127.0.0.1:{relay.port}/live", "bench")
            output = RtmpOutput(address, Source(first.video, first.audio, RATES_BPS[0], 96_000), allow_private=True)
            tasks = [asyncio.create_task(output.run()), asyncio.create_task(feed(output, clips))]
            found: dict[str, Any] = {"made_bps": made_bps}
            await asyncio.sleep(seconds)
            found["clear"] = [output.status.state.value, output.status.target_bps, output.status.dropped_frames]
            before_mb = memory_mb()
            await nginx.stop()
            await asyncio.sleep(down_s)
            down = output.status
            await nginx.start()
            back_at = time.monotonic()
            while output.status.state is not OutputState.LIVE:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
            found["away"] = {
                "state": down.state.value,
                "reason": down.reason,
                "back_after_s": round(time.monotonic() - back_at, 1),
                "memory_grew_mb": round(memory_mb() - before_mb, 1),
            }
            await asyncio.sleep(10)
            full_bps = made_bps[RATES_BPS[0]] + 96_000
            relay.rate_bps = full_bps / 2
            course = []
            for _ in range(max(1, round(slow_s / 5))):
                await asyncio.sleep(5)
                status = output.status
                course.append([status.target_bps, status.uplink_bps, status.waiting_ms, status.dropped_frames])
            found["half"] = {"relay_bps": round(relay.rate_bps), "target_uplink_waiting_dropped": course}
            found["half"]["memory_grew_mb"] = round(memory_mb() - before_mb, 1)
            relay.rate_bps = None
            await asyncio.sleep(20)
            found["after"] = [output.status.state.value, output.status.target_bps, output.status.waiting_ms]
            found["reconnects"] = output.status.reconnects
            output.stop()
            tasks[1].cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await asyncio.sleep(0.5)
            found["recorded"] = [recorded(path) for path in nginx.recorded()]
            return found


def _rate_of(clip: Encoded) -> int:
    return sum(len(packet.data) for packet in clip.packets if isinstance(packet, VideoPacket)) * 8 // 2


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--down", type=float, default=30)
    parser.add_argument("--slow", type=float, default=60)
    arguments = parser.parse_args()
    print(json.dumps(asyncio.run(run(arguments.seconds, arguments.down, arguments.slow)), indent=1))
