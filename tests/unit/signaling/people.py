"""A room with people in it, without sockets, Redis or clock."""

from __future__ import annotations

import itertools
import json
from typing import Any, cast

from sfu.router import Router
from sfu.transport import TransportRole
from signaling import effects as fx
from signaling.envelope import parse_frame
from signaling.live_room import LiveRoom
from signaling.model import Role, RoomSettings
from signaling.options import RoomOptions
from signaling.room import Remembered, Room
from signaling.session import Session
from signaling.surroundings import Surroundings
from signaling.tokens import Identity
from tests.unit.signaling.engine_double import RouterDouble, TransportDouble

NOW_UNIX = 1_800_000_000.0


class Port:
    """A socket that keeps what is sent."""

    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []
        self.closed: tuple[int, str] | None = None
        self.full = False

    def put(self, text: str) -> bool:
        if self.full:
            return False
        self.messages.append(json.loads(text))
        return True

    def close(self, code: int, reason: str) -> None:
        self.closed = (code, reason)


class Person:
    """One joined user."""

    def __init__(self, house: House, username: str, session: Session, port: Port) -> None:
        self.house, self.username, self.session, self.port = house, username, session, port
        self._ids = itertools.count(1)

    def say(self, message_type: str, payload: dict[str, Any] | None = None) -> dict[str, Any]:
        """Send a message; the reply to it."""
        message_id = f"{self.username}{next(self._ids)}"
        text = json.dumps({"type": message_type, "payload": payload or {}, "id": message_id})
        self.house.live.receive(self.session, parse_frame(text, 262_144))
        replies = [m for m in self.port.messages if m.get("reply_to") == message_id]
        assert len(replies) == 1, replies
        return replies[0]

    def heard(self, message_type: str) -> list[dict[str, Any]]:
        """Payloads of all messages of a type."""
        return [m["payload"] for m in self.port.messages if m["type"] == message_type]

    def forget(self) -> None:
        """Begin to listen anew."""
        self.port.messages.clear()

    def types(self) -> list[str]:
        """Types of all messages, in order."""
        return [m["type"] for m in self.port.messages]

    def publish(self, tracks: dict[str, str], sources: dict[str, str] | None = None) -> dict[str, Any]:
        """Offer ``{mid: kind}``; the reply."""
        payload = {
            "transport": "publish",
            "sdp": json.dumps({"tracks": tracks}),
            "tracks": {mid: {"source": source} for mid, source in (sources or {}).items()},
        }
        return self.say("offer", payload)

    def answer(self, refused: list[str] | None = None) -> dict[str, Any]:
        """Answer the subscribe offer; the reply."""
        sdp = json.dumps({"refused": refused or []})
        return self.say("answer", {"transport": "subscribe", "sdp": sdp})

    def transport(self, role: TransportRole) -> TransportDouble:
        return self.house.router.transport_of(self.username, role)


class House:
    """One live room."""

    def __init__(self, options: RoomOptions | None = None, settings: RoomSettings | None = None, **roles: Role) -> None:
        self.saved: list[fx.StateEffect] = []
        self.emptied: list[LiveRoom] = []
        self.now_unix = NOW_UNIX
        self._numbers = itertools.count(1)
        self.router = RouterDouble("demo")
        self.around = Surroundings(
            options or RoomOptions(),
            save=lambda room_id, effect: self.saved.append(effect),
            on_empty=self.emptied.append,
            new_id=lambda: f"id{next(self._numbers)}",
            unix=lambda: self.now_unix,
        )
        room = Room("demo", settings or self.around.options.settings, NOW_UNIX)
        self.room = room
        room.remembered = {username: Remembered(role) for username, role in roles.items()}
        self.live = LiveRoom(room, cast(Router, self.router), self.around)

    def join(self, username: str, **identity: Any) -> Person:
        """Let somebody in."""
        port = Port()
        session = Session(f"session{next(self._numbers)}", username, port, 0.0)
        self.live.join(Identity(username, identity.pop("display_name", username.title()), **identity), session)
        return Person(self, username, session, port)

    def leave(self, person: Person, reason: str = "disconnected") -> None:
        self.live.leave(person.username, person.session.session_id, reason)

    def role(self, person: Person) -> Role:
        return self.room.participants[person.username].role
