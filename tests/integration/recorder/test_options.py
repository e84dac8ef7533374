"""What may be asked of a recording and set by the operator, by the real worker and on the real S3 server."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from redis.asyncio import Redis

from recorder.model import Options, Recording, Status
from recorder.storage.s3 import connect
from tests.support.media_judge import judge
from tests.support.recording_desk import Case, Room, media_of
from tests.support.s3_server import BUCKET, S3Server

EVERYTHING = Options(
    mode="both",
    container="webm",
    quality="480p",
    participants=("bob",),
    file_name="{room}/{date}/{name}",
    storage_prefix="meetings/",
    chat=True,
)
SOUND = Options(mode="both", audio_only=True)


def fetch(case: Case, recording: Recording, folder: Path) -> dict[str, Path]:
    """All files of a recording, from the store, by name."""
    folder.mkdir()
    for file in recording.files:
        (folder / file.name).write_bytes(case.desk.store.read(file.key, 0, 1 << 24))
    return {file.name: folder / file.name for file in recording.files}


async def test_what_is_asked_for_is_what_is_made_and_kept_as_long_as_is_set(
    redis: Redis, tmp_path: Path, s3_server: S3Server
) -> None:
    s3 = s3_server.options(prefix="plenum/", sse="AES256")
    case = Case(redis, tmp_path / "work", s3, keep_days=1)
    room = Room("ann", "bob")
    full = case.begin(room, "full", EVERYTHING)
    sound = case.begin(room, "sound", SOUND, "r2")
    for recording in (full, sound):
        await case.until(recording, lambda r=recording: r.status is Status.RECORDING)  # type: ignore[misc]
    for message in ("good morning", "grüß Gott"):
        case.desk.note_chat("r1", {"username": "ann", "message": message})
    case.desk.note_chat("r2", {"username": "ann", "message": "nobody asked for it"})
    await asyncio.sleep(2.0)
    case.desk.end("r1", "full", None)
    case.desk.end("r2", "sound", None)
    full, sound = await case.until_over("full"), await case.until_over("sound", "r2")
    await room.close()
    assert (full.error, sound.error) == (None, None)

    # Whose media, where it lies, and that the storage encrypts it.
    assert {file.user_id for file in media_of(full)} == {"bob"}
    folder = f"meetings/r1/{full.started_at[:10]}/"
    assert {file.key for file in full.files} == {folder + file.name for file in full.files}
    client = connect(s3)
    for file in full.files:
        head = await asyncio.to_thread(client.head_object, Bucket=BUCKET, Key=f"plenum/{file.key}")
        assert head["ServerSideEncryption"] == "AES256", file.name
        assert head["ContentType"].partition(";")[0] == file.content_type
    client.close()

    # A program in WebM, the chat, and what the manifest says of them.
    paths = fetch(case, full, tmp_path / "full")
    assert {s["codec_name"] for s in judge(paths["program.webm"])["streams"]} == {"vp8", "opus"}
    lines = [json.loads(line) for line in paths["chat.jsonl"].read_text().splitlines()]
    assert [line["message"] for line in lines] == ["good morning", "grüß Gott"]
    manifest = json.loads(paths["manifest.json"].read_text())
    assert {"program.webm", "bob-camera.webm", "bob-microphone.webm", "chat.jsonl", "chapters.vtt"} <= {
        file["name"] for file in manifest["files"]
    }
    assert manifest["options"]["participants"] == ["bob"]

    # Sound alone: nobody's pictures, no poster, no chat.
    paths = fetch(case, sound, tmp_path / "sound")
    assert [s["codec_name"] for s in judge(paths["program.m4a"])["streams"]] == ["aac"]
    assert set(paths) == {"program.m4a", "ann-microphone.webm", "bob-microphone.webm", "chapters.vtt", "manifest.json"}

    # A day later they are gone.
    await case.close()
    await redis.zadd("test:recordings-kept", {"r1|full": 1.0}, xx=True)
    later = Case(redis, tmp_path / "work", s3)
    await later.desk.start()
    await later.until(full, lambda: later.desk.counters["deleted"] == 1)
    assert [later.desk.store.size(file.key) for file in full.files] == [None] * len(full.files)
    assert later.desk.store.size(sound.files[0].key) is not None, "its time has not come"
    assert [r.recording_id for r in await later.desk.all_of("r1")] == []
    await later.close()


async def test_who_comes_back_is_in_files_of_its_own_also_after_a_crash(redis: Redis, tmp_path: Path) -> None:
    """Again and again: in the same attempt of the worker, and when a new one has begun."""
    case = Case(redis, tmp_path / "work")
    room = Room("ann")
    recording = case.begin(room)

    async def has_files(count: int) -> None:
        await case.until(recording, lambda: case.jobs.running["rec1"].status.get("files", 0) >= count)
        await asyncio.sleep(1.5)  # media is written each second

    await has_files(2)
    room.leave("ann")
    room.join("ann")
    await has_files(4)
    case.kill_worker()
    await case.until(recording, lambda: recording.parts == 2)
    room.leave("ann")
    room.join("ann")
    await has_files(6)
    case.desk.end("r1", "rec1", None)
    over = await case.until_over()
    await room.close()
    files = media_of(over)
    assert len(files) == len({file.key for file in files}) == len({file.publication_id for file in files}) == 6
    paths = fetch(case, over, tmp_path / "files")
    for file in files:
        judge(paths[file.name])
        assert case.duration_of(file) > 0.5, file
    begins = sorted(file.offset_s for file in files if file.source == "camera")
    assert begins[1] - begins[0] > 1.0 and begins[2] - begins[1] > 1.0
    await case.close()
