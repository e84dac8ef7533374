"""Which voices of a large room are passed on: the loudest few, and they keep their place for a while."""

from __future__ import annotations

from collections.abc import Mapping

SPEAKING_LEVEL = 0.02
HOLD_S = 2.5
"""A pause between two sentences costs nobody the place."""
LOUDER_BY = 1.5
"""By this factor one has to be louder than the quietest of those who speak to take its place."""


class Loudest:
    """Knows Producers by opaque ids; ``limit`` of them are heard."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.heard: frozenset[str] = frozenset()
        self._spoke_at: dict[str, float] = {}

    def choose(self, levels: Mapping[str, float], now: float) -> frozenset[str]:
        """Those to pass on, by their smoothed loudness (0.0 to 1.0); call it some times a second."""
        for key, level in levels.items():
            if level >= SPEAKING_LEVEL:
                self._spoke_at[key] = now
        self._spoke_at = {key: at for key, at in self._spoke_at.items() if key in levels}
        if len(levels) <= self.limit:
            self.heard = frozenset(levels)
            return self.heard

        def rank(key: str) -> tuple[bool, float]:
            holds = key in self.heard
            silent_s = now - self._spoke_at.get(key, float("-inf"))
            speaks = silent_s == 0.0 or (holds and silent_s < HOLD_S)
            return speaks, levels[key] * (LOUDER_BY if holds else 1.0) + (1e-6 if holds else 0.0)

        self.heard = frozenset(sorted(levels, key=rank, reverse=True)[: self.limit])
        return self.heard
