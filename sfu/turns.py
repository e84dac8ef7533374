"""Whose turn it is: publishers at each tick, subscribers ten times a second, their reports once. Knows no loop."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sfu.transport import Transport

CONTROL_EVERY_TICKS = 5
SUBSCRIBER_BUCKETS = 50
"""Each subscriber reports once in this many ticks, so once a second; turns are spread evenly."""
BETWEEN_CLOCKS = 8

PUBLISH, REPORT, CONTROL = range(3)


class Turns:
    """``on_broken`` is told of a Transport whose turn failed: it costs the others nothing."""

    def __init__(self, on_broken: Callable[[Transport, Exception], None]) -> None:
        self._on_broken = on_broken
        self._publishers: dict[str, Transport] = {}
        self._buckets: list[dict[str, Transport]] = [{} for _ in range(SUBSCRIBER_BUCKETS)]
        self._bucket_of: dict[str, int] = {}
        self._due: dict[tuple[int, str], Transport] = {}
        self._at = (0.0, 0.0)

    @property
    def subscribers(self) -> int:
        """Those who receive."""
        return len(self._bucket_of)

    def add_publisher(self, transport: Transport) -> None:
        """One that sends to us."""
        self._publishers[transport.id] = transport

    def add_subscriber(self, transport: Transport) -> None:
        """One that receives from us."""
        bucket = min(range(SUBSCRIBER_BUCKETS), key=lambda i: len(self._buckets[i]))
        self._buckets[bucket][transport.id] = transport
        self._bucket_of[transport.id] = bucket

    def remove(self, transport: Transport) -> None:
        """It needs no more turns."""
        self._publishers.pop(transport.id, None)
        bucket = self._bucket_of.pop(transport.id, None)
        if bucket is not None:
            self._buckets[bucket].pop(transport.id, None)
        for kind in (PUBLISH, REPORT, CONTROL):
            self._due.pop((kind, transport.id), None)

    def begin(self, tick: int, now: float, unix_now: float) -> None:
        """A tick: more are due. Who still waits since an earlier one has one turn for both."""
        self._at = (now, unix_now)
        due, buckets = self._due, self._buckets
        for name, transport in self._publishers.items():
            due[PUBLISH, name] = transport
        for name, transport in buckets[tick % SUBSCRIBER_BUCKETS].items():
            due[REPORT, name] = transport
        for bucket in range(tick % CONTROL_EVERY_TICKS, SUBSCRIBER_BUCKETS, CONTROL_EVERY_TICKS):
            for name, transport in buckets[bucket].items():
                due[CONTROL, name] = transport

    def run(self, slice_s: float | None) -> bool:
        """Give turns, for no longer than a slice (None: to all); whether nobody waits any more."""
        due = self._due
        now, unix_now = self._at
        until = float("inf") if slice_s is None else time.perf_counter() + slice_s
        count = 0
        while due:
            key = next(iter(due))
            transport = due.pop(key)
            try:
                if key[0] == PUBLISH:
                    transport.receiving.tick(now)
                elif key[0] == REPORT:
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
        return not due
