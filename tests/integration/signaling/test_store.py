"""State and limits in a real Redis, and what happens when it goes away."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from scripts.embedded_redis import EmbeddedRedis
from signaling import effects as fx
from signaling.errors import RoomError
from signaling.limits import Limit, RateLimiter
from signaling.model import Permissions, Role, RoomSettings
from signaling.options import RedisOptions, RoomOptions
from signaling.redis_client import connect
from signaling.room_writes import RoomClosed, RoomOpened
from signaling.store import RoomStore
from signaling.stored_room import StoredRoom

OPTIONS = RedisOptions(key_prefix="test", command_timeout_s=0.5, connect_timeout_s=0.5)


@pytest.fixture(params=[True, False], ids=["text", "bytes"])
async def redis(redis_server: EmbeddedRedis, request: pytest.FixtureRequest) -> AsyncIterator[Redis]:
    """Clients that decode answers and clients that do not."""
    client = connect(redis_server.url, OPTIONS) if request.param else Redis.from_url(redis_server.url)
    yield client
    await client.aclose()


@pytest.fixture
async def store(redis: Redis) -> AsyncIterator[RoomStore]:
    store = RoomStore(redis, OPTIONS)
    yield store
    await store.close()


async def test_what_is_saved_can_be_loaded(store: RoomStore, redis: Redis) -> None:
    settings = RoomSettings(lock_room=True, max_participants=7)
    writes: list[fx.StateEffect | RoomOpened] = [
        RoomOpened(),
        fx.SaveParticipant("alice"),
        fx.SaveRole("alice", Role.HOST, Permissions(can_record=True)),
        fx.SaveRole("zoë", Role.GUEST, Permissions()),
        fx.SaveSettings(settings),
        fx.RenewPresence("alice"),
    ]
    for write in writes:
        store.save("demo", write)
    assert await store.flush(2)
    assert await store.load("demo") == StoredRoom(settings, {"alice": Role.HOST, "zoë": Role.GUEST})
    assert await store.load("other") == StoredRoom()
    lives = {"settings": 86_400, "roles": 3_600, "permissions": 3_600, "presence:alice": 30, "participants": -1}
    for name, life in lives.items():
        assert life - 5 <= await redis.ttl(f"test:{{demo}}:{name}") <= life, name


async def test_leaving_and_closing(store: RoomStore, redis: Redis) -> None:
    store.save("demo", RoomOpened())
    store.save("demo", fx.SaveParticipant("alice"))
    store.save("demo", fx.SaveParticipant("bob"))
    store.save("demo", fx.ForgetParticipant("alice"))
    assert await store.flush(2)
    assert await redis.scard("test:{demo}:participants") == 1
    assert not await redis.exists("test:{demo}:presence:alice")
    store.save("demo", RoomClosed())
    assert await store.flush(2)
    assert not await redis.exists("test:{demo}:participants", "test:rooms")


async def test_unreadable_state_is_none(store: RoomStore, redis: Redis) -> None:
    await redis.set("test:{demo}:settings", '{"from": "the future"}')
    await redis.hset("test:{demo}:roles", mapping={"alice": "king", "bob": "guest"})
    assert await store.load("demo") == StoredRoom(None, {"bob": Role.GUEST})


async def test_redis_goes_and_comes_back(tmp_path: object) -> None:
    server = EmbeddedRedis()
    await server.start()
    client = connect(server.url, OPTIONS)
    store = RoomStore(client, OPTIONS)
    await client.ping()
    await client.config_set("requirepass", "x")  # new connections and commands are refused
    await client.connection_pool.disconnect()
    store.save("demo", fx.SaveParticipant("alice"))
    async with asyncio.timeout(5):
        while store.healthy:  # noqa: ASYNC110 - a plain flag
            await asyncio.sleep(0.01)
    assert await store.load("demo") == StoredRoom(known=False)
    assert not await store.ping()
    admin = Redis.from_url(server.url, password="x")
    await admin.config_set("requirepass", "")
    await admin.aclose()
    assert await store.flush(5), "what could not be written is tried again"
    assert store.healthy
    assert await client.sismember("test:{demo}:participants", "alice")
    await store.close()
    await client.aclose()
    await server.stop()


async def test_sliding_window(redis: Redis) -> None:
    limiter = RateLimiter(redis, OPTIONS, RoomOptions())
    limiter.limits["messages"] = Limit(3, 1)
    for _ in range(3):
        await limiter.check("messages", "alice")
    with pytest.raises(RoomError) as caught:
        await limiter.check("messages", "alice")
    assert (caught.value.code, caught.value.status, caught.value.retry_after) == ("rate_limited", 429, 1)
    await limiter.check("messages", "bob")
    await asyncio.sleep(1.05)
    await limiter.check("messages", "alice")
    assert 0 < await redis.pttl("test:limit:messages:alice") <= 1_000


async def test_two_processes_share_a_limit(redis_server: EmbeddedRedis) -> None:
    clients = [connect(redis_server.url, OPTIONS) for _ in range(2)]
    limiters = [RateLimiter(client, OPTIONS, RoomOptions(messages_per_minute=4)) for client in clients]
    for limiter in limiters * 2:
        await limiter.check("messages", "alice")
    for limiter in limiters:
        with pytest.raises(RoomError):
            await limiter.check("messages", "alice")
    for client in clients:
        await client.aclose()


async def test_the_same_thing_counts_once_across_processes(redis_server: EmbeddedRedis) -> None:
    clients = [connect(redis_server.url, OPTIONS) for _ in range(2)]
    limiters = [RateLimiter(client, OPTIONS, RoomOptions(rooms_created_per_hour=2)) for client in clients]
    for limiter in limiters * 3:
        await limiter.check("rooms_created", "alice", "one")
    standing = await limiters[0].check("rooms_created", "alice", "two")
    assert (standing.limit, standing.remaining) == (2, 0) and 3_500 < standing.reset_s <= 3_600
    for limiter in limiters:
        await limiter.check("rooms_created", "alice", "two")
        with pytest.raises(RoomError) as caught:
            await limiter.check("rooms_created", "alice", "three")
        assert 3_500 < (caught.value.retry_after or 0) <= 3_600
    for client in clients:
        await client.aclose()


async def test_without_redis_limits_hold_in_the_process() -> None:
    client = connect("redis://127.0.0.1:1/0", OPTIONS)
    limiter = RateLimiter(client, OPTIONS, RoomOptions(messages_per_minute=2))
    assert [(await limiter.check("messages", "alice")).remaining for _ in range(2)] == [1, 0]
    with pytest.raises(RoomError):
        await limiter.check("messages", "alice")
    await limiter.check("messages", "bob")
    await client.aclose()


async def test_more_than_is_kept_is_made_up_for_by_whole_rooms(
    redis_server: EmbeddedRedis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("signaling.store.MAX_WAITING", 20)
    client = connect(redis_server.url, OPTIONS)
    store = RoomStore(client, OPTIONS)
    rewritten: list[str] = []

    def rewrite(room_id: str) -> None:
        rewritten.append(room_id)
        store.save(room_id, RoomOpened(again=True, anew=True))
        store.save(room_id, fx.SaveEntry(fx.Table.HANDS, "alice", "1.0"))

    store.on_incomplete = rewrite
    for name in ("alice", "bob"):
        store.save("demo", fx.SaveEntry(fx.Table.HANDS, name, "1.0"))
    assert await store.flush(2)
    store.save("demo", fx.ForgetEntry(fx.Table.HANDS, "bob"))
    for number in range(30):
        store.save("other", fx.SaveEntry(fx.Table.HANDS, f"user{number}", "1.0"))
    async with asyncio.timeout(5):
        while len(rewritten) < 2 or not await store.flush(2):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    assert set(rewritten) == {"demo", "other"} and store.counters["writes_dropped"] == 11
    assert await client.hgetall("test:{demo}:hands") == {"alice": "1.0"}, "what was dropped had removed somebody"
    await store.close()
    await client.aclose()


async def test_a_heartbeat_that_waits_is_not_written_twice(redis_server: EmbeddedRedis) -> None:
    client = connect(redis_server.url, OPTIONS)
    store = RoomStore(client, OPTIONS)
    for _ in range(50):
        store.save("demo", fx.RenewPresence("alice"))
    assert await store.flush(2) and store.counters["writes"] == 1
    store.save("demo", fx.RenewPresence("alice"))
    assert await store.flush(2) and store.counters["writes"] == 2
    await store.close()
    await client.aclose()
