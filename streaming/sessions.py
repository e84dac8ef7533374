"""What WHIP and WHEP need of the rooms: given by whoever puts the server together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol


class IceServer(Protocol):
    """A STUN or TURN server."""

    @property
    def urls(self) -> Sequence[str]:
        """Its addresses."""
        ...

    @property
    def username(self) -> str | None:
        """User name of a TURN server."""
        ...

    @property
    def credential(self) -> str | None:
        """Password of a TURN server."""
        ...


class StartedSession(Protocol):
    """A session that has begun."""

    @property
    def session_id(self) -> str:
        """Identifies the session; cannot be guessed."""
        ...

    @property
    def answer(self) -> str:
        """The session description that answers the offer."""
        ...

    @property
    def ice_tag(self) -> str:
        """A name of the ICE session."""
        ...

    @property
    def ice_servers(self) -> Sequence[IceServer]:
        """Servers the client may use."""
        ...


class SessionKeeper(Protocol):
    """What both protocols do with a session. Failures are raised, and answered by the application's error model."""

    @property
    def max_sdp_bytes(self) -> int:
        """The largest body that is read."""
        ...

    def admit(self, room_id: str, token: str | None) -> None:
        """Hold the token against the room, before anything else is looked at."""
        ...

    def ice_tag(self, room_id: str, session_id: str, token: str | None) -> str:
        """The name of the session's current ICE session."""
        ...

    async def patch(self, room_id: str, session_id: str, token: str | None, fragment: str) -> str | None:
        """Take a fragment of candidates (None comes back) or new credentials (our fragment comes back)."""
        ...

    def end(self, room_id: str, session_id: str, token: str | None) -> None:
        """End the session."""
        ...


class WhipRooms(SessionKeeper, Protocol):
    """Rooms that can be published to."""

    async def publish(self, room_id: str, token: str | None, sdp: str) -> StartedSession:
        """Begin to publish."""
        ...


class WhepRooms(SessionKeeper, Protocol):
    """Rooms that can be watched."""

    async def play(
        self, room_id: str, token: str | None, sdp: str, *, user: str | None, source: str | None
    ) -> StartedSession:
        """Begin to play what ``user``, or whoever publishes first, publishes; ``source`` is preferred."""
        ...
