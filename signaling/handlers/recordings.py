"""Recordings: who may start and stop them."""

from __future__ import annotations

from signaling import effects as fx
from signaling.context import Context
from signaling.errors import ErrorCode, RoomError
from signaling.messages.recordings import RecordingControl
from signaling.room import Participant, Room
from signaling.rules import require


def recording_control(room: Room, participant: Participant, message: RecordingControl, context: Context) -> fx.Effects:
    """Start or stop a recording."""
    require(participant, "can_record")
    if message.recording_id is not None:
        return [fx.StopRecording(message.recording_id, participant.username)]
    if not room.settings.enable_recording:
        raise RoomError(
            ErrorCode.PERMISSION_DENIED,
            "Recording is switched off in this room.",
            details={"setting": "enable_recording"},
        )
    return [fx.StartRecording(context.new_id(), participant.username, message.options)]
