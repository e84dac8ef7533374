"""Why an estimate is what it is: the limiting cause, and the last changes with time and cause."""

from __future__ import annotations

import enum
from collections import deque
from dataclasses import dataclass

MAX_CHANGES = 64
SAME_RUN_S = 3.0
"""Steps in one direction for one reason, no further apart than this, are told as one change."""


class Reason(enum.StrEnum):
    """What set the estimate, or holds it where it is."""

    START = "start"
    GROWTH = "growth"
    OVERUSE = "overuse"
    DRAINING = "draining"
    LOSS = "loss"
    APPLICATION_LIMITED = "application-limited"
    PROBE = "probe"
    REMB = "remb"
    RECEIVER_REPORT = "receiver-report"
    ROUND_TRIP = "round-trip"
    NO_FEEDBACK = "no-feedback"
    ROUTE_CHANGE = "route-change"


@dataclass(frozen=True, slots=True)
class Change:
    """The estimate went from ``from_bps`` to ``to_bps``, beginning at ``at`` (seconds) and ending at ``until``."""

    at: float
    until: float
    from_bps: int
    to_bps: int
    reason: Reason


class ChangeLog:
    """The last changes, newest last. A climb of many small steps is one entry, lest it hide the dips."""

    __slots__ = ("_changes",)

    def __init__(self) -> None:
        self._changes: deque[Change] = deque(maxlen=MAX_CHANGES)

    def note(self, now: float, from_bps: int, to_bps: int, reason: Reason) -> None:
        """The estimate changed."""
        changes = self._changes
        if changes:
            last = changes[-1]
            same_direction = (last.to_bps > last.from_bps) == (to_bps > from_bps)
            if last.reason is reason and same_direction and now - last.until <= SAME_RUN_S:
                changes[-1] = Change(last.at, now, last.from_bps, to_bps, reason)
                return
        changes.append(Change(now, now, from_bps, to_bps, reason))

    def recent(self) -> list[Change]:
        """A copy, oldest first."""
        return list(self._changes)
