"""Recordings of rooms that go from one shard to another: one file that plays, whoever wrote which part of it."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from redis.asyncio import Redis

from media.feed import Participant
from recorder.model import Options, Recording, Status
from tests.support.playback import play
from tests.support.recording_desk import Case, Room
from tests.support.s3_server import S3Server


async def go_on(case: Case, room: Room) -> Recording:
    """What the bridge does when a room is re-formed."""
    (interrupted,) = await case.desk.interrupted("r1")
    further = case.desk.go_on(interrupted, room, lambda: [Participant("ann", "Ann")])
    assert (further.leg, further.parts, further.started_by) == (2, 2, "ann")
    return further


async def fetch(case: Case, recording: Recording, folder: Path) -> Path:
    """The recording's program."""
    (program,) = [file for file in recording.files if file.kind == "program"]
    assert case.desk.store.size(program.key) == program.size_bytes
    path = folder / program.name
    path.write_bytes(case.desk.store.read(program.key, 0, program.size_bytes))
    return path


async def test_a_room_that_moves_leaves_one_recording(
    redis: Redis, room: Room, tmp_path: Path, s3_server: S3Server
) -> None:
    """Two machines: folders of their own, one object storage."""
    one = Case(redis, tmp_path / "one", s3_server.options(prefix="legs/"))
    two = Case(redis, tmp_path / "two", s3_server.options(prefix="legs/"))
    options = Options(mode="both", quality="480p", chat=True)
    first = one.begin(room, options=options)
    await one.until(first, lambda: first.status is Status.RECORDING)
    one.desk.note_chat("r1", {"message": "before"})
    await asyncio.sleep(3.0)
    second = await go_on(two, room)
    one.desk.hand_over("r1")
    await two.until(second, lambda: second.status is Status.RECORDING)
    two.desk.note_chat("r1", {"message": "after"})
    await asyncio.sleep(3.0)
    two.desk.end("r1", "rec1", "bob")
    over = await two.until_over()
    assert (over.status, over.stopped_by, over.error, over.upload_pending) == (Status.STOPPED, "bob", None, False)
    assert [status for status, _ in one.told] == [Status.RECORDING], "its end is no news: it goes on"
    assert [status for status, _ in two.told] == [Status.RECORDING, Status.STOPPING, Status.STOPPED]

    played = await play(await fetch(two, over, tmp_path))
    assert (played.kinds, played.complaints) == ({"video", "audio"}, "")
    assert abs(played.duration_s - over.duration_s) < 1.0 and over.duration_s > 6.0
    assert over.duration_s - played.last_s < 1.0
    names = {file.name for file in over.files}
    assert {"program.mp4", "ann-camera.webm", "ann-camera-2.webm", "previews.jpg", "previews-2.jpg"} <= names
    read = {
        file.name: two.desk.store.read(file.key, 0, file.size_bytes).decode()
        for file in over.files
        if file.name.endswith((".json", ".vtt", ".jsonl"))
    }
    manifest = json.loads(read["manifest.json"])
    assert manifest["legs"] == 2
    assert [event["kind"] for event in manifest["events"] if event["user_id"] == "ann"].count("joined") == 1
    assert [json.loads(line)["message"] for line in read["chat.jsonl"].splitlines()] == ["before", "after"]
    assert "previews.jpg#" in read["previews.vtt"] and "previews-2.jpg#" in read["previews.vtt"]
    assert two.desk.store.size(over.key_prefix + "program-2.mp4") is None, "it went into the whole"
    for case in (one, two):
        await case.close()
        assert list((case.options.folder / ".work").iterdir()) == []


async def test_a_shard_and_its_worker_die_and_the_recording_goes_on(redis: Redis, room: Room, tmp_path: Path) -> None:
    """One machine: the folder is shared, and what the dead had not finished is finished by the other."""
    dead = Case(redis, tmp_path)
    options = Options(quality="480p", container="webm")
    first = dead.begin(room, options=options)
    await dead.until(first, lambda: first.status is Status.RECORDING)
    await asyncio.sleep(2.5)
    dead.kill_worker()
    await dead.jobs.running["rec1"].abandon()
    dead.jobs.running.clear()
    case = Case(redis, tmp_path)
    second = await go_on(case, room)
    await redis.delete("test:recording-lease:rec1")  # it would end by itself after 20 s
    await case.desk.start()
    await case.until(second, lambda: second.status is Status.RECORDING)
    await asyncio.sleep(2.5)
    case.desk.end("r1", "rec1", None)
    over = await case.until_over()
    assert (over.status, over.error, over.upload_pending, over.leg) == (Status.STOPPED, None, False, 2)
    assert (Status.STOPPING, None) in case.told and case.told.count((Status.STOPPED, None)) == 1
    played = await play(await fetch(case, over, tmp_path))
    assert (played.kinds, played.complaints) == ({"video", "audio"}, "")
    assert abs(played.duration_s - over.duration_s) < 1.0 and over.duration_s > 5.0
    assert over.duration_s - played.last_s < 1.0
    await case.close()
    await dead.desk.close()


async def test_what_never_comes_is_waited_for_and_then_left_out(redis: Redis, room: Room, tmp_path: Path) -> None:
    """The machine of the first part is gone for good."""
    lost = Case(redis, tmp_path / "lost")
    first = lost.begin(room, options=Options(mode="tracks"))
    await lost.until(first, lambda: first.status is Status.RECORDING)
    lost.kill_worker()
    await lost.jobs.running["rec1"].abandon()
    lost.jobs.running.clear()
    case = Case(redis, tmp_path / "other", finish_timeout_s=0.5)
    second = await go_on(case, room)
    await case.until(second, lambda: second.status is Status.RECORDING)
    await asyncio.sleep(2.0)
    case.desk.end("r1", "rec1", None)
    over = await case.until_over()
    assert (over.upload_pending, over.error) == (True, "storage_failed"), "it is waited for"
    await case.close()
    case = Case(redis, tmp_path / "other", finish_timeout_s=0.5, earlier_part_wait_min=0.0)
    await case.desk.start()
    await case.until(over, lambda: case.desk.counters["finished"] == 1)
    over = await case.until_over()
    assert not over.upload_pending and "another server" in (over.error_message or "")
    assert {file.name for file in over.files if file.kind == "track"} == {"ann-camera-2.webm", "ann-microphone-2.webm"}
    await case.close()
    await lost.desk.close()
