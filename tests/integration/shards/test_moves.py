"""Rooms change shards: moved, drained, and re-formed; nothing that was said is lost."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest

from scripts.embedded_redis import EmbeddedRedis
from signaling.errors import RoomError
from tests.integration.shards.service import Member, Service, service


@pytest.fixture
async def house(redis_server: EmbeddedRedis) -> AsyncIterator[Service]:
    async with service(redis_server.url, "one", "two") as house:
        yield house


async def move(house: Service, room: str) -> tuple[str, str]:
    """Move a room to the other shard: from where, to where."""
    source = house.owner_of(room)
    assert source is not None
    target = house.others(room)[0]
    mover = house.shards[source]._mover
    assert mover is not None
    await mover.move(room, house.ownership(house.shards[target]).info)
    return source, target


async def told(member: Member) -> dict[str, object]:
    moved = await member.next("room-moved")
    assert await member.closed() == (1012, "room_moved")
    return dict(moved["payload"])


async def test_a_moved_room_goes_on_as_it_was(house: Service) -> None:
    alice = await house.join("one", "demo", "alice")
    bob = await house.join("two", "demo", "bob")
    await alice.say("role-update", {"user_id": "bob", "role": "moderator"})
    await alice.say("room-settings-update", {"max_participants": 5})
    await bob.say("hand-raise", {"raised": True})
    await bob.say("chat-message", {"message": "one"}, "b-1")
    source, target = await move(house, "demo")
    assert house.owner_of("demo") == target
    for member in (alice, bob):
        assert await told(member) == {"reason": "moved", "overlap_ms": 500}
    again = await house.join(source, "demo", "alice", after=alice)
    assert again.state["role"] == "host" and again.state["continued"] is True
    assert [p["username"] for p in again.state["participants"]] == ["alice", "bob"], "bob is away, not gone"
    back = await house.join(source, "demo", "bob", after=bob)
    assert back.last_seq == bob.last_seq + 1, "numbers of a session go on"
    assert back.state["role"] == "moderator" and back.state["settings"]["max_participants"] == 5
    # Said again, because its answer might have been lost: it is not written twice.
    assert (await back.say("chat-message", {"message": "one"}, "b-1"))["type"] == "ack"
    await back.say("chat-message", {"message": "two"}, "b-2")
    history = await again.say("chat-history", {})
    assert [m["message"] for m in history["payload"]["messages"]] == ["one", "two"]
    log = await house.get(target, "/webrtc/rooms/demo/events?limit=100")
    kinds = [event["type"] for event in log.json()["events"]]
    assert kinds.count("room-opened") == 1 and "user-left" not in kinds and "room-closed" not in kinds


async def test_what_is_said_during_the_move_is_done_on_one_side(house: Service) -> None:
    alice = await house.join("one", "demo", "alice")
    texts = [f"line {number}" for number in range(60)]

    async def talk() -> None:
        for text in texts:
            await alice.socket.send(f'{{"type": "chat-message", "payload": {{"message": "{text}"}}, "id": "{text}"}}')
            await asyncio.sleep(0.002)

    talking = asyncio.create_task(talk())
    await asyncio.sleep(0.03)
    await move(house, "demo")
    await asyncio.gather(talking, return_exceptions=True)
    answered: set[str] = set()
    while (message := await alice.next())["type"] != "room-moved":
        answered.add(str(message.get("reply_to")))
    again = await house.join("one", "demo", "alice", after=alice)
    for text in texts:
        if text not in answered:  # as the SDK does
            await again.say("chat-message", {"message": text}, text)
    history = await again.say("chat-history", {"limit": 100})
    assert [m["message"] for m in history["payload"]["messages"]] == texts


async def test_a_door_waits_until_the_old_shard_has_told_of_the_move(house: Service) -> None:
    """The lease changes hands before the clients know of it, and the new shard's own door may look at that moment."""
    alice = await house.join("one", "demo", "alice")
    source = house.owner_of("demo")
    assert source is not None
    target = house.others("demo")[0]
    bob = await house.join(target, "demo", "bob")
    own, app = house.ownership(house.shards[target]), house.shards[source].app
    assert app is not None
    peers = app.state.peers
    command = peers.command

    async def slow(*args: Any) -> Any:
        await own.beat()
        await own.beat()
        return await command(*args)

    peers.command = slow
    await move(house, "demo")
    for member in (alice, bob):
        assert (await told(member))["reason"] == "moved"


async def test_a_move_that_cannot_be_done_changes_nothing(house: Service) -> None:
    alice = await house.join("one", "demo", "alice")
    source = house.owner_of("demo")
    assert source is not None
    own = house.ownership(house.shards[source])
    mover = house.shards[source]._mover
    assert mover is not None
    away = house.ownership(house.shards[house.others("demo")[0]]).info
    with pytest.raises(RoomError):
        await mover.move("demo", own.info)
    with pytest.raises(RoomError):
        await mover.move("nowhere", own.info)
    await own._redis.config_set("maxmemory", "1")  # nothing can be written
    with pytest.raises(RoomError):
        await mover.move("demo", away)
    await own._redis.config_set("maxmemory", "0")
    assert (await alice.say("heartbeat"))["type"] != "error"


async def test_draining_empties_a_shard_and_new_rooms_go_elsewhere(house: Service) -> None:
    rooms = [f"room{number}" for number in range(8)]
    members = {room: await house.join("one", room, "alice") for room in rooms}
    own = house.ownership(house.shards["one"])
    await own.directory.set_drain("one", True)
    deadline = time.monotonic() + 10
    while house.hub("one").rooms:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.05)
    assert set(house.hub("two").rooms) == set(rooms)
    for room, member in members.items():
        if member.socket.close_code is None and house.owner_of(room) == "two":
            continue
    fresh = await house.join("one", "fresh", "alice")
    assert house.owner_of("fresh") == "two" and fresh.state["role"] == "host"
    await own.directory.set_drain("one", False)
    deadline = time.monotonic() + 10
    number = 0
    while not house.hub("one").rooms:
        assert time.monotonic() < deadline
        number += 1
        await house.join("two", f"later{number}", "alice")
        await asyncio.sleep(0.05)


async def test_a_shard_that_stops_hands_its_rooms_on(house: Service) -> None:
    rooms = [f"room{number}" for number in range(4)]
    members = {room: await house.join("two", room, "alice") for room in rooms}
    await house.shards["one"].drain()
    await house.shards["one"].close()
    del house.shards["one"]
    assert set(house.hub("two").rooms) == set(rooms)
    for room, member in members.items():
        again = await house.join("two", room, "alice", after=member)
        assert again.state["role"] == "host"


async def test_a_shard_alone_does_not_wait_for_others(redis_server: EmbeddedRedis) -> None:
    async with service(redis_server.url, "one") as house:
        await house.join("one", "demo", "alice")
        started = time.monotonic()
        await house.shards["one"].drain()
        assert time.monotonic() - started < 1
        assert house.owner_of("demo") == "one"


async def test_a_room_that_nobody_has_is_re_formed_when_asked_for(house: Service) -> None:
    alice = await house.join("one", "demo", "alice")
    source = house.owner_of("demo")
    assert source is not None
    server = house.shards.pop(source)
    await server.close()  # it stops in good order, but nobody came to take its rooms
    other = next(iter(house.shards))
    found = await house.get(other, "/webrtc/rooms/demo/participants")
    assert found.json()["participants"] == ["alice"]
    again = await house.join(other, "demo", "alice", after=alice)
    assert again.state["role"] == "host" and again.state["continued"] is True
