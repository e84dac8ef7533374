"""A live stream goes on, under the same id and address, when the server is killed and started again."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import httpx
import websockets

from scripts.embedded_redis import EmbeddedRedis
from tests.support.rtmp_server import RtmpServer
from tests.support.server import PlenumServer

KEY = "restart-SECRETKEY"


async def until(wanted: Callable[[], Awaitable[bool]], timeout_s: float = 60) -> None:
    deadline = time.monotonic() + timeout_s
    while not await wanted():
        assert time.monotonic() < deadline, "it never came true"
        await asyncio.sleep(0.2)


async def test_the_server_is_killed_and_comes_back(tmp_path: Path) -> None:
    async with EmbeddedRedis() as redis, RtmpServer(tmp_path / "nginx") as nginx, httpx.AsyncClient() as client:
        settings = {
            "PLENUM_REDIS__URL": redis.url,
            "PLENUM_LIVE__PRIVATE_TARGETS": "true",
            "PLENUM_LIVE__DIRECTORY": str(tmp_path / "live"),
        }
        server = PlenumServer(tmp_path, settings)
        await server.start()
        token = server.token("ada", "hall", role="host")
        streams = f"{server.url}/webrtc/rooms/hall/live-streams"
        headers = {"Authorization": f"Bearer {token}"}

        async def is_live() -> bool:
            answer = await client.get(streams, headers=headers)
            return answer.status_code == 200 and answer.json()["live_streams"][0]["status"] == "live"

        async with websockets.connect(f"ws://127.0.0.1:{server.port}/webrtc/ws/hall?token={token}") as member:
            await member.recv()  # the room is there from now on
            body = {"stream_url": nginx.url, "stream_key": KEY, "quality": "480p", "hls": {"public": True}}
            started = (await client.post(f"{streams}/start", headers=headers, json=body)).json()
            await until(is_live)
            index = await client.get(server.url + started["hls_url"], timeout=30)
            playlist = (server.url + started["hls_url"]).replace("index.m3u8", index.text.splitlines()[4])
            await server.kill()
        await server.start()
        # Nobody has to come for it to go on, and who watched goes on with the address he had.
        await until(is_live)

        async def goes_on() -> bool:
            text = (await client.get(playlist)).text
            return "#EXT-X-DISCONTINUITY\n" in text and "#EXTINF" in text.rpartition("#EXT-X-DISCONTINUITY\n")[2]

        await until(goes_on)
        await nginx.probe(KEY, timeout_s=40)
        found = (await client.get(streams, headers=headers)).json()["live_streams"]
        assert [stream["stream_id"] for stream in found] == [started["stream_id"]]
        assert KEY not in server.log_path.read_text()
        # When it has ended, a later process serves it from the beginning on.
        await client.post(f"{streams}/{started['stream_id']}/stop", headers=headers)
        await server.stop()
        await server.start()
        text = (await client.get(playlist)).text
        assert "#EXT-X-PLAYLIST-TYPE:VOD" in text and "seg0.m4s" in text
        state = await client.get((server.url + started["hls_url"]).replace("index.m3u8", "state.json"))
        assert state.json()["state"] == "ended"
        await server.stop()
