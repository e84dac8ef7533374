"""A shard's desk of recordings with the real worker, and a room whose people are made in this process."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import struct
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from redis.asyncio import Redis

from media.containers.repair import repair
from media.feed import Participant
from media.jobs.manager import Jobs
from media.jobs.options import JobOptions
from recorder.desk import RecordingDesk
from recorder.model import OVER, File, Options, Recording, Status
from recorder.options import RecorderOptions, S3Options
from recorder.registry import Registry
from sfu.producer import Producer
from sfu.rtp.packet import build_rtp
from sfu.rtp.rtcp import SenderReport
from sfu.sinks import MediaSink, SinkBook
from tests.support.plain_media import VP8_PT, Publisher

TRACKS = Options(mode="tracks")


def key_frame() -> bytes:
    """A real picture in VP8 that fits one packet."""
    encoder: Any = av.CodecContext.create("libvpx", "w")
    encoder.width, encoder.height, encoder.pix_fmt, encoder.time_base = 64, 48, "yuv420p", Fraction(1, 30)
    frame = av.VideoFrame(64, 48, "yuv420p")
    for plane in frame.planes:
        plane.update(bytes(len(bytes(plane))))
    frame.pts = 0
    packets = [*encoder.encode(frame), *encoder.encode(None)]
    return bytes(packets[0])


KEY_FRAME = key_frame()


class Room:
    """People who send sound and pictures in real time, and the sinks of their Router."""

    def __init__(self, *people: str) -> None:
        self.payload = b"\x78" + bytes(100)
        self.book = SinkBook(lambda owner: None, time.monotonic)
        self._count = 0
        self._people: dict[str, tuple[Publisher, list[Producer]]] = {}
        for name in people or ("ann",):
            self.join(name)
        self._task = asyncio.create_task(self._speak())

    def join(self, name: str) -> None:
        """Somebody comes, maybe once more: the publications are new ones."""
        self._count += 1
        publisher = Publisher(owner=name, seed=self._count)
        publisher.now = time.monotonic()
        self._people[name] = publisher, [publisher.publish_video(), publisher.publish_audio()]
        for producer in self._people[name][1]:
            self.book.on_producer(producer)

    def leave(self, name: str) -> None:
        for producer in self._people.pop(name)[1]:
            self.book.forget(producer)

    def add_sink(self, sink: MediaSink) -> None:
        self.book.add(sink, [producer for _, producers in self._people.values() for producer in producers], None)

    def remove_sink(self, sink: MediaSink) -> None:
        self.book.remove(sink)

    async def _speak(self) -> None:
        begun = time.monotonic()
        for number in range(1_000_000):
            for publisher, _ in list(self._people.values()):
                self._send(publisher, number)
            self.book.turn(time.monotonic())
            await asyncio.sleep(max(0.0, begun + (number + 1) * 0.02 - time.monotonic()))

    def _send(self, publisher: Publisher, number: int) -> None:
        publisher.now = time.monotonic()
        # This publisher has one counter for both streams: each is given its own numbers and clock.
        publisher.seq, publisher.timestamp = number & 0xFFFF, round(number * 0.02 * 48_000) - 960
        publisher.audio(self.payload)
        if number % 2 == 0:
            publisher.half.on_rtp(
                build_rtp(
                    payload_type=VP8_PT,
                    sequence_number=number // 2,
                    timestamp=round(number * 0.02 * 90_000),
                    ssrc=1_111,
                    marker=True,
                    payload=b"\x90\x80" + struct.pack("!H", 0x8000 | number // 2 & 0x7FFF) + KEY_FRAME,
                ),
                publisher.now,
            )
        if number % 50 == 10:
            for ssrc, rate in ((1_111, 90_000), (2_222, 48_000)):
                report = SenderReport(
                    ssrc, round((publisher.now + 1_000) * (1 << 32)), round(number * 0.02 * rate), 1, 1
                )
                publisher.half.on_rtcp(report.pack(), publisher.now, 0.0)

    async def close(self) -> None:
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task


class Case:
    """A shard's desk."""

    def __init__(self, redis: Redis, folder: Path, s3: S3Options | None = None, **options: Any) -> None:
        values = {"min_free_mb": 0, "part_size_mb": 5, "retry_max_s": 0.5, "finish_timeout_s": 15.0, **options}
        self.options = RecorderOptions(folder=folder, s3=s3 or S3Options(), **values)
        self.jobs = Jobs(JobOptions(max_load_per_core=10_000, min_free_memory_mb=0, stop_timeout_s=60))
        self.told: list[tuple[Status, str | None]] = []
        registry = Registry(redis, "test", "shard-1")
        self.desk = RecordingDesk(
            self.options, self.jobs, registry, lambda recording: self.told.append((recording.status, recording.error))
        )

    def begin(
        self, room: Room, recording_id: str = "rec1", options: Options = TRACKS, room_id: str = "r1"
    ) -> Recording:
        news = [Participant("ann", "Ann")]
        return self.desk.begin(recording_id, room_id, "ann", options, room, lambda: list(news))

    async def until(self, recording: Recording, condition: Callable[[], bool], timeout_s: float = 30.0) -> None:
        async with asyncio.timeout(timeout_s):
            while not condition():  # noqa: ASYNC110 - what is waited for is another process
                await asyncio.sleep(0.05)

    async def until_over(self, recording_id: str = "rec1", room_id: str = "r1", timeout_s: float = 60.0) -> Recording:
        async with asyncio.timeout(timeout_s):
            while True:
                for recording in await self.desk.all_of(room_id):
                    over = recording.status in OVER and recording_id not in self.jobs.running
                    if recording.recording_id == recording_id and over:
                        await asyncio.sleep(0.1)  # then it is told
                        return recording
                await asyncio.sleep(0.05)

    def duration_of(self, file: File) -> float:
        """As the file itself says."""
        size = self.desk.store.size(file.key)
        assert size == file.size_bytes, file
        return repair(lambda offset, length: self.desk.store.read(file.key, offset, length), size).duration_s

    async def close(self) -> None:
        await self.jobs.close()
        await self.desk.close()

    def kill_worker(self, recording_id: str = "rec1") -> None:
        worker = self.jobs.running[recording_id].worker
        assert worker is not None
        os.kill(worker.pid, signal.SIGKILL)


async def record(case: Case, room: Room, seconds: float) -> Recording:
    recording = case.begin(room)
    await case.until(recording, lambda: recording.status is Status.RECORDING)
    await asyncio.sleep(seconds)
    return recording


def media_of(recording: Recording) -> list[File]:
    return [file for file in recording.files if file.kind == "track"]
