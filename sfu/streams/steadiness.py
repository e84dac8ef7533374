"""Whether an Encoding of several can be relied upon.

A browser whose uplink is short stops the larger ones by itself, and begins them anew when it thinks that there is
room: on a path that loses packets, several times a minute. Whoever receives one that was stopped gets nothing more, and
has to wait for a key frame of another; so one that comes back is left alone for a while, longer each time.
"""

from __future__ import annotations

BEHIND_S = 0.4
"""An Encoding whose siblings are so much ahead of it is not being sent."""
FIRST_HOLD_S = 2.0
LONGEST_HOLD_S = 30.0
STEADY_S = 20.0
"""After so long without a stop the next one counts as the first."""


class Steadiness:
    """Of one Encoding, told some ten times a second how far behind its siblings it is. Knows no clock."""

    __slots__ = ("_back_at", "_hold_s", "_trusted_from", "is_silent")

    def __init__(self) -> None:
        self.is_silent = False
        self._hold_s = FIRST_HOLD_S / 2
        self._back_at = float("-inf")
        self._trusted_from = float("-inf")

    def review(self, behind_s: float, now: float) -> bool:
        """``behind_s``: how much newer the newest packet of its siblings is than its own. True: it is silent from now
        on, or no longer."""
        silent = behind_s > BEHIND_S
        if silent == self.is_silent:
            return False
        self.is_silent = silent
        if silent:
            again = now - self._back_at < STEADY_S
            self._hold_s = min(self._hold_s * 2, LONGEST_HOLD_S) if again else FIRST_HOLD_S
        else:
            self._back_at = now
            self._trusted_from = now + self._hold_s
        return True

    def is_trusted(self, now: float) -> bool:
        """Whether it is being sent, and has been for long enough."""
        return not self.is_silent and now >= self._trusted_from

    def expect(self) -> None:
        """It was stopped at our wish and is asked for again: that it was silent is nothing against it."""
        self.is_silent = False
