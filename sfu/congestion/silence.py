"""Noticing that what is sent remains without any answer."""

from __future__ import annotations

INTERVAL_S = 0.5
"""Between one step back and the next."""


class Silence:
    """Tells when to back off. Sending nothing is no silence, whatever does not come back."""

    __slots__ = ("_answered_bytes", "_stepped_at", "_unanswered_since")

    def __init__(self) -> None:
        self._answered_bytes = 0
        self._unanswered_since: float | None = None
        self._stepped_at = float("-inf")

    def on_answer(self, sent_bytes: int) -> None:
        """Something was heard when ``sent_bytes`` had been sent since the start."""
        self._answered_bytes = sent_bytes
        self._unanswered_since = None

    def skip(self, size_bytes: int) -> None:
        """Of what was sent so much cannot be answered."""
        self._answered_bytes += size_bytes

    def is_step_due(self, sent_bytes: int, patience_s: float, now: float) -> bool:
        """Whether to back off by a step now."""
        if sent_bytes == self._answered_bytes:
            return False
        if self._unanswered_since is None:
            self._unanswered_since = now
            return False
        if now - self._unanswered_since < patience_s or now - self._stepped_at < INTERVAL_S:
            return False
        self._stepped_at = now
        return True
