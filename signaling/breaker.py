"""A circuit breaker: after some failures in a row nothing is asked any more until a probe has been answered.

Pure: time comes in as ``now`` (monotonic seconds), randomness as a generator.
"""

from __future__ import annotations

from enum import StrEnum
from random import Random

FIRST_PAUSE_S = 0.2


class Circuit(StrEnum):
    """``closed``: all goes through; ``open``: nothing does; ``half_open``: nothing but the probe that is under way."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


class Breaker:
    """Decides whether a service is asked at all.

    ``max_failures`` in a row open the circuit. Then a probe is due after a pause, which doubles with every probe that
    fails up to ``longest_pause_s``, and is random by half, so that many processes do not come back at once.
    """

    def __init__(self, max_failures: int, longest_pause_s: float, random: Random) -> None:
        self.state = Circuit.CLOSED
        self.cause = ""
        self.opened = 0
        self.since = 0.0
        self._max_failures = max_failures
        self._longest_pause_s = longest_pause_s
        self._random = random
        self._failures = 0
        self._counted_at = float("-inf")
        self._probes = 0

    @property
    def admits(self) -> bool:
        """Whether the service may be asked."""
        return self.state is Circuit.CLOSED

    def succeeded(self) -> None:
        """The service has answered."""
        if self.state is Circuit.CLOSED:
            self._failures = 0

    def failed(self, began: float, now: float, cause: str) -> bool:
        """What was asked at ``began`` got no answer; True if that opens the circuit.

        Questions that were under way together count once: one moment of silence, also one of our own event loop, is one
        failure however many wait.
        """
        if self.state is not Circuit.CLOSED or began < self._counted_at:
            return False
        self._counted_at = now
        self._failures += 1
        self.cause = cause
        if self._failures < self._max_failures:
            return False
        self.state, self.since, self._probes = Circuit.OPEN, now, 0
        self.opened += 1
        return True

    def pause_s(self) -> float:
        """Time until the next probe."""
        full = min(self._longest_pause_s, FIRST_PAUSE_S * 2.0 ** min(self._probes, 30))
        return full * self._random.uniform(0.5, 1.0)

    def probes(self) -> None:
        """A probe is sent."""
        self.state = Circuit.HALF_OPEN
        self._probes += 1

    def probed(self, now: float, cause: str | None) -> None:
        """A probe was answered (``cause`` None), or it failed."""
        if cause is None:
            self.state, self.cause, self._failures, self.since = Circuit.CLOSED, "", 0, now
        else:
            self.state, self.cause = Circuit.OPEN, cause
