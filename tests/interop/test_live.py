"""A room goes live: browsers in, a real RTMP server and HLS players out."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest_asyncio

from tests.interop.conftest import People
from tests.support.participant import eventually
from tests.support.rtmp_server import RtmpServer, ffprobe
from tests.support.server import PlenumServer


@pytest_asyncio.fixture(loop_scope="session")
async def nginx(tmp_path: Path) -> AsyncIterator[RtmpServer]:
    async with RtmpServer(tmp_path / "nginx") as running:
        yield running


class Studio:
    """The REST calls of one room's host."""

    def __init__(self, server: PlenumServer, room: str) -> None:
        self.server, self.room = server, room
        self._headers = {"Authorization": f"Bearer {server.token('director', room, role='host')}"}

    async def call(self, method: str, path: str, body: Any = None) -> Any:
        url = f"{self.server.url}/webrtc/rooms/{self.room}/live-streams{path}"
        async with httpx.AsyncClient() as client:
            answer = await client.request(method, url, json=body, headers=self._headers, timeout=10)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def status(self, stream_id: str) -> str:
        found = await self.call("GET", "")
        return str(next(s["status"] for s in found["live_streams"] if s["stream_id"] == stream_id))

    async def live(self, stream_id: str, timeout_s: float = 40) -> None:
        async def is_live() -> bool:
            return await self.status(stream_id) == "live"

        await eventually(is_live, timeout_s, "the stream is not live")


async def test_a_room_goes_live(people: People, server: PlenumServer, room: str, nginx: RtmpServer) -> None:
    ada = await people.join("ada")
    await ada.publish("camera")
    await ada.publish("microphone")
    studio = Studio(server, room)
    body = {"stream_url": nginx.url, "stream_key": "KEY-of-the-room", "quality": "480p", "hls": {"public": True}}
    started = await studio.call("POST", "/start", body)
    stream_id = started["stream_id"]
    await studio.live(stream_id)
    found = await nginx.probe("KEY-of-the-room", timeout_s=40)
    video = next(s for s in found["streams"] if s["codec_type"] == "video")
    assert (video["codec_name"], video["width"], video["height"], video["avg_frame_rate"]) == ("h264", 854, 480, "30/1")
    assert next(s for s in found["streams"] if s["codec_type"] == "audio")["codec_name"] == "aac"
    by_hls = await ffprobe(server.url + started["hls_url"], timeout_s=40)
    assert {s["height"] for s in by_hls["streams"] if s["codec_type"] == "video"} == {480, 360, 240}
    stopped = await studio.call("POST", f"/{stream_id}/stop")
    assert stopped["status"] == "stopped"
    assert "KEY-of-the-room" not in server.log_text()
    await asyncio.sleep(0.5)
    # Afterwards it is a recording.
    assert float((await ffprobe(server.url + started["hls_url"]))["format"]["duration"]) > 2
