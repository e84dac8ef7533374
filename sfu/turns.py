"""Whose turn it is: publishers who send at each tick, who is quiet and subscribers ten times a second, reports once.

Knows no loop.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sfu.transport import Transport

CONTROL_EVERY_TICKS = 5
BUCKETS = 50
"""Each subscriber reports once in this many ticks, so once a second; turns are spread evenly."""
BETWEEN_CLOCKS = 2

PUBLISH, REPORT, CONTROL = range(3)

Turn = tuple[int, str]
"""What for, and of which Transport."""


class Buckets:
    """Spreads turns of one kind over the ticks of a second."""

    def __init__(self) -> None:
        self._buckets: list[dict[Turn, Transport]] = [{} for _ in range(BUCKETS)]
        self._place_of: dict[Turn, int] = {}

    def __len__(self) -> int:
        return len(self._place_of)

    def __contains__(self, turn: Turn) -> bool:
        return turn in self._place_of

    def add(self, turn: Turn, transport: Transport) -> None:
        """Put it where there is most room."""
        place = self._place_of[turn] = min(range(BUCKETS), key=lambda i: len(self._buckets[i]))
        self._buckets[place][turn] = transport

    def remove(self, turn: Turn) -> None:
        """Harmless if it is not there."""
        place = self._place_of.pop(turn, None)
        if place is not None:
            del self._buckets[place][turn]

    def at(self, tick: int, every: int) -> list[dict[Turn, Transport]]:
        """Those whose turn comes at this tick, if each has one in ``every`` ticks."""
        return self._buckets[tick % every :: every]


class Turns:
    """``on_broken`` is told of a Transport whose turn failed: it costs the others nothing."""

    def __init__(self, on_broken: Callable[[Transport, Exception], None]) -> None:
        self._on_broken = on_broken
        self._awake: dict[Turn, Transport] = {}
        self._publishers, self._reports, self._controls = Buckets(), Buckets(), Buckets()
        # Who is due, in order; one that is removed meanwhile stays in the queue and is passed over.
        self._queue: deque[Turn] = deque()
        self._due: dict[Turn, Transport] = {}
        self._at = (0.0, 0.0)

    @property
    def subscribers(self) -> int:
        """Those who receive."""
        return len(self._reports)

    def add_publisher(self, transport: Transport) -> None:
        """One that sends to us."""
        self._publishers.add((PUBLISH, transport.id), transport)
        self.wake(transport)

    def wake(self, transport: Transport) -> None:
        """A publisher has something to do at each tick again, until its turn says that it has not."""
        turn = (PUBLISH, transport.id)
        if turn in self._publishers:
            self._awake[turn] = transport

    def add_subscriber(self, transport: Transport) -> None:
        """One that receives from us."""
        self._reports.add((REPORT, transport.id), transport)
        self._controls.add((CONTROL, transport.id), transport)

    def remove(self, transport: Transport) -> None:
        """It needs no more turns."""
        for kind, buckets in ((PUBLISH, self._publishers), (REPORT, self._reports), (CONTROL, self._controls)):
            buckets.remove((kind, transport.id))
            self._due.pop((kind, transport.id), None)
        self._awake.pop((PUBLISH, transport.id), None)

    def begin(self, tick: int, now: float, unix_now: float) -> None:
        """A tick: more are due. Who still waits since an earlier one has one turn for both."""
        self._at = (now, unix_now)
        due, queue = self._due, self._queue
        for group in (
            self._awake,
            *self._publishers.at(tick, CONTROL_EVERY_TICKS),
            *self._reports.at(tick, BUCKETS),
            *self._controls.at(tick, CONTROL_EVERY_TICKS),
        ):
            queue.extend([turn for turn in group if turn not in due] if due else group)
            due.update(group)

    def run(self, slice_s: float | None) -> bool:
        """Give turns, for no longer than a slice (None: to all); whether nobody waits any more."""
        due, queue = self._due, self._queue
        now, unix_now = self._at
        until = float("inf") if slice_s is None else time.perf_counter() + slice_s
        count = 0
        while queue:
            turn = queue.popleft()
            transport = due.pop(turn, None)
            if transport is None:
                continue
            try:
                if turn[0] == PUBLISH:
                    if not transport.receiving.tick(now):
                        self._awake.pop(turn, None)
                elif turn[0] == REPORT:
                    transport.report(now, unix_now)
                else:
                    transport.control(now)
            except Exception as error:
                self._on_broken(transport, error)
            count += 1
            if count == BETWEEN_CLOCKS:
                count = 0
                if time.perf_counter() > until:
                    break
        return not queue
