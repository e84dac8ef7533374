"""Roles, permissions, and what is shown of participants."""

from __future__ import annotations

from signaling.context import Context
from signaling.effects import Broadcast, Effects, Send
from signaling.errors import ErrorCode, RoomError
from signaling.membership import set_role
from signaling.messages.people import (
    ParticipantUpdate,
    ParticipantUpdateRequest,
    PermissionUpdateRequest,
    RoleUpdateRequest,
)
from signaling.messages.room import RoleUpdated
from signaling.model import Role
from signaling.names import clean_display_name, is_avatar_url
from signaling.permissions import permissions_of, take_effect
from signaling.room import Participant, Room
from signaling.rules import find, require, require_authority

_RANK = {Role.GUEST: 0, Role.PARTICIPANT: 1, Role.MODERATOR: 2, Role.HOST: 3}


def role_update(room: Room, participant: Participant, message: RoleUpdateRequest, context: Context) -> Effects:
    """Give a role; giving that of the host hands the room over."""
    target = find(room, message.user_id)
    if target.username == participant.username:
        _check_own_role(participant, message.role)
    else:
        require_authority(participant, target)
        if participant.role is not Role.HOST and message.role in (Role.HOST, Role.MODERATOR):
            raise RoomError(ErrorCode.PERMISSION_DENIED, "Only the host makes hosts and moderators.")
    if message.role is target.role:
        told = RoleUpdated(user_id=target.username, role=target.role, updated_by=participant.username)
        return [Send(participant.username, told, sender=participant.username, reply=True)]
    if message.role is Role.HOST and target.by_whip:
        raise RoomError(ErrorCode.INVALID_STATE, "An encoder cannot be the host.")
    defaults = context.options.permissions
    by = participant.username
    effects: Effects = []
    host = room.host
    if message.role is Role.HOST and host is not None:
        effects += set_role(room, host, Role.MODERATOR, defaults, updated_by=by)
    elif target.role is Role.HOST:
        raise RoomError(ErrorCode.INVALID_STATE, "A room has a host: make another the host.")
    return [*effects, *set_role(room, target, message.role, defaults, updated_by=by, reply=True)]


def permission_update(
    room: Room, participant: Participant, message: PermissionUpdateRequest, context: Context
) -> Effects:
    """Give or take single permissions."""
    target = find(room, message.user_id)
    require_authority(participant, target)
    if target.role is Role.HOST:
        raise RoomError(ErrorCode.PERMISSION_DENIED, "The host's permissions come with the role.")
    changes = message.permissions.wanted()
    if participant.role is not Role.HOST:
        if "can_manage_participants" in changes:
            raise RoomError(ErrorCode.PERMISSION_DENIED, "Only the host gives or takes this permission.")
        for name, on in changes.items():
            if on:
                require(participant, name)
    target.overrides = {**target.overrides, **changes}
    defaults = context.options.permissions
    permissions = permissions_of(target.role, target.granted, defaults, target.overrides)
    return take_effect(room, target, permissions, updated_by=participant.username, reply=True)


def participant_update(
    room: Room, participant: Participant, message: ParticipantUpdateRequest, context: Context
) -> Effects:
    """Change what is shown of oneself, or the name of another."""
    target = participant if message.user_id is None else find(room, message.user_id)
    name, avatar_url = checked(message)
    if target.username != participant.username:
        require_authority(participant, target)
        if avatar_url is not None:
            raise RoomError(ErrorCode.PERMISSION_DENIED, "Everybody chooses their own picture.")
        target.renamed = True
    if name is not None:
        target.display_name = name
    if avatar_url is not None:
        target.avatar_url = avatar_url or None
    told = ParticipantUpdate(**target.info().model_dump(), user_id=target.username, updated_by=participant.username)
    return [Broadcast(told, sender=participant.username, reply=True)]


def checked(message: ParticipantUpdateRequest) -> tuple[str | None, str | None]:
    """The name, cleaned, and the address of the picture; raises RoomError."""
    name = None
    if message.display_name is not None:
        name = clean_display_name(message.display_name)
        if not name:
            raise RoomError(ErrorCode.INVALID_MESSAGE, "A name needs a letter.", details={"field": "display_name"})
    if message.avatar_url and not is_avatar_url(message.avatar_url):
        raise RoomError(ErrorCode.INVALID_MESSAGE, "That is no address of a picture.", details={"field": "avatar_url"})
    return name, message.avatar_url


def _check_own_role(participant: Participant, role: Role) -> None:
    """One may step down by oneself, but never up."""
    if _RANK[role] > _RANK[participant.role]:
        raise RoomError(ErrorCode.PERMISSION_DENIED, "Nobody raises himself.")
