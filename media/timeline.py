"""When a frame was made, on the server's monotonic clock: from RTP timestamps and what the clock messages tie them to.

All streams of one publisher are tied by one clock at the shard, so sound and picture come out together. A publisher's
quartz drifts against ours by up to some hundred ppm: the mapping follows by changing its rate a little, never by a
step, except where what it was built on turns out wrong by much.
"""

from __future__ import annotations

from sfu.rtp.arithmetic import TimestampUnwrapper

STEP_S = 0.2
CONVERGE_S = 2.0
MAX_RATE_CHANGE = 0.002
LET_GO = 0.001
"""Without clock messages the least delayed packets count; this much a second the mapping gives way to later ones."""


class Timeline:
    """The mapping of one SSRC; ``clock_rate`` in Hz. Timestamps are unwrapped ones, times in monotonic seconds."""

    def __init__(self, clock_rate: int) -> None:
        self.synchronised = False
        self.steps = 0
        self._clock_rate = clock_rate
        self._timestamp = 0
        self._at: float | None = None
        self._rate = float(clock_rate)
        self._last_arrival = 0.0

    @property
    def known(self) -> bool:
        """Whether there is a mapping."""
        return self._at is not None

    def on_packet(self, timestamp: int, arrival: float) -> None:
        """A packet came; it counts only as long as no clock message has come."""
        if self.synchronised:
            return
        if self._at is None:
            self._timestamp, self._at = timestamp, arrival
        else:
            late_s = arrival - self.time_of(timestamp)
            if late_s < 0 or late_s > 1.0:
                self._timestamp, self._at = timestamp, arrival
            else:
                self._at += LET_GO * max(0.0, arrival - self._last_arrival)
        self._last_arrival = arrival

    def on_clock(self, rtp_timestamp: int, at: float, unwrapper_last: int | None) -> None:
        """The (32-bit) timestamp belongs to the moment ``at``; ``unwrapper_last`` is the unwrapped one of a packet."""
        if unwrapper_last is not None:
            unwrapper = TimestampUnwrapper()
            unwrapper.last = unwrapper_last
            rtp_timestamp = unwrapper.unwrap(rtp_timestamp)
        if self._at is None or not self.synchronised:
            self._set(rtp_timestamp, at)
            self.synchronised = True
            return
        mapped = self.time_of(rtp_timestamp)
        error_s = at - mapped
        if abs(error_s) > STEP_S:
            self.steps += 1
            self._set(rtp_timestamp, at)
            return
        change = min(max(error_s / CONVERGE_S, -MAX_RATE_CHANGE), MAX_RATE_CHANGE)
        self._timestamp, self._at = rtp_timestamp, mapped
        self._rate = self._clock_rate / (1.0 + change)

    def _set(self, timestamp: int, at: float) -> None:
        self._timestamp, self._at = timestamp, at
        self._rate = float(self._clock_rate)

    def time_of(self, timestamp: float) -> float:
        """The moment of a timestamp; only if :attr:`known`."""
        assert self._at is not None
        return self._at + (timestamp - self._timestamp) / self._rate

    def timestamp_at(self, time_s: float) -> float:
        """The timestamp of a moment; only if :attr:`known`."""
        assert self._at is not None
        return self._timestamp + (time_s - self._at) * self._rate
