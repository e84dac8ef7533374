"""Going on after a lost connection."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from signaling.messages.base import Outgoing


class SessionResumed(Outgoing):
    """The first message on a WebSocket that continues a session; `room-state` comes instead when that cannot be done.

    It carries the `seq` that the client said it has, and is not counted itself: what was missed follows, each message
    once, in order, with the numbers it had.
    """

    type_name: ClassVar[str] = "session-resumed"

    session_id: str = Field(description="The session that goes on.")
    replayed: int = Field(description="How many messages follow that were missed.")


class RoomMoved(Outgoing):
    """The room goes on at another server; the last message before the WebSocket is closed with 1012.

    A client connects again at once, to the same address, naming its session. What it sent and got no answer to it sends
    again when `room-state` says `continued`. Its old peer connections work for `overlap_ms` still: new ones first.
    """

    type_name: ClassVar[str] = "room-moved"

    reason: str = Field(description="`drain`: the server is emptied; `moved`: an operator wanted it.")
    overlap_ms: int = Field(description="How long the old peer connections go on working.")
