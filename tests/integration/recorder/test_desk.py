"""Recordings of a room by the real worker, and what can break: worker, shard, storage, credentials, disk."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import struct
import subprocess
import time
from collections.abc import AsyncIterator, Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import pytest
from redis.asyncio import Redis

from media.containers.repair import repair
from media.feed import Participant
from media.jobs.manager import Jobs
from media.jobs.options import JobOptions
from recorder.desk import RecordingDesk, Refused
from recorder.model import OVER, File, Options, Recording, Status
from recorder.options import RecorderOptions, S3Options
from recorder.registry import Registry
from scripts.embedded_redis import EmbeddedRedis
from sfu.rtp.packet import build_rtp
from sfu.rtp.rtcp import SenderReport
from sfu.sinks import MediaSink, SinkBook
from tests.support.plain_media import VP8_PT, Publisher
from tests.support.s3_server import S3Server

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
    """A publisher of sound and pictures in real time, and the sinks of its Router."""

    def __init__(self) -> None:
        self.publisher = Publisher()
        self.publisher.now = time.monotonic()
        self.tracks = [self.publisher.publish_video(), self.publisher.publish_audio()]
        self.book = SinkBook(lambda owner: None, time.monotonic)
        self._task = asyncio.create_task(self._speak())
        self.payload = b"\x78" + bytes(100)

    def add_sink(self, sink: MediaSink) -> None:
        self.book.add(sink, self.tracks, None)

    def remove_sink(self, sink: MediaSink) -> None:
        self.book.remove(sink)

    async def _speak(self) -> None:
        begun = time.monotonic()
        for number in range(1_000_000):
            self.publisher.now = time.monotonic()
            # This publisher has one counter for both streams: each is given its own numbers and clock.
            self.publisher.seq, self.publisher.timestamp = number & 0xFFFF, round(number * 0.02 * 48_000) - 960
            self.publisher.audio(self.payload)
            if number % 2 == 0:
                self.publisher.half.on_rtp(
                    build_rtp(
                        payload_type=VP8_PT,
                        sequence_number=number // 2,
                        timestamp=round(number * 0.02 * 90_000),
                        ssrc=1_111,
                        marker=True,
                        payload=b"\x90\x80" + struct.pack("!H", 0x8000 | number // 2 & 0x7FFF) + KEY_FRAME,
                    ),
                    self.publisher.now,
                )
            if number % 50 == 10:
                self._report(number)
            self.book.turn(self.publisher.now)
            await asyncio.sleep(max(0.0, begun + (number + 1) * 0.02 - time.monotonic()))

    def _report(self, number: int) -> None:
        now = self.publisher.now
        for ssrc, rate in ((1_111, 90_000), (2_222, 48_000)):
            report = SenderReport(ssrc, round((now + 1_000) * (1 << 32)), round(number * 0.02 * rate), 1, 1)
            self.publisher.half.on_rtcp(report.pack(), now, 0.0)

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

    def begin(self, room: Room, recording_id: str = "rec1", options: Options = TRACKS) -> Recording:
        news = [Participant("ann", "Ann")]
        return self.desk.begin(recording_id, "r1", "ann", options, room, lambda: list(news))

    async def until(self, recording: Recording, condition: Callable[[], bool], timeout_s: float = 30.0) -> None:
        async with asyncio.timeout(timeout_s):
            while not condition():  # noqa: ASYNC110 - what is waited for is another process
                await asyncio.sleep(0.05)

    async def until_over(self, recording_id: str = "rec1", timeout_s: float = 40.0) -> Recording:
        async with asyncio.timeout(timeout_s):
            while True:
                for recording in await self.desk.all_of("r1"):
                    if recording.recording_id == recording_id and recording.status in OVER:
                        await asyncio.sleep(0.1)
                        if recording_id not in self.jobs.running:
                            return (await self.desk.all_of("r1"))[-1]
                await asyncio.sleep(0.1)

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


@pytest.fixture
async def redis() -> AsyncIterator[Redis]:
    async with EmbeddedRedis() as server:
        client = Redis.from_url(server.url)
        yield client
        await client.aclose()


@pytest.fixture
async def room() -> AsyncIterator[Room]:
    made = Room()
    yield made
    await made.close()


async def record(case: Case, room: Room, seconds: float) -> Recording:
    recording = case.begin(room)
    await case.until(recording, lambda: recording.status is Status.RECORDING)
    await asyncio.sleep(seconds)
    return recording


def media_of(recording: Recording) -> list[File]:
    return [file for file in recording.files if file.kind == "track"]


async def test_a_recording_from_start_to_manifest(
    redis: Redis, room: Room, tmp_path: Path, s3_server: S3Server
) -> None:
    case = Case(redis, tmp_path, s3_server.options(prefix="a/"))
    recording = await record(case, room, 3.0)
    with pytest.raises(Refused) as twice:
        case.begin(room, "rec2")
    assert twice.value.code == "invalid_state"
    case.desk.note_chat("r1", {"message": "not kept"})
    (running,) = await case.desk.all_of("r1")
    assert running.duration_s > 1.0 and running.size_bytes > 10_000 and running.memory_bytes > 10_000_000
    case.desk.end("r1", "rec1", "bob")
    over = await case.until_over()
    wall_s = over.duration_s
    assert (over.status, over.stopped_by, over.error, over.upload_pending) == (Status.STOPPED, "bob", None, False)
    assert {(f.user_id, f.source, f.codec) for f in media_of(over)} == {
        ("ann", "camera", "VP8"),
        ("ann", "microphone", "opus"),
    }
    for file in media_of(over):
        assert case.duration_of(file) == pytest.approx(wall_s - file.offset_s, abs=0.5)
    manifest = json.loads(case.desk.store.read(over.key_prefix + "manifest.json", 0, 100_000))
    assert [p["display_name"] for p in manifest["participants"]] == ["Ann"]
    assert [status for status, _ in case.told] == [
        Status.RECORDING,
        Status.STOPPING,
        Status.STOPPED,
    ]
    assert list((tmp_path / ".work").iterdir()) == []
    await case.desk.delete(over)
    assert case.desk.store.size(over.files[0].key) is None
    assert await case.desk.all_of("r1") == []
    await case.close()
    assert recording.recording_id == "rec1"


async def test_a_killed_worker_is_replaced_and_its_parts_are_joined(
    redis: Redis, room: Room, tmp_path: Path, s3_server: S3Server
) -> None:
    case = Case(redis, tmp_path, s3_server.options(prefix="b/"))
    # Large packets, so that parts have gone to the storage already when the worker dies.
    room.payload = b"\x78" + bytes(1_100)
    case.options.part_size_mb = 5
    recording = await record(case, room, 3.0)
    case.kill_worker()
    await case.until(recording, lambda: recording.parts == 2)
    await asyncio.sleep(3.0)
    case.desk.end("r1", "rec1", None)
    over = await case.until_over()
    assert (over.status, over.error, over.parts) == (Status.STOPPED, None, 2)
    assert len(media_of(over)) == 2
    for file in media_of(over):
        assert file.parts == 2
        assert case.duration_of(file) == pytest.approx(over.duration_s - file.offset_s, abs=0.6)
        assert sum(b - a for a, b, why in file.gaps) < 3.0
    await case.close()


async def test_what_a_dead_shard_left_is_finished_by_another(redis: Redis, room: Room, tmp_path: Path) -> None:
    dead = Case(redis, tmp_path)
    await record(dead, room, 3.0)
    dead.kill_worker()
    await dead.jobs.running["rec1"].abandon()
    dead.jobs.running.clear()
    case = Case(redis, tmp_path)
    await redis.delete("test:recording-lease:rec1")  # it would end by itself after 20 s
    await case.desk.start()
    over = await case.until_over()
    assert (over.status, over.stop_reason, over.upload_pending) == (Status.STOPPED, "server_gone", False)
    for file in media_of(over):
        assert case.duration_of(file) > 1.0
    assert case.desk.counters["recovered"] == 1
    await case.close()
    await dead.desk.close()


async def test_a_worker_that_lost_its_shard_finishes_alone_and_the_next_shard_takes_note(
    redis: Redis, room: Room, tmp_path: Path
) -> None:
    dead = Case(redis, tmp_path)
    await record(dead, room, 2.0)
    await dead.jobs.running["rec1"].abandon()  # its end of the feed is gone, as when the process is killed
    dead.jobs.running.clear()
    async with asyncio.timeout(20):
        while not (tmp_path / ".work" / "rec1" / "result.json").exists():  # noqa: ASYNC110 - written by a process
            await asyncio.sleep(0.1)
    await redis.delete("test:recording-lease:rec1")
    case = Case(redis, tmp_path)
    await case.desk.start()
    over = await case.until_over()
    assert (over.status, over.upload_pending, len(media_of(over))) == (Status.STOPPED, False, 2)
    for file in media_of(over):
        assert case.duration_of(file) > 1.0
    await case.close()
    await dead.desk.close()


async def test_a_storage_that_is_away_costs_nothing(
    redis: Redis, room: Room, tmp_path: Path, own_s3_server: S3Server
) -> None:
    case = Case(redis, tmp_path / "rec", own_s3_server.options())
    recording = await record(case, room, 1.0)
    own_s3_server.kill()
    await asyncio.sleep(2.0)
    assert recording.status is Status.RECORDING
    case.desk.end("r1", "rec1", None)
    await asyncio.sleep(2.0)
    own_s3_server.start()
    over = await case.until_over()
    assert (over.status, over.error, over.upload_pending) == (Status.STOPPED, None, False)
    for file in media_of(over):
        assert case.duration_of(file) > 2.0
    await case.close()


async def test_refused_credentials_are_told_and_the_media_is_kept_for_later(
    redis: Redis, room: Room, tmp_path: Path, s3_server: S3Server
) -> None:
    wrong = s3_server.options(prefix="c/", secret_access_key="wrong")
    case = Case(redis, tmp_path, wrong, finish_timeout_s=1.0)
    await record(case, room, 1.5)
    case.desk.end("r1", "rec1", None)
    over = await case.until_over()
    assert (over.error, over.upload_pending) == ("storage_failed", True)
    with pytest.raises(Refused) as refusal:
        await case.desk.delete(over)
    assert refusal.value.code == "invalid_state"
    await case.close()
    # The operator corrects the settings: the next start brings it.
    case = Case(redis, tmp_path, s3_server.options(prefix="c/"))
    await case.desk.start()
    await case.until(over, lambda: (Status.STOPPED, None) in case.told)
    over = await case.until_over()
    assert (over.error, over.upload_pending) == (None, False)
    for file in media_of(over):
        assert case.duration_of(file) > 1.0
    await case.close()


@pytest.mark.skipif(os.geteuid() != 0, reason="mounts a file system")
async def test_a_full_disk_loses_nothing_that_was_written(redis: Redis, room: Room, tmp_path: Path) -> None:
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = subprocess.run(  # noqa: ASYNC221 - it takes a millisecond
        ["mount", "-t", "tmpfs", "-o", "size=12m", "tmpfs", str(folder)], check=False
    )
    if mounted.returncode != 0:
        pytest.skip("no file system can be mounted here")
    try:
        case = Case(redis, folder)
        recording = await record(case, room, 3.0)
        filler = folder / "filler"
        with contextlib.suppress(OSError), filler.open("wb") as file:
            while True:
                file.write(bytes(65_536))
                file.flush()
        await case.until(recording, lambda: recording.error == "storage_failed")
        filler.unlink()  # the operator makes room
        over = await case.until_over()
        assert (over.stop_reason, over.upload_pending) == ("storage_failed", False)
        for file in media_of(over):
            assert case.duration_of(file) > 2.0
        await case.close()
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=False)  # noqa: ASYNC221 - it takes a millisecond


async def test_limits_stop_by_themselves(redis: Redis, room: Room, tmp_path: Path) -> None:
    case = Case(redis, tmp_path, max_duration_min=0.04)
    case.begin(room)
    over = await case.until_over()
    assert (over.status, over.stop_reason) == (Status.STOPPED, "max_duration")
    await case.close()


async def test_the_machine_has_no_room(redis: Redis, room: Room, tmp_path: Path) -> None:
    for job_options, options, reason in (
        (JobOptions(max_jobs=0, max_load_per_core=10_000), {}, "max_jobs"),
        (JobOptions(max_load_per_core=10_000, min_free_memory_mb=10**9), {}, "min_free_memory"),
        (JobOptions(max_load_per_core=10_000, min_free_memory_mb=0), {"min_free_mb": 10**9}, "min_free_disk"),
    ):
        case = Case(redis, tmp_path, **options)
        case.jobs.options = job_options
        with pytest.raises(Refused) as refusal:
            case.begin(room)
        assert (refusal.value.code, refusal.value.details) == ("unavailable", {"reason": reason})
        await case.close()
