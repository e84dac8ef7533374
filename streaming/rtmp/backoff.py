"""When to try again, and when to give up."""

from __future__ import annotations

_FIRST_S, _LONGEST_S = 0.5, 10.0
_GOOD_AFTER_S = 20.0
_REFUSALS = 6


class Backoff:
    """Waits that double; a connection that lasted forgets the failures before it.

    Only refusals are an end: a server that cannot be reached may come back at any time.
    """

    def __init__(self) -> None:
        self._failures = 0
        self._refusals = 0

    def failed(self, *, refused: bool, lasted_s: float) -> float | None:
        """How long to wait before the next attempt; None: give up."""
        if lasted_s >= _GOOD_AFTER_S:
            self._failures = self._refusals = 0
        self._failures += 1
        self._refusals = self._refusals + 1 if refused else 0
        if self._refusals >= _REFUSALS:
            return None
        return min(_LONGEST_S, _FIRST_S * 2.0 ** min(self._failures - 1, 10))
