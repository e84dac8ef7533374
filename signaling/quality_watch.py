"""Has each participant's connection judged every two seconds, spread evenly, so that no packet waits for it."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Mapping
from time import monotonic
from typing import TYPE_CHECKING

import structlog

from signaling.quality import Figures
from signaling.quality_board import QualityBoard

if TYPE_CHECKING:
    from signaling.live_room import LiveRoom

log = structlog.get_logger("plenum.quality")

CYCLE_S = 2.0
STEPS = 360


class QualityWatch:
    """Goes round all participants of all rooms. ``sweep`` is called about once a second."""

    def __init__(self, rooms: Mapping[str, LiveRoom], unix: Callable[[], float]) -> None:
        self._rooms = rooms
        self._unix = unix
        self._boards: dict[LiveRoom, QualityBoard] = {}
        self._due = 0.0
        self._waiting: list[tuple[LiveRoom, str]] = []
        self._share = 1
        self._timer: asyncio.TimerHandle | None = None

    def sweep(self, now: float) -> None:
        """Begin the next round when it is due."""
        # The sweeps are not quite a second apart: a round that is due in a moment begins now.
        if now < self._due - CYCLE_S / 10:
            return
        self._due = now + CYCLE_S
        boards = self._boards
        self._boards = {live: boards.get(live) or QualityBoard() for live in self._rooms.values()}
        for live, board in self._boards.items():
            board.keep(live.room.participants)
        self._waiting = [(live, name) for live in self._boards for name in live.room.participants]
        self._share = max(1, math.ceil(len(self._waiting) / STEPS))
        if self._timer is None:
            self._step()

    def figures(self, live: LiveRoom, username: str) -> Figures:
        """What was measured of a participant last, at most some seconds ago."""
        board = self._boards.get(live)
        return board.figures(username) if board is not None else Figures()

    def close(self) -> None:
        """Stop."""
        self._waiting = []
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _step(self) -> None:
        self._timer = None
        now = monotonic()
        due, self._waiting = self._waiting[-self._share :], self._waiting[: -self._share]
        for live, username in due:
            try:
                self._review(live, username, now)
            except Exception:
                log.exception("quality failed", room=live.room.room_id, participant=username)
        if self._waiting:
            # A little quicker than the rounds follow each other: each replaces what is left of the one before.
            self._timer = asyncio.get_running_loop().call_later(CYCLE_S * 0.9 / STEPS, self._step)

    def _review(self, live: LiveRoom, username: str, now: float) -> None:
        participant = live.room.participants.get(username)
        board = self._boards.get(live)
        if participant is not None and board is not None:
            pair = live.negotiation.transports_of(username)
            if effects := board.review(participant, pair, now, self._unix()):
                live.apply(effects)
