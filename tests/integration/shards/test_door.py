"""Any door: whichever shard is asked, the room's owner answers."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

import httpx
import pytest

from scripts.embedded_redis import EmbeddedRedis
from signaling.shards.signing import HEADER, Origin, Signer
from tests.integration.shards.service import Service, service, token
from tests.support.participant import eventually


@pytest.fixture
async def house(redis_server: EmbeddedRedis) -> AsyncIterator[Service]:
    async with service(redis_server.url, "one", "two", "three") as house:
        yield house


async def test_a_room_is_one_room_through_all_doors(house: Service) -> None:
    people = [await house.join(door, "demo", f"user-{door}") for door in house.shards]
    assert house.owner_of("demo") is not None
    assert len(house.hub(house.owner_of("demo")).rooms["demo"].room.participants) == 3  # type: ignore[arg-type]
    await people[0].say("chat-message", {"message": "hello"})
    for other in people[1:]:
        assert (await other.next("chat-message"))["payload"]["message"] == "hello"
    for door in house.shards:
        found = await house.get(door, "/webrtc/rooms/demo/participants", "user-one")
        assert sorted(found.json()["participants"]) == ["user-one", "user-three", "user-two"]
        missing = await house.get(door, "/webrtc/rooms/nowhere/participants")
        assert (missing.status_code, missing.json()["error_code"]) == (404, "room_not_found")


async def test_rooms_are_spread(house: Service) -> None:
    for server in house.shards.values():
        own = house.ownership(server)
        own.info = own.info.model_copy(update={"max_load": 1.0})

    async def calm() -> bool:
        # All three are in this process: the first has measured what the start of the others took.
        for server in house.shards.values():
            await house.ownership(server).beat()
        return all(shard.load < 0.3 for shard in house.ownership(house.shards["one"]).shards.values())

    await eventually(calm, 10, "the start of the servers is still measured")
    for number in range(30):
        await house.join("one", f"room{number}", "alice")
    counts = {name: len(house.hub(name).rooms) for name in house.shards}
    assert sum(counts.values()) == 30 and min(counts.values()) >= 3, counts


async def test_close_codes_and_refusals_come_through(house: Service) -> None:
    alice = await house.join("one", "demo", "alice")
    door = house.others("demo")[0]
    stranger = await house.dial(door, "demo", "bob", room="other")
    assert await stranger.closed() == (4403, "permission_denied")
    bob = await house.join(door, "demo", "bob")
    await alice.say("kick", {"user_id": "bob", "reason": "noise"})
    assert (await bob.closed())[0] == 4410
    answer = await house.http.get(house.url(door, "/webrtc/rooms/demo/participants"))
    assert answer.status_code == 401 and answer.headers["www-authenticate"] == "Bearer"


async def test_bodies_go_through_in_both_directions(house: Service) -> None:
    await house.join("one", "demo", "alice")
    door = house.others("demo")[0]
    headers = {"Authorization": f"Bearer {token('alice')}"}
    picture = b"\x89PNG\r\n\x1a\n" + b"\0\0\0\rIHDR\0\0\0\x10\0\0\0\x10\x08\x02\0\0\0" + bytes(900_000)
    url = house.url(door, "/webrtc/rooms/demo/chat/images")
    put = await house.http.post(url, content=picture, headers={**headers, "Content-Type": "image/png"})
    assert put.status_code in (200, 201), put.text
    got = await house.http.get(house.url(door, put.json()["url"]), headers=headers)
    assert got.content == picture


async def test_a_lost_client_is_lost_for_the_owner_too(house: Service) -> None:
    await house.join("one", "demo", "alice")
    owner = house.owner_of("demo")
    assert owner is not None
    bob = await house.join(house.others("demo")[0], "demo", "bob")
    bob.socket.transport.abort()
    session = house.hub(owner).rooms["demo"].sessions["bob"]
    async with asyncio.timeout(5):
        while session.away_since is None:  # noqa: ASYNC110 - a plain flag
            await asyncio.sleep(0.01)
    again = await house.dial(house.others("demo")[1], "demo", "bob", after=bob)
    assert (await again.next())["type"] == "session-resumed"


async def test_the_inner_door_lets_in_only_shards(house: Service) -> None:
    await house.join("one", "demo", "alice")
    own = house.ownership(house.shards["one"])
    url = own.info.internal_url
    async with httpx.AsyncClient() as http:
        path = "/webrtc/rooms/demo/participants"
        assert (await http.get(url + path)).status_code == 401
        wrong = Signer(b"x" * 32).sign("GET", path, "one", Origin(1, "", "http"))
        assert (await http.get(url + path, headers={HEADER: wrong})).status_code == 401
        assert (await http.post(url + "/internal/adopt", json={})).status_code == 401
        assert (await http.get(house.url("one", "/internal/adopt"))).status_code == 404


def test_signatures_hold_for_one_request_to_one_shard_for_a_while() -> None:
    now = [1_000.0]
    signer = Signer(b"s" * 32, lambda: now[0])
    origin = Origin(1, "10.0.0.1", "https")
    value = signer.sign("GET", "/a?b=c", "one", origin)
    assert signer.check("GET", "/a?b=c", "one", value) == origin
    assert signer.check("GET", "/a?b=d", "one", value) is None
    assert signer.check("POST", "/a?b=c", "one", value) is None
    assert signer.check("GET", "/a?b=c", "two", value) is None
    assert Signer(b"t" * 32, lambda: now[0]).check("GET", "/a?b=c", "one", value) is None
    assert signer.check("GET", "/a?b=c", "one", value.replace("1;", "0;", 1)) is None
    for text in ("", ";", "a;b;c;d", value[:-1]):
        assert signer.check("GET", "/a?b=c", "one", text) is None
    now[0] += 61
    assert signer.check("GET", "/a?b=c", "one", value) is None


async def test_shards_that_disagree_do_not_send_a_request_for_ever(house: Service) -> None:
    for server in house.shards.values():
        house.ownership(server).options.takeover_wait_s = 1.0
    own = house.ownership(house.shards["one"])
    # A lease of a run that nobody knows: there is no such shard, and it is not known to have ended.
    await own._redis.set("plenum:{demo}:lease", "ghost/1")
    started = time.monotonic()
    answer = await house.get("one", "/webrtc/rooms/demo/participants")
    assert (answer.status_code, answer.json()["error_code"]) == (503, "unavailable")
    assert time.monotonic() - started < 4
