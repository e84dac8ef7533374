"""Sessions that lose their socket: their participants stay for a while, and go on with a new one or are taken out."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING

import structlog

from signaling import effects as fx
from signaling.errors import ErrorCode, RoomError
from signaling.room import Room
from signaling.session import Session, SessionPort

if TYPE_CHECKING:
    from signaling.surroundings import Surroundings

MISSED_HEARTBEAT = 1.5  # of the interval: then a session is not taken for alive any more


class AwayDesk:
    """Those of one room. ``leave`` takes a session's participant out; ``apply`` carries effects out."""

    def __init__(
        self,
        room: Room,
        sessions: Mapping[str, Session],
        around: Surroundings,
        leave: Callable[[str, str, str], None],
        apply: Callable[[fx.Effects], None],
    ) -> None:
        self._room = room
        self._sessions = sessions
        self._around = around
        self._leave = leave
        self._apply = apply
        self._log = structlog.get_logger("plenum.room").bind(room=room.room_id)

    def lose(self, session: Session, now: float) -> None:
        """A socket is gone without a farewell; the others notice nothing."""
        can_return = self._around.options.resume_window_s > 0 and not session.closed
        if not (can_return and self._is_here(session)):
            session.closed = True
            self._leave(session.username, session.session_id, "disconnected")
            return
        session.detach(now)
        self._around.counters["sessions_lost"] += 1
        self._log.info("away", participant=session.username)

    def resume(self, username: str, session_id: str, last_seq: int, port: SessionPort, now: float) -> Session | None:
        """Let a session that is here go on with a new socket; None if that cannot be done without a gap.

        A ``last_seq`` of -1 only proves whose session it is, for a client that wants to begin anew.
        """
        session = self._sessions.get(username)
        if session is None or not self._is_here(session):
            return None
        if not secrets.compare_digest(session.session_id.encode(), session_id.encode()):
            return None
        replayed = session.resume(port, last_seq, self._around.unix(), now)
        if replayed is None:
            # Its client joins anew, and is not to be refused because of the socket that it has lost.
            session.detach(now)
            self._around.counters["resumes_refused"] += 1
            return None
        self._around.counters["sessions_resumed"] += 1
        self._apply([fx.RenewPresence(username)])
        self._log.info("resumed", participant=username, replayed=replayed)
        return session

    def end_overdue(self, now: float) -> None:
        """Take those out who have not come back in time."""
        oldest = now - self._around.options.resume_window_s
        for session in list(self._sessions.values()):
            if session.away_since is not None and session.away_since < oldest:
                session.closed = True
                self._leave(session.username, session.session_id, "disconnected")

    def check_duplicate(self, username: str, encoders: Collection[str]) -> None:
        """Raises RoomError ``duplicate_session`` if the user is here, or among ``encoders``, and the first is to win.

        One whose socket is lost, or that has missed a heartbeat, is not worth more than the one that comes.
        """
        options = self._around.options
        if options.duplicate_session == "replace":
            return
        session = self._sessions.get(username)
        if session is None:
            alive = username in encoders
        else:
            silent_s = self._around.monotonic() - session.last_heard
            alive = session.away_since is None and silent_s <= MISSED_HEARTBEAT * options.heartbeat_interval_s
        if alive:
            raise RoomError(ErrorCode.DUPLICATE_SESSION, "You are in this room already.")

    def _is_here(self, session: Session) -> bool:
        participant = self._room.participants.get(session.username)
        known = self._sessions.get(session.username) is session
        return known and participant is not None and participant.session_id == session.session_id
