"""Many small rooms at several shard processes while shards are killed and paused and Redis is paused or emptied.

Judged from outside: a fence never goes back and has one holder; the event log of a room is written by one owner after
another, never by two in turn; and no room is long without an owner that lives.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import signal
import time
from collections import Counter
from pathlib import Path
from typing import Any

from redis.asyncio import Redis
from websockets.asyncio.client import connect

from tests.integration.shards.service import Member
from tests.support.fences import Fences
from tests.support.redis_servers import RedisServer
from tests.support.server import PlenumServer

SETTINGS = {
    "PLENUM_ROOMS__ROOMS_CREATED_PER_HOUR": "100000",
    "PLENUM_ROOMS__JOINS_PER_MINUTE": "100000",
    "PLENUM_ROOMS__MESSAGES_PER_MINUTE": "100000",
}
LOOK_S = 0.1
PAUSE_S = 6.0  # longer than a lease


class Judge(Fences):
    """Looks at Redis all the time. ``dead`` holds the process numbers that were killed or stand still."""

    def __init__(self, client: Any, rooms: list[str]) -> None:
        super().__init__()
        self.without_s: dict[str, float] = dict.fromkeys(rooms, 0.0)
        self.dead: set[int] = set()
        self._client = client
        self._rooms = rooms
        self._owner_pid: dict[str, int] = {}
        self._seen_at = dict.fromkeys(rooms, time.monotonic())
        self._pids: dict[str, int] = {}
        self._writers: dict[str, list[str]] = {room: [] for room in rooms}
        self._read: dict[str, str] = dict.fromkeys(rooms, "-")

    async def watch(self) -> None:
        """For ever."""
        beats = 0
        while True:
            with contextlib.suppress(Exception):
                await self._look()
                beats += 1
                if beats % 5 == 0:
                    await self.read_logs()
            self._note_owners()
            await asyncio.sleep(LOOK_S)

    async def _look(self) -> None:
        pipe = self._client.pipeline(transaction=False)
        pipe.smembers("plenum:{shards}:ids")
        for room in self._rooms:
            pipe.mget(f"plenum:{{{room}}}:lease", f"plenum:{{{room}}}:fence")
        ids, *found = await pipe.execute()
        for room, (holder, fence) in zip(self._rooms, found, strict=True):
            if holder is None or fence is None:
                self._owner_pid.pop(room, None)
                continue
            self.note(room, holder, fence)
            if holder not in self._pids:
                await self._learn(ids)
            self._owner_pid[room] = self._pids.get(holder, 0)

    async def _learn(self, ids: set[str]) -> None:
        for shard_id in ids:
            text = await self._client.get(f"plenum:{{shards}}:at:{shard_id}")
            if text:
                info = json.loads(text)
                self._pids[f"{info['id']}/{info['incarnation']}"] = info["pid"]

    def _note_owners(self) -> None:
        now = time.monotonic()
        for room in self._rooms:
            pid = self._owner_pid.get(room)
            if pid is not None and pid not in self.dead:
                self._seen_at[room] = now
            self.without_s[room] = max(self.without_s[room], now - self._seen_at[room])

    async def read_logs(self) -> None:
        """Whose entries the event logs have, in their order: who has written after another writes no more."""
        for room in self._rooms:
            entries = await self._client.xrange(f"plenum:{{{room}}}:events", min=self._read[room])
            for entry_id, fields in entries:
                self._read[room] = f"({entry_id}"
                writer = fields["id"].rpartition("-")[0]
                writers = self._writers[room]
                if writers and writers[-1] == writer:
                    continue
                if writer in writers:
                    self.wrong.append(f"{room}: {writer} wrote again after {writers[-1]}")
                writers.append(writer)

    def emptied(self) -> None:
        """Redis has lost its data: its logs begin anew."""
        self._read = dict.fromkeys(self._rooms, "-")


class Storm:
    """``run`` until so many takeovers were seen; ``report`` tells what happened."""

    def __init__(self, directory: Path, rooms: int, shards: int = 3, seed: int = 7) -> None:
        self.rooms = [f"small{number}" for number in range(rooms)]
        self.disruptions: Counter[str] = Counter()
        self.gaps_s: list[float] = []
        self.refused: Counter[str] = Counter()
        self._directory = directory
        self._shards = shards
        self._random = random.Random(seed)
        self._stop = asyncio.Event()

    async def run(self, takeovers: int, at_most_s: float) -> Judge:
        """Disrupt at random; the judge. Raises nothing of what it sees."""
        async with RedisServer(self._directory) as redis:
            settings = {**SETTINGS, "PLENUM_REDIS__URL": redis.url}
            server = PlenumServer(self._directory, settings, ["--shards", str(self._shards)])
            server.start_timeout_s = 120
            async with server:
                client: Any = Redis(port=redis.port, decode_responses=True, socket_timeout=2)
                people = [asyncio.create_task(self._stay(server, room)) for room in self.rooms]
                await self._settle(client)
                judge = Judge(client, self.rooms)
                watching = asyncio.create_task(judge.watch())
                deadline = time.monotonic() + at_most_s
                while judge.takeovers < takeovers and time.monotonic() < deadline:
                    await self._disrupt(self._random.choice(KINDS), judge, client, redis)
                    await self._settle(client)
                    print(f"{judge.takeovers} takeovers, {sum(self.disruptions.values())} disruptions", flush=True)
                await asyncio.sleep(2)
                self._stop.set()
                watching.cancel()
                await asyncio.gather(watching, *people, return_exceptions=True)
                with contextlib.suppress(Exception):
                    await judge.read_logs()
                await client.aclose()
                server.forget_log()  # that shards died is an error in the supervisor's log, and here it is meant
        return judge

    async def _settle(self, client: Any) -> None:
        """Until all shards are registered and each room has a living owner."""
        deadline = time.monotonic() + 90
        while time.monotonic() < deadline:
            with contextlib.suppress(Exception):
                ids = await client.smembers("plenum:{shards}:ids")
                alive = [await client.get(f"plenum:{{shards}}:at:{shard_id}") for shard_id in ids]
                leases = [await client.get(f"plenum:{{{room}}}:lease") for room in self.rooms]
                holders = {f"{i['id']}/{i['incarnation']}" for i in map(json.loads, filter(None, alive))}
                if len(holders) >= self._shards and set(leases) <= holders:
                    break
            await asyncio.sleep(0.2)
        await asyncio.sleep(self._random.uniform(0.5, 2.0))

    async def _disrupt(self, kind: str, judge: Judge, client: Any, redis: RedisServer) -> None:
        self.disruptions[kind] += 1
        if kind == "redis paused":
            redis.pause()
            await asyncio.sleep(self._random.uniform(1, PAUSE_S))
            redis.pause(False)
            return
        if kind == "redis emptied":
            redis.kill()
            await asyncio.sleep(self._random.uniform(0, 2))
            judge.emptied()
            await redis.start()
            return
        pid = await self._some_owner(client)
        judge.dead.add(pid)
        if kind == "killed":
            os.kill(pid, signal.SIGKILL)
            return
        os.kill(pid, signal.SIGSTOP)
        await asyncio.sleep(PAUSE_S)
        os.kill(pid, signal.SIGCONT)
        judge.dead.discard(pid)

    async def _some_owner(self, client: Any) -> int:
        holder = await client.get(f"plenum:{{{self._random.choice(self.rooms)}}}:lease")
        text = await client.get(f"plenum:{{shards}}:at:{holder.partition('/')[0]}")
        return int(json.loads(text)["pid"])

    async def _stay(self, server: PlenumServer, room: str) -> None:
        """Somebody who comes back whenever cut off, and writes all the time."""
        member: Member | None = None
        answered_at = time.monotonic()
        after = ""
        while not self._stop.is_set():
            try:
                if member is None:
                    member = await self._join(server, room, after)
                    after = f"&session_id={member.state.get('session_id', '')}&last_seq=0"
                await asyncio.wait_for(member.say("chat-message", {"message": "still here"}), 3)
                self.gaps_s.append(time.monotonic() - answered_at)
                answered_at = time.monotonic()
                await asyncio.sleep(0.5)
            except Exception as error:
                self.refused[type(error).__name__] += 1
                if member is not None:
                    member.socket.transport.abort()
                member = None
                await asyncio.sleep(self._random.uniform(0.05, 0.3))
        if member is not None:
            await member.socket.close()

    @staticmethod
    async def _join(server: PlenumServer, room: str, after: str) -> Member:
        url = f"ws://127.0.0.1:{server.port}/webrtc/ws/{room}?token={server.token('alice')}{after}"
        member = Member(await connect(url, open_timeout=4, close_timeout=1), "alice")
        first = await member.next(timeout_s=4)
        if first["type"] not in ("room-state", "session-resumed"):
            member.socket.transport.abort()
            raise ConnectionError(first["payload"].get("error_code", first["type"]))
        member.state = first["payload"]
        member.count = int(time.monotonic() * 1000)
        return member


# Kills are what happens most.
KINDS = ["killed", "killed", "killed", "paused", "paused", "redis paused", "redis emptied"]
