"""When all garbage is collected."""

from __future__ import annotations

import asyncio
import gc
import weakref
from collections import Counter
from collections.abc import Iterator

import pytest

from scripts import garbage
from scripts.garbage import GROWTH, MIDDLE_EVERY, QUIET_GROWTH, REVIEW_EVERY, GarbageCollector


class Heap:
    """Memory of which a full collection frees what is dead."""

    def __init__(self) -> None:
        self.blocks, self.dead, self.quiet = 1_000_000, 0, False
        self.collected: Counter[int] = Counter()
        self.collector = GarbageCollector(lambda: self.quiet, self._collect, lambda: self.blocks)
        self.collector._before = self.blocks

    def _collect(self, generation: int) -> int:
        self.collected[generation] += 1
        if generation == 2:
            self.blocks, self.dead = self.blocks - self.dead, 0
        return 0

    def grow(self, blocks: int, dead: int = 0) -> int:
        """Then pass the time until the next review; how often all was collected."""
        self.blocks, self.dead = self.blocks + blocks, self.dead + dead
        before = self.collected[2]
        for _ in range(REVIEW_EVERY):
            self.collector.turn()
        return self.collected[2] - before


@pytest.fixture
def heap() -> Heap:
    return Heap()


def test_what_is_young_is_collected_at_each_turn(heap: Heap) -> None:
    heap.grow(0)
    assert heap.collected == {0: REVIEW_EVERY - REVIEW_EVERY // MIDDLE_EVERY, 1: REVIEW_EVERY // MIDDLE_EVERY}


def test_while_somebody_is_there_only_much_is_a_reason(heap: Heap) -> None:
    assert heap.grow(GROWTH) == 0
    assert heap.grow(1, dead=GROWTH) == 1
    assert heap.grow(GROWTH) == 0


def test_nobody_is_there_to_wait(heap: Heap) -> None:
    heap.quiet = True
    assert heap.grow(QUIET_GROWTH) == 0
    assert heap.grow(1) == 1
    assert heap.grow(0) == 0


def test_what_was_not_worth_it_comes_half_as_often(heap: Heap) -> None:
    assert heap.grow(GROWTH + 1) == 1
    assert heap.grow(GROWTH + 1) == 0
    assert heap.grow(GROWTH, dead=GROWTH) == 1
    assert heap.grow(GROWTH + 1) == 1, "the last was worth it"


@pytest.fixture
def collector_as_before() -> Iterator[None]:
    thresholds = gc.get_threshold()
    yield
    gc.set_threshold(*thresholds)
    gc.unfreeze()


class Node:
    """One that refers to itself."""

    def __init__(self) -> None:
        self.itself = self


async def test_old_garbage_goes_when_nobody_is_there(
    monkeypatch: pytest.MonkeyPatch, collector_as_before: None
) -> None:
    monkeypatch.setattr(garbage, "TURN_S", 0.0)
    quiet = False
    task = GarbageCollector(lambda: quiet).start()
    kept = [Node() for _ in range(QUIET_GROWTH)]
    last = weakref.ref(kept[-1])
    for _ in range(2 * REVIEW_EVERY):
        await asyncio.sleep(0)
    kept.clear()
    for _ in range(2 * REVIEW_EVERY):
        await asyncio.sleep(0)
    assert last() is not None, "all was collected although somebody is there"
    quiet = True
    for _ in range(2 * REVIEW_EVERY):
        await asyncio.sleep(0)
    task.cancel()
    assert last() is None
