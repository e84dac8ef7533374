"""When to try whether the path carries more, and at what rate.

At the start with three times the start rate; after each success with twice as much, until the wish or the path is met;
while more is wanted than the estimate allows every few seconds, because additive growth takes minutes for what a probe
finds in a round trip; and soon after a deep fall. A probe costs 25 ms of its rate.
"""

from __future__ import annotations

from sfu.congestion.probe_results import ProbeCluster, ProbeResult

FIRST_SCALE = 3.0
FURTHER_SCALE = 2.0
FURTHER_ABOVE = 0.7
"""A result of this share of what was tried makes it worth trying more."""
PERIODIC_SCALE = 2.0
FIRST_INTERVAL_S = 1.0
INTERVAL_S = 4.0
LONGEST_INTERVAL_S = 6.0
FAILURE_FACTOR = 1.25
CALM_S = 1.5
"""No probe so soon after overuse: the queue has to empty first."""
ANSWER_S = 1.0
DURATION_S, LONGEST_DURATION_S = 0.025, 0.1
SMALL_NOISE_S = 0.03
"""Where jitter is more than this, a probe lasts longer by as much, or it would measure the jitter."""
MIN_PACKETS = 5
MIN_PACKET_BYTES, MAX_PACKET_BYTES = 200, 1_200
WISH_ROOM = 1.1
"""Of the wish: an estimate beyond this is high enough."""
PROBE_ROOM = 1.4
DEEP_FALL = 0.66
FALL_SHARE = 0.85
FALL_SCALE = 3.0
FALL_MEMORY_S = 10.0


class Prober:
    """Decides on one cluster at a time. Rates in bits a second."""

    __slots__ = (
        "_answered",
        "_before_fall_bps",
        "_calm_from",
        "_fell_at",
        "_interval_s",
        "_next_bps",
        "_next_id",
        "_periodic_at",
        "_repeated",
        "_started_at",
        "_succeeded",
        "_wished_bps",
        "cluster",
        "max_bps",
    )

    def __init__(self, start_bps: float, max_bps: float, now: float) -> None:
        self.max_bps = max_bps
        self.cluster: ProbeCluster | None = None
        """The one that is out, until it is answered or given up."""
        self._next_id = 1
        self.restart(start_bps, now)

    def restart(self, start_bps: float, now: float) -> None:
        """Begin as at the start."""
        self.cluster = None
        self._next_bps: float | None = start_bps * FIRST_SCALE
        self._calm_from = self._started_at = self._fell_at = float("-inf")
        self._before_fall_bps = 0.0
        self._interval_s = INTERVAL_S
        self._periodic_at = now + INTERVAL_S
        self._wished_bps = 0.0
        self._succeeded = self._repeated = False

    def due(
        self, estimate_bps: float, wanted_bps: float, *, calm: bool, noise_s: float, now: float
    ) -> ProbeCluster | None:
        """The cluster to send now, if any.

        ``calm``: no overuse, no queue and no heavy loss at present; ``noise_s``: what jitter makes of the delay.
        """
        if self.cluster is not None:
            if now - self._started_at < ANSWER_S:
                return None
            self.on_unclear(now)
        if wanted_bps > self._wished_bps * WISH_ROOM and self._next_bps is None:
            # More is wanted than before: try now, not at the next period.
            self._periodic_at = min(self._periodic_at, self._started_at + ANSWER_S)
        self._wished_bps = wanted_bps
        if not calm:
            self._calm_from = now + CALM_S
        if now < self._calm_from or estimate_bps >= wanted_bps * WISH_ROOM:
            return None
        rate_bps = self._rate(estimate_bps, now)
        if rate_bps is None:
            return None
        rate_bps = min(rate_bps, max(wanted_bps * PROBE_ROOM, estimate_bps * WISH_ROOM), self.max_bps)
        return self._start(rate_bps, noise_s, now) if rate_bps > estimate_bps else None

    def _rate(self, estimate_bps: float, now: float) -> float | None:
        if self._next_bps is not None:
            rate_bps, self._next_bps = self._next_bps, None
            return rate_bps
        if self._before_fall_bps and now - self._fell_at < FALL_MEMORY_S:
            # What was before may be possible again, but if it is not, so high a probe would hurt.
            rate_bps = min(FALL_SHARE * self._before_fall_bps, FALL_SCALE * estimate_bps)
            self._before_fall_bps = 0.0
            return rate_bps
        if now >= self._periodic_at:
            return PERIODIC_SCALE * estimate_bps
        return None

    def _start(self, rate_bps: float, noise_s: float, now: float) -> ProbeCluster:
        duration_s = min(LONGEST_DURATION_S, DURATION_S + max(0.0, noise_s - SMALL_NOISE_S))
        size = max(int(rate_bps * duration_s / 8), MIN_PACKETS * MIN_PACKET_BYTES)
        packets = max(MIN_PACKETS, -(-size // MAX_PACKET_BYTES))
        self.cluster = ProbeCluster(self._next_id, int(rate_bps), packets, size)
        self._next_id += 1
        self._started_at = now
        self._periodic_at = now + self._interval_s
        return self.cluster

    def on_unclear(self, now: float) -> None:
        """Too little of the cluster arrived, its feedback was lost, or a burst of media lay across it: which says
        little about the rate, so it is tried once more."""
        cluster = self.cluster
        if cluster is None:
            return
        if self._repeated:
            self._fail(now)
        else:
            self.cluster, self._repeated, self._next_bps = None, True, float(cluster.rate_bps)

    def _fail(self, now: float) -> None:
        self.cluster, self._repeated = None, False
        if not self._succeeded:
            # Nothing is known of the path yet, so the first tries follow soon upon each other.
            self._periodic_at = now + FIRST_INTERVAL_S
            return
        self._interval_s = min(LONGEST_INTERVAL_S, self._interval_s * FAILURE_FACTOR)
        self._periodic_at = max(self._periodic_at, now + self._interval_s - ANSWER_S)

    def on_result(self, result: ProbeResult, before_bps: float, now: float) -> None:
        """The cluster was measured, while the estimate was ``before_bps``."""
        tried_bps = result.cluster.rate_bps
        self._succeeded = True
        self.cluster, self._repeated = None, False
        if result.bps >= FURTHER_ABOVE * tried_bps and not result.saturated:
            self._next_bps = FURTHER_SCALE * result.bps
            self._interval_s = INTERVAL_S
        elif result.bps <= before_bps * WISH_ROOM:
            self._fail(now)

    def on_overuse(self, now: float) -> None:
        """The rate was cut."""
        self._calm_from = now + CALM_S
        self._next_bps = None

    def on_fall(self, from_bps: float, to_bps: float, now: float) -> None:
        """The estimate went down."""
        if now - self._fell_at > FALL_MEMORY_S or self._before_fall_bps == 0.0:
            if to_bps < DEEP_FALL * from_bps:
                self._before_fall_bps, self._fell_at = from_bps, now
        elif from_bps > self._before_fall_bps:
            self._before_fall_bps = from_bps
