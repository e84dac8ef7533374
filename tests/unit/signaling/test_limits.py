"""Sliding windows, floods, and who is asked when."""

from __future__ import annotations

import asyncio
import copy
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis.asyncio import Redis

from signaling.errors import RoomError
from signaling.flood import CHARACTERS_A_MESSAGE, FloodGate
from signaling.limits import SUSPENSION_S, SWEEP_INTERVAL_S, RateLimiter
from signaling.options import RedisOptions, RoomOptions
from signaling.windows import Limit, SlidingWindows

KEY = ("messages", "ada")


@given(st.lists(st.integers(0, 160).map(lambda eighth: eighth / 8), max_size=60), st.integers(1, 5))
def test_never_more_than_the_limit_in_any_window(times: list[float], count: int) -> None:
    windows, limit, allowed = SlidingWindows(), Limit(count, 5), []
    for now in sorted(times):
        wait_s = windows.wait_s(KEY, limit, now)
        if wait_s == 0:
            windows.add(KEY, now)
            allowed.append(now)
        else:
            assert len([at for at in allowed if at > now - 5]) == count, "refused although there was room"
            later = copy.deepcopy(windows)
            assert later.wait_s(KEY, limit, now + wait_s + 1e-3) == 0, "the wait that was told is not enough"
    for start in allowed:
        assert len([at for at in allowed if start <= at < start + 5]) <= count


def test_the_same_thing_counts_once() -> None:
    windows, limit = SlidingWindows(), Limit(2, 60)
    for thing in ("a", "b", "a", "b"):
        assert windows.wait_s(KEY, limit, 1.0, thing) == 0
        windows.add(KEY, 1.0, thing)
    assert windows.standing(KEY, limit, 2.0) == (2, 0, 59.0)
    assert windows.wait_s(KEY, limit, 2.0, "c") == 59.0


def test_windows_are_forgotten() -> None:
    windows, limits = SlidingWindows(), {"messages": Limit(2, 60)}
    windows.add(KEY, 0.0)
    windows.block(("messages", "bob"), windows.add(("messages", "bob"), 0.0), 90.0)
    windows.sweep(limits, 59.0)
    assert len(windows) == 2
    windows.sweep(limits, 61.0)
    assert len(windows) == 1
    windows.sweep(limits, 90.0)
    assert len(windows) == 0


class World:
    """A limiter with a Redis that answers as told, and counts how often it is asked."""

    def __init__(self, **rooms: Any) -> None:
        self.now = 100.0
        self.asked = 0
        self.answer: list[int] | Exception = [0, 1, 60_000]
        self.limiter = RateLimiter(cast(Redis, self), RedisOptions(), RoomOptions(**rooms), monotonic=lambda: self.now)

    def pipeline(self, transaction: bool) -> World:
        self.commands = 0
        return self

    def execute_command(self, *args: Any) -> None:
        self.asked += 1
        self.commands += 1

    async def execute(self, raise_on_error: bool) -> list[list[int]]:
        commands = self.commands
        await asyncio.sleep(0)
        if isinstance(self.answer, Exception):
            raise self.answer
        return [self.answer] * commands

    async def wait_s(self, name: str = "messages") -> int | None:
        try:
            await self.limiter.check(name, "ada")
        except RoomError as error:
            return error.retry_after
        return 0


async def test_who_is_over_the_limit_here_costs_redis_nothing() -> None:
    world = World(messages_per_minute=3)
    assert [await world.wait_s() for _ in range(10)] == [0, 0, 0, *[60] * 7]
    assert world.asked == 3
    world.now += 60.1
    assert await world.wait_s() == 0


async def test_what_other_processes_counted_is_remembered() -> None:
    world = World(messages_per_minute=3)
    world.answer = [7_500, 3, 7_500]
    assert [await world.wait_s() for _ in range(5)] == [8] * 5
    assert world.asked == 1
    world.now += 7.6
    world.answer = [0, 3, 1_000]
    assert await world.wait_s() == 0 and world.asked == 2
    assert await world.wait_s() == 0, "what was refused did not count"


async def test_without_redis_the_process_counts_alone_and_asks_again_later() -> None:
    world = World(messages_per_minute=3)
    world.answer = ConnectionError()
    assert [await world.wait_s() for _ in range(5)] == [0, 0, 0, 60, 60]
    assert world.asked == 1
    world.now += SUSPENSION_S + 0.1
    world.answer = [0, 1, 60_000]
    assert await world.wait_s("reactions") == 0
    assert world.asked == 2


async def test_at_once_is_no_way_around() -> None:
    world = World(messages_per_minute=3)
    waits = await asyncio.gather(*(world.wait_s() for _ in range(20)))
    assert sorted(waits) == [0] * 3 + [60] * 17  # type: ignore[type-var]


async def test_memory_is_given_back() -> None:
    world = World()
    for user in range(50):
        world.limiter.check_here("requests", f"user-{user}")
    world.now += SWEEP_INTERVAL_S + 1
    world.limiter.check_here("requests", "ada")
    assert len(world.limiter._windows) == 1


def test_each_limit_speaks_of_itself() -> None:
    limiter = World(requests_per_minute=1).limiter
    limiter.check_here("requests", "ada")
    with pytest.raises(RoomError) as caught:
        limiter.check_here("requests", "ada")
    assert caught.value.message == "Too many requests."
    assert caught.value.details == {"name": "requests", "limit": 1, "window_s": 60}


def test_flood_gate() -> None:
    gate = FloodGate(10.0, 100, 0.0)
    assert all(gate.admit(0, second / 10) for second in range(300)), "ten in a second for long"
    assert not gate.is_busy
    assert sum(gate.admit(0, 30.0) for _ in range(200)) in range(98, 101), "a burst"
    assert gate.is_busy
    large = FloodGate(10.0, 100, 0.0)
    assert sum(large.admit(9 * CHARACTERS_A_MESSAGE, 0.0) for _ in range(50)) == 10
