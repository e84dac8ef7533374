"""Loudness of one Producer, smoothed for a meter (RFC 6464 levels: 0 is the loudest, 127 silence, in -dBov)."""

from __future__ import annotations

import math

SILENT_DBOV = 60
LOUD_DBOV = 15
ATTACK_S = 0.05
RELEASE_S = 0.35
STALE_S = 0.2
"""Without a packet for so long (DTX, mute, loss) the level is that of silence."""


def loudness(level_dbov: int) -> float:
    """An RFC 6464 level as 0.0 (silence, background) to 1.0 (close and loud), linear in decibels."""
    return min(max((SILENT_DBOV - level_dbov) / (SILENT_DBOV - LOUD_DBOV), 0.0), 1.0)


class SmoothedLevel:
    """Follows the level quickly upwards and slowly downwards."""

    __slots__ = ("_at", "_value")

    def __init__(self) -> None:
        self._value = 0.0
        self._at = float("-inf")

    def add(self, level_dbov: int, now: float) -> None:
        """One packet's level."""
        before = self.value(now)
        target = loudness(level_dbov)
        elapsed = min(max(now - self._at, 0.0), STALE_S)
        constant = ATTACK_S if target > before else RELEASE_S
        self._value = before + (target - before) * (1 - math.exp(-elapsed / constant))
        self._at = now

    def value(self, now: float) -> float:
        """The level at ``now``, 0.0 to 1.0; fades when packets stay away."""
        silent_for = now - self._at - STALE_S
        if silent_for <= 0:
            return self._value
        return self._value * math.exp(-silent_for / RELEASE_S)
