"""What went through the engine since its start, as plain integers, counted on the way of each packet."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

FORWARDING_BOUNDS_S = (0.000_25, 0.000_5, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25)
LOOP_BOUNDS_S = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0)


class Histogram:
    """How often values fell below each of ``bounds``; the last count is of those above all."""

    __slots__ = ("bounds", "counts", "sum")

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds = tuple(bounds)
        self.counts = [0] * (len(self.bounds) + 1)
        self.sum = 0.0

    def observe(self, value: float) -> None:
        """Take a value."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.sum += value

    def quantile(self, share: float) -> float | None:
        """The bound below which that share of all values lies (the last bound for those above); None: no values."""
        total = sum(self.counts)
        if not total:
            return None
        below = 0
        for bound, count in zip(self.bounds, self.counts, strict=False):
            below += count
            if below >= share * total:
                return bound
        return self.bounds[-1]


class Totals:
    """Packets and bytes are RTP as it is on the wire, sealed and with its header; sent ones include resends.

    ``forwarding``: seconds from the kernel's receipt of a packet until it was sent to all who wait for it (samples).
    ``loop``: seconds by which the engine's clock was late: the event loop had other work.
    """

    __slots__ = ("bytes_received", "bytes_sent", "forwarding", "loop", "packets_received", "packets_sent")

    def __init__(self) -> None:
        self.packets_received = self.bytes_received = self.packets_sent = self.bytes_sent = 0
        self.forwarding = Histogram(FORWARDING_BOUNDS_S)
        self.loop = Histogram(LOOP_BOUNDS_S)
