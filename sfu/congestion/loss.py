"""The loss-based part: only loss that comes from sending too much counts.

Radio paths lose packets whatever the rate, and giving way to that ruins the picture for nothing. A full queue, a
policer or a shallow buffer loses the more the more is sent. So there is a notion of the path's own loss, found in two
ways: a cut that changes nothing about the loss shows it at once, and loss that lasts while no queue stands shows it
slowly. Loss beyond it by more than 10 % cuts, by less than 2 % lets grow, between holds (the limits of
draft-ietf-rmcat-gcc-02, section 6).
"""

from __future__ import annotations

CUT_ABOVE = 0.10
GROW_BELOW = 0.02
CUT_SHARE = 0.5
GROWTH_PER_S = 1.08
INTERVAL_S = 0.5
LONGEST_INTERVAL_S = 2.0
FEWEST_PACKETS = 40
QUEUE_S = 0.05
"""A longer queue at the time of the loss is evidence that it is ours."""
LEARNING_S = 5.0
TRIAL_RATE = 0.9
TRIAL_LOSS = 0.75
"""At 0.9 of the rate congestion would lose much less: with 0.75 of the loss left it is the path's own."""
HEAVY = 0.3
"""Beyond this the cut goes at once to what gets through."""


class LossControl:
    """``cap_bps`` limits the estimate, None: no limit. ``fraction`` is the loss of the last interval."""

    __slots__ = (
        "_began_at",
        "_cut",
        "_lost",
        "_received",
        "cap_bps",
        "fraction",
        "holding",
        "own_loss",
    )

    def __init__(self) -> None:
        self.cap_bps: float | None = None
        self.fraction = 0.0
        self.own_loss = 0.0
        self.holding = False
        self._cut: tuple[float, float] | None = None
        self._received = self._lost = 0
        self._began_at: float | None = None

    def reset(self) -> None:
        """The path changed."""
        self.cap_bps = self._cut = None
        self.own_loss = self.fraction = 0.0
        self.holding = False
        self.skip()

    def skip(self) -> None:
        """Leave the running interval uncounted: an outage says nothing about the rate."""
        self._began_at = None
        self._received = self._lost = 0

    def on_packets(
        self, received: int, lost: int, *, rate_bps: float, sent_bps: float, queue_s: float, now: float
    ) -> None:
        """Count what one feedback told; ``lost`` can be negative when packets came late."""
        if self._began_at is None:
            self._began_at = now
        self._received += received
        self._lost += lost
        elapsed_s = now - self._began_at
        total = self._received + self._lost
        if elapsed_s < INTERVAL_S or (total < FEWEST_PACKETS and elapsed_s < LONGEST_INTERVAL_S):
            return
        fraction = max(0.0, self._lost / total) if total > 0 else 0.0
        enough = total >= FEWEST_PACKETS // 4
        self.skip()
        self._began_at = now
        if enough:
            self.fraction = fraction
            self._judge(fraction, rate_bps, sent_bps, queue_s, elapsed_s)

    def _judge(self, fraction: float, rate_bps: float, sent_bps: float, queue_s: float, elapsed_s: float) -> None:
        self._learn(fraction, sent_bps, queue_s, elapsed_s)
        excess = fraction - self.own_loss
        self.holding = excess > GROW_BELOW
        if excess > CUT_ABOVE:
            base = rate_bps if self.cap_bps is None else min(rate_bps, self.cap_bps)
            if excess > HEAVY and sent_bps > TRIAL_RATE * base:
                cap = base * (1 - excess)
            else:
                cap = base * (1 - CUT_SHARE * excess)
            self.cap_bps = cap
            self._cut = (sent_bps, fraction)
        elif not self.holding and self.cap_bps is not None:
            self._cut = None
            self.cap_bps *= GROWTH_PER_S**elapsed_s
            if self.cap_bps > rate_bps:
                self.cap_bps = None

    def _learn(self, fraction: float, sent_bps: float, queue_s: float, elapsed_s: float) -> None:
        """What part of the loss the path makes by itself."""
        if fraction <= self.own_loss:
            self.own_loss += (fraction - self.own_loss) * min(1.0, elapsed_s / 2)
            return
        if queue_s > QUEUE_S:
            return
        if self._cut is not None:
            cut_sent_bps, cut_fraction = self._cut
            if sent_bps < TRIAL_RATE * cut_sent_bps:
                self._cut = None
                if fraction > TRIAL_LOSS * cut_fraction:
                    self.own_loss = max(self.own_loss, min(fraction, cut_fraction))
                    self.cap_bps = None
                    return
        self.own_loss += (fraction - self.own_loss) * min(1.0, elapsed_s / LEARNING_S)
