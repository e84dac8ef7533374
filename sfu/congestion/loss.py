"""The loss-based part: only loss that comes from sending too much counts.

Radio paths lose packets whatever the rate, and giving way to that ruins the picture for nothing. A full queue, a
policer or a shallow buffer loses the more the more is sent. So there is a notion of the path's own loss, found by
trial: when less is sent for a moment and as much is lost, it is the path's own; and while the estimate is not used up
anyway, what is lost counts as such. Loss beyond it by more than 10 % cuts, by less than 2 % lets grow, between holds
until a trial (the limits of draft-ietf-rmcat-gcc-02, section 6).
"""

from __future__ import annotations

from math import sqrt
from typing import NamedTuple

CUT_ABOVE = 0.10
GROW_BELOW = 0.02
CUT_SHARE = 0.5
HEAVY = 0.3
"""Beyond this the cut goes at once to what gets through."""
GROWTH_PER_S = 1.08
INTERVAL_S = 0.5
LONGEST_INTERVAL_S = 2.0
FEWEST_PACKETS = 40
FEWEST_LOST = 10
"""With some loss, but less than this, a longer look is needed to know how much it is."""
QUEUE_S = 0.05
"""A longer queue at the time of the loss is evidence that it is ours."""
USED_SHARE = 0.85
"""Of the estimate: when less is sent, the loss is hardly of our making."""
LEARNING_S = 2.0
MOST_OWN = 0.3
LEARNT_ROOM = 1.1
"""Beyond the rate at which it was learnt, a little more loss is no chance: else it would creep up with the rate."""
TRIAL_AFTER_S = 2.0
TRIAL_SHARE = 0.85
TRIABLE_SHARE = 1.15
"""Of the estimate: who sends more than that does not follow it, and a further trial would tell nothing."""
TRIED_BELOW = 0.93
TRIAL_LOSS = 0.8
"""At 0.85 of the rate a policer would lose much less: with 0.8 of the loss left it is the path's own."""


class Cut(NamedTuple):
    """How things were before the last cut."""

    sent_bps: float
    excess: float
    """Loss beyond the path's own."""
    cap_bps: float | None


class LossControl:
    """``cap_bps`` limits the estimate, None: no limit. ``fraction`` is the loss of the last interval.

    ``holding``: there is more loss than the path's own, so the rate must not grow.
    """

    __slots__ = (
        "_began_at",
        "_cut",
        "_fresh_cut",
        "_held_s",
        "_learnt_at_bps",
        "_lost",
        "_received",
        "cap_bps",
        "fraction",
        "holding",
        "own_loss",
    )

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Begin anew: the path changed."""
        self.cap_bps: float | None = None
        self.own_loss = self.fraction = 0.0
        self.holding = False
        self._cut: Cut | None = None
        self._fresh_cut = False
        self._held_s = self._learnt_at_bps = 0.0
        self.skip()

    @property
    def is_heavy(self) -> bool:
        """Whether more is lost than is borne for a while to see where it comes from."""
        return self.fraction - self.own_loss > CUT_ABOVE

    def settle(self) -> None:
        """Leave this interval and the next uncounted: after an outage, whose loss comes to be known by and by."""
        self._cut = None
        self._fresh_cut = True
        self.skip()

    def skip(self) -> None:
        """Leave the running interval uncounted: the delay has led to a cut already."""
        self._began_at: float | None = None
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
        if elapsed_s < INTERVAL_S:
            return
        total = self._received + self._lost
        if elapsed_s < LONGEST_INTERVAL_S and (total < FEWEST_PACKETS or 0 < self._lost < FEWEST_LOST):
            return
        fraction = max(0.0, self._lost / total) if total > 0 else 0.0
        self.skip()
        self._began_at = now
        if self._fresh_cut:
            # Much of this was sent before the cut.
            self._fresh_cut = False
        elif total >= FEWEST_PACKETS // 4:
            self.fraction = fraction
            self._judge(rate_bps, sent_bps, queue_s, total, elapsed_s)

    def _judge(self, rate_bps: float, sent_bps: float, queue_s: float, total: int, elapsed_s: float) -> None:
        fraction = self.fraction
        used = sent_bps > USED_SHARE * rate_bps
        # The path's own loss varies by chance: count what lies two deviations (of so many draws) above it.
        chance = 2 * sqrt(self.own_loss * (1 - self.own_loss) / total)
        self._learn(chance, sent_bps, used or queue_s > QUEUE_S, elapsed_s)
        excess = fraction - self.own_loss - chance
        self.holding = excess > GROW_BELOW
        self._held_s = self._held_s + elapsed_s if self.holding else 0.0
        if excess > HEAVY and used:
            self._cut_to(rate_bps * (1 - excess), sent_bps)
        elif excess > CUT_ABOVE:
            self._cut_to(rate_bps * (1 - CUT_SHARE * excess), sent_bps)
        elif self._held_s >= TRIAL_AFTER_S and used and sent_bps < TRIABLE_SHARE * rate_bps:
            self._cut_to(rate_bps * TRIAL_SHARE, sent_bps)
        elif not self.holding and self.cap_bps is not None:
            self.cap_bps *= GROWTH_PER_S**elapsed_s

    def _cut_to(self, bps: float, sent_bps: float) -> None:
        # Of cuts that follow upon each other the first is the one to take back.
        before_bps = self.cap_bps if self._cut is None else self._cut.cap_bps
        self.cap_bps = bps
        self._cut = Cut(sent_bps, self.fraction - self.own_loss, before_bps)
        self._fresh_cut = True
        self._held_s = 0.0

    def _learn(self, chance: float, sent_bps: float, ours: bool, elapsed_s: float) -> None:
        """What part of the loss the path makes by itself."""
        fraction, own = self.fraction, self.own_loss
        weight = min(1.0, elapsed_s / LEARNING_S)
        if fraction <= own or (fraction <= own + chance and sent_bps < LEARNT_ROOM * self._learnt_at_bps):
            self._take(own + (fraction - own) * weight)
        elif self._cut is not None and sent_bps < TRIED_BELOW * self._cut.sent_bps:
            if fraction - own > TRIAL_LOSS * self._cut.excess:
                self._take(own + (fraction - own + self._cut.excess) / 2, self._cut.sent_bps)
                self.cap_bps = self._cut.cap_bps
            self._cut = None
        elif not ours:
            self._take(own + (fraction - own) * weight, sent_bps)

    def _take(self, own: float, learnt_at_bps: float | None = None) -> None:
        self.own_loss = min(MOST_OWN, own)
        if learnt_at_bps is not None:
            self._learnt_at_bps = learnt_at_bps
