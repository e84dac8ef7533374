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


async def test_a_recording_from_start_to_manifest_whose_worker_is_killed(
    redis: Redis, room: Room, tmp_path: Path, s3_server: S3Server
) -> None:
    case = Case(redis, tmp_path, s3_server.options(prefix="a/"))
    # Large packets, so that there is something in the storage already when the worker dies.
    room.payload = b"\x78" + bytes(1_100)
    recording = await record(case, room, 2.0)
    with pytest.raises(Refused) as twice:
        case.begin(room, "rec2")
    assert twice.value.code == "invalid_state"
    (running,) = await case.desk.all_of("r1")
    assert running.duration_s > 1.0 and running.size_bytes > 10_000 and running.memory_bytes > 10_000_000
    so_far_ms = case.jobs.running["rec1"].status["duration_ms"]
    case.kill_worker()
    await case.until(recording, lambda: recording.parts == 2)
    await case.until(recording, lambda: case.jobs.running["rec1"].status["duration_ms"] > so_far_ms + 2_500)
    case.desk.end("r1", "rec1", "bob")
    over = await case.until_over()
    assert (over.status, over.stopped_by, over.error, over.upload_pending) == (Status.STOPPED, "bob", None, False)
    assert over.parts == 2
    assert {(f.user_id, f.source, f.codec) for f in media_of(over)} == {
        ("ann", "camera", "VP8"),
        ("ann", "microphone", "opus"),
    }
    for file in media_of(over):
        assert file.parts == 2
        assert case.duration_of(file) == pytest.approx(over.duration_s - file.offset_s, abs=0.2)
        assert sum(b - a for a, b, why in file.gaps) < 3.0
    manifest = json.loads(case.desk.store.read(over.key_prefix + "manifest.json", 0, 100_000))
    assert [p["display_name"] for p in manifest["participants"]] == ["Ann"]
    statuses = [status for status, _ in case.told]
    assert list(dict.fromkeys(statuses)) == [Status.RECORDING, Status.STOPPING, Status.STOPPED]
    assert list((tmp_path / ".work").iterdir()) == []
    await case.desk.delete(over)
    assert case.desk.store.size(over.files[0].key) is None
    assert await case.desk.all_of("r1") == []
    await case.close()


async def test_what_a_dead_shard_left_is_finished_or_taken_note_of_by_another(
    redis: Redis, room: Room, tmp_path: Path
) -> None:
    """One recording whose worker died with its shard, and one whose worker saw that and finished alone."""
    dead = Case(redis, tmp_path)
    dead.begin(room, "alone", room_id="r2")
    await record(dead, room, 2.5)
    dead.kill_worker()
    for name in ("rec1", "alone"):
        await dead.jobs.running[name].abandon()  # its end of the feed is gone, as when the process is killed
    dead.jobs.running.clear()
    async with asyncio.timeout(30):
        while not (tmp_path / ".work" / "alone" / "result.json").exists():  # noqa: ASYNC110 - written by a process
            await asyncio.sleep(0.1)
    case = Case(redis, tmp_path)
    for name in ("rec1", "alone"):
        await redis.delete(f"test:recording-lease:{name}")  # it would end by itself after 20 s
    await case.desk.start()
    for name, room_id in (("rec1", "r1"), ("alone", "r2")):
        over = await case.until_over(name, room_id)
        assert (over.status, over.stop_reason, over.upload_pending) == (Status.STOPPED, "server_gone", False)
        assert len(media_of(over)) == 2
        for file in media_of(over):
            assert case.duration_of(file) > 1.0
    assert case.desk.counters["recovered"] == 2
    await case.close()
    await dead.desk.close()


async def test_a_storage_that_is_away_costs_nothing(
    redis: Redis, room: Room, tmp_path: Path, own_s3_server: S3Server
) -> None:
    case = Case(redis, tmp_path / "rec", own_s3_server.options())
    recording = await record(case, room, 0.5)
    own_s3_server.kill()
    await asyncio.sleep(1.5)
    assert recording.status is Status.RECORDING
    case.desk.end("r1", "rec1", None)
    await asyncio.sleep(0.7)
    await asyncio.to_thread(own_s3_server.start)
    over = await case.until_over()
    assert (over.status, over.error, over.upload_pending) == (Status.STOPPED, None, False)
    for file in media_of(over):
        assert case.duration_of(file) == pytest.approx(over.duration_s - file.offset_s, abs=0.2)
    await case.close()


async def test_a_limit_stops_and_media_that_the_storage_refuses_is_kept_for_later(
    redis: Redis, room: Room, tmp_path: Path, s3_server: S3Server
) -> None:
    wrong = s3_server.options(prefix="c/", secret_access_key="wrong")
    case = Case(redis, tmp_path, wrong, finish_timeout_s=0.5, max_duration_min=0.04)
    case.begin(room)
    over = await case.until_over()
    assert (over.error, over.upload_pending, over.stop_reason) == ("storage_failed", True, "max_duration")
    assert over.duration_s >= 2.4
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
        assert case.duration_of(file) == pytest.approx(over.duration_s - file.offset_s, abs=0.2)
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
        recording = await record(case, room, 2.0)
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
            assert case.duration_of(file) > 1.0
        await case.close()
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=False)  # noqa: ASYNC221 - it takes a millisecond


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
