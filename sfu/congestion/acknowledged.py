"""The bitrate at which packets arrive at the receiver, by its own clock."""

from __future__ import annotations

from collections import deque

from sfu.congestion.bursts import Burst

WINDOW_S = 0.5
LONGEST_WINDOW_S = 2.0
FEWEST_BURSTS = 6
SHORTEST_SPAN_S = 0.1
LATEST_S = 0.2
LATEST_BURSTS = 4
SHORTEST_BUSY_S, BUSY_SHARE = 0.06, 0.9


class AcknowledgedBitrate:
    """A window that slides over the bursts that arrived: half a second, and more where packets are rare.

    It follows a fall within its length, which matters: what arrives while a queue grows is the capacity of the path.
    """

    __slots__ = ("_bursts", "_busy", "_bytes")

    def __init__(self) -> None:
        self._bursts: deque[tuple[float, int]] = deque()
        self._busy: deque[tuple[float, float, int]] = deque()
        self._bytes = 0

    def on_bursts(self, finished: list[Burst], extra_bytes: int = 0, busy_from_s: float = float("inf")) -> None:
        """Bursts arrived, and ``extra_bytes`` of which no feedback told.

        With a one-way delay from ``busy_from_s`` on, a burst has waited in a queue from its first packet on.
        """
        for _, step_s, arrival_s, one_way_s, burst_bytes in finished:
            if one_way_s >= busy_from_s:
                self._busy.append((arrival_s, step_s, burst_bytes))
        bursts, total = self._bursts, self._bytes
        # The first is what came last in the feedback before: what is missing came after it.
        extra_place = min(1, len(finished) - 1)
        for place, (_, _, arrival_s, _, burst_bytes) in enumerate(finished):
            size_bytes = burst_bytes
            if bursts and not 0 <= arrival_s - bursts[-1][0] < LONGEST_WINDOW_S:
                bursts.clear()
                total = 0
            elif place == extra_place:
                size_bytes += extra_bytes
            bursts.append((arrival_s, size_bytes))
            total += size_bytes
        if bursts:
            begin = bursts[-1][0] - WINDOW_S
            while len(bursts) > FEWEST_BURSTS and bursts[1][0] < begin:
                total -= bursts.popleft()[1]
        self._bytes = total if bursts else 0

    @property
    def bps(self) -> float | None:
        """Bits a second, None while too little is known."""
        bursts = self._bursts
        if len(bursts) < FEWEST_BURSTS:
            return None
        # What came in the first burst came before the time that is measured.
        first_s, first_bytes = bursts[0]
        span_s = bursts[-1][0] - first_s
        if span_s < SHORTEST_SPAN_S:
            return None
        return (self._bytes - first_bytes) * 8 / span_s

    @property
    def latest_bps(self) -> float | None:
        """As ``bps``, of the last fifth of a second or the last four bursts: for when things went wrong just now."""
        total, last_s = 0, None
        for place, (arrival_s, size_bytes) in enumerate(reversed(self._bursts)):
            if last_s is None:
                last_s = arrival_s
            elif place >= LATEST_BURSTS and last_s - arrival_s >= LATEST_S:
                return total * 8 / (last_s - arrival_s)
            total += size_bytes
        return self.bps

    @property
    def busy_bps(self) -> float | None:
        """What the path carried while a queue stood in it: its capacity, whatever was sent; None if none stood of late.

        A burst that waits leaves the queue right behind the one before it, so that the path was busy all the time
        between their arrivals, even when the sender made a pause and then sent a lot.
        """
        if not self._bursts or not self._busy:
            return None
        busy, begin = self._busy, self._bursts[-1][0] - WINDOW_S
        while busy and not begin <= busy[0][0] <= begin + WINDOW_S:
            busy.popleft()
        span_s = sum(step_s for _, step_s, _ in busy)
        return sum(size for _, _, size in busy) * 8 / span_s if span_s >= SHORTEST_BUSY_S else None

    @property
    def is_busy(self) -> bool:
        """Whether nearly all of late has waited: a queue that stands, where jitter would let some through at once."""
        begin = self._bursts[-1][0] - WINDOW_S if self._bursts else 0.0
        busy = sum(arrival_s >= begin for arrival_s, _, _ in self._busy)
        return busy >= BUSY_SHARE * len(self._bursts)

    def reset(self) -> None:
        """Begin anew."""
        self._busy.clear()
        self._bursts.clear()
        self._bytes = 0
