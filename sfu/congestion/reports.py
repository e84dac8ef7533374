"""The estimate for clients that send no transport-wide feedback: REMB, receiver reports and the round trip."""

from __future__ import annotations

from sfu.congestion.changes import Reason

GROW_BELOW = 0.02
CUT_ABOVE = 0.10
CUT_SHARE = 0.5
GROWTH_PER_S = 1.08
SENT_ROOM = 2.0
"""The estimate grows no further than this beyond what is sent: less sent proves nothing about more."""
REACTION_S = 0.3
REMB_LIFE_S = 10.0
QUEUE_RTT_S = 0.2
"""A round trip longer than the least by this is a queue."""
QUEUE_CUT = 0.85
BASE_RTT_LIFE_S = 20.0


class ReportEstimator:
    """``bps`` by what the receiver says: its own estimate (REMB) caps, loss and a growing round trip cut.

    Follows draft-ietf-rmcat-gcc-02, section 6, for the loss.
    """

    __slots__ = (
        "_base_rtt_at",
        "_base_rtt_s",
        "_cut_at",
        "_grown_at",
        "_max_bps",
        "_min_bps",
        "_rate_bps",
        "_remb_at",
        "_remb_bps",
        "_rtt_s",
        "reason",
    )

    def __init__(self, start_bps: float, min_bps: float, max_bps: float) -> None:
        self.reason = Reason.START
        self._rate_bps = float(start_bps)
        self._min_bps, self._max_bps = min_bps, max_bps
        self._remb_bps: float | None = None
        self._remb_at = self._cut_at = self._base_rtt_at = float("-inf")
        self._grown_at: float | None = None
        self._rtt_s: float | None = None
        self._base_rtt_s = float("inf")

    def remb_bps(self, now: float) -> float | None:
        """The receiver's own estimate while it is fresh."""
        return self._remb_bps if now - self._remb_at < REMB_LIFE_S else None

    def bps(self, now: float) -> float:
        """The estimate now."""
        remb_bps = self.remb_bps(now)
        rate_bps = self._rate_bps if remb_bps is None else min(self._rate_bps, remb_bps)
        return min(self._max_bps, max(self._min_bps, rate_bps))

    def on_remb(self, bps: float, now: float) -> None:
        """The receiver estimates that it can take ``bps`` in all."""
        self._remb_bps, self._remb_at = bps, now
        if bps > self._rate_bps and now - self._cut_at > REACTION_S:
            # It measures the delay of each packet, which we cannot: what it allows need not be found anew.
            self._rate_bps = bps
        self.reason = Reason.REMB

    def on_rtt(self, rtt_s: float, now: float) -> None:
        """A round trip was measured."""
        self._rtt_s = rtt_s
        if rtt_s <= self._base_rtt_s or now - self._base_rtt_at > BASE_RTT_LIFE_S:
            self._base_rtt_s, self._base_rtt_at = rtt_s, now
        elif rtt_s > self._base_rtt_s + QUEUE_RTT_S and self._may_cut(now):
            self._cut(QUEUE_CUT, Reason.ROUND_TRIP, now)

    def on_loss_report(self, fraction_lost: float, sent_bps: float, now: float) -> None:
        """The loss since the last report (0.0 to 1.0), over all that the subscriber receives."""
        elapsed_s = 0.0 if self._grown_at is None else min(now - self._grown_at, 5.0)
        self._grown_at = now
        if fraction_lost > CUT_ABOVE:
            if self._may_cut(now):
                self._cut(1 - CUT_SHARE * fraction_lost, Reason.LOSS, now)
        elif fraction_lost < GROW_BELOW and self._rate_bps < SENT_ROOM * sent_bps:
            self._rate_bps = min(self._max_bps, self._rate_bps * GROWTH_PER_S**elapsed_s)
            self.reason = Reason.RECEIVER_REPORT

    def _may_cut(self, now: float) -> bool:
        return now - self._cut_at > REACTION_S + (self._rtt_s or 0.0)

    def _cut(self, factor: float, reason: Reason, now: float) -> None:
        self._rate_bps = max(self._min_bps, self.bps(now) * factor)
        self._cut_at = now
        self.reason = reason

    def back_off(self, factor: float) -> None:
        """Nothing is heard of the receiver."""
        self._rate_bps = max(self._min_bps, self._rate_bps * factor)
        self.reason = Reason.NO_FEEDBACK

    def reset(self, bps: float) -> None:
        """The path changed."""
        self._rate_bps = bps
        self._remb_bps = None
        self._base_rtt_s = float("inf")
        self.reason = Reason.ROUTE_CHANGE
