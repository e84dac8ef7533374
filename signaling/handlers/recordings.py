"""Recordings: who may, and what can be done of it."""

from __future__ import annotations

from signaling.context import Context
from signaling.effects import Effects
from signaling.errors import ErrorCode, RoomError
from signaling.messages.recordings import RecordingControl
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
    raise RoomError(ErrorCode.NOT_SUPPORTED, "This server cannot do this yet.", details={"feature": "recording"})
