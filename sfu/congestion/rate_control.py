"""From the verdict on the path to a rate: multiplicative increase, additive near what the path carried, 0.85 down.

draft-ietf-rmcat-gcc-02, section 5.5 (rate control).
"""

from __future__ import annotations

from math import sqrt

from sfu.congestion.trend import Usage

DECREASE = 0.85
GENTLE_DECREASE = 0.93
DELIVERED = 0.95
"""When so much of what is sent arrives, and no long queue stands, a gentle cut is enough; it may be jitter, too."""
CARRIED, LITTLE = 0.9, 0.7
"""Of what is sent: a path that delivers so much of the little it is given is not full, it was only held up."""
BLIND_DECREASE = 0.5
"""When nothing is known yet about what arrives."""
INCREASE_PER_S = 1.08
LEAST_INCREASE_BPS = 1_000
LEAST_ADDITIVE_BPS_PER_S = 4_000
ACKNOWLEDGED_ROOM = 1.25
"""Growth goes no further than this beyond what arrives: more is for probes to find."""
ACKNOWLEDGED_ROOM_BPS = 10_000
RAISED_S = 0.6
REAL_QUEUE_S = 0.08
HELD_UP_S = 0.15
FRAME_RATE = 30
PACKET_BITS = 9_600
MIN_REACTION_S, MAX_REACTION_S = 0.05, 0.2


class LinkCapacity:
    """What the path carried each time that it was full: mean and spread, in kbit/s."""

    __slots__ = ("_mean_kbps", "_variance")

    def __init__(self) -> None:
        self._mean_kbps: float | None = None
        self._variance = 0.4

    @property
    def known(self) -> bool:
        """Whether the path was ever full since the last reset."""
        return self._mean_kbps is not None

    def on_full(self, bps: float) -> None:
        """The path was full and carried ``bps``."""
        sample = bps / 1000
        if self._mean_kbps is None:
            self._mean_kbps = sample
            return
        mean = self._mean_kbps = 0.95 * self._mean_kbps + 0.05 * sample
        error = mean - sample
        self._variance = min(2.5, max(0.4, 0.95 * self._variance + 0.05 * error * error / max(mean, 1.0)))

    def is_near(self, bps: float) -> bool:
        """Whether ``bps`` lies within three deviations of it."""
        return self._mean_kbps is not None and abs(bps / 1000 - self._mean_kbps) <= self._spread_kbps(self._mean_kbps)

    def is_below(self, bps: float) -> bool:
        """Whether ``bps`` is clearly more than it."""
        return self._mean_kbps is not None and bps / 1000 > self._mean_kbps + self._spread_kbps(self._mean_kbps)

    def _spread_kbps(self, mean: float) -> float:
        return 3 * sqrt(self._variance * mean)

    def reset(self) -> None:
        """Forget it: the path carries something else now."""
        self._mean_kbps = None


class RateControl:
    """``bps`` is the rate by delay alone."""

    __slots__ = ("_decreased_at", "_held", "_max_bps", "_min_bps", "_set_at", "_updated_at", "bps", "capacity")

    def __init__(self, start_bps: float, min_bps: float, max_bps: float) -> None:
        self.bps = float(start_bps)
        self.capacity = LinkCapacity()
        self._min_bps = min_bps
        self._max_bps = max_bps
        self._held = True
        self._updated_at: float | None = None
        self._decreased_at = self._set_at = float("-inf")

    def set(self, bps: float, now: float) -> None:
        """Take a rate that was found otherwise, as by a probe."""
        if self.capacity.is_below(bps):
            self.capacity.reset()
        self.bps = self._bounded(bps)
        self._set_at = self._updated_at = now

    def decrease(
        self, acknowledged_bps: float | None, queue_s: float, *, sent_bps: float, untried: bool, now: float
    ) -> None:
        """The path is overused. ``untried``: less than the rate was sent of late, so what arrives is no measure."""
        bps = self.bps
        untried |= now - self._set_at < RAISED_S
        # A burst after a gap: little was sent of late and all of it arrived, so that is no measure either.
        untried |= acknowledged_bps is not None and CARRIED * sent_bps <= acknowledged_bps < LITTLE * bps
        if acknowledged_bps is None:
            target = BLIND_DECREASE * bps
        elif untried and queue_s < (HELD_UP_S if acknowledged_bps >= CARRIED * sent_bps else REAL_QUEUE_S):
            # It may well be jitter; lasting overuse cuts again soon.
            target = DECREASE * max(bps, acknowledged_bps)
        else:
            gentle = queue_s < REAL_QUEUE_S and acknowledged_bps >= DELIVERED * sent_bps
            target = (GENTLE_DECREASE if gentle else DECREASE) * acknowledged_bps
            if not self.capacity.is_near(acknowledged_bps):
                self.capacity.reset()
            self.capacity.on_full(acknowledged_bps)
        self.bps = self._bounded(min(bps, target))
        self._held = True
        self._decreased_at = self._updated_at = now

    def hold(self, now: float) -> None:
        """Stay as it is for now."""
        self._held = True
        self._updated_at = now

    def may_decrease(self, acknowledged_bps: float | None, rtt_s: float, now: float) -> bool:
        """Whether a further decrease is due: the last one has had time to work, or was far from enough."""
        if acknowledged_bps is not None and acknowledged_bps < 0.5 * self.bps:
            return now - self._decreased_at >= MIN_REACTION_S
        return now - self._decreased_at >= min(MAX_REACTION_S, max(MIN_REACTION_S, rtt_s))

    def follow(self, usage: Usage, acknowledged_bps: float | None, rtt_s: float, *, hold: bool, now: float) -> None:
        """No overuse: hold while queues empty, grow when things are normal and ``hold`` does not forbid it."""
        elapsed_s = 0.0 if self._updated_at is None else min(now - self._updated_at, 1.0)
        self._updated_at = now
        if usage is Usage.UNDERUSE or hold:
            self._held = True
            return
        if self._held:
            self._held = False
            return
        if acknowledged_bps is None:
            return
        if self.capacity.is_below(acknowledged_bps):
            self.capacity.reset()
        limit = ACKNOWLEDGED_ROOM * acknowledged_bps + ACKNOWLEDGED_ROOM_BPS
        if self.bps >= limit:
            return
        if self.capacity.known:
            step = self.additive_bps_per_s(rtt_s) * elapsed_s
        else:
            step = max(self.bps * (INCREASE_PER_S**elapsed_s - 1), LEAST_INCREASE_BPS * elapsed_s)
        self.bps = self._bounded(min(self.bps + step, limit))

    def additive_bps_per_s(self, rtt_s: float) -> float:
        """About one packet more in each round trip and the time that it takes to notice."""
        bits_a_frame = self.bps / FRAME_RATE
        packets = max(1.0, -(-bits_a_frame // PACKET_BITS))
        return max(LEAST_ADDITIVE_BPS_PER_S, bits_a_frame / packets / (rtt_s + 0.1))

    def reduce(self, factor: float) -> None:
        """Cut without knowing anything of the path."""
        self.bps = self._bounded(self.bps * factor)
        self._held = True

    def reset(self, bps: float) -> None:
        """The path changed."""
        self.bps = self._bounded(bps)
        self.capacity.reset()
        self._held = True
        self._updated_at = None

    def _bounded(self, bps: float) -> float:
        return min(self._max_bps, max(self._min_bps, bps))
