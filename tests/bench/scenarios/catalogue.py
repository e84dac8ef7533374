"""The scenarios: who is there, what happens to the path and when, and by which numbers it is judged."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from tests.bench.scenarios import verdicts
from tests.bench.scenarios.collect import Collector
from tests.bench.scenarios.drivers.base import Camera, Driver, Seat
from tests.bench.scenarios.timeline import Timeline, height
from tests.bench.scenarios.verdicts import Verdict
from tests.support.impairment import Impairment

AMPLE = Impairment(delay_ms=20, rate_bps=5_000_000, queue_ms=300)
SETTLE_LIMIT_S = 25.0
Judge = Callable[[Timeline], list[Verdict]]


@dataclass
class Stage:
    """What a scenario works with."""

    driver: Driver
    collector: Collector
    room: str
    quick: bool

    def seconds(self, full: float, quick: float) -> float:
        return quick if self.quick else full

    async def publish(self, name: str, camera: Camera) -> Seat:
        seat = await self.driver.publisher(self.room, name, camera)
        self.collector.publishers.append(seat)
        return seat

    async def subscribe(self, name: str, path: Impairment, size: tuple[int, int] = (1280, 720)) -> Seat:
        seat = await self.driver.subscriber(self.room, name, size=size)
        await self.collector.change(seat, path)
        self.collector.subscribers.append(seat)
        return seat

    async def one_to_one(self, path: Impairment, name: str = "bela") -> Seat:
        camera = Camera()
        self.collector.line.notes["height"] = camera.height
        await self.publish("ada", camera)
        return await self.subscribe(name, path)

    async def until_top(self) -> None:
        """All subscribers have the top layer, or time is up: the verdict says so then."""
        line = self.collector.line
        waited = 0.0
        while waited < SETTLE_LIMIT_S:
            await asyncio.sleep(0.5)
            waited += 0.5
            self.collector.check()
            lasts = [rows[-1] for rows in line.subscribers.values() if rows]
            enough = len(lasts) == len(self.collector.subscribers)
            if enough and all(height(row) >= line.notes["height"] for row in lasts):
                break
        await asyncio.sleep(3)


@dataclass(frozen=True)
class Scenario:
    """``play`` sets the scene and lets time pass; the judges look at what was measured meanwhile."""

    name: str
    title: str
    play: Callable[[Stage], Awaitable[None]]
    judges: Sequence[Judge]


async def _falls_and_returns(stage: Stage) -> None:
    seat = await stage.one_to_one(AMPLE)
    await stage.until_top()
    stage.collector.mark("falls")
    await stage.collector.change(seat, Impairment(delay_ms=20, rate_bps=600_000, queue_ms=300))
    await asyncio.sleep(stage.seconds(25, 15))
    stage.collector.mark("returns")
    await stage.collector.change(seat, AMPLE)
    await asyncio.sleep(stage.seconds(25, 16))


async def _constant(stage: Stage) -> None:
    await stage.one_to_one(Impairment(delay_ms=20, rate_bps=1_000_000, queue_ms=300))
    await asyncio.sleep(12)
    stage.collector.mark("settled")
    await asyncio.sleep(stage.seconds(180, 45))


async def _light_loss(stage: Stage) -> None:
    seat = await stage.one_to_one(Impairment(delay_ms=50))
    await stage.until_top()
    await stage.collector.change(seat, Impairment(delay_ms=50, loss=0.05))
    await asyncio.sleep(5)
    stage.collector.mark("lossy")
    await asyncio.sleep(stage.seconds(60, 25))


async def _heavy_loss(stage: Stage) -> None:
    seat = await stage.one_to_one(Impairment(delay_ms=20))
    await stage.until_top()
    await stage.collector.change(seat, Impairment(delay_ms=20, loss=0.2))
    stage.collector.mark("lossy")
    await asyncio.sleep(8)
    stage.collector.mark("settled")
    await asyncio.sleep(stage.seconds(60, 20))


async def _grid(stage: Stage) -> None:
    count = 9
    stage.collector.line.notes |= {"publishers": count, "height": 360}
    for index in range(count):
        gain = 0.5 if index == 0 else 0.0
        camera = Camera(width=640, height=360, frames_per_s=10, max_bitrate_bps=600_000, gain=gain)
        await stage.publish(f"p{index + 1}", camera)
    stage.collector.line.notes["speaker"] = "p1"
    await stage.subscribe("bela", Impairment(delay_ms=20, rate_bps=2_000_000, queue_ms=300))
    await asyncio.sleep(15)
    stage.collector.mark("settled")
    await asyncio.sleep(stage.seconds(45, 20))


async def _neighbours(stage: Stage) -> None:
    await stage.one_to_one(AMPLE, "good")
    bad = await stage.subscribe("bad", AMPLE)
    await stage.until_top()
    await asyncio.sleep(6)
    stage.collector.mark("bad")
    await stage.collector.change(bad, Impairment(delay_ms=100, rate_bps=400_000, queue_ms=300, loss=0.05))
    await asyncio.sleep(stage.seconds(40, 20))


async def _unused(stage: Stage) -> None:
    seat = await stage.one_to_one(AMPLE)
    await stage.until_top()
    await asyncio.sleep(4)
    stage.collector.mark("less")
    await stage.driver.want(seat, "low")
    await asyncio.sleep(12)
    stage.collector.mark("more")
    await stage.driver.want(seat, "auto")
    await asyncio.sleep(10)


SCENARIOS = (
    Scenario(
        "fall",
        "The path falls from 5 Mbit/s to 600 kbit/s and returns",
        _falls_and_returns,
        (verdicts.fall, verdicts.recovery),
    ),
    Scenario("constant", "A constant path of 1 Mbit/s", _constant, (verdicts.constant,)),
    Scenario("loss5", "5 % random loss, 100 ms round trip, ample rate", _light_loss, (verdicts.light_loss,)),
    Scenario("loss20", "20 % random loss", _heavy_loss, (verdicts.heavy_loss,)),
    Scenario("grid", "Nine publishers in a grid on 2 Mbit/s", _grid, (verdicts.grid,)),
    Scenario("neighbours", "Two subscribers, one on a bad path", _neighbours, (verdicts.neighbours,)),
    Scenario("unused", "Layers that nobody wants", _unused, (verdicts.unused,)),
)
