"""The WebSocket of a room, over real sockets."""

from __future__ import annotations

import asyncio
import gc
import json
from collections.abc import Awaitable, Callable

import pytest

from scripts.embedded_redis import EmbeddedRedis
from signaling.options import RoomOptions
from tests.integration.signaling.conftest import SECRET, House, running, token


async def until(condition: Callable[[], Awaitable[object]]) -> None:
    async with asyncio.timeout(5):
        while not await condition():  # noqa: ASYNC110 - states of the server and of Redis
            await asyncio.sleep(0.01)


@pytest.mark.parametrize(
    ("room", "query", "code", "reason"),
    [
        ("demo", "", 4401, "unauthorized"),
        ("demo", "?token=garbage", 4401, "unauthorized"),
        ("demo", f"?token={token(lifetime_s=-5)}", 4401, "unauthorized"),
        ("demo", f"?token={token(secret=SECRET[::-1])}", 4401, "unauthorized"),
        ("demo", f"?token={token(room='other')}", 4403, "permission_denied"),
        ("a.b", f"?token={token(lifetime_s=600)}", 4400, "invalid_message"),
    ],
)
async def test_refused(house: House, room: str, query: str, code: int, reason: str) -> None:
    member = await house.dial(room, query)
    message = await member.next()
    assert (message["type"], message["payload"]["error_code"]) == ("error", reason)
    assert await member.closed() == (code, reason)
    assert house.hub.rooms == {}


async def test_a_meeting(house: House) -> None:
    alice, state = await house.join("alice", name="Alice A.")
    assert state["role"] == "host"
    bob, state = await house.join("bob", room="demo")
    assert [p["display_name"] for p in state["participants"]] == ["Alice A.", "bob"]
    assert (await alice.next("user-joined"))["payload"]["username"] == "bob"
    reply = await bob.say("chat-message", {"message": "hello"})
    assert reply["sender"] == "bob"
    assert (await alice.next("chat-message"))["payload"] == reply["payload"]
    assert (await alice.say("heartbeat"))["type"] == "heartbeat"
    await bob.socket.close()
    assert (await alice.next("user-left"))["payload"] == {"username": "bob", "reason": "left"}
    assert (await alice.say("leave"))["type"] == "ack"
    assert await alice.closed() == (1000, "left")

    async def closed() -> bool:
        return not house.hub.rooms

    await until(closed)


async def test_token_in_the_header(house: House) -> None:
    member = await house.dial("demo", "", additional_headers={"Authorization": f"Bearer {token()}"})
    assert (await member.next())["type"] == "room-state"


async def test_newest_session_wins(house: House) -> None:
    old, _ = await house.join("alice")
    new, state = await house.join("alice")
    assert await old.closed() == (4409, "session_replaced")
    assert state["role"] == "host"
    assert (await new.say("heartbeat"))["type"] == "heartbeat"


@pytest.mark.parametrize(
    "frame",
    ["", "nonsense", "[]", '{"type": 5}', '{"type": "chat-message", "payload": 1}', b"\x00\x01", "[" * 10_000, "{}"],
)
async def test_bad_frames_do_not_end_the_session(house: House, frame: str | bytes) -> None:
    alice, _ = await house.join("alice")
    await alice.socket.send(frame)
    error = await alice.next("error")
    assert error["payload"]["error_code"] == "invalid_message"
    assert (await alice.say("heartbeat"))["type"] == "heartbeat"


async def test_error_repeats_the_id_of_a_bad_message(house: House) -> None:
    alice, _ = await house.join("alice")
    await alice.socket.send(json.dumps({"type": "offer", "payload": [], "id": "x1"}))
    assert (await alice.next("error"))["reply_to"] == "x1"


async def test_state_in_redis(house: House) -> None:
    alice, _ = await house.join("alice")
    await house.join("bob")
    redis = house.redis
    key = "plenum:{demo}:"

    async def written() -> bool:
        return await redis.smembers(f"{key}participants") == {"alice", "bob"}

    await until(written)
    assert await redis.hgetall(f"{key}roles") == {"alice": "host", "bob": "participant"}
    assert json.loads((await redis.hgetall(f"{key}permissions"))["bob"])["can_record"] is False
    assert 25 < await redis.ttl(f"{key}presence:alice") <= 30
    assert 3_500 < await redis.ttl(f"{key}roles") <= 3_600
    assert await redis.smembers("plenum:rooms") == {"demo"}
    await redis.delete(f"{key}presence:alice")
    await alice.say("heartbeat")

    async def renewed() -> bool:
        return bool(await redis.exists(f"{key}presence:alice"))

    await until(renewed)
    await house.close()

    async def gone() -> bool:
        return not await redis.exists(f"{key}participants", f"{key}presence:alice", "plenum:rooms")

    await until(gone)


class TestLimits:
    @pytest.fixture
    def rooms(self) -> RoomOptions:
        return RoomOptions(messages_per_minute=3)

    async def test_messages_are_limited_but_not_negotiation(self, house: House) -> None:
        alice, _ = await house.join("alice")
        bob, _ = await house.join("bob")
        replies = [await alice.say("chat-message", {"message": str(i)}) for i in range(5)]
        assert [r["type"] for r in replies] == ["chat-message"] * 3 + ["error"] * 2
        assert replies[3]["payload"]["error_code"] == "rate_limited"
        assert 50 <= replies[3]["payload"]["retry_after"] <= 60
        for _ in range(5):
            assert (await alice.say("heartbeat"))["type"] == "heartbeat"
            refusal = await alice.say("offer", {"transport": "publish", "sdp": "x"})
            assert refusal["payload"]["error_code"] == "invalid_message"
        assert (await bob.say("chat-message", {"message": "mine"}))["type"] == "chat-message"


class TestSilence:
    @pytest.fixture
    def rooms(self) -> RoomOptions:
        return RoomOptions(session_timeout_s=0.5)

    async def test_silent_session_is_dropped(self, house: House) -> None:
        alice, _ = await house.join("alice")
        bob, _ = await house.join("bob")
        silent = asyncio.create_task(alice.closed())
        async with asyncio.timeout(5):
            while not silent.done():
                await bob.say("heartbeat")
                await asyncio.sleep(0.05)
        assert silent.result() == (4408, "timeout")
        assert list(house.hub.rooms["demo"].room.participants) == ["bob"]


class TestSlowReader:
    @pytest.fixture
    def rooms(self) -> RoomOptions:
        return RoomOptions(
            max_queue_messages=20, messages_per_minute=100_000, flood_burst=100_000, max_chat_characters=60_000
        )

    async def test_who_does_not_read_is_closed(self, house: House) -> None:
        alice, _ = await house.join("alice")
        slow, _ = await house.join("slow")
        slow.socket.transport.pause_reading()
        async with asyncio.timeout(20):
            while "slow" in house.hub.rooms["demo"].room.participants:
                await alice.say("chat-message", {"message": "x" * 60_000})
        assert (await alice.say("heartbeat"))["type"] == "heartbeat"


async def test_the_call_goes_on_without_redis(house: House, redis_server: EmbeddedRedis) -> None:
    alice, _ = await house.join("alice")
    await redis_server.stop()
    assert (await alice.say("chat-message", {"message": "still here"}))["type"] == "chat-message"
    _bob, state = await house.join("bob", room="other")
    assert state["role"] == "host"
    health = (await house.http.get("/webrtc/health")).json()
    assert (health["status"], health["redis"]) == ("degraded", "unavailable")


async def test_restart_is_told(redis_server: EmbeddedRedis) -> None:
    async with running(redis_server.url, RoomOptions()) as house:
        alice, _ = await house.join("alice")
        await house.hub.close()
        assert await alice.closed() == (1012, "server_restart")
        late = await house.dial("demo", f"?token={token()}")
        assert (await late.next("error"))["payload"]["error_code"] == "unavailable"
        assert (await late.closed())[0] == 1013


async def test_leaving_and_closing_at_once_is_no_failure(house: House) -> None:
    failures: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: failures.append(context))
    for _ in range(10):
        alice, _ = await house.join("alice")
        # Both sides close now: the server because of `leave`, the client because it goes.
        await alice.socket.send(json.dumps({"type": "leave", "payload": {}}))
        await alice.socket.close()
    await asyncio.sleep(0.1)
    gc.collect()
    assert failures == []
