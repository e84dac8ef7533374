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
