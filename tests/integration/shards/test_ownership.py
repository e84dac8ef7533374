"""Leases, fences and the register of shards, in a real Redis."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import pytest
from redis.asyncio import Redis

from scripts.embedded_redis import EmbeddedRedis
from signaling import effects as fx
from signaling.errors import RoomError
from signaling.options import RedisOptions
from signaling.redis_client import connect
from signaling.room_writes import RoomClosed, RoomOpened
from signaling.shards.model import ShardInfo
from signaling.shards.options import ShardOptions
from signaling.shards.ownership import Ownership, RoomElsewhere
from signaling.store import RoomStore

REDIS = RedisOptions(key_prefix="test", command_timeout_s=0.5, connect_timeout_s=0.5)
OPTIONS = ShardOptions(heartbeat_interval_s=0.1, lease_lifetime_s=0.4)


class Shard:
    """Ownership and store of one shard, as the application ties them together."""

    def __init__(self, redis: Any, name: str, incarnation: str = "1") -> None:
        info = ShardInfo(id=name, incarnation=incarnation, max_rooms=100, max_participants=100)
        self.ownership = Ownership(redis, REDIS, OPTIONS, info)
        self.store = RoomStore(redis, REDIS)
        self.lost: list[str] = []
        self.emptied: list[str] = []
        self.ownership.on_lost = self.lost.append
        self.ownership.on_emptied = self.emptied.append
        self.store.fence_of = self.ownership.fence_of
        self.store.on_fenced = self.ownership.fenced
        self.store.on_emptied = self._reclaim

    async def _reclaim(self, rooms: list[str]) -> None:
        for room in rooms:
            await self.ownership.reclaim(room)


@pytest.fixture
async def redis(redis_server: EmbeddedRedis) -> AsyncIterator[Redis]:
    client = connect(redis_server.url, REDIS)
    yield client
    await client.aclose()


@pytest.fixture
async def pair(redis: Redis) -> AsyncIterator[tuple[Shard, Shard]]:
    one, two = Shard(redis, "one"), Shard(redis, "two")
    await one.ownership.beat()
    await two.ownership.beat()
    yield one, two
    for shard in (one, two):
        await shard.store.close()
        await shard.ownership.close()


async def test_one_of_many_takes_a_room(redis: Redis) -> None:
    shards = [Shard(redis, f"s{i}").ownership for i in range(20)]
    found = await asyncio.gather(*(shard.hold("demo") for shard in shards), return_exceptions=True)
    fences = [fence for fence in found if isinstance(fence, str)]
    assert len(fences) == 1
    winner = next(shard for shard in shards if shard.fence_of("demo"))
    assert {e.holder for e in found if isinstance(e, RoomElsewhere)} == {winner.me}
    assert (await winner.find("demo")) is not None
    assert await winner.hold("demo") == fences[0]


async def test_many_who_ask_for_a_room_at_once_share_one_lease(redis: Redis) -> None:
    one = Shard(redis, "one")
    for number in range(30):
        room = f"demo{number}"
        fences = await asyncio.gather(*(one.ownership.hold(room) for _ in range(20)))
        assert set(fences) == {await redis.get(f"test:{{{room}}}:fence")}
    await one.ownership.beat()
    assert one.lost == [] and len(one.ownership) == 30


async def test_a_lease_whose_answer_was_lost_keeps_its_fence(redis: Redis) -> None:
    one = Shard(redis, "one")
    fence = await one.ownership.hold("demo")
    one.store.save("demo", fx.SaveEntry(fx.Table.HANDS, "alice", "1.0"))
    one.ownership.forget("demo")
    assert await one.ownership.hold("demo") == fence
    assert await one.store.flush(2) and one.store.counters["writes_fenced"] == 0
    await one.store.close()


async def test_one_that_was_alone_waits_for_nobody_after_redis_was_away(redis: Redis) -> None:
    one, two = Shard(redis, "one").ownership, Shard(redis, "two").ownership
    await one.beat()
    one._failed(TimeoutError())
    with pytest.raises(RoomError):
        await one.hold("demo")
    await one.beat()
    assert await one.hold("demo")
    await two.beat()
    await one.beat()
    one._failed(TimeoutError())
    await one.beat()
    with pytest.raises(RoomError):
        await one.hold("other")  # the other shard may have had it


async def test_a_room_that_is_asked_for_is_not_given_back(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("signaling.shards.ownership.IDLE_LEASE_S", 0.2)
    one = Shard(redis, "one").ownership
    await one.hold("demo")
    await one.hold("other")
    await asyncio.sleep(0.3)
    fence = await one.hold("demo")
    await one.beat()
    assert one.fence_of("demo") == fence and one.fence_of("other") is None


async def test_a_silent_shard_loses_its_room_and_writes_nothing_more(pair: tuple[Shard, Shard], redis: Redis) -> None:
    one, two = pair
    old = await one.ownership.hold("demo")
    one.store.save("demo", RoomOpened())
    one.store.save("demo", fx.SaveEntry(fx.Table.HANDS, "alice", "1.0"))
    assert await one.store.flush(2)
    with pytest.raises(RoomElsewhere):
        await two.ownership.hold("demo")
    await asyncio.sleep(0.5)  # it sends no heartbeat, as one that is stopped
    new = await two.ownership.hold("demo")
    assert int(new) > int(old)
    one.store.save("demo", fx.SaveEntry(fx.Table.HANDS, "mallory", "2.0"))
    one.store.save("demo", RoomClosed())
    assert await one.store.flush(2)
    assert await redis.hgetall("test:{demo}:hands") == {"alice": "1.0"}
    assert one.lost == ["demo"] and one.ownership.fence_of("demo") is None
    assert one.store.counters["writes_fenced"] == 1
    assert (await two.ownership.find("demo")).holder == two.ownership.me  # type: ignore[union-attr]
    one.store.save("demo", fx.SaveEntry(fx.Table.HANDS, "mallory", "3.0"))
    assert await one.store.flush(2)
    assert await redis.hgetall("test:{demo}:hands") == {"alice": "1.0"}


async def test_a_lease_that_ran_out_goes_on_if_nobody_took_the_room(pair: tuple[Shard, Shard]) -> None:
    one, _ = pair
    fence = await one.ownership.hold("demo")
    await asyncio.sleep(0.5)
    assert await one.ownership.find("demo") is not None
    await one.ownership.beat()
    assert one.ownership.fence_of("demo") == fence and one.lost == []
    one.store.save("demo", fx.SaveEntry(fx.Table.HANDS, "alice", "1.0"))
    assert await one.store.flush(2) and one.store.counters["writes_fenced"] == 0


async def test_heartbeats_keep_rooms_and_tell_who_lost_one(pair: tuple[Shard, Shard], redis: Redis) -> None:
    one, two = pair
    await one.ownership.hold("demo")
    await one.ownership.hold("other")
    for _ in range(6):
        await asyncio.sleep(0.1)
        await one.ownership.beat()
    with pytest.raises(RoomElsewhere):
        await two.ownership.hold("demo")
    await redis.delete("test:{demo}:lease")
    await two.ownership.hold("demo")
    await one.ownership.beat()
    assert one.lost == ["demo"] and one.ownership.fence_of("other") is not None


async def test_a_room_that_ends_is_free_at_once(pair: tuple[Shard, Shard]) -> None:
    one, two = pair
    await one.ownership.hold("demo")
    one.store.save("demo", RoomOpened())
    one.store.save("demo", RoomClosed())
    one.ownership.forget("demo")
    assert await one.store.settled("demo", 2)
    assert await two.ownership.hold("demo")


async def test_a_room_is_handed_over(pair: tuple[Shard, Shard], redis: Redis) -> None:
    one, two = pair
    before = await one.ownership.hold("demo")
    fence = await one.ownership.hand_over("demo", two.ownership.info)
    assert fence is not None and int(fence) > int(before)
    two.ownership.receive("demo", fence)
    two.store.save("demo", fx.SaveEntry(fx.Table.HANDS, "bob", "1.0"))
    assert await two.store.flush(2)
    assert await redis.hgetall("test:{demo}:hands") == {"bob": "1.0"}
    assert await one.ownership.hand_over("demo", two.ownership.info) is None


async def test_rooms_of_a_run_that_has_ended_are_free_at_once(pair: tuple[Shard, Shard], redis: Redis) -> None:
    one, two = pair
    await one.ownership.hold("demo")
    await one.ownership.hold("other")
    await two.ownership.directory.bury(one.ownership.me, "one")
    assert await two.ownership.hold("demo")
    again = Shard(redis, "one", "2")
    await again.ownership.beat()
    await two.ownership.beat()
    await redis.delete("test:{shards}:dead:one/1")
    assert await two.ownership.hold("other"), "its shard runs anew, so that run has ended"


async def test_redis_that_lost_all_gets_the_rooms_back(pair: tuple[Shard, Shard], redis: Redis) -> None:
    one, two = pair
    fence = await one.ownership.hold("demo")
    await redis.flushall()
    one.store.save("demo", fx.SaveEntry(fx.Table.HANDS, "alice", "1.0"))
    assert await one.store.flush(2)
    assert one.emptied == ["demo"] and one.ownership.fence_of("demo") == fence
    assert await redis.hgetall("test:{demo}:hands") == {"alice": "1.0"}
    await redis.flushall()
    with pytest.raises(RoomError):
        await two.ownership.hold("demo")  # it cannot know yet that nobody has the room
    await one.ownership.beat()
    assert one.emptied == ["demo", "demo"]
    for _ in range(8):
        await asyncio.sleep(0.1)
        await one.ownership.beat()
        await two.ownership.beat()
        with pytest.raises(RoomError):
            await two.ownership.hold("demo")
    with pytest.raises(RoomElsewhere):
        await two.ownership.hold("demo")


async def test_the_register_tells_who_lives(pair: tuple[Shard, Shard]) -> None:
    one, two = pair
    await one.ownership.beat()
    assert set(one.ownership.shards) == {"one", "two"}
    told: list[bool] = []
    two.ownership.on_drain = told.append
    await one.ownership.directory.set_drain("two", True)
    await two.ownership.beat()
    await one.ownership.beat()
    assert told == [True]
    assert one.ownership.choose("any").id == "one"  # type: ignore[union-attr]
    await one.ownership.directory.set_drain("two", False)
    await two.ownership.beat()
    assert told == [True, False]
    await two.ownership.directory.leave("two")
    await one.ownership.beat()
    assert set(one.ownership.shards) == {"one"}


async def test_rooms_that_nobody_has_are_adopted(pair: tuple[Shard, Shard], redis: Redis) -> None:
    one, two = pair
    await one.ownership.hold("demo")
    one.store.save("demo", RoomOpened())
    assert await one.store.flush(2)
    adopted: list[str] = []

    async def adopt(room_id: str) -> None:
        await two.ownership.hold(room_id)
        adopted.append(room_id)

    two.ownership.orphan = adopt
    await two.ownership.directory.leave("one")  # else it might be the one that is chosen
    for _ in range(12):
        await asyncio.sleep(0.1)
        await two.ownership.beat()
    assert adopted == ["demo"]


async def test_without_redis_nothing_is_taken_and_nothing_is_lost(redis_server: EmbeddedRedis) -> None:
    client = connect(redis_server.url, REDIS)
    one = Shard(client, "one")
    fence = await one.ownership.hold("demo")
    await redis_server.stop()
    await client.connection_pool.disconnect()
    with contextlib.suppress(OSError, TimeoutError, Exception):
        await one.ownership.beat()
    with pytest.raises(RoomError) as refused:
        await one.ownership.hold("other")
    assert refused.value.retry_after
    assert await one.ownership.hold("demo") == fence and one.lost == []
    await client.aclose()
