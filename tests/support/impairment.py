"""What a bad line does to packets, in virtual time: loss, bursts, a rate with a queue, delay, jitter, reordering.

Packets go in with the time and come out with the time; there are no sockets and no clocks here. A line is first a
queue that its rate empties, then a delay, as an access line is. Random numbers are seeded: the same packets meet the
same fate as long as they come in the same order.
"""

from __future__ import annotations

import heapq
import itertools
import random
from collections import deque
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Impairment:
    """What one direction of a path does to its packets.

    ``burst_start`` and ``burst_end`` are the chances, at each packet, that a bad time begins and ends in which the
    share ``burst_loss`` is lost instead of ``loss`` (Gilbert and Elliott's model). Jitter is uniform and keeps the
    order; the share ``reorder`` is held back by ``reorder_ms`` and overtaken. A queue that holds ``queue_ms`` at the
    rate, or ``queue_bytes`` where given, drops what comes on top.
    """

    loss: float = 0.0  # share, 0 to 1
    burst_start: float = 0.0
    burst_end: float = 0.3
    burst_loss: float = 1.0
    delay_ms: float = 0.0
    jitter_ms: float = 0.0
    reorder: float = 0.0
    reorder_ms: float = 20.0
    rate_bps: float | None = None
    queue_ms: float = 500.0
    queue_bytes: int | None = None
    blocked: bool = False

    def to_dict(self) -> dict[str, float | bool | None]:
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, float | bool | None]) -> Impairment:
        return cls(**values)  # type: ignore[arg-type]

    @property
    def queue_limit_bytes(self) -> float:
        if self.queue_bytes is not None or self.rate_bps is None:
            return self.queue_bytes if self.queue_bytes is not None else float("inf")
        return self.rate_bps / 8 * self.queue_ms / 1000


@dataclass(frozen=True)
class Step:
    """From ``at_s`` seconds after the start on, both directions are like this."""

    at_s: float
    up: Impairment
    down: Impairment


@dataclass
class Counters:
    """Of one direction. ``longest_wait_ms`` in the queue starts anew with each :meth:`take`."""

    received: int = 0
    received_bytes: int = 0
    sent: int = 0
    sent_bytes: int = 0
    lost: int = 0
    queue_full: int = 0
    longest_wait_ms: float = 0.0

    def take(self) -> dict[str, float]:
        """The figures so far."""
        values = asdict(self)
        self.longest_wait_ms = 0.0
        return values


@dataclass
class _Queued(Generic[T]):
    packet: T
    size_bytes: int
    since: float


@dataclass
class Line(Generic[T]):
    """One direction. ``push`` what comes, ``poll`` what leaves by now, and ask ``next_time`` when to poll again."""

    seed: str
    path: Impairment = field(default_factory=Impairment)
    count: Counters = field(default_factory=Counters)

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)
        self._queue: deque[_Queued[T]] = deque()
        self._queued_bytes = 0.0
        self._head_bytes = 0.0  # of the packet that is being sent, what is left of it at _clock
        self._clock = 0.0
        self._in_burst = False
        self._latest = 0.0
        self._order = itertools.count()
        self._delayed: list[tuple[float, int, int, T]] = []

    def change(self, now: float, path: Impairment) -> None:
        """Another path from now on; what waits in the queue leaves at the new rate."""
        self._advance(now)
        self.path = path

    def push(self, now: float, packet: T, size_bytes: int) -> None:
        """Take a packet in, or lose it."""
        self._advance(now)
        self.count.received += 1
        self.count.received_bytes += size_bytes
        if self._is_lost():
            self.count.lost += 1
            return
        if self._queue and self._queued_bytes + size_bytes > self.path.queue_limit_bytes:
            self.count.queue_full += 1
            return
        if not self._queue:
            self._clock, self._head_bytes = now, size_bytes
        self._queue.append(_Queued(packet, size_bytes, now))
        self._queued_bytes += size_bytes
        self._advance(now)

    def poll(self, now: float) -> list[T]:
        """What arrives at the other end by now, in its order."""
        self._advance(now)
        arrived = []
        while self._delayed and self._delayed[0][0] <= now:
            _, _, size_bytes, packet = heapq.heappop(self._delayed)
            self.count.sent += 1
            self.count.sent_bytes += size_bytes
            arrived.append(packet)
        return arrived

    def next_time(self) -> float | None:
        """When something happens next; None while the line is empty."""
        times = [self._delayed[0][0]] if self._delayed else []
        if self._queue:
            times.append(self._head_leaves())
        return min(times, default=None)

    @property
    def waiting_ms(self) -> float:
        """How long a packet that came now would wait in the queue."""
        if self.path.rate_bps is None or not self._queue:
            return 0.0
        behind = self._queued_bytes - self._queue[0].size_bytes + self._head_bytes
        return behind * 8 / self.path.rate_bps * 1000

    def _head_leaves(self) -> float:
        rate_bps = self.path.rate_bps
        return self._clock if rate_bps is None else self._clock + self._head_bytes * 8 / rate_bps

    def _advance(self, now: float) -> None:
        while self._queue:
            leaves = self._head_leaves()
            if leaves > now:
                if now > self._clock:
                    self._head_bytes -= (now - self._clock) * (self.path.rate_bps or 0.0) / 8
                    self._clock = now
                return
            self._clock = leaves
            head = self._queue.popleft()
            self._queued_bytes -= head.size_bytes
            if self._queue:
                self._head_bytes = self._queue[0].size_bytes
            self._delay(head, leaves)

    def _delay(self, head: _Queued[T], left: float) -> None:
        path = self.path
        self.count.longest_wait_ms = max(self.count.longest_wait_ms, (left - head.since) * 1000)
        arrives = left + (path.delay_ms + self._random.random() * path.jitter_ms) / 1000
        if self._random.random() < path.reorder:
            arrives += path.reorder_ms / 1000
        else:
            arrives = self._latest = max(self._latest, arrives)
        heapq.heappush(self._delayed, (arrives, next(self._order), head.size_bytes, head.packet))

    def _is_lost(self) -> bool:
        path, draw = self.path, self._random.random()
        self._in_burst = draw >= path.burst_end if self._in_burst else draw < path.burst_start
        share = path.burst_loss if self._in_burst else path.loss
        return self._random.random() < share or path.blocked
