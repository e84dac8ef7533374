"""`plenum serve --shards N` as real processes: one port, rooms spread, and a shard that dies costs a moment."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import connect

from scripts.embedded_redis import EmbeddedRedis
from tests.integration.shards.service import Member
from tests.support.server import ROOT, PlenumServer

SETTINGS = {"PLENUM_ROOMS__ROOMS_CREATED_PER_HOUR": "10000", "PLENUM_ROOMS__JOINS_PER_MINUTE": "10000"}


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[PlenumServer]:
    server = PlenumServer(tmp_path, SETTINGS, ["--shards", "3"])
    await server.start()
    yield server
    await server.stop()


async def join(server: PlenumServer, room: str, user: str, after: Member | None = None) -> Member:
    """Join as the SDK does: again until it works."""
    deadline = time.monotonic() + 15
    while True:
        query = f"?token={server.token(user)}"
        if after is not None:
            query += f"&session_id={after.state['session_id']}&last_seq={after.last_seq}"
        try:
            member = Member(
                await connect(f"ws://127.0.0.1:{server.port}/webrtc/ws/{room}{query}", open_timeout=12), user
            )
            first = await member.next()
            member.count = after.count if after is not None else 0
            if first["type"] == "session-resumed":  # only its door had died
                member.resumed = True
                return member
            if first["type"] == "room-state":
                member.state = first["payload"]
                return member
        except Exception:
            if time.monotonic() > deadline:
                raise
        await asyncio.sleep(0.1)


def shards_of(pid: int) -> list[int]:
    """The shard processes of a supervisor."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(p) for p in children if b"scripts.shard_process" in Path(f"/proc/{p}/cmdline").read_bytes()]


async def test_rooms_survive_the_death_of_their_shard(server: PlenumServer) -> None:
    rooms = [f"room{number}" for number in range(5)]  # as often as alice may raise her hand in a minute
    hosts = [await join(server, room, "alice") for room in rooms]
    guests = [await join(server, room, "bob") for room in rooms]
    for host in hosts:
        await host.say("role-update", {"user_id": "bob", "role": "moderator"})
        await host.say("room-settings-update", {"max_participants": 7})
        await host.say("chat-message", {"message": "before"})
        await host.say("hand-raise", {"raised": True})
    before = shards_of(server.pid)
    assert len(before) == 3
    await asyncio.sleep(0.1)
    for pid in before[:2]:
        os.kill(pid, signal.SIGKILL)
    killed_at = time.monotonic()
    moved, times = 0, []
    for room, host, guest in zip(rooms, hosts, guests, strict=True):
        try:
            await host.say("heartbeat")
            continue  # its shard lives, and so does its door
        except Exception:
            moved += 1
        again = await join(server, room, "alice", after=host)
        times.append(time.monotonic() - killed_at)
        if again.resumed:
            await again.socket.close()
            continue
        assert again.state["role"] == "host", "the first who comes back does not become host in its place"
        assert again.state["continued"] is True
        assert again.state["settings"]["max_participants"] == 7
        assert {p["username"]: p["role"] for p in again.state["participants"]} == {"alice": "host", "bob": "moderator"}
        assert [hand["username"] for hand in again.state["hand_raise_queue"]] == ["alice"]
        bob = await join(server, room, "bob", after=guest)
        assert bob.resumed or bob.state["role"] == "moderator"
        history = await again.say("chat-history", {})
        assert [m["message"] for m in history["payload"]["messages"]] == ["before"]
        await again.socket.close()
        await bob.socket.close()
    assert moved > 0
    assert max(times) < 8
    deadline = time.monotonic() + 15
    while len(shards_of(server.pid)) < 3:
        assert time.monotonic() < deadline, "the dead shard is not started anew"
        await asyncio.sleep(0.1)
    for member in (*hosts, *guests):
        await member.socket.close()
    server.forget_log()  # it says, rightly, that a shard died


async def plenum(server: PlenumServer, *arguments: str) -> tuple[int, Any]:
    """Run a command with the service's settings: exit code and what it printed as JSON."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", "from scripts.cli import main; main()", *arguments, "--json"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=server.environment(),
        cwd=ROOT,
    )
    printed, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, json.loads(printed) if printed else None


async def test_an_operator_sees_and_steers_it(tmp_path: Path, redis_server: EmbeddedRedis) -> None:
    settings = {**SETTINGS, "PLENUM_REDIS__URL": redis_server.url}
    async with PlenumServer(tmp_path, settings, ["--shards", "2"]) as server:
        alice, bob = await join(server, "demo", "alice"), await join(server, "demo", "bob")
        (code, shards), (_, rooms) = await asyncio.gather(
            plenum(server, "shards", "list"), plenum(server, "rooms", "list")
        )
        assert code == 0 and {shard["state"] for shard in shards} == {"active"} and len(shards) == 2
        assert [(room["room_id"], room["participants"]) for room in rooms] == [("demo", 2)]
        source = rooms[0]["shard"]
        target = next(shard["id"] for shard in shards if shard["id"] != source)
        code, _ = await plenum(server, "participants", "kick", "demo", "bob")
        assert code == 0 and (await bob.closed())[0] == 4410
        code, _ = await plenum(server, "rooms", "move", "demo", "--to", target)
        assert code == 0 and (await alice.next("room-moved"))["payload"]["reason"] == "moved"
        again = await join(server, "demo", "alice", after=alice)
        assert again.state["role"] == "host"
        code, done = await plenum(server, "shards", "drain", target)
        assert (code, done["rooms"]) == (0, 0)
        (_, people), (code, nothing) = await asyncio.gather(
            plenum(server, "participants", "list", "demo"), plenum(server, "rooms", "show", "nowhere")
        )
        assert [person["username"] for person in people] == ["alice"]
        assert code == 69 and nothing is None
        await again.socket.close()
