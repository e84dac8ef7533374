"""Live streams: who may, and what can be done of it."""

from __future__ import annotations

from typing import NoReturn

from signaling.context import Context
from signaling.effects import Effects
from signaling.errors import ErrorCode, RoomError
from signaling.messages.live import LiveStartRequest, LiveStopRequest
from signaling.room import Participant, Room
from signaling.rules import require


def live_stream_start(room: Room, participant: Participant, message: LiveStartRequest, context: Context) -> Effects:
    """Send the room to a streaming service."""
    require(participant, "can_record")
    _not_built()


def live_stream_stop(room: Room, participant: Participant, message: LiveStopRequest, context: Context) -> Effects:
    """End a live stream."""
    require(participant, "can_record")
    _not_built()


def _not_built() -> NoReturn:
    raise RoomError(ErrorCode.NOT_SUPPORTED, "This server cannot do this yet.", details={"feature": "live_streaming"})
