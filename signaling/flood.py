"""Floods: a session that sends far more than any client does is ended, whatever its messages are."""

from __future__ import annotations

CHARACTERS_A_MESSAGE = 8_192
_BUSY_SHARE = 0.95


class FloodGate:
    """A bucket that every frame takes from, large ones more; it fills by ``per_second`` up to ``burst``."""

    __slots__ = ("_at", "_burst", "_level", "_per_second")

    def __init__(self, per_second: float, burst: int, now: float) -> None:
        self._per_second = per_second
        self._burst = float(burst)
        self._level = float(burst)
        self._at = now

    def admit(self, characters: int, now: float) -> bool:
        """Whether a frame is within bounds; once it is not, the session is to be closed."""
        self._level = min(self._burst, self._level + (now - self._at) * self._per_second)
        self._at = now
        self._level -= 1 + characters / CHARACTERS_A_MESSAGE
        return self._level >= 0

    @property
    def is_busy(self) -> bool:
        """Whether the session sends so fast that others should get their turn in between."""
        return self._level < _BUSY_SHARE * self._burst
