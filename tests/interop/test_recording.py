"""A room that real browsers fill, recorded: what is in the store afterwards is whole, plays and seeks."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import os
import signal
import subprocess
from collections.abc import AsyncIterator, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import av
import httpx
import pytest
import pytest_asyncio

from scripts.embedded_redis import EmbeddedRedis
from tests.interop.conftest import SETTINGS
from tests.support.chromium import Chromium, Tab
from tests.support.media_judge import judge
from tests.support.participant import Participant, eventually
from tests.support.s3_server import ACCESS_KEY, BUCKET, SECRET_KEY, S3Server
from tests.support.server import PlenumServer

LAYERS = [
    {"rid": "q", "scaleResolutionDownBy": 4, "maxBitrate": 80_000},
    {"rid": "h", "scaleResolutionDownBy": 2, "maxBitrate": 200_000},
    {"rid": "f", "maxBitrate": 600_000},
]


@pytest.fixture(scope="module")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    with S3Server(tmp_path_factory.mktemp("s3")) as server:
        yield server


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def recorder(tmp_path_factory: pytest.TempPathFactory, s3_server: S3Server) -> AsyncIterator[PlenumServer]:
    """A server that records to the S3 server."""
    folder = tmp_path_factory.mktemp("recorder")
    async with PlenumServer(folder, settings_of(folder, s3_server)) as server:
        yield server


def settings_of(folder: Path, s3_server: S3Server | None = None) -> dict[str, str]:
    settings = {
        **SETTINGS,
        "PLENUM_RECORDING__FOLDER": str(folder / "recordings"),
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
        self.token = server.token("ada", room=room, role="host")

    async def call(self, method: str, path: str, body: Any = None) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.token}"}
        async with httpx.AsyncClient() as client:
            url = f"{self._server.url}/webrtc/rooms/{self._room}{path}"
            return await client.request(method, url, json=body, headers=headers, timeout=20)

    async def start(self, **options: Any) -> str:
        answer = await self.call("POST", "/recordings/start", options)
        assert answer.status_code == 200, answer.text
        recording_id: str = answer.json()["recording_id"]
        await self.until(recording_id, "recording")
        return recording_id

    async def end(self, recording_id: str) -> dict[str, Any]:
        answer = await self.call("POST", f"/recordings/{recording_id}/stop")
        assert answer.status_code == 200, answer.text
        ended = await self.until(recording_id, "stopped", "failed")
        assert (ended["status"], ended["error_code"], ended["upload_pending"]) == ("stopped", None, False), ended
        return ended

    async def recordings(self) -> list[dict[str, Any]]:
        listed: list[dict[str, Any]] = (await self.call("GET", "/recordings")).json()["recordings"]
        return listed

    async def recording(self, recording_id: str) -> dict[str, Any]:
        return next(entry for entry in await self.recordings() if entry["recording_id"] == recording_id)

    async def until(self, recording_id: str, *statuses: str, timeout_s: float = 60) -> dict[str, Any]:
        async def reached() -> bool:
            return (await self.recording(recording_id))["status"] in statuses

        await eventually(reached, timeout_s=timeout_s)
        return await self.recording(recording_id)

    async def lasts(self, recording_id: str, seconds: float) -> None:
        """Until the recording has that length."""

        async def reached() -> bool:
            return float((await self.recording(recording_id))["duration_s"]) >= seconds

        await eventually(reached, timeout_s=60)


async def fetch(server: PlenumServer, ended: dict[str, Any], folder: Path) -> dict[str, Path]:
    """All files of a recording, by their addresses."""
    paths = {}
    async with httpx.AsyncClient() as client:
        for file in ended["files"]:
            url = file["download_url"]
            answer = await client.get(url if url.startswith("http") else server.url + url, timeout=30)
            assert answer.status_code == 200, answer.text
            assert len(answer.content) == file["size_bytes"]
            paths[file["name"]] = folder / file["name"]
            paths[file["name"]].write_bytes(answer.content)
    return paths


async def lengths_of(ended: dict[str, Any], paths: dict[str, Path]) -> dict[str, float]:
    """Every media file is whole, and lasts from where it begins to the end of the recording; their lengths."""
    lengths = {}
    for file in ended["files"]:
        if file["kind"] in ("program", "track"):
            probed = await asyncio.to_thread(judge, paths[file["name"]])
            lengths[file["name"]] = float(probed["format"]["duration"])
            assert lengths[file["name"]] == pytest.approx(file["duration_s"], abs=0.1), file
    return lengths


class Player:
    """A tab with a <video> element, for one file after the other."""

    def __init__(self, tab: Tab) -> None:
        self._tab = tab

    async def plays_and_seeks(self, url: str, seek_s: float) -> dict[str, Any]:
        """What Chromium makes of an address."""
        found: dict[str, Any] = await self._tab.page.evaluate(PLAY, [url, seek_s])
        return found


@pytest_asyncio.fixture(loop_scope="session")
async def player(chromium: Chromium, recorder: PlenumServer) -> AsyncIterator[Player]:
    tab = await chromium.open(recorder.url)
    yield Player(tab)
    await tab.close()


PLAY = """async ([url, seek]) => {
  const video = document.createElement("video");
  video.muted = true;
  video.src = url;
  document.body.append(video);
  const until = (name, condition = () => true) => new Promise((done, failed) => {
    video.addEventListener(name, () => condition() && done());
    video.addEventListener("error", () => failed(new Error(video.error.message)), { once: true });
    setTimeout(() => failed(new Error(`no ${name}`)), 20000);
  });
  await until("loadedmetadata");
  const duration = video.duration;
  video.currentTime = seek;
  await until("seeked");
  const landed = video.currentTime;
  void video.play();
  await until("timeupdate", () => video.currentTime > landed + 0.2);
  const frames = video.getVideoPlaybackQuality().totalVideoFrames;
  const found = { duration, landed, frames, width: video.videoWidth };
  video.remove();
  return found;
}"""


async def test_tracks_and_program_to_s3_and_on_the_page(
    chromium: Chromium, recorder: PlenumServer, player: Player, tmp_path: Path
) -> None:
    room = "rec"
    api = Api(recorder, room)
    ada = await Participant.open(chromium, recorder, room, "ada")
    await ada.publish("camera", codec="video/VP8")
    await ada.publish("microphone", toneHz=440)
    recording_id = await api.start(mode="both", quality="480p", chat=True)
    bela = await Participant.open(chromium, recorder, room, "bela")
    told = (await bela.inbox("room-state"))[0]["payload"]["recordings"]
    assert [(entry["recording_id"], entry["status"]) for entry in told] == [(recording_id, "recording")]
    await bela.publish("camera", codec="video/H264")
    await api.lasts(recording_id, 5.0)
    running = await api.recording(recording_id)
    assert running["size_bytes"] > 10_000 and running["memory_bytes"] > 1_000_000
    ended = await api.end(recording_id)
    await ada.close()
    await bela.close()
    assert ended["stopped_by"] == "ada"
    paths = await fetch(recorder, ended, tmp_path)
    lengths = await lengths_of(ended, paths)
    assert set(lengths) == {"program.mp4", "ada-camera.webm", "ada-microphone.webm", "bela-camera.mp4"}
    files = {file["name"]: file for file in ended["files"]}
    wall_s = _seconds_between(ended["started_at"], ended["stopped_at"])
    for name, length_s in lengths.items():
        # A browser on a busy machine reports the clocks of its tracks late; the program goes by ours.
        tolerance_s = 0.12 if name == "program.mp4" else 0.4
        assert length_s + files[name]["offset_s"] == pytest.approx(wall_s, abs=tolerance_s), name
    for name, seek_s in (("program.mp4", 3.0), ("ada-camera.webm", 2.0), ("bela-camera.mp4", 0.5)):
        seen = await player.plays_and_seeks(files[name]["stream_url"], seek_s)
        assert seen["duration"] == pytest.approx(files[name]["duration_s"], abs=0.1), name
        assert abs(seen["landed"] - seek_s) < 0.1 and seen["frames"] > 3 and seen["width"] > 300, (name, seen)
    manifest = json.loads(paths["manifest.json"].read_text())
    assert [p["user_id"] for p in manifest["participants"]] == ["ada", "bela"]
    assert "bela joined" in paths["chapters.vtt"].read_text().lower()
    assert not list((recorder.directory / "recordings" / ".work").iterdir())
    await _page_plays(chromium, recorder, api, room)


async def _page_plays(chromium: Chromium, server: PlenumServer, api: Api, room: str) -> None:
    """The list of a room's recordings on a page of its own: play, go to a chapter."""
    tab = await chromium.open(f"{server.url}/?room={room}&recordings=1#token={api.token}")
    page = tab.page
    await page.get_by_test_id("play-recording").first.click()
    video = page.get_by_test_id("recording-video")
    await eventually(lambda: video.evaluate("(video) => video.currentTime > 0.3"))
    await page.locator(".chapter", has_text="bela joined").click()
    await eventually(lambda: video.evaluate("(video) => !video.seeking && video.currentTime > 0.5"))
    assert tab.errors == []
    await tab.close()


async def test_a_publisher_that_changes_everything(
    chromium: Chromium, recorder: PlenumServer, player: Player, tmp_path: Path
) -> None:
    """Simulcast layers that go and come, a screen share, a camera off and on again, and in another size."""
    api = Api(recorder, "changes")
    ada = await Participant.open(chromium, recorder, "changes", "ada", options={"screenSize": [640, 360]})
    await ada.publish("camera", codec="video/VP8", encodings=LAYERS)
    await ada.publish("microphone", toneHz=440)
    recording_id = await api.start(mode="both", quality="480p")
    await api.lasts(recording_id, 3.0)
    await _set_encoding(ada, 2, "active = false")
    await ada.publish("screen", codec="video/VP8")
    await api.lasts(recording_id, 6.0)
    await _set_encoding(ada, 2, "active = true")
    await ada.unpublish("screen")
    await api.lasts(recording_id, 10.0)
    await ada.unpublish("camera")
    await ada.publish("camera", codec="video/VP8")
    await api.lasts(recording_id, 13.0)
    await _set_encoding(ada, 0, "scaleResolutionDownBy = 2")
    await api.lasts(recording_id, 16.0)
    ended = await api.end(recording_id)
    await ada.close()
    paths = await fetch(recorder, ended, tmp_path)
    lengths = await lengths_of(ended, paths)
    cameras = [f for f in ended["files"] if f["kind"] == "track" and f["source"] == "camera"]
    assert len(lengths) == 5 and len(cameras) == 2, ended["files"]
    first, second = (widths_of(paths[f["name"]]) for f in sorted(cameras, key=lambda f: f["offset_s"]))
    # The camera of the tests is too small for Chromium to send all layers of; what comes is whole all the same.
    assert first[-1] == second[-1] == 320, (first, second)
    for file in ended["files"]:
        if file["name"] in lengths and file["source"] != "microphone":
            seen = await player.plays_and_seeks(file["stream_url"], lengths[file["name"]] * 0.6)
            assert abs(seen["landed"] - lengths[file["name"]] * 0.6) < 0.1 and seen["frames"] > 2, (file, seen)


async def _set_encoding(who: Participant, index: int, change: str) -> None:
    await who.tab.page.evaluate(
        f"""async () => {{
          const {{ sender }} = me.mine.get("camera").transceiver, given = sender.getParameters();
          given.encodings[{index}].{change};
          await sender.setParameters(given);
        }}"""
    )


def widths_of(path: Path) -> list[int]:
    """The widths of the pictures of a file, each time that they change."""
    with av.open(str(path)) as container:
        widths = [frame.width for frame in container.decode(video=0)]
    return [width for width, _ in itertools.groupby(widths)]


def worker_pid(server: PlenumServer) -> int:
    """The recording worker of a server: its child that runs our module."""
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            parent = int(path.read_text().rpartition(")")[2].split()[1])
            if parent == server.pid and b"recorder.worker" in (path.parent / "cmdline").read_bytes():
                return int(path.parent.name)
    raise AssertionError("no worker runs")


async def test_a_killed_worker_costs_seconds_and_the_parts_are_joined(
    chromium: Chromium, recorder: PlenumServer, player: Player, tmp_path: Path
) -> None:
    api = Api(recorder, "killed")
    ada = await Participant.open(chromium, recorder, "killed", "ada")
    await ada.publish("camera", codec="video/VP8")
    await ada.publish("microphone", toneHz=440)
    recording_id = await api.start(mode="both", quality="480p")
    await api.lasts(recording_id, 3.0)
    os.kill(worker_pid(recorder), signal.SIGKILL)
    await eventually(lambda: _is_part_two(api, recording_id), 20)
    await api.lasts(recording_id, 7.0)
    ended = await api.end(recording_id)
    await ada.close()
    recorder.forget_log()  # the death of a worker is an error there, as it should be
    paths = await fetch(recorder, ended, tmp_path)
    lengths = await lengths_of(ended, paths)
    wall_s = _seconds_between(ended["started_at"], ended["stopped_at"])
    assert set(lengths) == {"program.mp4", "ada-camera.webm", "ada-microphone.webm"}
    assert lengths["program.mp4"] == pytest.approx(wall_s, abs=0.1)
    assert lengths["ada-camera.webm"] > wall_s - 1.5
    packets = await asyncio.to_thread(packet_times, paths["program.mp4"])
    gaps = [b - a for a, b in itertools.pairwise(packets)]
    assert max(gaps) < 3.0, "more than three seconds are missing"
    program = next(file for file in ended["files"] if file["kind"] == "program")
    resumed = packets[gaps.index(max(gaps)) + 1] + 0.3
    seen = await player.plays_and_seeks(program["stream_url"], resumed)
    assert seen["landed"] == pytest.approx(resumed, abs=0.1)


async def _is_part_two(api: Api, recording_id: str) -> bool:
    return bool((await api.recording(recording_id))["parts"] == 2)


def packet_times(path: Path) -> list[float]:
    """When each picture of a file is shown."""
    command = ["ffprobe", "-v", "error", "-select_streams", "v", "-show_entries", "packet=pts_time", "-of", "csv=p=0"]
    found = subprocess.run([*command, str(path)], capture_output=True, text=True, check=True).stdout
    return sorted(float(line.strip(",")) for line in found.split() if line.strip(","))


async def test_an_automatic_recording_of_a_killed_server_is_finished_by_the_next_one(
    chromium: Chromium, tmp_path: Path
) -> None:
    async with EmbeddedRedis() as redis:
        server = PlenumServer(
            tmp_path, {**settings_of(tmp_path), "PLENUM_REDIS__URL": redis.url, "PLENUM_ROOMS__RESUME_WINDOW_S": "3"}
        )
        await server.start()
        try:
            await _killed_server(chromium, server, tmp_path)
        finally:
            await server.stop(check=False)


async def _killed_server(chromium: Chromium, server: PlenumServer, tmp_path: Path) -> None:
    api = Api(server, "gone")
    ada = await Participant.open(chromium, server, "gone", "ada", role="host")
    await ada.publish("camera", codec="video/VP8")
    await ada.publish("microphone", toneHz=440)
    assert (await api.call("POST", "/settings", {"automatic_recording": True})).status_code == 200
    await eventually(api.recordings, 20, "the room's setting starts no recording")
    recording_id = (await api.recordings())[0]["recording_id"]
    await api.until(recording_id, "recording")
    await api.lasts(recording_id, 3.0)
    await eventually(lambda: _has_written(api, recording_id, 300_000), 30)
    worker = worker_pid(server)
    os.kill(worker, signal.SIGKILL)
    await server.kill()
    await ada.close()
    await server.start()
    await api.until(recording_id, "stopped", "failed")
    await eventually(lambda: _is_brought(api, recording_id), 120)
    ended = await api.recording(recording_id)
    # The next server takes the room over, and the recording with it, until nobody comes back.
    assert ended["stop_reason"] in ("room_closed", "server_gone")
    assert (ended["status"], ended["upload_pending"]) == ("stopped", False)
    paths = await fetch(server, ended, tmp_path)
    lengths = await lengths_of(ended, paths)
    assert set(lengths) == {"program.mp4"} and lengths["program.mp4"] > 1.5
    program = next(file for file in ended["files"] if file["kind"] == "program")
    tab = await chromium.open(server.url)
    seen = await Player(tab).plays_and_seeks(program["stream_url"], 1.0)
    await tab.close()
    assert seen["duration"] == pytest.approx(program["duration_s"], abs=0.1)
    # Ranges of the local store, and addresses that nobody made.
    async with httpx.AsyncClient() as client:
        part = await client.get(server.url + program["stream_url"], headers={"Range": "bytes=4-7"})
        assert (part.status_code, part.content) == (206, b"ftyp")
        forged = program["stream_url"][:-3] + "AAA"
        assert (await client.get(server.url + forged)).status_code == 403
        gone = await api.call("DELETE", f"/recordings/{recording_id}")
        assert gone.status_code == 200, gone.text
        assert (await client.get(server.url + program["stream_url"])).status_code == 404
    server.forget_log()


async def _is_brought(api: Api, recording_id: str) -> bool:
    return not (await api.recording(recording_id))["upload_pending"]


async def _has_written(api: Api, recording_id: str, size: int) -> bool:
    return bool((await api.recording(recording_id))["size_bytes"] > size)


def _seconds_between(start: str, end: str) -> float:
    return (datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds()
