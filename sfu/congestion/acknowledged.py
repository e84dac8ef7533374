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


class AcknowledgedBitrate:
    """A window that slides over the bursts that arrived: half a second, and more where packets are rare.

    It follows a fall within its length, which matters: what arrives while a queue grows is the capacity of the path.
    """

    __slots__ = ("_bursts", "_bytes")

    def __init__(self) -> None:
        self._bursts: deque[tuple[float, int]] = deque()
        self._bytes = 0

    def on_bursts(self, finished: list[Burst], extra_bytes: int = 0) -> None:
        """Bursts arrived, and ``extra_bytes`` of which no feedback told."""
        bursts, total = self._bursts, self._bytes + extra_bytes
        for _, _, arrival_s, _, size_bytes in finished:
            if bursts and not 0 <= arrival_s - bursts[-1][0] < LONGEST_WINDOW_S:
                bursts.clear()
                total = extra_bytes = 0
            bursts.append((arrival_s, size_bytes + extra_bytes))
            total += size_bytes
            extra_bytes = 0
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

    def reset(self) -> None:
        """Begin anew."""
        self._bursts.clear()
        self._bytes = 0
