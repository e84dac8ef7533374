"""What recording tracks costs: 20 publications of 1 Mbit/s (VP8) into files on a real S3 server.

    python -m tests.bench.recording_tracks [-n 20] [-t 20]

Publishers are made in this process, as the engine would have them; the worker is the real one. Printed: its share of a
core, its memory, what the tap costs the shard for each packet, and how far uploads lag.
"""

from __future__ import annotations

import argparse
import asyncio
import struct
import tempfile
import time
from fractions import Fraction
from pathlib import Path
from random import Random
from typing import Any

import av
from redis.asyncio import Redis

from media.jobs.manager import Jobs
from media.jobs.options import JobOptions
from media.jobs.pricing import Meter
from recorder.desk import RecordingDesk
from recorder.model import OVER, Options
from recorder.options import RecorderOptions
from recorder.registry import Registry
from scripts.embedded_redis import EmbeddedRedis
from sfu.rtp.packet import build_rtp
from sfu.sinks import MediaSink, SinkBook
from tests.support.plain_media import VP8_PT, Publisher
from tests.support.s3_server import S3Server

FRAMES_PER_S = 30
BITRATE_BPS = 1_000_000
PACKET_BYTES = 1_100


def frames(count: int = 60) -> list[bytes]:
    """Two seconds of noise in VP8, which no encoder makes smaller, beginning with a key frame; about the bitrate."""
    encoder: Any = av.CodecContext.create("libvpx", "w")
    encoder.width, encoder.height, encoder.pix_fmt = 176, 104, "yuv420p"
    encoder.time_base, encoder.bit_rate = Fraction(1, FRAMES_PER_S), BITRATE_BPS
    encoder.options = {"deadline": "realtime", "cpu-used": "8", "g": str(count), "minrate": "1M", "maxrate": "1M"}
    random = Random(1)
    coded: list[bytes] = []
    for number in range(count):
        frame = av.VideoFrame(176, 104, "yuv420p")
        for plane in frame.planes:
            plane.update(random.randbytes(len(bytes(plane))))
        frame.pts = number
        coded += [bytes(packet) for packet in encoder.encode(frame)]
    return coded + [bytes(packet) for packet in encoder.encode(None)]


class Room:
    """N publishers and the sinks of their Router."""

    def __init__(self, count: int) -> None:
        self.frames = frames()
        self.publishers = [Publisher(seed=number + 1) for number in range(count)]
        self.producers = [publisher.publish_video() for publisher in self.publishers]
        self.book = SinkBook(lambda owner: None, time.monotonic)
        self.sequence = 0
        self.packets = 0
        self.turn_s = 0.0

    def add_sink(self, sink: MediaSink) -> None:
        self.book.add(sink, self.producers, None)

    def remove_sink(self, sink: MediaSink) -> None:
        self.book.remove(sink)

    def send(self, number: int) -> None:
        """One frame of everybody."""
        frame = self.frames[number % len(self.frames)]
        pieces = [frame[start : start + PACKET_BYTES] for start in range(0, len(frame), PACKET_BYTES)]
        for place, piece in enumerate(pieces):
            descriptor = bytes((0x90 if place == 0 else 0x80, 0x80)) + struct.pack("!H", 0x8000 | number & 0x7FFF)
            data = build_rtp(
                payload_type=VP8_PT,
                sequence_number=self.sequence & 0xFFFF,
                timestamp=number * 3_000,
                ssrc=1_111,
                marker=place == len(pieces) - 1,
                payload=descriptor + piece,
            )
            self.sequence += 1
            for publisher in self.publishers:
                publisher.now = time.monotonic()
                publisher.half.on_rtp(data, publisher.now)
                self.packets += 1

    def turn(self) -> None:
        begun = time.thread_time()
        self.book.turn(time.monotonic())
        self.turn_s += time.thread_time() - begun


async def measure(count: int, seconds: float, folder: Path, server: S3Server, client: Redis) -> None:
    room = Room(count)
    jobs = Jobs(JobOptions(max_load_per_core=10_000, min_free_memory_mb=0))
    options = RecorderOptions(folder=folder / "rec", s3=server.options(), min_free_mb=0)
    desk = RecordingDesk(options, jobs, Registry(client, "bench", "s"))
    recording = desk.begin("bench", "r", None, Options(mode="tracks"), room, list)
    begun, number, lag = time.monotonic(), 0, 0
    meter, at_start, memory = None, 0.0, 0
    while (elapsed := time.monotonic() - begun) < seconds + 5:
        room.send(number)
        room.turn()
        number += 1
        job = jobs.running["bench"]
        lag = max(lag, job.status.get("lag_parts", 0))
        if meter is None and elapsed > 5 and job.worker is not None:
            meter = Meter(job.worker.pid)
            price = meter.read(time.monotonic())
            at_start, room.packets, room.turn_s = price.cpu_s if price else 0.0, 0, 0.0
        await asyncio.sleep(max(0.0, begun + number / FRAMES_PER_S - time.monotonic()))
    price = meter.read(time.monotonic()) if meter is not None else None
    assert price is not None
    memory = price.memory_bytes
    desk.end("r", "bench", None)
    await asyncio.wait_for(jobs.running["bench"].wait(), 60)
    while recording.status not in OVER:  # noqa: ASYNC110 - the desk writes it down
        await asyncio.sleep(0.1)
    mbit = count * sum(map(len, room.frames)) * 8 / (len(room.frames) / FRAMES_PER_S) / 1e6
    print(f"{count} publications, {mbit:.1f} Mbit/s in all, {seconds:.0f} s")
    print(f"worker: {(price.cpu_s - at_start) / seconds * 100:.1f} % of a core, {memory / 1e6:.0f} MB")
    print(f"tap: {room.turn_s / max(room.packets, 1) * 1e6:.2f} us a packet, {room.packets / seconds:.0f} packets/s")
    print(f"upload lag at most {lag} parts; {recording.status.value}, {len(recording.files)} files, {recording.error}")
    await jobs.close()
    await desk.close()


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-n", type=int, default=20, help="publications")
    parser.add_argument("-t", type=float, default=20.0, help="seconds")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, S3Server(Path(folder) / "s3") as server:
        async with EmbeddedRedis() as redis:
            client = Redis.from_url(redis.url)
            await measure(arguments.n, arguments.t, Path(folder), server, client)
            await client.aclose()


if __name__ == "__main__":
    asyncio.run(main())
