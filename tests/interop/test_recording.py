"""A room that real browsers fill, recorded: what is in the store afterwards is whole, plays and seeks."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from recorder.storage.s3 import S3Store
from scripts.embedded_redis import EmbeddedRedis
from tests.interop.conftest import SETTINGS
from tests.support.chromium import Chromium
from tests.support.media_judge import judge
from tests.support.participant import Participant, eventually
from tests.support.s3_server import ACCESS_KEY, BUCKET, SECRET_KEY, S3Server
from tests.support.server import PlenumServer

RECORD_S = 6.0


@pytest.fixture(scope="module")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    with S3Server(tmp_path_factory.mktemp("s3")) as server:
        yield server


def settings_of(folder: Path, s3_server: S3Server | None = None) -> dict[str, str]:
    settings = {
        **SETTINGS,
        "PLENUM_RECORDING__FOLDER": str(folder / "recordings"),
        "PLENUM_JOBS__MAX_LOAD_PER_CORE": "1000",
        "PLENUM_RECORDING__MIN_FREE_MB": "10",
        "PLENUM_RECORDING__PART_SIZE_MB": "5",
    }
    if s3_server is None:
        return settings
    return {
        **settings,
        "PLENUM_RECORDING__S3__BUCKET": BUCKET,
        "PLENUM_RECORDING__S3__ENDPOINT_URL": s3_server.url,
        "PLENUM_RECORDING__S3__ACCESS_KEY_ID": ACCESS_KEY,
        "PLENUM_RECORDING__S3__SECRET_ACCESS_KEY": SECRET_KEY,
        "PLENUM_RECORDING__S3__PATH_STYLE": "true",
        "PLENUM_PAGE__MEDIA_SOURCES": s3_server.url,
    }


class Api:
    """REST calls about one room as its host."""

    def __init__(self, server: PlenumServer, room: str) -> None:
        self._server, self._room = server, room
        self._headers = {"Authorization": f"Bearer {server.token('ada', room=room, role='host')}"}

    async def call(self, method: str, path: str, body: Any = None) -> httpx.Response:
        async with httpx.AsyncClient() as client:
            url = f"{self._server.url}/webrtc/rooms/{self._room}{path}"
            return await client.request(method, url, json=body, headers=self._headers, timeout=20)

    async def start(self, **options: Any) -> str:
        answer = await self.call("POST", "/recordings/start", options)
        assert answer.status_code == 200, answer.text
        recording_id: str = answer.json()["recording_id"]
        return recording_id

    async def stop(self, recording_id: str) -> None:
        answer = await self.call("POST", f"/recordings/{recording_id}/stop")
        assert answer.status_code == 200, answer.text

    async def recording(self, recording_id: str) -> dict[str, Any]:
        listed = (await self.call("GET", "/recordings")).json()["recordings"]
        found: dict[str, Any] = next(entry for entry in listed if entry["recording_id"] == recording_id)
        return found

    async def until(self, recording_id: str, *statuses: str, timeout_s: float = 40) -> dict[str, Any]:
        async def reached() -> bool:
            return (await self.recording(recording_id))["status"] in statuses

        await eventually(reached, timeout_s=timeout_s)
        return await self.recording(recording_id)


async def fetch(server: PlenumServer, file: dict[str, Any], folder: Path) -> Path:
    """The file, by its address."""
    url = file["download_url"]
    path = folder / file["name"]
    async with httpx.AsyncClient() as client:
        answer = await client.get(url if url.startswith("http") else server.url + url, timeout=30)
    assert answer.status_code == 200, answer.text
    assert len(answer.content) == file["size_bytes"]
    path.write_bytes(answer.content)
    return path


async def plays_and_seeks(chromium: Chromium, server: PlenumServer, url: str, seek_s: float) -> dict[str, Any]:
    """What a <video> element in Chromium makes of an address."""
    tab = await chromium.open(server.url)
    try:
        found: dict[str, Any] = await tab.page.evaluate(PLAY, [url, seek_s])
        return found
    finally:
        await tab.close()


PLAY = """async ([url, seek]) => {
  const video = document.createElement("video");
  video.muted = true;
  video.src = url;
  document.body.append(video);
  const until = (name) => new Promise((done, failed) => {
    video.addEventListener(name, done, { once: true });
    video.addEventListener("error", () => failed(new Error(video.error.message)), { once: true });
    setTimeout(() => failed(new Error(`no ${name}`)), 15000);
  });
  await until("loadedmetadata");
  const duration = video.duration;
  video.currentTime = seek;
  await until("seeked");
  const landed = video.currentTime;
  await video.play();
  await new Promise((done) => setTimeout(done, 700));
  const quality = video.getVideoPlaybackQuality ? video.getVideoPlaybackQuality().totalVideoFrames : 0;
  return { duration, landed, played: video.currentTime, frames: quality, width: video.videoWidth };
}"""


@pytest.mark.parametrize("codec", ["VP8", "H264"])
async def test_tracks_and_program_to_s3(chromium: Chromium, tmp_path: Path, s3_server: S3Server, codec: str) -> None:
    async with PlenumServer(tmp_path, settings_of(tmp_path, s3_server)) as server:
        room = f"rec-{codec.lower()}"
        api = Api(server, room)
        ada = await Participant.open(chromium, server, room, "ada")
        await ada.publish("camera", codec=f"video/{codec}")
        await ada.publish("microphone", toneHz=440)
        recording_id = await api.start(mode="both", quality="480p", chat=True)
        await api.until(recording_id, "recording")
        began = time.time()
        bela = await Participant.open(chromium, server, room, "bela")
        told = (await bela.inbox("room-state"))[0]["payload"]["recordings"]
        assert [(entry["recording_id"], entry["status"]) for entry in told] == [(recording_id, "recording")]
        await asyncio.sleep(RECORD_S - (time.time() - began))
        running = await api.recording(recording_id)
        assert running["duration_s"] > 3 and running["size_bytes"] > 10_000 and running["memory_bytes"] > 1_000_000
        await api.stop(recording_id)
        ended = await api.until(recording_id, "stopped", "failed")
        wall_s = _seconds_between(ended["started_at"], ended["stopped_at"])
        assert (ended["status"], ended["error_code"], ended["stopped_by"]) == ("stopped", None, "ada"), ended
        files = {file["name"]: file for file in ended["files"]}
        suffix = "mp4" if codec == "H264" else "webm"
        assert {"program.mp4", f"ada-camera.{suffix}", "ada-microphone.webm", "manifest.json"} <= set(files)
        paths = {name: await fetch(server, file, tmp_path) for name, file in files.items()}
        program = judge(paths["program.mp4"])
        assert {s["codec_name"] for s in program["streams"]} == {"h264", "aac"}
        assert float(program["format"]["duration"]) == pytest.approx(wall_s, abs=0.25)
        camera = judge(paths[f"ada-camera.{suffix}"])
        assert camera["streams"][0]["codec_name"] == codec.lower()
        voice = judge(paths["ada-microphone.webm"])
        assert float(voice["format"]["duration"]) == pytest.approx(
            ended["duration_s"] - files["ada-microphone.webm"]["offset_s"], abs=0.4
        )
        for name in ("program.mp4", f"ada-camera.{suffix}"):
            seen = await plays_and_seeks(chromium, server, files[name]["stream_url"], 3.0)
            assert seen["duration"] == pytest.approx(files[name]["duration_s"], abs=0.1), name
            assert abs(seen["landed"] - 3.0) < 0.1 and seen["played"] > 3.2 and seen["frames"] > 3, (name, seen)
        manifest = json.loads(paths["manifest.json"].read_text())
        assert [p["user_id"] for p in manifest["participants"]] == ["ada", "bela"]
        assert "bela joined" in paths["chapters.vtt"].read_text().lower()
        assert not list((tmp_path / "recordings" / ".work").iterdir())
        await ada.close()
        await bela.close()
    assert S3Store(s3_server.options()).size("x") is None


def worker_pid(server: PlenumServer) -> int:
    """The recording worker of a server: its child that runs our module."""
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            parent = int(path.read_text().rpartition(")")[2].split()[1])
            if parent == server.pid and b"recorder.worker" in (path.parent / "cmdline").read_bytes():
                return int(path.parent.name)
    raise AssertionError("no worker runs")


async def check_files(server: PlenumServer, ended: dict[str, Any], folder: Path) -> dict[str, float]:
    """Every media file is whole; their lengths."""
    lengths = {}
    for file in ended["files"]:
        if file["kind"] in ("program", "track"):
            probed = judge(await fetch(server, file, folder))
            lengths[file["name"]] = float(probed["format"]["duration"])
            assert lengths[file["name"]] == pytest.approx(file["duration_s"], abs=0.15)
    return lengths


async def test_a_killed_worker_costs_seconds_and_the_parts_are_joined(
    chromium: Chromium, tmp_path: Path, s3_server: S3Server
) -> None:
    async with PlenumServer(tmp_path, settings_of(tmp_path, s3_server)) as server:
        api = Api(server, "killed")
        ada = await Participant.open(chromium, server, "killed", "ada")
        await ada.publish("camera", codec="video/VP8")
        await ada.publish("microphone", toneHz=440)
        recording_id = await api.start(mode="both", quality="480p")
        await api.until(recording_id, "recording")
        await asyncio.sleep(4)
        os.kill(worker_pid(server), signal.SIGKILL)
        await asyncio.sleep(6)
        assert (await api.recording(recording_id))["parts"] == 2
        await api.stop(recording_id)
        ended = await api.until(recording_id, "stopped", "failed")
        assert (ended["status"], ended["error_code"], ended["upload_pending"]) == ("stopped", None, False), ended
        lengths = await check_files(server, ended, tmp_path)
        wall_s = _seconds_between(ended["started_at"], ended["stopped_at"])
        assert set(lengths) == {"program.mp4", "ada-camera.webm", "ada-microphone.webm"}
        assert lengths["program.mp4"] == pytest.approx(wall_s, abs=0.6)
        assert lengths["ada-camera.webm"] > wall_s - 1.5
        packets = await asyncio.to_thread(packet_times, tmp_path / "program.mp4")
        gaps = [b - a for a, b in itertools.pairwise(packets)]
        assert max(gaps) < 3.0, "more than three seconds are missing"
        program = next(file for file in ended["files"] if file["kind"] == "program")
        seen = await plays_and_seeks(chromium, server, program["stream_url"], wall_s - 2)
        assert seen["played"] > wall_s - 1.8
        server.forget_log()  # the death of a worker is an error there, as it should be
        await ada.close()


def packet_times(path: Path) -> list[float]:
    """When each picture of a file is shown."""
    command = ["ffprobe", "-v", "error", "-select_streams", "v", "-show_entries", "packet=pts_time", "-of", "csv=p=0"]
    found = subprocess.run([*command, str(path)], capture_output=True, text=True, check=True).stdout
    return sorted(float(line.strip(",")) for line in found.split() if line.strip(","))


async def test_a_killed_server_leaves_a_recording_that_the_next_one_finishes(
    chromium: Chromium, tmp_path: Path
) -> None:
    async with EmbeddedRedis() as redis:
        server = PlenumServer(tmp_path, {**settings_of(tmp_path), "PLENUM_REDIS__URL": redis.url})
        await server.start()
        try:
            await _killed_server(chromium, server, tmp_path)
        finally:
            await server.stop(check=False)


async def _killed_server(chromium: Chromium, server: PlenumServer, tmp_path: Path) -> None:
    api = Api(server, "gone")
    ada = await Participant.open(chromium, server, "gone", "ada")
    await ada.publish("camera", codec="video/VP8")
    await ada.publish("microphone", toneHz=440)
    recording_id = await api.start(mode="both", quality="480p")
    await api.until(recording_id, "recording")
    await asyncio.sleep(4)
    worker = worker_pid(server)
    os.kill(worker, signal.SIGKILL)
    await server.kill()
    await ada.close()
    await server.start()
    ended = await api.until(recording_id, "stopped", "failed", timeout_s=60)
    assert (ended["status"], ended["stop_reason"], ended["upload_pending"]) == ("stopped", "server_gone", False)
    lengths = await check_files(server, ended, tmp_path)
    assert set(lengths) == {"program.mp4", "ada-camera.webm", "ada-microphone.webm"}
    assert lengths["program.mp4"] > 2.0 and lengths["ada-camera.webm"] > 1.0
    program = next(file for file in ended["files"] if file["kind"] == "program")
    seen = await plays_and_seeks(chromium, server, server.url + program["stream_url"], 1.0)
    assert seen["played"] > 1.1 and seen["duration"] == pytest.approx(program["duration_s"], abs=0.1)
    # Ranges of the local store, and addresses that nobody made.
    async with httpx.AsyncClient() as client:
        part = await client.get(server.url + program["stream_url"], headers={"Range": "bytes=4-7"})
        assert (part.status_code, part.content) == (206, b"ftyp")
        forged = program["stream_url"][:-3] + "AAA"
        assert (await client.get(server.url + forged)).status_code == 403
    gone = await api.call("DELETE", f"/recordings/{recording_id}")
    assert gone.status_code == 200, gone.text
    async with httpx.AsyncClient() as client:
        assert (await client.get(server.url + program["stream_url"])).status_code == 404
    server.forget_log()


def _seconds_between(start: str, end: str) -> float:
    return (datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds()
