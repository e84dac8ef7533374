"""A call during which Redis goes away and comes back: what people notice, and what is right afterwards.

``paused``: it stands still and keeps its data; ``emptied``: it dies and is started anew with nothing.
"""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path
from typing import Any, Literal

from redis.asyncio import Redis
from websockets.asyncio.client import connect

from tests.integration.shards.service import Member
from tests.support.redis_servers import RedisServer
from tests.support.server import PlenumServer
from tests.support.steady_call import SteadyCall

How = Literal["paused", "emptied"]
ROOM = "call"
SETTINGS = {
    "PLENUM_ROOMS__ROOMS_CREATED_PER_HOUR": "10000",
    "PLENUM_ROOMS__JOINS_PER_MINUTE": "10000",
}
BACK_S = 30.0


async def dial(server: PlenumServer, room: str, user: str, **claims: Any) -> tuple[Member, dict[str, Any]]:
    """Try to join once; the member and the first message, ``room-state`` or ``error``."""
    url = f"ws://127.0.0.1:{server.port}/webrtc/ws/{room}?token={server.token(user, **claims)}"
    member = Member(await connect(url, open_timeout=20), user)
    first = await member.next()
    member.state = first["payload"]
    return member, first


async def _stay(member: Member) -> None:
    while True:
        await member.say("heartbeat")
        await asyncio.sleep(3)


class Outage:
    """One run. ``report`` holds what was seen."""

    def __init__(self, directory: Path, shards: int, away_s: float, how: How) -> None:
        self.report: dict[str, Any] = {}
        self._directory = directory
        self._arguments = ["--shards", str(shards)] if shards > 1 else []
        self._away_s = away_s
        self._how = how
        self._said: list[str] = []
        self._answer_s: list[float] = []

    async def run(self) -> dict[str, Any]:
        """All of it; raises AssertionError when something is not as it must be."""
        async with RedisServer(self._directory) as redis:
            settings = {**SETTINGS, "PLENUM_REDIS__URL": redis.url}
            server = PlenumServer(self._directory, settings, self._arguments)
            server.start_timeout_s = 120
            async with server:
                await self._call(server, redis)
        return self.report

    async def _call(self, server: PlenumServer, redis: RedisServer) -> None:
        alice, _ = await dial(server, ROOM, "alice")
        bob, _ = await dial(server, ROOM, "bob")
        call = SteadyCall()
        await call.begin(alice, bob)
        await alice.say("role-update", {"user_id": "bob", "role": "moderator"})
        await alice.say("room-settings-update", {"max_participants": 17})
        await self._chat(alice, "before")
        client: Any = Redis(port=redis.port, decode_responses=True)
        fence = await client.get(f"plenum:{{{ROOM}}}:fence")
        staying = asyncio.create_task(_stay(bob))
        await self._away(server, redis, alice)
        await self._refused(server)
        if self._how == "paused":
            redis.pause(False)
        else:
            await redis.start()
        await self._back(server, client, fence, alice)
        staying.cancel()
        media = await call.end()
        self.report |= media
        assert media["lost"] == 0, media
        for member in (alice, bob):
            await member.socket.close()
        await client.aclose()

    async def _away(self, server: PlenumServer, redis: RedisServer, alice: Member) -> None:
        began = time.monotonic()
        if self._how == "paused":
            redis.pause()
        else:
            redis.kill()
        number = 0
        while time.monotonic() - began < self._away_s:
            number += 1
            await self._chat(alice, f"while away {number}")
            if number == 2:
                answer = await alice.say("hand-raise", {"raised": True})
                assert answer["type"] == "hand-raise-queue", answer
                joined, first = await dial(server, ROOM, "carol")
                assert first["type"] == "room-state", first
                self.report["join_while_away_s"] = round(time.monotonic() - began, 2)
                await joined.socket.close()
            await asyncio.sleep(1)
        self.report["away_s"] = round(time.monotonic() - began, 1)
        self.report["slowest_answer_s"] = round(max(self._answer_s), 2)
        health = await server.get_json("/health")
        assert health["status"] == "degraded" and health["redis_circuit"] != "closed" and health["redis_cause"], health
        self.report["cause"] = health["redis_cause"]

    async def _refused(self, server: PlenumServer) -> None:
        member, first = await dial(server, "another", "dave")
        assert first["type"] == "error", first
        refusal = first["payload"]
        assert refusal["error_code"] == "unavailable" and refusal["retry_after"], refusal
        self.report["refused"] = refusal["error_code"]
        await member.socket.close()

    async def _chat(self, member: Member, text: str) -> None:
        began = time.monotonic()
        answer = await member.say("chat-message", {"message": text})
        assert answer["type"] in ("ack", "chat-message"), answer
        self._said.append(text)
        self._answer_s.append(time.monotonic() - began)

    async def _back(self, server: PlenumServer, client: Any, fence: str, alice: Member) -> None:
        began = time.monotonic()
        while True:
            await alice.say("heartbeat")
            try:
                await self._right(server, client, fence)
                break
            except Exception:
                if time.monotonic() - began > BACK_S:
                    raise
                await asyncio.sleep(0.1)
        self.report["right_after_s"] = round(time.monotonic() - began, 2)

    async def _right(self, server: PlenumServer, client: Any, fence: str) -> None:
        """Redis has all of the room, with the fence it had, and a new room can be opened."""
        key = f"plenum:{{{ROOM}}}:"
        found, lease = await client.get(f"{key}fence"), await client.get(f"{key}lease")
        assert found == fence and lease, (fence, found, lease)
        assert ROOM in await client.smembers("plenum:rooms")
        kept = [json.loads(text) for text in await client.hvals(f"{key}chat")]
        texts = {str(entry.get("message") or entry.get("text")) for entry in kept}
        assert texts >= set(self._said), set(self._said) - texts
        assert await client.hget(f"{key}roles", "bob") == "moderator"
        assert '"max_participants":17' in (await client.get(f"{key}settings")).replace(" ", "")
        assert await client.hexists(f"{key}hands", "alice")
        assert set(await client.hkeys(f"{key}seats")) >= {"alice", "bob"}
        assert await client.sismember(f"{key}participants", "alice")
        assert await client.exists(f"{key}presence:bob")
        health = await server.get_json("/health")
        assert health["status"] == "ok" and health["redis_circuit"] == "closed", health
        member, first = await dial(server, f"new{int(time.monotonic() * 1000)}", "erin")
        await member.socket.close()
        assert first["type"] == "room-state", first
