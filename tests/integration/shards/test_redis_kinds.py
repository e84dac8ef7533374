"""The same work on one server, on a master that Sentinels name, and on a cluster; and what a failover does to it."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import pytest

from signaling import effects as fx
from signaling.errors import RoomError
from signaling.events.log import EventLog
from signaling.limits import RateLimiter
from signaling.options import RedisOptions, RoomOptions
from signaling.redis_client import REDIS_FAILURES, connect
from signaling.redis_guard import RedisUnavailable
from signaling.room_writes import RoomClosed, RoomOpened
from tests.integration.shards.test_ownership import REDIS, Shard
from tests.support.redis_servers import ClusterRedis, RedisServer, SentinelRedis

ROOMS = [f"room{number}" for number in range(40)]


async def _work(client: Any) -> None:
    """All that a shard does with Redis, for rooms that a cluster spreads over its nodes."""
    one, two = Shard(client, "one"), Shard(client, "two")
    await one.ownership.beat()
    await two.ownership.beat()
    assert set(two.ownership.shards) >= {"one"}
    for room in ROOMS:
        await one.ownership.hold(room)
        one.store.save(room, RoomOpened())
        one.store.save(room, fx.SaveParticipant("alice"))
        one.store.save(room, fx.SaveEntry(fx.Table.HANDS, "alice", "1.0"))
        one.store.save(room, fx.AppendEvent("w", 1, "participant-joined", "alice", 1.0, "{}", "join", "alice"))
    assert await one.store.flush(10) and one.store.counters["writes_failed"] == 0
    assert await one.ownership._redis.scard("test:rooms") == len(ROOMS)
    await one.ownership.beat()
    assert one.lost == [] and len(one.ownership) == len(ROOMS)
    loaded = await two.store.load(ROOMS[7])
    assert loaded.known and loaded.tables[fx.Table.HANDS] == {"alice": "1.0"}
    with pytest.raises(RoomError):
        await two.ownership.hold(ROOMS[7])
    log = EventLog(client, REDIS)
    assert [event.type for event in (await log.read(ROOMS[7], 0, 10)).events] == ["participant-joined"]
    limiter = RateLimiter(client, REDIS, RoomOptions(hand_raises_per_minute=2))
    elsewhere = RateLimiter(client, REDIS, RoomOptions(hand_raises_per_minute=2))
    await limiter.check("hand_raises", "alice")
    await elsewhere.check("hand_raises", "alice")
    with pytest.raises(RoomError):
        await limiter.check("hand_raises", "alice")
    adopted: list[str] = []

    async def adopt(room_id: str) -> None:
        adopted.append(await two.ownership.hold(room_id))

    two.ownership.orphan = adopt
    await two.ownership.directory.bury(one.ownership.me, "one")
    assert await two.ownership.hold(ROOMS[0])
    for room in ROOMS[1:]:
        one.store.save(room, RoomClosed())
        one.ownership.forget(room)
    assert await one.store.flush(10)
    assert await client.smembers("test:rooms") == {ROOMS[0]}
    for shard in (one, two):
        await shard.store.close()
        await shard.ownership.close()


async def test_one_server(tmp_path: Path) -> None:
    async with RedisServer(tmp_path) as server:
        client = connect(server.url, REDIS)
        await _work(client)
        await client.aclose()


async def test_a_cluster() -> None:
    async with ClusterRedis() as cluster:
        client = connect(cluster.url, REDIS)
        await _work(client)
        used = [len(await client.keys("test:*", target_nodes=node)) for node in client.get_primaries()]  # type: ignore[attr-defined]
        assert len(used) == 3 and all(used), "the rooms are on all nodes"
        await client.aclose()


async def test_sentinels_and_the_death_of_the_master() -> None:
    options = RedisOptions(key_prefix="test", command_timeout_s=1, connect_timeout_s=0.5, breaker_pause_s=0.3)
    async with SentinelRedis() as several:
        client = connect(several.url, options)
        await _work(client)
        shard = Shard(client, "last")
        await shard.ownership.beat()
        await shard.ownership.hold("kept")
        shard.store.save("kept", RoomOpened())
        shard.store.save("kept", fx.SaveEntry(fx.Table.HANDS, "alice", "1.0"))
        assert await shard.store.flush(5)
        await several.replicated("all")
        several.servers[0].kill()
        shard.store.save("kept", fx.SaveEntry(fx.Table.HANDS, "bob", "2.0"))
        began = time.monotonic()
        assert await shard.store.flush(30), "no other master was found"
        print(f"writes go on {time.monotonic() - began:.1f} s after the death of the master")
        await shard.ownership.beat()
        assert shard.lost == [] and (await shard.store.load("kept")).tables[fx.Table.HANDS] == {
            "alice": "1.0",
            "bob": "2.0",
        }
        await shard.store.close()
        await shard.ownership.close()
        await client.aclose()


async def test_a_server_that_stands_still_is_left_alone_until_it_answers(tmp_path: Path) -> None:
    options = RedisOptions(key_prefix="test", command_timeout_s=0.2, breaker_failures=2, breaker_pause_s=0.2)
    async with RedisServer(tmp_path) as server:
        client: Any = connect(server.url, options)
        assert await client.set("a", 1)
        server.pause()
        for _ in range(2):
            with pytest.raises(REDIS_FAILURES):
                async with asyncio.timeout(0.2):
                    await client.get("a")
        breaker = client.guard.breaker
        assert not breaker.admits and breaker.cause == "TimeoutError"
        began = time.monotonic()
        for _ in range(100):
            with pytest.raises(RedisUnavailable):
                await client.get("a")
        assert time.monotonic() - began < 0.15, "nobody waits for it"
        server.pause(False)
        async with asyncio.timeout(10):
            while not breaker.admits:  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        assert await client.get("a") == "1"
        await client.aclose()


async def test_connections_have_a_bound(tmp_path: Path) -> None:
    options = RedisOptions(command_timeout_s=2, max_connections=3)
    async with RedisServer(tmp_path) as server:
        client: Any = connect(server.url, options)
        await asyncio.gather(*(client.incr("n") for _ in range(300)))
        assert await client.get("n") == "300"
        assert len(await client.client_list()) <= 3
        await client.aclose()
