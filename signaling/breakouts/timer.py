"""The clock of breakout rooms: wakes up when one closes soon, and when its time is over."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import structlog

from signaling.breakouts.moves import pass_time
from signaling.effects import Effects
from signaling.room import Room

log = structlog.get_logger("plenum.room")

SHORTEST_WAIT_S = 0.01


class BreakoutTimer:
    """One timer for all breakout rooms of a room; ``apply`` carries out what follows."""

    def __init__(
        self, room: Room, apply: Callable[[Effects], None], unix: Callable[[], float], notice_s: float
    ) -> None:
        self._room = room
        self._apply = apply
        self._unix = unix
        self._notice_s = notice_s
        self._handle: asyncio.TimerHandle | None = None

    def arm(self) -> None:
        """Wait for what is due next; call it whenever breakout rooms have changed."""
        self.close()
        due = self._room.breakouts.next_due_unix(self._notice_s)
        if due is not None:
            wait_s = max(due - self._unix(), SHORTEST_WAIT_S)
            self._handle = asyncio.get_running_loop().call_later(wait_s, self._ring)

    def close(self) -> None:
        """Wait no more."""
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def _ring(self) -> None:
        self._handle = None
        try:
            self._apply(pass_time(self._room, self._unix(), self._notice_s))
        except Exception:
            log.exception("breakout timer failed", room=self._room.room_id)
            return
        self.arm()
