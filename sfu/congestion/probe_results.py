"""What a probe found: the rate at which its packets arrived, if enough of them did."""

from __future__ import annotations

from dataclasses import dataclass

ENOUGH = 0.8
IMPOSSIBLE_RATIO = 2.0
"""Packets that arrive twice as fast as they were sent stood in a queue and were let go: no measure of the path."""
SATURATED_BELOW = 0.9
SATURATED_SHARE = 0.95
MOST_SHARE = 1.2
SHORTEST_S, LONGEST_S = 0.004, 1.0
BATCH_S = 0.001


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
    """Collects the arrivals of one cluster.

    A timer sends several packets at once, and the path spreads them: so rates are taken from the end of the first batch
    to the end of the last. The same packets count for sending and arrival, lest uneven batches look like a queue.
    """

    __slots__ = (
        "_bytes",
        "_first_arrived_s",
        "_first_bytes",
        "_first_send_s",
        "_last_arrived_s",
        "_last_send_s",
        "_packets",
        "cluster",
    )

    def __init__(self, cluster: ProbeCluster) -> None:
        self.cluster = cluster
        self._packets = self._bytes = 0
        self._first_send_s = float("inf")
        self._last_send_s = self._first_arrived_s = self._last_arrived_s = float("-inf")
        self._first_bytes = 0

    def on_arrival(self, send_s: float, arrival_s: float, size_bytes: int, packets: int = 1) -> None:
        """Packets of the cluster arrived that were sent together; ``arrival_s``: the last of them."""
        self._packets += packets
        self._bytes += size_bytes
        if send_s < self._first_send_s - BATCH_S:
            self._first_send_s, self._first_bytes, self._first_arrived_s = send_s, size_bytes, arrival_s
        elif send_s <= self._first_send_s + BATCH_S:
            self._first_bytes += size_bytes
            self._first_arrived_s = max(self._first_arrived_s, arrival_s)
        self._last_send_s = max(self._last_send_s, send_s)
        self._last_arrived_s = max(self._last_arrived_s, arrival_s)

    def is_enough(self, path_loss: float = 0.0) -> bool:
        """Whether enough arrived to tell, on a path that loses ``path_loss`` of all packets by itself."""
        cluster = self.cluster
        share = ENOUGH * (1 - path_loss)
        return self._packets >= share * cluster.packets and self._bytes >= share * cluster.size_bytes

    def result(self, path_loss: float = 0.0) -> ProbeResult | None:
        """The rate found, or None if it cannot be told. What the path loses by itself was carried, too."""
        send_span_s = self._last_send_s - self._first_send_s
        arrival_span_s = self._last_arrived_s - self._first_arrived_s
        if not SHORTEST_S < send_span_s <= LONGEST_S or not SHORTEST_S < arrival_span_s <= LONGEST_S:
            return None
        # More can only come of media that was sent along, or of chance.
        most_bps = MOST_SHARE * self.cluster.rate_bps * (1 - path_loss)
        bits = (self._bytes - self._first_bytes) * 8
        send_bps, arrival_bps = bits / send_span_s, bits / arrival_span_s
        if arrival_bps > IMPOSSIBLE_RATIO * send_bps:
            return None
        # Media that was sent along may have made it faster than what was to be tried: that much need not arrive.
        if arrival_bps < SATURATED_BELOW * min(send_bps, self.cluster.rate_bps):
            arrival_bps = min(SATURATED_SHARE * arrival_bps, most_bps)
            return ProbeResult(self.cluster, arrival_bps / (1 - path_loss), saturated=True)
        found_bps = min(send_bps, arrival_bps, most_bps)
        return ProbeResult(self.cluster, found_bps / (1 - path_loss), saturated=False)
