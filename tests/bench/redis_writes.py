"""What batching spares Redis and this process: the same writes one by one, as before, and in groups, as they are sent.

    python -m tests.bench.redis_writes [--rooms 100] [--people 10] [--seconds 10]

First as fast as it goes, then a service in its usual course: heartbeats, events and messages at a fixed rate.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

from signaling import effects as fx
from signaling import store as store_module
from signaling.limits import RateLimiter
from signaling.options import RedisOptions, RoomOptions
from signaling.redis_client import connect
from signaling.room_writes import RoomOpened
from signaling.store import RoomStore
from tests.support.redis_servers import RedisServer

HEARTBEAT_S = 10.0
OPTIONS = RedisOptions(command_timeout_s=10)


@contextlib.contextmanager
def one_by_one(on: bool) -> Iterator[None]:
    """Every write and every limit in a round trip of its own."""
    if not on:
        yield
        return
    with (
        mock.patch.object(store_module, "MAX_GROUP", 1),
        mock.patch.object(store_module, "LINGER_S", {}),
        mock.patch("signaling.batching.MAX_AT_ONCE", 1),
    ):
        yield


class Meter:
    """Round trips and processor time of Redis, and processor time of this process."""

    def __init__(self, client: Any, pid: int) -> None:
        self._client, self._pid = client, pid

    def read(self) -> tuple[float, int, float, float]:
        trips = int(self._client.guard.counters["commands"])
        fields = Path(f"/proc/{self._pid}/stat").read_text().rpartition(")")[2].split()
        return time.monotonic(), trips, (int(fields[11]) + int(fields[12])) / 100, time.process_time()

    def since(self, before: tuple[float, int, float, float], count: int) -> str:
        now = self.read()
        passed, trips, redis_s, own_s = (b - a for a, b in zip(before, now, strict=True))
        each = 1_000_000 / max(1, count)
        return (
            f"{count / passed:8.0f} operations/s, {trips / passed:7.0f} round trips/s, "
            f"{redis_s * each:5.0f} µs of Redis and {own_s * each:5.0f} µs of ours each"
        )


def _writes(room: str, people: int, turn: int) -> Iterator[Any]:
    for number in range(people):
        name = f"user{number}"
        yield fx.RenewPresence(name)
        yield fx.AppendEvent("bench", turn * people + number + 1, "hand-raised", name, 1.0, "{}", "message", name)


async def flat_out(store: RoomStore, limiter: RateLimiter, meter: Meter, rooms: int, people: int) -> None:
    before, count = meter.read(), 0
    for turn in range(5):
        for number in range(rooms):
            for write in _writes(f"room{number}", people, turn):
                store.save(f"room{number}", write)
                count += 1
    assert await store.flush(300)
    print("  writes:", meter.since(before, count))
    before = meter.read()
    checks = [limiter.check("messages", f"user{n % 500}") for n in range(5_000)]
    gate = asyncio.Semaphore(200)

    async def check(one: Any) -> None:
        async with gate:
            await one

    await asyncio.gather(*(check(one) for one in checks))
    print("  limits:", meter.since(before, len(checks)))


async def usual(store: RoomStore, limiter: RateLimiter, meter: Meter, rooms: int, people: int, seconds: float) -> None:
    """Each participant's heartbeat every 10 s, and an event and a message of each in a minute."""
    before, count = meter.read(), 0
    everybody = [(f"room{r}", f"user{p}") for r in range(rooms) for p in range(people)]
    at, number, began = 0, 1_000_000, time.monotonic()
    while (passed := time.monotonic() - began) < seconds:
        while at < passed * len(everybody) / HEARTBEAT_S:
            room, name = everybody[at % len(everybody)]
            at += 1
            store.save(room, fx.RenewPresence(name))
            count += 1
            if at % 6 == 0:
                number += 1
                await limiter.check("messages", f"{room}-{name}")
                store.save(room, fx.AppendEvent("bench", number, "chat-message", name, 1.0, "{}", "message", name))
                count += 2
        await asyncio.sleep(0.01)
    await store.flush(60)
    print("  usual: ", meter.since(before, count))


async def measure(rooms: int, people: int, seconds: float) -> None:
    for alone in (True, False):
        print("one by one" if alone else "in groups", f"({rooms} rooms of {people})")
        with tempfile.TemporaryDirectory() as name, one_by_one(alone):
            async with RedisServer(Path(name)) as server:
                client = connect(server.url, OPTIONS)
                store = RoomStore(client, OPTIONS)
                limiter = RateLimiter(client, OPTIONS, RoomOptions(messages_per_minute=100_000))
                for number in range(rooms):
                    store.save(f"room{number}", RoomOpened())
                assert await store.flush(60)
                assert server.process is not None
                meter = Meter(client, server.process.pid)
                await flat_out(store, limiter, meter, rooms, people)
                await usual(store, limiter, meter, rooms, people, seconds)
                await store.close()
                await client.aclose()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rooms", type=int, default=100)
    parser.add_argument("--people", type=int, default=10)
    parser.add_argument("--seconds", type=float, default=10.0)
    arguments = parser.parse_args()
    asyncio.run(measure(arguments.rooms, arguments.people, arguments.seconds))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
