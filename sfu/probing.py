"""Sends one probe: packets at a given rate for some milliseconds, media and padding alike."""

from __future__ import annotations

from sfu.congestion.probe_results import BATCH_S, ProbeCluster

LONGEST_S = 0.5


class Probe:
    """One cluster under way.

    It is measured from the end of its first batch on, so that batch, which may be a frame that just came and is larger
    than the whole cluster, does not count for what is to be sent.
    """

    __slots__ = ("_began_at", "_packets", "_sent_bytes", "_started_at", "cluster")

    def __init__(self, cluster: ProbeCluster, now: float) -> None:
        self.cluster = cluster
        self._started_at = now
        self._began_at: float | None = None
        self._packets = 0
        self._sent_bytes = 0

    def on_sent(self, packets: int, size_bytes: int, now: float) -> None:
        """Something has been sent, whatever it was."""
        self._packets += packets
        if self._began_at is None:
            self._began_at = now
        if now > self._began_at + BATCH_S:
            self._sent_bytes += size_bytes

    def due_bytes(self, now: float) -> int:
        """How much padding is due, lest the rate falls short."""
        if self._is_complete:
            return 0
        if self._began_at is None:
            return self.cluster.packet_bytes
        return int(self.cluster.rate_bps / 8 * (now - self._began_at) - self._sent_bytes)

    def is_over(self, now: float) -> bool:
        """Whether all of it was sent, or it took too long."""
        return self._is_complete or now - self._started_at > LONGEST_S

    @property
    def _is_complete(self) -> bool:
        return self._packets >= self.cluster.packets and self._sent_bytes >= self.cluster.size_bytes
