"""When Python's garbage is collected in a process in which packets wait meanwhile.

Left alone CPython walks through all there is whenever that has grown by a quarter: half a second with a thousand
participants. Nearly all that they leave is freed without it (tests/integration/signaling/test_garbage.py), so what is
young is looked at often, since that is short, and everything only when nobody is there to wait, or when memory grows.
"""

from __future__ import annotations

import asyncio
import gc
import sys
import time
from collections.abc import Callable

import structlog

log = structlog.get_logger(__name__)

TURN_S = 0.1
"""What replaces something else is young, too, and not counted by CPython: only often enough keeps it little."""
MIDDLE_EVERY = 5
REVIEW_EVERY = 100
YOUNG_OBJECTS, YOUNG_TURNS, NEVER = 700, 5, 1 << 30
"""CPython's own thresholds, for bursts between two turns."""
QUIET_GROWTH, GROWTH = 30_000, 4_000_000
"""Blocks of memory that have come since all was looked at: some megabytes, and some hundred."""
WORTH = 0.05
"""A walk that frees less of what has come was not worth it: the next may wait twice as long."""


class GarbageCollector:
    """``is_quiet`` tells whether nobody is there who could notice a pause."""

    def __init__(
        self,
        is_quiet: Callable[[], bool],
        collect: Callable[[int], int] = gc.collect,
        blocks: Callable[[], int] = sys.getallocatedblocks,
    ) -> None:
        self._is_quiet = is_quiet
        self._collect = collect
        self._blocks = blocks
        self._turns = 0
        self._before = 0
        self._bound = GROWTH

    def start(self) -> asyncio.Task[None]:
        """All that has been imported stays, and is not looked at any more. What collects goes on until cancelled."""
        self._collect(2)
        gc.freeze()
        gc.set_threshold(YOUNG_OBJECTS, YOUNG_TURNS, NEVER)
        self._before = self._blocks()
        return asyncio.create_task(self._run(), name="garbage")

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(TURN_S)
            self.turn()

    def turn(self) -> None:
        """One of ten a second."""
        self._turns += 1
        if self._turns % REVIEW_EVERY == 0 and self._is_due():
            self._collect_all()
        else:
            self._collect(1 if self._turns % MIDDLE_EVERY == 0 else 0)

    def _is_due(self) -> bool:
        return self._blocks() - self._before > (QUIET_GROWTH if self._is_quiet() else self._bound)

    def _collect_all(self) -> None:
        before, began = self._blocks(), time.perf_counter()
        found = self._collect(2)
        after, took_ms = self._blocks(), round((time.perf_counter() - began) * 1000, 1)
        freed = before - after
        self._bound = GROWTH if freed > WORTH * (before - self._before) else 2 * self._bound
        self._before = after
        log.info("garbage collected", took_ms=took_ms, objects=found, blocks_freed=freed, blocks=after)
