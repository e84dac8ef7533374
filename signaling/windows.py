"""Sliding windows in memory: what one process has seen of each user, with time as a value."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import NamedTuple

Key = tuple[str, str]
"""The limit's name and the username."""
_SHORTEST_S = 1e-3  # rounding must not make "allowed" of a wait


@dataclass(frozen=True, slots=True)
class Limit:
    """``count`` events of one user in ``window_s`` seconds."""

    count: int
    window_s: int


class Standing(NamedTuple):
    """How a user stands with a limit: how many events remain, and in how many seconds there are more."""

    limit: int
    remaining: int
    reset_s: float


class Event(NamedTuple):
    """One event that was allowed. The same ``thing`` twice counts once."""

    at: float
    thing: str | None


@dataclass(slots=True)
class _Window:
    events: deque[Event] = field(default_factory=deque)
    blocked_until: float = 0.0


class SlidingWindows:
    """The events of all users; what has left its window is forgotten by ``sweep`` at the latest."""

    def __init__(self) -> None:
        self._windows: dict[Key, _Window] = {}

    def __len__(self) -> int:
        return len(self._windows)

    def wait_s(self, key: Key, limit: Limit, now: float, thing: str | None = None) -> float:
        """Seconds until one more event is allowed; 0.0: it is."""
        window = self._windows.get(key)
        if window is None:
            return 0.0
        if window.blocked_until > now:
            return window.blocked_until - now
        _drop_old(window, now - limit.window_s)
        if thing is not None and any(event.thing == thing for event in window.events):
            return 0.0
        if len(window.events) < limit.count:
            return 0.0
        return max(_SHORTEST_S, window.events[0].at + limit.window_s - now)

    def add(self, key: Key, now: float, thing: str | None = None) -> Event | None:
        """Count an event; None if it counts already."""
        window = self._windows.setdefault(key, _Window())
        if thing is not None and any(event.thing == thing for event in window.events):
            return None
        event = Event(now, thing)
        window.events.append(event)
        return event

    def block(self, key: Key, event: Event | None, until: float) -> None:
        """Others have counted more: take ``event`` back and refuse all until then."""
        window = self._windows.setdefault(key, _Window())
        if event is not None and event in window.events:
            window.events.remove(event)
        window.blocked_until = until

    def standing(self, key: Key, limit: Limit, now: float) -> Standing:
        """What remains of a limit here."""
        window = self._windows.get(key)
        if window is None or not window.events:
            return Standing(limit.count, limit.count, 0.0)
        return Standing(
            limit.count, max(0, limit.count - len(window.events)), window.events[0].at + limit.window_s - now
        )

    def sweep(self, limits: dict[str, Limit], now: float) -> None:
        """Forget windows in which nothing is left."""
        for key, window in list(self._windows.items()):
            _drop_old(window, now - limits[key[0]].window_s)
            if not window.events and window.blocked_until <= now:
                del self._windows[key]


def _drop_old(window: _Window, before: float) -> None:
    while window.events and window.events[0].at <= before:
        window.events.popleft()
