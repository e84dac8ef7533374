"""Permission and state checks that several handlers share."""

from __future__ import annotations

from signaling.errors import ErrorCode, RoomError
from signaling.model import Permissions, Role, Source
from signaling.room import Participant, Room

_PERMISSION_OF_SOURCE = {
    Source.MICROPHONE: "can_share_audio",
    Source.CAMERA: "can_share_video",
    Source.SCREEN: "can_share_screen",
    Source.SCREEN_AUDIO: "can_share_screen",
}


def require(participant: Participant, permission: str) -> None:
    """Raises RoomError ``permission_denied`` unless the participant has ``permission``."""
    if not has(participant.permissions, permission):
        raise RoomError(
            ErrorCode.PERMISSION_DENIED, "You do not have the right to do this.", details={"permission": permission}
        )


def has(permissions: Permissions, permission: str) -> bool:
    """Whether ``permission``, by its name, is given."""
    return bool(getattr(permissions, permission))


def may_share(participant: Participant, source: Source) -> bool:
    """Whether the participant may publish, or switch on, tracks of ``source``."""
    return has(participant.permissions, _PERMISSION_OF_SOURCE[source])


def require_share(participant: Participant, source: Source, **details: str) -> None:
    """Raises RoomError ``permission_denied`` unless the participant may publish ``source``."""
    if not may_share(participant, source):
        raise RoomError(
            ErrorCode.PERMISSION_DENIED,
            f"You do not have the right to share your {source.value}.",
            details={"permission": _PERMISSION_OF_SOURCE[source], "source": source.value, **details},
        )


def find(room: Room, username: str) -> Participant:
    """The participant of that name; raises RoomError ``user_not_found``."""
    found = room.participants.get(username)
    if found is None:
        raise user_not_found(username)
    return found


def user_not_found(username: str) -> RoomError:
    """What is told to one who names somebody that is not in the room."""
    return RoomError(ErrorCode.USER_NOT_FOUND, "That participant is not in the room.", details={"user_id": username})


def require_authority(participant: Participant, target: Participant) -> None:
    """Raises RoomError ``permission_denied`` unless the participant manages others and stands above ``target``.

    The host stands above all; who manages participants above participants and guests; nobody above himself.
    """
    require(participant, "can_manage_participants")
    if participant.username == target.username:
        raise RoomError(ErrorCode.PERMISSION_DENIED, "You cannot do this to yourself.")
    if participant.role is not Role.HOST and target.role in (Role.HOST, Role.MODERATOR):
        raise RoomError(ErrorCode.PERMISSION_DENIED, f"Only the host can do this to a {target.role.value}.")
