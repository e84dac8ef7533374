"""Changing the settings of a room."""

from __future__ import annotations

from signaling.context import Context
from signaling.effects import Broadcast, Effects, LookAtRecording, LookAtWaiting, SaveSettings
from signaling.errors import ErrorCode, RoomError
from signaling.messages.settings import SettingsUpdate, SettingsUpdateRequest
from signaling.model import Role, RoomSettings
from signaling.room import Participant, Room
from signaling.rules import require


def settings_update(room: Room, participant: Participant, message: SettingsUpdateRequest, context: Context) -> Effects:
    """Change settings, at once for all."""
    require(participant, "can_manage_participants")
    changes = message.wanted()
    before = room.settings
    # Whom only the host may admit, no moderator may admit by another way.
    if changes.get("require_host_approval", before.require_host_approval) != before.require_host_approval:
        _require_host(participant, "Only the host decides whether newcomers need its approval.")
    room.settings = RoomSettings.model_validate(before.model_dump() | changes)
    effects: Effects = []
    if room.settings != before:
        effects.append(SaveSettings(room.settings))
    told = SettingsUpdate(**room.settings.model_dump(), updated_by=participant.username)
    return [
        *effects,
        Broadcast(told, sender=participant.username, reply=True),
        *([LookAtWaiting()] if room.waiting else []),
        LookAtRecording(),
    ]


def _require_host(participant: Participant, message: str) -> None:
    if participant.role is not Role.HOST:
        raise RoomError(ErrorCode.PERMISSION_DENIED, message)
