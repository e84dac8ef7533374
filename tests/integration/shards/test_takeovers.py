"""Small rooms under kills, a pause and a Redis that loses its data: one owner at a time, and never long without one."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from pathlib import Path

from redis.asyncio import Redis

from tests.integration.shards.service import Member
from tests.integration.shards.test_supervisor import join, shards_of
from tests.support.fences import Fences
from tests.support.server import PlenumServer
from tests.support.shards import Shards

ROOMS = [f"small{number}" for number in range(6)]
LONGEST_WITHOUT_S = 25.0  # 10 s are promised; a busy machine needs more


async def look(redis: Redis, room: str, fences: Fences) -> None:
    """Tell ``fences`` what Redis says of a room."""
    holder, fence = await redis.mget(f"plenum:{{{room}}}:lease", f"plenum:{{{room}}}:fence")
    if holder is not None and fence is not None:
        fences.note(room, holder, fence)


async def stay(server: PlenumServer, room: str, gaps: list[float], stop: asyncio.Event) -> None:
    """A client that comes back whenever it is cut off, and asks for answers all the time."""
    member: Member | None = None
    answered_at = time.monotonic()
    while not stop.is_set():
        try:
            member = member or await join(server, room, "alice")
            await asyncio.wait_for(member.say("heartbeat"), 3)
            gaps.append(time.monotonic() - answered_at)
            answered_at = time.monotonic()
            await asyncio.sleep(0.3)
        except Exception:
            if member is not None:
                member.socket.transport.abort()
            member = None
            await asyncio.sleep(0.1)
    if member is not None:
        await member.socket.close()


async def test_rooms_have_one_owner_whatever_happens(tmp_path: Path) -> None:
    async with Shards(tmp_path, 3) as shards:
        server, judge, stop = shards.server, Fences(), asyncio.Event()
        gaps: list[float] = []
        clients = [asyncio.create_task(stay(server, room, gaps, stop)) for room in ROOMS]

        async def watch() -> None:
            while not stop.is_set():
                for room in ROOMS:
                    with contextlib.suppress(Exception):
                        await look(shards.redis, room, judge)
                await asyncio.sleep(0.05)

        watching = asyncio.create_task(watch())
        await asyncio.sleep(3)
        for pid in shards_of(server.pid)[:2]:
            os.kill(pid, signal.SIGKILL)
        await asyncio.sleep(5)
        paused = (await shards.owner(ROOMS[0]))["pid"]
        os.kill(paused, signal.SIGSTOP)
        await asyncio.sleep(6)  # longer than a lease
        os.kill(paused, signal.SIGCONT)
        await asyncio.sleep(2)
        await shards.redis.flushall()
        await asyncio.sleep(4)
        stop.set()
        await asyncio.gather(*clients, watching)
        print(f"{judge.takeovers} takeovers, longest without an answer {max(gaps):.1f} s")
        assert judge.wrong == []
        assert judge.takeovers >= 1
        assert max(gaps) < LONGEST_WITHOUT_S
