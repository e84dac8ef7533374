"""The event log and analytics in a real Redis, over HTTP."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx
import pytest
from redis.asyncio import Redis

from scripts.embedded_redis import EmbeddedRedis
from signaling import effects as fx
from signaling.events.log import EventLog, RoomEvent
from signaling.events.options import EventOptions
from signaling.options import RedisOptions, RoomOptions
from signaling.redis_client import connect
from signaling.room_writes import RoomClosed, RoomOpened
from signaling.store import RoomStore
from tests.integration.signaling.conftest import House, running, token

OPTIONS = RedisOptions(key_prefix="test", command_timeout_s=0.5, connect_timeout_s=0.5)


def bearer(user: str, **claims: Any) -> dict[str, str]:
    return {"Authorization": f"Bearer {token(user, **claims)}"}


async def get(house: House, path: str, user: str = "alice", **claims: Any) -> httpx.Response:
    return await house.http.get(f"/webrtc/rooms/demo/{path}", headers=bearer(user, **claims))


async def until(found: Callable[[], Awaitable[Any]]) -> Any:
    async with asyncio.timeout(5):
        while not (value := await found()):  # noqa: ASYNC110 - states of Redis
            await asyncio.sleep(0.02)
        return value


async def events_until(house: House, last_type: str, user: str = "alice", **claims: Any) -> list[dict[str, Any]]:
    async def found() -> list[dict[str, Any]]:
        events: list[dict[str, Any]] = (await get(house, "events", user, **claims)).json().get("events", [])
        return events if any(e["type"] == last_type for e in events) else []

    events: list[dict[str, Any]] = await until(found)
    return events


async def test_a_meeting_is_logged_in_order(house: House) -> None:
    alice, _ = await house.join("alice", name="Alice A.")
    bob, _ = await house.join("bob")
    await bob.say("chat-message", {"message": "a secret"})
    await bob.say("analytics-event", {"event_type": "poll", "metadata": {"n": 1}})
    await bob.socket.close()
    events = await events_until(house, "user-left")
    assert [e["type"] for e in events] == [
        *("room-opened", "user-joined", "user-joined", "chat-message", "analytics-event", "user-left")
    ]
    assert [e["seq"] for e in events] == list(range(1, 7))
    assert len({e["event_id"] for e in events}) == 6
    assert events[1]["payload"] == {"username": "alice", "display_name": "Alice A.", "role": "host"}
    assert "secret" not in str(events)
    page = (await get(house, "events?since=1&limit=2")).json()
    assert [e["seq"] for e in page["events"]] == [2, 3]
    assert (page["next_since"], page["has_more"], page["first_seq"]) == (3, True, 1)
    page = (await get(house, "events?since=6")).json()
    assert (page["events"], page["next_since"], page["has_more"]) == ([], 6, False)
    counted = (await get(house, "analytics?since=3")).json()
    assert [(e["event_type"], e["user_id"]) for e in counted["events"]] == [
        ("chat-message", "bob"),
        ("poll", "bob"),
        ("user-left", "bob"),
    ]
    assert counted["events"][1]["metadata"] == {"n": 1}
    summary = (await get(house, "analytics/summary")).json()
    assert summary["total_participants"] == 2
    assert summary["peak_concurrent_users"] == 2
    assert summary["total_messages_sent"] == 1
    assert summary["total_files_shared"] == 0
    assert 0 <= summary["average_session_duration"] <= summary["total_duration_minutes"] < 1
    assert (await alice.say("heartbeat"))["type"] == "heartbeat"


PATHS = ["events", "analytics", "analytics/summary"]


@pytest.mark.parametrize("path", PATHS)
async def test_who_may_look(house: House, path: str) -> None:
    await house.join("alice")
    await house.join("bob")
    await house.join("mo", role="moderator")
    await house.join("eve", room="other")
    await events_until(house, "user-joined")
    allowed = [
        ("alice", {}),
        ("mo", {"role": "moderator"}),
        ("server", {"permissions": {"can_manage_participants": True}}),
    ]
    for user, claims in allowed:
        assert (await get(house, path, user, **claims)).status_code == 200, user
    refused: list[tuple[str, dict[str, Any]]] = [
        ("bob", {}),
        ("eve", {}),
        ("nobody", {}),
        ("guest", {"role": "guest"}),
        ("server", {"permissions": {"can_manage_participants": True}, "room": "other"}),
        # In the room, the room decides.
        ("bob", {"permissions": {"can_manage_participants": True}}),
    ]
    for user, claims in refused:
        answer = await get(house, path, user, **claims)
        assert (answer.status_code, answer.json()["error_code"]) == (403, "permission_denied"), (user, claims)
    assert (await house.http.get(f"/webrtc/rooms/demo/{path}")).status_code == 401


@pytest.mark.parametrize("path", PATHS)
async def test_a_room_that_never_was(house: House, path: str) -> None:
    answer = await get(house, path, "root", role="host")
    assert (answer.status_code, answer.json()["error_code"]) == (404, "room_not_found")


@pytest.mark.parametrize("query", ["since=-1", "since=x", f"since={2**60}", "limit=0", "limit=1001", "limit=x"])
async def test_bad_pages(house: House, query: str) -> None:
    await house.join("alice")
    answer = await get(house, f"events?{query}")
    assert (answer.status_code, answer.json()["error_code"]) == (400, "invalid_message")


async def test_the_log_goes_on_after_the_room_and_after_a_restart(redis_server: EmbeddedRedis) -> None:
    async with running(redis_server.url, RoomOptions()) as house:
        alice, _ = await house.join("alice")
        await alice.say("chat-message", {"message": "x"})
        await alice.socket.close()
        events = await events_until(house, "room-closed")  # the host of the room that ended still may look
        assert (await get(house, "events", "bob")).json()["error_code"] == "room_not_found"
        assert 86_000 < await house.redis.ttl("plenum:{demo}:events") <= 86_400
    async with running(redis_server.url, RoomOptions()) as house:
        await house.join("alice")
        await house.join("bob")

        async def four() -> list[dict[str, Any]]:
            found: list[dict[str, Any]] = (await get(house, "events?since=5")).json()["events"]
            return found if len(found) >= 3 else []

        later = await until(four)
        assert [e["seq"] for e in events] == [1, 2, 3, 4, 5]
        assert [(e["seq"], e["type"]) for e in later] == [
            (6, "room-opened"),
            (7, "user-joined"),
            (8, "user-joined"),
        ]
        summary = (await get(house, "analytics/summary")).json()
        assert (summary["total_participants"], summary["peak_concurrent_users"]) == (2, 2)
        assert summary["total_messages_sent"] == 1


async def test_without_redis_it_says_so(house: House, redis_server: EmbeddedRedis) -> None:
    await house.join("alice")
    await redis_server.stop()
    answer = await get(house, "events")
    assert (answer.status_code, answer.json()["error_code"]) == (503, "unavailable")


# -- the store ---------------------------------------------------------------------------------------------------------


@pytest.fixture(params=[True, False], ids=["text", "bytes"])
async def redis(redis_server: EmbeddedRedis, request: pytest.FixtureRequest) -> AsyncIterator[Redis]:
    client = connect(redis_server.url, OPTIONS) if request.param else Redis.from_url(redis_server.url)
    yield client
    await client.aclose()


def event(number: int, tally: str = "", user: str = "", at: float = 0.0, writer: str = "w") -> fx.AppendEvent:
    return fx.AppendEvent(writer, number, tally or "x", None, at, "{}", tally, user)


def expected_totals(events: list[tuple[str, str, float]], now: float) -> dict[str, float]:
    """The same sums, from the list of events by the plainest way."""
    open_since: dict[str, float] = {}
    users: set[str] = set()
    sessions: list[float] = []
    peak = messages = 0
    occupied = 0.0
    began = 0.0
    for tally, user, at in events:
        if tally == "join":
            if not open_since:
                began = at
            users.add(user)
            open_since.setdefault(user, at)
            peak = max(peak, len(open_since))
        elif tally == "leave" and user in open_since:
            sessions.append(at - open_since.pop(user))
            if not open_since:
                occupied += at - began
        elif tally == "message":
            messages += 1
    if open_since:
        occupied += now - began
    sessions += [now - since for since in open_since.values()]
    average = sum(sessions) / len(sessions) if sessions else 0.0
    return {"users": len(users), "peak": peak, "messages": messages, "occupied": occupied, "average": average}


async def test_totals_are_those_of_the_events_and_repeated_writes_change_nothing(redis: Redis) -> None:
    chance = random.Random(7)
    store = RoomStore(redis, OPTIONS)
    log = EventLog(redis, OPTIONS)
    for room_number in range(5):
        room = f"room{room_number}"
        happened: list[tuple[str, str, float]] = []
        writes: list[fx.AppendEvent] = []
        at = 1_000.0
        for number in range(1, 60):
            at += chance.randrange(1, 100)
            tally = chance.choice(["join", "join", "leave", "message"])
            user = f"user{chance.randrange(6)}"
            happened.append((tally, user, at))
            writes.append(event(number, tally, user, at))
        for number, write in enumerate(writes):
            store.save(room, write)
            if chance.random() < 0.3:  # a group that is sent again after a broken connection
                for earlier in writes[max(0, number - 5) : number + 1]:
                    store.save(room, earlier)
        assert await store.flush(5)
        page = await log.read(room, 0, 1_000)
        assert [e.seq for e in page.events] == list(range(1, 60))
        assert [e.event_id for e in page.events] == [f"w-{n}" for n in range(1, 60)]
        found = await log.summary(room, at + 50)
        assert found is not None
        wanted = expected_totals(happened, at + 50)
        assert (found.total_participants, found.peak, found.messages) == (
            wanted["users"],
            wanted["peak"],
            wanted["messages"],
        )
        assert found.occupied_s == pytest.approx(wanted["occupied"], abs=0.01)
        assert found.average_session_s == pytest.approx(wanted["average"], abs=0.01)
    await store.close()


async def test_who_was_there_when_the_process_died_left_then(redis: Redis) -> None:
    store = RoomStore(redis, OPTIONS)
    log = EventLog(redis, OPTIONS)
    for write in (event(1, "join", "alice", 1_000.0), event(2, "message", "", 1_060.0)):
        store.save("demo", write)
    store.save("demo", RoomOpened())
    store.save("demo", event(1, "join", "bob", 5_000.0, writer="next"))
    assert await store.flush(2)
    summary = await log.summary("demo", 5_060.0)
    assert summary is not None
    assert (summary.total_participants, summary.peak) == (2, 1)
    assert summary.occupied_s == pytest.approx(120.0)
    assert summary.average_session_s == pytest.approx(60.0)
    await store.close()


async def test_the_log_is_bounded_and_says_what_is_missing(redis: Redis) -> None:
    store = RoomStore(redis, OPTIONS, EventOptions(max_events=100))
    for number in range(1, 501):
        store.save("demo", event(number))
    store.save("demo", RoomClosed())
    assert await store.flush(5)
    page: Any = await EventLog(redis, OPTIONS).read("demo", 0, 1_000)
    events: list[RoomEvent] = page.events
    assert 100 <= len(events) <= 250
    assert events[-1].seq == 500
    assert page.first_seq == events[0].seq > 1
    await store.close()
