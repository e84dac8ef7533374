"""Recordings of a room by the real worker, and what can break: worker, shard, storage, credentials, disk."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import subprocess
from pathlib import Path

import pytest
from redis.asyncio import Redis

from media.jobs.options import JobOptions
from recorder.desk import Refused
from recorder.model import Status
from tests.support.recording_desk import Case, Room, media_of, record
from tests.support.s3_server import S3Server


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
