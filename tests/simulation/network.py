"""A seeded network in virtual time: loss, bursts of loss, delay, jitter, reordering, a rate with a queue."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import TypeVar

T = TypeVar("T")


class VirtualTime:
    """Runs actions in the order of their time. ``now`` is in seconds and moves only inside :meth:`run`."""

    def __init__(self, now: float = 1000.0) -> None:
        self.now = now
        self._order = itertools.count()
        self._queue: list[tuple[float, int, Callable[[], None]]] = []

    def at(self, when: float, action: Callable[[], None]) -> None:
        """Run ``action`` at ``when`` (not before now)."""
        heapq.heappush(self._queue, (max(when, self.now), next(self._order), action))

    def every(self, interval_s: float, action: Callable[[], None]) -> None:
        """Run ``action`` now and then every ``interval_s`` seconds, without end."""
        start = self.now

        def again(count: int) -> None:
            action()
            self.at(start + (count + 1) * interval_s, lambda: again(count + 1))

        self.at(start, lambda: again(0))

    def run(self, seconds: float) -> None:
        """Let ``seconds`` pass."""
        end = self.now + seconds
        while self._queue and self._queue[0][0] <= end:
            self.now, _, action = heapq.heappop(self._queue)
            action()
        self.now = end


@dataclass
class Impairment:
    """What a link does to packets; all can be changed while it runs.

    ``loss`` is the probability of each packet for itself. ``burst_start`` and ``burst_end`` are the probabilities, at
    each packet, that a burst (in which all is lost) begins and ends: Gilbert's model. ``jitter_s`` is the mean of an
    exponential delay that keeps the order; ``reordering`` the probability that a packet is held back by
    ``reordering_s`` and overtaken. ``rate_bps`` limits, with a queue of ``queue_bytes`` that drops at its tail.
    """

    delay_s: float = 0.02
    jitter_s: float = 0.0
    loss: float = 0.0
    burst_start: float = 0.0
    burst_end: float = 0.3
    reordering: float = 0.0
    reordering_s: float = 0.01
    rate_bps: float | None = None
    queue_bytes: int = 64_000


@dataclass
class Link:
    """One direction of a path."""

    time: VirtualTime
    random: Random
    impairment: Impairment = field(default_factory=Impairment)
    sent: int = 0
    lost: int = 0
    dropped: int = 0
    up: bool = True
    _in_burst: bool = False
    _busy_until: float = 0.0
    _last_arrival: float = 0.0

    def send(self, packet: T, size_bytes: int, deliver: Callable[[T], None]) -> None:
        """Carry ``packet``: ``deliver(packet)`` is called when, and if, it arrives."""
        self.sent += 1
        if self._is_lost():
            self.lost += 1
            return
        leaves = self._leaves_queue(size_bytes)
        if leaves is None:
            self.dropped += 1
            return
        impairment, random = self.impairment, self.random
        arrival = leaves + impairment.delay_s
        if impairment.jitter_s:
            arrival += random.expovariate(1 / impairment.jitter_s)
        arrival = self._last_arrival = max(arrival, self._last_arrival)
        if random.random() < impairment.reordering:
            arrival += impairment.reordering_s
        self.time.at(arrival, lambda: deliver(packet))

    def _is_lost(self) -> bool:
        impairment, draw = self.impairment, self.random.random()
        self._in_burst = draw >= impairment.burst_end if self._in_burst else draw < impairment.burst_start
        return not self.up or self._in_burst or self.random.random() < impairment.loss

    def _leaves_queue(self, size_bytes: int) -> float | None:
        rate_bps, now = self.impairment.rate_bps, self.time.now
        if rate_bps is None:
            return now
        waiting_bytes = max(0.0, self._busy_until - now) * rate_bps / 8
        if waiting_bytes + size_bytes > self.impairment.queue_bytes:
            return None
        self._busy_until = max(now, self._busy_until) + size_bytes * 8 / rate_bps
        return self._busy_until


class Path:
    """Both directions between two parties, each with its own seeded chance."""

    def __init__(
        self, time: VirtualTime, seed: int, forth: Impairment | None = None, back: Impairment | None = None
    ) -> None:
        self.forth = Link(time, Random(f"{seed}-forth"), forth or Impairment())
        self.back = Link(time, Random(f"{seed}-back"), back or forth or Impairment())
