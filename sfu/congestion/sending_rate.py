"""How much is being sent, and whether that is so little that it tells nothing about the path."""

from __future__ import annotations

LIMITED_BELOW = 0.65
"""Of the estimate: an application that sends less for a while is what limits the rate, not the path."""
BUDGET_S = 0.5
START_LEVEL, STOP_LEVEL = 0.8, 0.5
RATE_WINDOW_S = 0.5


class SendingRate:
    """``bps`` of about the last half second; ``application_limited`` by a budget, with hysteresis.

    The budget gains 65 % of the estimate and loses what is sent: it is full while little is sent, and a key frame
    alone does not empty it for long.
    """

    __slots__ = ("_counted_bytes", "_level_bytes", "_updated_at", "application_limited", "bps", "limited_until")

    def __init__(self, now: float) -> None:
        self.bps = 0.0
        self.application_limited = False
        self.limited_until = float("-inf")
        """When sending was last application-limited."""
        self._level_bytes = 0.0
        self._counted_bytes = 0
        self._updated_at = now

    def update(self, sent_bytes: int, estimate_bps: float, now: float) -> None:
        """``sent_bytes`` is the count since the start."""
        elapsed_s = now - self._updated_at
        if elapsed_s <= 0:
            return
        fresh = sent_bytes - self._counted_bytes
        self._counted_bytes, self._updated_at = sent_bytes, now
        weight = min(1.0, elapsed_s / RATE_WINDOW_S)
        self.bps += weight * (fresh * 8 / elapsed_s - self.bps)
        budget_bps = estimate_bps * LIMITED_BELOW
        most = budget_bps / 8 * BUDGET_S
        level = self._level_bytes + budget_bps / 8 * elapsed_s - fresh
        self._level_bytes = min(most, max(-most, level))
        if self._level_bytes > START_LEVEL * most:
            self.application_limited = True
        elif self._level_bytes < STOP_LEVEL * most:
            self.application_limited = False
        if self.application_limited:
            self.limited_until = now
