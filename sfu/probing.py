"""Sends one probe: packets at a given rate for some milliseconds, media and padding alike."""

from __future__ import annotations

from sfu.congestion.probe_results import ProbeCluster

STEP_S = 0.005
"""How often what is due is asked for."""
LONGEST_S = 0.5


class Probe:
    """One cluster under way."""

    __slots__ = ("_packets", "_sent_bytes", "_started_at", "cluster")

    def __init__(self, cluster: ProbeCluster, now: float) -> None:
        self.cluster = cluster
        self._started_at = now
        self._packets = 0
        self._sent_bytes = 0

    def on_sent(self, packets: int, size_bytes: int) -> None:
        """Something has been sent, whatever it was."""
        self._packets += packets
        self._sent_bytes += size_bytes

    def due_bytes(self, now: float) -> int:
        """How much padding is due, lest the rate falls short."""
        if self._is_complete:
            return 0
        aim = self.cluster.rate_bps / 8 * (now - self._started_at + STEP_S)
        return int(aim - self._sent_bytes)

    def is_over(self, now: float) -> bool:
        """Whether all of it was sent, or it took too long."""
        return self._is_complete or now - self._started_at > LONGEST_S

    @property
    def _is_complete(self) -> bool:
        return self._packets >= self.cluster.packets and self._sent_bytes >= self.cluster.size_bytes
