"""Recordings and live streams: who may, and what can be done of it."""

from __future__ import annotations

from typing import NoReturn

from signaling.context import Context
from signaling.effects import Effects
from signaling.errors import ErrorCode, RoomError
from signaling.messages.outputs import LiveStartRequest, LiveStopRequest, RecordingControl
from signaling.room import Participant, Room
from signaling.rules import require


def recording_control(room: Room, participant: Participant, message: RecordingControl, context: Context) -> Effects:
    """Start or stop a recording."""
    require(participant, "can_record")
    if message.action == "start" and not room.settings.enable_recording:
        raise RoomError(
            ErrorCode.PERMISSION_DENIED,
            "Recording is switched off in this room.",
            details={"setting": "enable_recording"},
        )
    _not_built("recording")


def live_stream_start(room: Room, participant: Participant, message: LiveStartRequest, context: Context) -> Effects:
    """Send the room to a streaming service."""
    require(participant, "can_record")
    _not_built("live_streaming")


def live_stream_stop(room: Room, participant: Participant, message: LiveStopRequest, context: Context) -> Effects:
    """End a live stream."""
    require(participant, "can_record")
    _not_built("live_streaming")


def _not_built(feature: str) -> NoReturn:
    raise RoomError(ErrorCode.NOT_SUPPORTED, "This server cannot do this yet.", details={"feature": feature})
