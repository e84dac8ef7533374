"""From a publisher's sender reports to ours: which RTP timestamp belongs to this moment (RFC 3550 section 6.4.1).

A publisher's sender reports tie the RTP timestamps of each of its streams to one clock: its own. Subscribers get
sender reports on our clock instead. Lips stay in sync if all streams of a publisher are carried over by *one* offset
between the two clocks: then an error of the offset moves sound and picture alike, and nobody sees it. So

    publisher's time of this moment = now - offset            (PublisherClock: one for each publishing Transport)
    RTP timestamp of this moment    = reference + (publisher's time - its reference) * clock rate     (SenderClock)

The offset holds the smallest delay a report took. It is moved slowly, because what it moves by between the reports of
two streams is what they drift apart.
"""

from __future__ import annotations

WINDOW_S = 20.0
SLEW = 0.0005
"""The offset moves by at most this many seconds each second: more than any two quartz clocks drift apart."""
STEP_S = 0.5
FOREIGN_S = 5.0
FALLBACK_AFTER_S = 4.0
FALLBACK_SLEW = 0.001

_NTP_UNITS = 4294967296.0


class PublisherClock:
    """The offset between our monotonic clock and the clock of one publisher, shared by its streams; all in seconds."""

    __slots__ = ("_current_min", "_offset", "_previous_min", "_shift", "_updated_at", "_window_end", "steps")

    def __init__(self) -> None:
        self.steps = 0
        self._offset: float | None = None
        self._shift = 0.0
        self._current_min = 0.0
        self._previous_min = 0.0
        self._window_end = 0.0
        self._updated_at = 0.0

    @property
    def known(self) -> bool:
        """Whether any sender report was seen."""
        return self._offset is not None

    def continuous(self, ntp_s: float) -> float:
        """The publisher's time with the steps taken out that its wall clock made."""
        return ntp_s - self._shift

    def time_at(self, now: float) -> float:
        """The publisher's (continuous) time of our moment ``now``; only if :attr:`known`."""
        assert self._offset is not None
        return now - self._offset

    def deviation(self, time_s: float, now: float) -> float:
        """How much later than the offset says a report of publisher's time ``time_s`` arrives; 0.0 if unknown."""
        return 0.0 if self._offset is None else now - time_s - self._offset

    def step(self, by_s: float) -> None:
        """The publisher set its clock by ``by_s``: its streams' reports are from now on ahead by that much."""
        self.steps += 1
        self._shift += by_s

    def on_report(self, time_s: float, now: float) -> None:
        """A report of publisher's time ``time_s`` arrived ``now``: move the offset towards the smallest delay."""
        delay = now - time_s
        if self._offset is None:
            self._offset = self._current_min = self._previous_min = delay
            self._window_end = now + WINDOW_S
            self._updated_at = now
            return
        if now >= self._window_end:
            self._previous_min, self._current_min = self._current_min, delay
            self._window_end = now + WINDOW_S
        elif delay < self._current_min:
            self._current_min = delay
        target = min(self._previous_min, self._current_min)
        limit = SLEW * max(0.0, now - self._updated_at)
        self._offset += min(max(target - self._offset, -limit), limit)
        self._updated_at = now


class SenderClock:
    """The mapping of one incoming stream; ``clock_rate`` is in Hz.

    Until the first sender report, and ``FALLBACK_AFTER_S`` at the longest, there is no mapping: a subscriber that is
    told nothing plays what comes, one that is told two things in turn has to correct itself. A publisher that sends no
    reports at all is mapped by the arrival of its packets, the least delayed ones.
    """

    __slots__ = (
        "_arrival_at",
        "_arrival_timestamp",
        "_clock_rate",
        "_first_arrival",
        "_last_arrival",
        "_publisher",
        "_reference_s",
        "_reference_timestamp",
        "reports",
    )

    def __init__(self, publisher: PublisherClock, clock_rate: int) -> None:
        self.reports = 0
        self._publisher = publisher
        self._clock_rate = clock_rate
        self._reference_s = 0.0
        self._reference_timestamp = 0
        self._first_arrival: float | None = None
        self._last_arrival = 0.0
        self._arrival_timestamp = 0
        self._arrival_at = 0.0

    def on_packet(self, timestamp: int, arrival: float) -> None:
        """Note a packet, for publishers that send no reports; costs next to nothing once a report came."""
        if self.reports:
            return
        if self._first_arrival is None:
            self._first_arrival = arrival
            self._arrival_timestamp, self._arrival_at = timestamp, arrival
        else:
            expected = self._arrival_timestamp + (arrival - self._arrival_at) * self._clock_rate
            unwrapped = _near(timestamp, expected)
            early_s = (unwrapped - expected) / self._clock_rate
            if early_s > 0 or early_s < -FOREIGN_S:
                self._arrival_timestamp, self._arrival_at = unwrapped, arrival
            else:
                # Let go slowly, so that a clock that runs slower than ours is followed as well.
                self._arrival_at += FALLBACK_SLEW * (arrival - self._last_arrival)
        self._last_arrival = arrival

    def on_sender_report(self, ntp: int, rtp_timestamp: int, now: float, unix_now: float = 0.0) -> None:
        """The publisher's report: 64-bit NTP time and 32-bit RTP timestamp of one moment; it arrived ``now``.

        ``unix_now`` is not needed: our own reports pair :meth:`rtp_at` of a moment with the wall time of that moment.
        """
        if ntp == 0:
            return  # the publisher has no notion of wall-clock time (RFC 3550 section 6.4.1)
        ntp_s = ntp / _NTP_UNITS
        if not self.reports:
            if abs(self._publisher.deviation(self._publisher.continuous(ntp_s), now)) > FOREIGN_S:
                # Not one clock for both streams, as the RFC asks for: then each goes by its own.
                self._publisher = PublisherClock()
            seen = self._first_arrival is not None
            timestamp = _near(rtp_timestamp, self._arrival_timestamp) if seen else rtp_timestamp
        else:
            timestamp = _near(rtp_timestamp, self._timestamp_at(now))
            behind = self._reference_s - self._publisher.continuous(ntp_s)
            if 0.0 <= behind < STEP_S:
                return  # overtaken by a newer one, or the same once more
            self._follow_steps(ntp_s, timestamp, now)
        time_s = self._publisher.continuous(ntp_s)
        self._publisher.on_report(time_s, now)
        self._reference_s = time_s
        self._reference_timestamp = timestamp
        self.reports += 1

    def _follow_steps(self, ntp_s: float, timestamp: int, now: float) -> None:
        """Find out whether the publisher's wall clock was set: its media clock went on, its time did not."""
        time_s = self._publisher.continuous(ntp_s)
        deviation = self._publisher.deviation(time_s, now)
        moved = time_s - self._reference_s - (timestamp - self._reference_timestamp) / self._clock_rate
        if abs(moved) > STEP_S and abs(moved + deviation) < abs(moved) / 2:
            self._publisher.step(moved)
        elif abs(deviation) > FOREIGN_S:
            self._publisher.step(-deviation)

    def rtp_at(self, now: float) -> float | None:
        """The (unwrapped) RTP timestamp of the moment ``now`` (seconds, monotonic); None while nothing is known."""
        if self.reports:
            return self._timestamp_at(now)
        if self._first_arrival is None or now - self._first_arrival < FALLBACK_AFTER_S:
            return None
        return self._arrival_timestamp + (now - self._arrival_at) * self._clock_rate

    def _timestamp_at(self, now: float) -> float:
        elapsed = self._publisher.time_at(now) - self._reference_s
        return self._reference_timestamp + elapsed * self._clock_rate


def _near(timestamp: int, expected: float) -> int:
    """The unwrapped value of a 32-bit timestamp that lies nearest to ``expected``."""
    base = round(expected)
    return base + ((timestamp - base + 0x80000000) & 0xFFFFFFFF) - 0x80000000
