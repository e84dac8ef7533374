"""The application over real sockets, with a real engine and a real Redis."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest
import uvicorn
from pydantic import SecretStr
from redis.asyncio import Redis
from websockets.asyncio.client import ClientConnection, connect

from scripts.embedded_redis import EmbeddedRedis
from sfu.engine import Engine
from sfu.options import MediaOptions
from signaling.app import create_app
from signaling.options import AuthOptions, EventOptions, RedisOptions, RoomOptions, SignalingOptions
from signaling.redis_client import connect as connect_redis
from streaming import whep, whip

SECRET = "integration-secret-integration-secret"
WEB_ROOT = Path(__file__).parent / "web"


def token(sub: str = "alice", *, secret: str = SECRET, lifetime_s: float = 3_600, **claims: Any) -> str:
    return jwt.encode({"sub": sub, "exp": time.time() + lifetime_s, **claims}, secret, algorithm="HS256")


class Member:
    """One client of the WebSocket."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self._count = 0

    async def next(self, message_type: str | None = None) -> dict[str, Any]:
        """The next message, of a type if one is named; others are dropped."""
        async with asyncio.timeout(5):
            while True:
                message = json.loads(await self.socket.recv())
                if message_type in (None, message["type"]):
                    return dict(message)

    async def say(self, message_type: str, payload: dict[str, Any] | None = None) -> dict[str, Any]:
        """Send, and wait for the reply."""
        self._count += 1
        message_id = str(self._count)
        await self.socket.send(json.dumps({"type": message_type, "payload": payload or {}, "id": message_id}))
        async with asyncio.timeout(5):
            while True:
                message = json.loads(await self.socket.recv())
                if message.get("reply_to") == message_id:
                    return dict(message)

    async def closed(self) -> tuple[int, str]:
        """How the server closed."""
        async with asyncio.timeout(5):
            with contextlib.suppress(Exception):
                while True:
                    await self.socket.recv()
        assert self.socket.close_code is not None
        return self.socket.close_code, self.socket.close_reason or ""


class House:
    """A running server."""

    def __init__(self, port: int, engine: Engine, redis: Redis, app: Any) -> None:
        self.port, self.engine, self.redis, self.app = port, engine, redis, app
        self.hub = app.state.hub
        self.http = httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}")
        self._stack = contextlib.AsyncExitStack()

    async def dial(self, room: str, query: str, **options: Any) -> Member:
        """Connect to a room without waiting for anything."""
        address = f"ws://127.0.0.1:{self.port}/webrtc/ws/{room}{query}"
        return Member(await self._stack.enter_async_context(connect(address, close_timeout=1, **options)))

    async def join(self, user: str = "alice", room: str = "demo", **claims: Any) -> tuple[Member, dict[str, Any]]:
        """Join; the member and its room-state."""
        member = await self.dial(room, f"?token={token(user, **claims)}")
        first = await member.next()
        assert first["type"] == "room-state", first
        return member, first["payload"]

    async def close(self) -> None:
        await self._stack.aclose()
        await self.http.aclose()


@contextlib.asynccontextmanager
async def running(
    redis_url: str, rooms: RoomOptions, web_root: Path = WEB_ROOT, events: EventOptions | None = None
) -> AsyncIterator[House]:
    """A server until the end of the block."""
    redis_options = RedisOptions(command_timeout_s=0.5, connect_timeout_s=0.5)
    redis = connect_redis(redis_url, redis_options)
    auth = AuthOptions(secret=SecretStr(SECRET))
    options = SignalingOptions(auth=auth, rooms=rooms, redis=redis_options, events=events or EventOptions())
    engine = Engine(MediaOptions(hosts=["127.0.0.1"], port=0, tcp=False, announced_addresses=["127.0.0.1"]))
    await engine.start()
    app = create_app(
        options=options,
        engine=engine,
        redis=redis,
        web_root=web_root,
        media_routers=(whip.create_router, whep.create_router),
    )
    config = uvicorn.Config(
        app,
        host="127.0.0.1",
        port=0,
        ws="websockets-sansio",
        ws_per_message_deflate=False,
        lifespan="on",
        log_config=None,
    )
    server = uvicorn.Server(config)
    task = asyncio.create_task(server._serve())
    while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
        await asyncio.sleep(0.01)
    house = House(server.servers[0].sockets[0].getsockname()[1], engine, redis, app)
    try:
        yield house
    finally:
        await house.close()
        server.should_exit = True
        await task
        await engine.close()
        await redis.aclose()
        assert not list(engine.census.counts()), "Consumers are counted that are no more"


@pytest.fixture(scope="session")
def shared_redis() -> Iterator[EmbeddedRedis]:
    """One server for all tests: to start one takes longer than most of them."""
    server = EmbeddedRedis()
    yield server
    asyncio.run(server.stop())


@pytest.fixture
async def redis_server(shared_redis: EmbeddedRedis) -> EmbeddedRedis:
    """An empty server. A test may stop it."""
    if not shared_redis.is_running:
        await shared_redis.start()
    async with Redis.from_url(shared_redis.url) as client:
        await client.flushall()
    return shared_redis


@pytest.fixture
def rooms() -> RoomOptions:
    """The options of the server; tests override this."""
    return RoomOptions()


@pytest.fixture
async def house(redis_server: EmbeddedRedis, rooms: RoomOptions) -> AsyncIterator[House]:
    async with running(redis_server.url, rooms) as server:
        yield server
