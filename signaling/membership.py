"""Who may join, what a newcomer is, and what happens when somebody leaves."""

from __future__ import annotations

from signaling.effects import (
    Broadcast,
    Effects,
    ForgetParticipant,
    SaveParticipant,
    SaveRole,
)
from signaling.errors import ErrorCode, RoomError
from signaling.messages.room import PermissionUpdated, RoleUpdated, UserJoined, UserLeft
from signaling.model import Permissions, Role, RolePermissions
from signaling.room import Participant, Room
from signaling.tokens import Identity


def check_join(room: Room, identity: Identity) -> None:
    """Raises RoomError ``room_locked`` or ``room_full``; who is in the room already always comes in."""
    if identity.username in room.participants:
        return
    # A host by token must be able to open what it locked.
    if room.settings.lock_room and identity.role is not Role.HOST:
        raise RoomError(ErrorCode.ROOM_LOCKED, "The room is locked.")
    limit = room.settings.max_participants
    if len(room.participants) >= limit:
        raise RoomError(
            ErrorCode.ROOM_FULL,
            f"The room holds {limit} participants already.",
            details={"max_participants": limit},
        )


def permissions_of(role: Role, granted: dict[str, bool], defaults: RolePermissions) -> Permissions:
    """The permissions of a role, with what the token says itself on top."""
    return defaults.of(role).model_copy(update=granted)


def join(
    room: Room,
    identity: Identity,
    session_id: str,
    *,
    now_unix: float,
    defaults: RolePermissions,
    remembered: Role | None = None,
    by_whip: bool = False,
) -> Effects:
    """Put a newcomer into the room and tell the others; ``check_join`` has been passed.

    A participant that is here already is taken over by its new session: role, place and time of joining stay.
    """
    present = room.participants.get(identity.username)
    if present is not None:
        return _take_over(present, identity, session_id, by_whip=by_whip)
    granted = dict(identity.permissions or {})
    role = _first_role(identity, remembered)
    newcomer = Participant(
        username=identity.username,
        display_name=identity.display_name,
        avatar_url=identity.avatar_url,
        role=role,
        permissions=permissions_of(role, granted, defaults),
        joined_unix=now_unix,
        session_id=session_id,
        granted=granted,
        token_role=identity.role,
        by_whip=by_whip,
        microphone_on=not room.settings.mute_on_entry,
    )
    effects: Effects = []
    if newcomer.may_host:
        effects += _settle_host(room, newcomer, defaults)
    room.participants[newcomer.username] = newcomer
    effects += [
        SaveParticipant(newcomer.username),
        SaveRole(newcomer.username, newcomer.role, newcomer.permissions),
        Broadcast(
            UserJoined.model_validate(newcomer.info().model_dump()),
            sender=newcomer.username,
            without=frozenset({newcomer.username}),
        ),
    ]
    return effects


def leave(room: Room, username: str, reason: str, defaults: RolePermissions) -> Effects:
    """Take somebody out, hand the room over if it was the host, and tell the others."""
    gone = room.participants.pop(username)
    effects: Effects = [
        ForgetParticipant(username),
        Broadcast(UserLeft(username=username, reason=reason), sender=username),
    ]
    if gone.role is Role.HOST:
        heir = next_host(room)
        if heir is not None:
            effects += set_role(heir, Role.HOST, defaults, updated_by=None)
    return effects


def next_host(room: Room) -> Participant | None:
    """The longest-present moderator, else participant; nobody if all are guests or encoders."""
    able = [p for p in room.participants.values() if p.may_host]
    moderators = [p for p in able if p.role is Role.MODERATOR]
    return next(iter(moderators or able), None)


def set_role(participant: Participant, role: Role, defaults: RolePermissions, *, updated_by: str | None) -> Effects:
    """Give a role with its permissions and tell everybody."""
    before = participant.permissions
    participant.role = role
    participant.permissions = permissions_of(role, dict(participant.granted), defaults)
    effects: Effects = [
        SaveRole(participant.username, role, participant.permissions),
        Broadcast(RoleUpdated(user_id=participant.username, role=role, updated_by=updated_by), sender=updated_by),
    ]
    if participant.permissions != before:
        message = PermissionUpdated(
            user_id=participant.username, permissions=participant.permissions, updated_by=updated_by
        )
        effects.append(Broadcast(message, sender=updated_by))
    return effects


def _first_role(identity: Identity, remembered: Role | None) -> Role:
    """The token decides; else what the user was an hour ago, but a lost hostship does not come back by itself."""
    if identity.role is not None:
        return identity.role
    if remembered is None or remembered is Role.HOST:
        return Role.PARTICIPANT
    return remembered


def _settle_host(room: Room, newcomer: Participant, defaults: RolePermissions) -> Effects:
    """One host a room: the first who comes; a host by token takes over from one who is host only by coming first."""
    host = room.host
    effects: Effects = []
    if host is None:
        role = Role.HOST
    elif newcomer.role is not Role.HOST:
        return effects
    elif host.token_role is Role.HOST:
        role = Role.MODERATOR
    else:
        role = Role.HOST
        effects = set_role(host, Role.MODERATOR, defaults, updated_by=None)
    newcomer.role = role
    newcomer.permissions = permissions_of(role, dict(newcomer.granted), defaults)
    return effects


def _take_over(present: Participant, identity: Identity, session_id: str, *, by_whip: bool) -> Effects:
    present.session_id = session_id
    present.display_name = identity.display_name
    present.avatar_url = identity.avatar_url
    present.by_whip = by_whip
    return [SaveParticipant(present.username)]
