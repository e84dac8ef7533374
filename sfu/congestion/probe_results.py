"""What a probe found: the rate at which its packets arrived, if enough of them did."""

from __future__ import annotations

from dataclasses import dataclass

ENOUGH = 0.8
IMPOSSIBLE_RATIO = 2.0
"""Packets that arrive twice as fast as they were sent stood in a queue and were let go: no measure of the path."""
SATURATED_BELOW = 0.9
SATURATED_SHARE = 0.95
LONGEST_S = 1.0


@dataclass(frozen=True, slots=True)
class ProbeCluster:
    """Packets to send at ``rate_bps``: ``packets`` at least, and ``size_bytes`` at least, tagged with ``id``."""

    id: int
    rate_bps: int
    packets: int
    size_bytes: int

    @property
    def packet_bytes(self) -> int:
        """About how large a padding packet should be so that both minima are met together."""
        return -(-self.size_bytes // self.packets)


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """``saturated``: they arrived slower than they were sent, so that ``bps`` is near what the path carries."""

    cluster: ProbeCluster
    bps: float
    saturated: bool


class ProbeMeasure:
    """Collects the arrivals of one cluster."""

    __slots__ = (
        "_bytes",
        "_first_arrival_bytes",
        "_first_arrival_s",
        "_first_send_s",
        "_last_arrival_s",
        "_last_send_bytes",
        "_last_send_s",
        "_packets",
        "cluster",
    )

    def __init__(self, cluster: ProbeCluster) -> None:
        self.cluster = cluster
        self._packets = self._bytes = 0
        self._first_send_s = self._first_arrival_s = float("inf")
        self._last_send_s = self._last_arrival_s = float("-inf")
        self._first_arrival_bytes = self._last_send_bytes = 0

    def on_arrival(self, send_s: float, arrival_s: float, size_bytes: int) -> None:
        """A packet of the cluster arrived."""
        self._packets += 1
        self._bytes += size_bytes
        self._first_send_s = min(self._first_send_s, send_s)
        if send_s >= self._last_send_s:
            self._last_send_s, self._last_send_bytes = send_s, size_bytes
        if arrival_s < self._first_arrival_s:
            self._first_arrival_s, self._first_arrival_bytes = arrival_s, size_bytes
        self._last_arrival_s = max(self._last_arrival_s, arrival_s)

    @property
    def enough(self) -> bool:
        """Whether enough arrived to tell; later arrivals make the result better."""
        cluster = self.cluster
        return self._packets >= ENOUGH * cluster.packets and self._bytes >= ENOUGH * cluster.size_bytes

    def result(self) -> ProbeResult | None:
        """The rate found, or None."""
        if not self.enough:
            return None
        send_span_s = self._last_send_s - self._first_send_s
        arrival_span_s = self._last_arrival_s - self._first_arrival_s
        if not 0 < send_span_s <= LONGEST_S or not 0 < arrival_span_s <= LONGEST_S:
            return None
        # As many intervals as packets less one: the last one sent and the first one received fill none.
        send_bps = (self._bytes - self._last_send_bytes) * 8 / send_span_s
        arrival_bps = (self._bytes - self._first_arrival_bytes) * 8 / arrival_span_s
        if arrival_bps > IMPOSSIBLE_RATIO * send_bps:
            return None
        if arrival_bps < SATURATED_BELOW * send_bps:
            return ProbeResult(self.cluster, SATURATED_SHARE * arrival_bps, saturated=True)
        return ProbeResult(self.cluster, min(send_bps, arrival_bps), saturated=False)
