"""A recording and a live stream of a room that is moved and whose shard then dies: one file, one address."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import websockets

from tests.support.playback import play
from tests.support.shards import Shards

ROOM = "hall"
SEQUENCE = re.compile(r"#EXT-X-MEDIA-SEQUENCE:(\d+)")


async def until(what: Callable[[], Awaitable[Any]], wanted: Callable[[Any], bool], timeout_s: float = 30) -> Any:
    deadline = time.monotonic() + timeout_s
    while True:
        with contextlib.suppress(httpx.TransportError):
            found = await what()
            if wanted(found):
                return found
        assert time.monotonic() < deadline, "it never came true"
        await asyncio.sleep(0.2)


class Host:
    """Who is in the room all the time and comes back by itself; and what it was told of recordings."""

    def __init__(self, shards: Shards) -> None:
        self.server = shards.server
        self.token = self.server.token("ada", ROOM, role="host")
        self.http = httpx.AsyncClient(timeout=15, headers={"Authorization": f"Bearer {self.token}"})
        self.told: list[tuple[str, int]] = []
        self._session = ""

    async def stay(self) -> None:
        while True:
            address = f"ws://127.0.0.1:{self.server.port}/webrtc/ws/{ROOM}?token={self.token}{self._session}"
            with contextlib.suppress(OSError, websockets.WebSocketException):
                async with websockets.connect(address, close_timeout=0.2) as socket:
                    async for text in socket:
                        message = json.loads(text)
                        if message["type"] == "room-state":
                            self._session = f"&session_id={message['payload']['session_id']}&last_seq={message['seq']}"
                            # Who comes back later than the recording goes on is told by this.
                            self.told += [(one["status"], one["parts"]) for one in message["payload"]["recordings"]]
                        if message["type"] == "recording-status":
                            self.told.append((message["payload"]["status"], message["payload"]["parts"]))
            await asyncio.sleep(0.1)

    async def post(self, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        answer = await self.http.post(f"{self.server.url}/webrtc/rooms/{ROOM}{path}", json=body)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def recording(self) -> dict[str, Any]:
        answer = await self.http.get(f"{self.server.url}/webrtc/rooms/{ROOM}/recordings")
        found: dict[str, Any] = answer.json()["recordings"][0] if answer.status_code == 200 else {"status": "?"}
        return found


class Viewer:
    """Who watches the live stream without a break: the playlists and the answers that were none."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.statuses: set[int] = set()
        self.sequences: list[int] = []
        self.text = ""

    async def watch(self) -> None:
        async with httpx.AsyncClient(timeout=15) as client:
            while True:
                with contextlib.suppress(httpx.TransportError):
                    answer = await client.get(self.url)
                    self.statuses.add(answer.status_code)
                    if answer.status_code == 200:
                        self.text = answer.text
                        self.sequences.append(int(SEQUENCE.findall(answer.text)[0]))
                await asyncio.sleep(0.25)

    async def goes_on(self) -> None:
        """Until it lists segments of an encoder that has begun after now."""
        before = re.findall(r"seg(\d+)\.m4s", self.text)[-1]
        init = re.findall(r"init\d+\.mp4", self.text)[-1]

        async def found() -> bool:
            segments, inits = re.findall(r"seg(\d+)\.m4s", self.text), re.findall(r"init\d+\.mp4", self.text)
            return bool(segments) and int(segments[-1]) > int(before) and inits[-1] != init

        await until(found, bool)


async def test_they_follow_their_room(tmp_path: Path) -> None:
    settings = {
        "PLENUM_RECORDING__FOLDER": str(tmp_path / "recordings"),
        "PLENUM_RECORDING__MIN_FREE_MB": "10",
    }
    async with Shards(tmp_path, 2, settings) as shards:
        host = Host(shards)
        staying = asyncio.create_task(host.stay())
        await until(lambda: shards.redis.get(f"plenum:{{{ROOM}}}:lease"), bool)
        await host.post("/recordings/start", {"quality": "480p"})
        live = await host.post("/live-streams/start", {"quality": "480p", "hls": {"public": True}})
        index = await until(lambda: host.http.get(shards.server.url + live["hls_url"]), lambda a: a.status_code == 200)
        playlist = index.text.splitlines()[4]
        viewer = Viewer((shards.server.url + live["hls_url"]).replace("index.m3u8", playlist))
        watching = asyncio.create_task(viewer.watch())
        await until(host.recording, lambda r: r["status"] == "recording")

        before = await shards.owner(ROOM)
        await shards.drain(before["id"])
        await until(lambda: shards.owner(ROOM), lambda owner: bool(owner["id"] != before["id"]))
        await viewer.goes_on()
        moved = await until(host.recording, lambda r: r["status"] == "recording")
        assert moved["parts"] == 2

        await shards.drain(before["id"], on=False)
        await shards.kill(ROOM)
        await viewer.goes_on()
        await until(host.recording, lambda r: r["status"] == "recording" and r["parts"] == 3)

        await host.post(f"/recordings/{moved['recording_id']}/stop")
        over = await until(host.recording, lambda r: r["status"] in ("stopped", "failed") and bool(r["files"]), 60)
        assert (over["status"], over["error_code"], over["stop_reason"]) == ("stopped", None, "asked")
        (program,) = [file for file in over["files"] if file["kind"] == "program"]
        path = tmp_path / "program.mp4"
        path.write_bytes((await host.http.get(shards.server.url + program["download_url"])).content)
        assert path.stat().st_size == program["size_bytes"]
        played = await play(path)
        assert played.complaints == ""
        assert abs(played.duration_s - over["duration_s"]) < 1.5 and over["duration_s"] - played.last_s < 1.5
        for task in (staying, watching):
            task.cancel()
        await asyncio.gather(staying, watching, return_exceptions=True)
        await host.http.aclose()

    assert 404 not in viewer.statuses, "players give up at that"
    assert viewer.sequences == sorted(viewer.sequences)
    assert viewer.text.count("#EXT-X-DISCONTINUITY\n") >= 1
    assert {2, 3} <= {parts for status, parts in host.told if status == "recording"}, host.told
    assert "stopped" not in [status for status, parts in host.told if parts < 3]
