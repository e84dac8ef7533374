"""Spreads bursts, such as key frames, so that they do not stand in a slow path's queue; audio never waits for video.

A leaky bucket: what leaves fills it, the pacing rate (2.5 times the estimate) empties it. While it holds little, a
whole batch passes with one question; only a burst beyond that queues.
"""

from __future__ import annotations

import enum
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

PACING_FACTOR = 2.5
LIMIT_FACTOR = 1.4
"""Where the path is known to carry no more than the estimate: what leaves faster stands in its queue instead."""
MIN_PACING_BPS = 150_000
BURST_S = 0.02
"""As much as the pacing rate carries in this time may leave at once: timers are no finer, and receivers do not mind."""
DIRECT_BURST_S = 0.04
MAX_QUEUE_S = 0.25
"""The rate is raised so that nothing waits longer: media that is late is worth less than a queue in the path."""
MAX_PADDING_BYTES = 16_000
DIRECT_SHARE = 0.25
"""Of the estimate: with peaks below this for a second nothing needs to be asked at all."""
DIRECT_AFTER_S = 1.0

T = TypeVar("T")


class Priority(enum.IntEnum):
    """What leaves first."""

    AUDIO = 0
    RETRANSMISSION = 1
    VIDEO = 2
    PADDING = 3


class Pacer(Generic[T]):
    """Queues packets of any type ``T`` with their size. Order within a priority is kept; only padding is ever dropped
    by itself.

    ``direct`` tells that the path is so much wider than what is sent that packets may go without asking; whoever does
    so still calls ``review`` with the count of all bytes sent.
    """

    __slots__ = (
        "_calm_since",
        "_counted_bytes",
        "_debt_bytes",
        "_leaked_at",
        "_queued_bytes",
        "_queues",
        "_rate",
        "_reviewed_at",
        "direct",
        "estimate_bps",
    )

    def __init__(self, estimate_bps: float, now: float) -> None:
        self._queues: tuple[deque[tuple[T, int, float]], ...] = tuple(deque() for _ in Priority)
        self._queued_bytes = [0 for _ in Priority]
        self._debt_bytes = 0.0
        self._leaked_at = self._reviewed_at = now
        self._counted_bytes = 0
        self._calm_since = now
        self.direct = False
        self.set_estimate(estimate_bps)

    def set_estimate(self, estimate_bps: float, *, is_limit: bool = False) -> None:
        """The path's estimate in bits a second; ``is_limit``: it is known that the path carries no more."""
        self.estimate_bps = estimate_bps
        self._rate = max(MIN_PACING_BPS, (LIMIT_FACTOR if is_limit else PACING_FACTOR) * estimate_bps) / 8

    @property
    def queued_bytes(self) -> int:
        """What waits."""
        return sum(self._queued_bytes)

    def queue_s(self, now: float) -> float:
        """How long the oldest packet of media waits by now."""
        return max((now - queue[0][2] for queue in self._queues[: Priority.PADDING] if queue), default=0.0)

    def admits(self, size_bytes: int, now: float) -> bool:
        """Whether ``size_bytes`` (of one batch) may go at once; if so they are counted as sent, else enqueue them."""
        if any(self._queued_bytes):
            return False
        debt = self._debt_bytes - (now - self._leaked_at) * self._rate
        if debt < 0.0:
            debt = 0.0
        self._leaked_at = now
        after = debt + size_bytes
        admitted = after <= self._rate * DIRECT_BURST_S
        self._debt_bytes = after if admitted else debt
        return admitted

    def charge(self, size_bytes: int, now: float) -> None:
        """Count what was sent without having been admitted."""
        self._debt_bytes = max(0.0, self._debt_bytes - (now - self._leaked_at) * self._rate) + size_bytes
        self._leaked_at = now

    def enqueue(self, packet: T, size_bytes: int, priority: Priority, now: float) -> bool:
        """Queue a packet; False if it is padding and there is too much of it already."""
        if priority is Priority.PADDING and self._queued_bytes[priority] + size_bytes > MAX_PADDING_BYTES:
            return False
        self._queues[priority].append((packet, size_bytes, now))
        self._queued_bytes[priority] += size_bytes
        return True

    def discard(self, is_stale: Callable[[T], bool]) -> None:
        """Drop what need not be sent any more."""
        for priority, queue in enumerate(self._queues):
            kept = [item for item in queue if not is_stale(item[0])]
            if len(kept) != len(queue):
                queue.clear()
                queue.extend(kept)
                self._queued_bytes[priority] = sum(size for _, size, _ in kept)

    def due(self, now: float) -> list[T]:
        """The packets to send now, most important first. Audio goes at once, but is counted."""
        rate = self._drain_rate(now)
        debt = max(0.0, self._debt_bytes - (now - self._leaked_at) * rate)
        self._leaked_at = now
        room = rate * BURST_S
        overdue = now - MAX_QUEUE_S
        leaving: list[T] = []
        for priority, queue in enumerate(self._queues):
            size = 0
            is_media = priority != Priority.PADDING
            while queue and (debt < room or priority == Priority.AUDIO or (is_media and queue[0][2] <= overdue)):
                packet, packet_bytes, _ = queue.popleft()
                leaving.append(packet)
                size += packet_bytes
                debt += packet_bytes
            self._queued_bytes[priority] -= size
        self._debt_bytes = debt
        return leaving

    def _drain_rate(self, now: float) -> float:
        """Bytes a second: enough to empty the queue before its oldest packet has waited too long."""
        media_bytes = sum(self._queued_bytes[: Priority.PADDING])
        if not media_bytes:
            return self._rate
        left_s = max(MAX_QUEUE_S - self.queue_s(now), BURST_S / 2)
        return max(self._rate, media_bytes / left_s)

    def next_due(self, now: float) -> float | None:
        """When ``due`` will have something, None while nothing waits."""
        if not any(self._queued_bytes):
            return None
        rate = self._drain_rate(now)
        ahead = self._debt_bytes - (now - self._leaked_at) * rate - rate * BURST_S
        return now + max(0.0, ahead / rate)

    def review(self, sent_bytes: int, now: float) -> None:
        """Decide on ``direct``; ``sent_bytes`` counts all that was sent since the start. Call it with each tick."""
        elapsed_s = now - self._reviewed_at
        if elapsed_s <= 0:
            return
        rate_bps = (sent_bytes - self._counted_bytes) * 8 / elapsed_s
        self._counted_bytes, self._reviewed_at = sent_bytes, now
        if rate_bps > DIRECT_SHARE * self.estimate_bps:
            self._calm_since = now
            self.direct = False
        elif now - self._calm_since >= DIRECT_AFTER_S and not any(self._queued_bytes):
            self.direct = True
