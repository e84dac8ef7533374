"""When offers are made: some in a turn of the loop, so that no packet waits for those of a whole room.

Each who comes or goes concerns everybody in a room, and an offer to one of fifty takes a millisecond. What changes
until an offer is made is in it, too.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import structlog

if TYPE_CHECKING:
    from signaling.live_room import LiveRoom

log = structlog.get_logger("plenum.room")

SLICE_S = 0.001


class OfferTurns:
    """Of all rooms of a process, which follow each other. ``slice_s``: how long in a row; None: at once, to the end."""

    def __init__(self, slice_s: float | None = None) -> None:
        self._slice_s = slice_s
        self._waiting: dict[LiveRoom, None] = {}
        self._handle: asyncio.Handle | None = None

    def ask(self, live: LiveRoom) -> None:
        """A room has offers to make."""
        if self._slice_s is None:
            while live.offer_next():
                pass
            return
        self._waiting[live] = None
        if self._handle is None:
            self._handle = asyncio.get_running_loop().call_soon(self._turn)

    def close(self) -> None:
        """Make no more."""
        self._waiting.clear()
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def _turn(self) -> None:
        assert self._slice_s is not None
        until = time.perf_counter() + self._slice_s
        while self._waiting:
            live = next(iter(self._waiting))
            del self._waiting[live]
            if self._serve(live):
                self._waiting[live] = None
            if time.perf_counter() >= until:
                break
        self._handle = asyncio.get_running_loop().call_soon(self._turn) if self._waiting else None

    def _serve(self, live: LiveRoom) -> bool:
        try:
            return live.offer_next()
        except Exception:
            log.exception("offer failed", room=live.room.room_id)
            return live.negotiation.offers_due
