"""Several shards in one process, over one Redis, with clients that speak the protocol."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator
from typing import Any

import httpx
import jwt
from pydantic import SecretStr
from websockets.asyncio.client import ClientConnection, connect

from config.settings import Settings
from scripts.app import PlenumServer

SECRET = "shards-secret-shards-secret-shards-secret"
FAST = {"heartbeat_interval_s": 0.2, "lease_lifetime_s": 0.8}


def token(user: str, **claims: Any) -> str:
    return jwt.encode({"sub": user, "exp": time.time() + 3_600, **claims}, SECRET, algorithm="HS256")


class Member:
    """One client of a room's WebSocket."""

    def __init__(self, socket: ClientConnection, user: str) -> None:
        self.socket, self.user = socket, user
        self.last_seq = 0
        self.resumed = False
        self.state: dict[str, Any] = {}
        self.count = 0

    async def next(self, message_type: str | None = None, timeout_s: float = 10) -> dict[str, Any]:
        """The next message, of a type if one is named; others are dropped."""
        async with asyncio.timeout(timeout_s):
            while True:
                message = json.loads(await self.socket.recv())
                self.last_seq = max(self.last_seq, message["seq"])
                if message_type in (None, message["type"]):
                    return dict(message)

    async def say(self, message_type: str, payload: dict[str, Any] | None = None, message_id: str = "") -> Any:
        """Send, and wait for the reply."""
        self.count += 1
        message_id = message_id or f"{self.user}{self.count}"
        await self.socket.send(json.dumps({"type": message_type, "payload": payload or {}, "id": message_id}))
        async with asyncio.timeout(10):
            while True:
                message = json.loads(await self.socket.recv())
                self.last_seq = max(self.last_seq, message["seq"])
                if message.get("reply_to") == message_id:
                    return message

    async def closed(self) -> tuple[int | None, str]:
        async with asyncio.timeout(10):
            with contextlib.suppress(Exception):
                while True:
                    await self.socket.recv()
        return self.socket.close_code, self.socket.close_reason or ""


class Service:
    """Shards by name. Each has a public port of its own: a test chooses the door."""

    def __init__(self, redis_url: str, **options: Any) -> None:
        self.redis_url = redis_url
        self.options = options
        self.shards: dict[str, PlenumServer] = {}
        self.http = httpx.AsyncClient(timeout=10)
        self._sockets: list[ClientConnection] = []

    async def start(self, name: str, **shard: Any) -> PlenumServer:
        values: dict[str, Any] = {
            "auth": {"secret": SecretStr(SECRET)},
            "http": {"host": "127.0.0.1", "port": 0, "shutdown_timeout_s": 1},
            "media": {"hosts": ["127.0.0.1"], "port": 0, "tcp": False, "announced_addresses": ["127.0.0.1"]},
            "redis": {"url": self.redis_url, "command_timeout_s": 1},
            "rooms": {"rooms_created_per_hour": 10_000, "joins_per_minute": 10_000},
            "shards": {"id": name, "move_overlap_s": 0.5, **FAST, **shard},
        }
        values.update(self.options)
        server = self.shards[name] = PlenumServer(Settings.model_validate(values))
        await server.start()
        for other in self.shards.values():
            await self.ownership(other).beat()
        return server

    @staticmethod
    def ownership(server: PlenumServer) -> Any:
        assert server.app is not None
        return server.app.state.ownership

    def hub(self, name: str) -> Any:
        app = self.shards[name].app
        assert app is not None
        return app.state.hub

    def owner_of(self, room: str) -> str | None:
        """The shard where the room is open."""
        found = [name for name in self.shards if room in self.hub(name).rooms]
        assert len(found) <= 1, found
        return found[0] if found else None

    def others(self, room: str) -> list[str]:
        return [name for name in self.shards if name != self.owner_of(room)]

    def url(self, name: str, path: str) -> str:
        return f"http://127.0.0.1:{self.shards[name].http_port}{path}"

    async def get(self, name: str, path: str, user: str = "alice") -> httpx.Response:
        return await self.http.get(self.url(name, path), headers={"Authorization": f"Bearer {token(user)}"})

    async def dial(self, door: str, room_id: str, user: str, after: Member | None = None, **claims: Any) -> Member:
        query = f"?token={token(user, **claims)}"
        if after is not None:
            query += f"&session_id={after.state['session_id']}&last_seq={after.last_seq}"
        url = f"ws://127.0.0.1:{self.shards[door].http_port}/webrtc/ws/{room_id}{query}"
        socket = await connect(url, close_timeout=1, open_timeout=15)
        self._sockets.append(socket)
        member = Member(socket, user)
        member.count = after.count if after is not None else 0
        return member

    async def join(self, door: str, room: str, user: str, after: Member | None = None, **claims: Any) -> Member:
        member = await self.dial(door, room, user, after, **claims)
        first = await member.next()
        assert first["type"] == "room-state", first
        member.state = first["payload"]
        return member

    async def close(self) -> None:
        for socket in self._sockets:
            await socket.close()
        await self.http.aclose()
        await asyncio.gather(*(shard.close() for shard in self.shards.values()))


@contextlib.asynccontextmanager
async def service(redis_url: str, *names: str, **options: Any) -> AsyncIterator[Service]:
    """Shards of these names until the end of the block."""
    house = Service(redis_url, **options)
    try:
        for name in names:
            await house.start(name)
        yield house
    finally:
        await house.close()
