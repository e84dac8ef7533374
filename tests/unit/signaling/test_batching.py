"""Scripts of many callers in one round trip."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from signaling.batching import ScriptBatch
from signaling.shards.scripts import Call


class Redis:
    """Notes what comes in one round trip, and answers each script with its first argument."""

    def __init__(self) -> None:
        self.trips: list[list[str]] = []
        self.broken = False
        self.gate = asyncio.Event()
        self.gate.set()
        self._commands: list[str] = []

    def pipeline(self, transaction: bool) -> Redis:
        self._commands = []
        return self

    def execute_command(self, *args: Any) -> None:
        self._commands.append(str(args[-1]))

    async def execute(self, raise_on_error: bool) -> list[Any]:
        commands = self._commands
        self.trips.append(commands)
        await self.gate.wait()
        if self.broken:
            raise OSError("gone")
        return [ValueError(name) if name == "bad" else name for name in commands]


def _call(name: str) -> Call:
    return Call("return ARGV[1]", ["key"], [name])


async def test_those_who_ask_meanwhile_share_the_next_round_trip() -> None:
    redis = Redis()
    batch = ScriptBatch(redis)
    redis.gate.clear()
    first = asyncio.create_task(batch.run(_call("a")))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    others = [asyncio.create_task(batch.run(_call(name))) for name in ("b", "c", "bad")]
    await asyncio.sleep(0)
    redis.gate.set()
    assert await first == "a"
    found = await asyncio.gather(*others, return_exceptions=True)
    assert found[:2] == ["b", "c"] and isinstance(found[2], ValueError)
    assert redis.trips == [["a"], ["b", "c", "bad"]]


async def test_a_failure_reaches_all_and_the_next_are_served() -> None:
    redis = Redis()
    batch = ScriptBatch(redis)
    redis.broken = True
    found = await asyncio.gather(*(batch.run(_call(name)) for name in "ab"), return_exceptions=True)
    assert [type(one) for one in found] == [OSError, OSError]
    redis.broken = False
    assert await batch.run(_call("c")) == "c"


async def test_one_who_gives_up_disturbs_nobody() -> None:
    redis = Redis()
    batch = ScriptBatch(redis)
    redis.gate.clear()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.02):
            await batch.run(_call("a"))
    other = asyncio.create_task(batch.run(_call("b")))
    await asyncio.sleep(0)
    redis.gate.set()
    assert await other == "b"
