"""Brings the messages of a room to its sessions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog
from pydantic_core import to_json

from signaling import effects as fx
from signaling.envelope import Letter
from signaling.errors import CloseCode, RoomError
from signaling.messages.base import Outgoing
from signaling.messages.room import ErrorMessage
from signaling.room import Room
from signaling.session import Session

if TYPE_CHECKING:
    from signaling.surroundings import Surroundings

log = structlog.get_logger("plenum.room")


@dataclass(slots=True)
class Origin:
    """Whose message is being handled, and whether it has been answered. ``reply``: by what, for a REST call."""

    username: str
    message_id: str | None
    answered: bool = False
    reply: Outgoing | None = None

    def take_reply_to(self, username: str) -> str | None:
        """The id to answer, once."""
        if self.answered or username != self.username:
            return None
        self.answered = True
        return self.message_id


class Delivery:
    """``sessions`` and ``waiting`` are the room's own, by username."""

    def __init__(
        self, room: Room, sessions: Mapping[str, Session], waiting: Mapping[str, Session], around: Surroundings
    ) -> None:
        self._room = room
        self._sessions = sessions
        self._waiting = waiting
        self._around = around
        self._log = log.bind(room=room.room_id)

    def send(self, effect: fx.Send, origin: Origin | None) -> None:
        """To one, who may be waiting at the door."""
        if origin is not None and effect.reply:
            origin.reply = effect.message
        session = self._sessions.get(effect.to) or self._waiting.get(effect.to)
        if session is None:
            return
        reply_to = origin.take_reply_to(effect.to) if origin is not None and effect.reply else None
        self.deliver(session, self.letter(effect.message, effect.sender), reply_to)

    def broadcast(self, effect: fx.Broadcast, origin: Origin | None) -> None:
        """To all of the room, or of one of its breakout rooms."""
        answered = origin if effect.reply else None
        if answered is not None:
            answered.reply = effect.message
        letter = self.letter(effect.message, effect.sender)
        for session in list(self._sessions.values()):
            if session.username not in effect.without and self._is_in(session.username, effect.area):
                reply_to = None if answered is None else answered.take_reply_to(session.username)
                self.deliver(session, letter, reply_to)

    def _is_in(self, username: str, area: str | None) -> bool:
        participant = self._room.participants.get(username)
        return area == fx.EVERYWHERE or (participant is not None and participant.breakout_room_id == area)

    def relay(self, effect: fx.Relay, origin: Origin | None) -> None:
        """From one participant to another, as it came."""
        session = self._sessions.get(effect.to)
        if session is not None:
            payload = to_json(dict(effect.payload)).decode()
            self.deliver(session, Letter(effect.type, payload, effect.sender, self._around.unix()), None)

    def letter(self, message: Outgoing, sender: str | None) -> Letter:
        """A message as it goes out, written once for all who get it."""
        return Letter(message.type_name, message.model_dump_json(), sender, self._around.unix())

    def deliver(self, session: Session, letter: Letter, reply_to: str | None) -> None:
        """Into a session's queue; one that does not read is closed."""
        self._around.counters["messages_sent"] += 1
        if session.send(letter, reply_to):
            return
        self._around.counters["slow_readers"] += 1
        self._log.warning("closed: reads too slowly", participant=session.username)
        session.close(CloseCode.TRY_LATER, "slow_reader")
        # Its leaving follows when the socket ends: here others' messages are being delivered.

    def refuse(self, session: Session, error: RoomError, message_id: str | None) -> None:
        """Tell a session what is wrong with its message."""
        self._around.counters[f"error_{error.code.value}"] += 1
        letter = self.letter(ErrorMessage(**error.body().model_dump()), None)
        self.deliver(session, letter, message_id)
