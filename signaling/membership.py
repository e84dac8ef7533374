"""What a newcomer is, who is host, and what happens when somebody leaves."""

from __future__ import annotations

from signaling.admission import tell_managers
from signaling.breakouts import moves
from signaling.e2ee import introduce
from signaling.effects import (
    Broadcast,
    Effects,
    ForgetEntry,
    ForgetParticipant,
    LookAtWaiting,
    SaveEntry,
    SaveParticipant,
    SaveRole,
    Table,
)
from signaling.handlers.files import end_of
from signaling.hands import lower, queue
from signaling.messages.room import RoleUpdated, UserJoined, UserLeft
from signaling.messages.waiting import WaitingLeft
from signaling.model import Role, RolePermissions
from signaling.permissions import permissions_of, take_effect
from signaling.room import Participant, Remembered, Room
from signaling.tokens import Identity
from signaling.waiting import KeptPlace

# Who leaves so comes back, as a rule, and goes on with its file transfers.
_CUT_OFF = frozenset({"disconnected", "timeout", "media_failed"})


def join(
    room: Room,
    identity: Identity,
    session_id: str,
    *,
    now_unix: float,
    defaults: RolePermissions,
    by_whip: bool = False,
) -> Effects:
    """Put a newcomer into the room and tell the others; the door (``admission.decide``) has let it in.

    A participant that is here already is taken over by its new session: role, place and time of joining stay.
    """
    present = room.participants.get(identity.username)
    if present is not None:
        taken = _take_over(present, identity, session_id, by_whip=by_whip)
        return [*taken, *introduce(room, identity.username, now_unix)]
    known = room.remembered.pop(identity.username, None)
    role = _first_role(identity, known)
    newcomer = Participant(
        username=identity.username,
        display_name=identity.display_name,
        avatar_url=identity.avatar_url,
        role=role,
        permissions=defaults.of(role),
        joined_unix=now_unix,
        session_id=session_id,
        granted=dict(identity.permissions or {}),
        token_role=identity.role,
        by_whip=by_whip,
        microphone_on=not room.settings.mute_on_entry,
        is_hand_raised=identity.username in room.hands,
    )
    if known is not None and known.display_name is not None:
        newcomer.display_name, newcomer.renamed = known.display_name, True
    effects: Effects = []
    if newcomer.may_host:
        effects += _settle_host(room, newcomer, defaults)
    newcomer.overrides = _overrides(newcomer, known)
    newcomer.permissions = permissions_of(newcomer.role, newcomer.granted, defaults, newcomer.overrides)
    is_counted = not newcomer.permissions.can_manage_participants
    newcomer.breakout_room_id = moves.place_for(room, newcomer.username, is_counted=is_counted)
    room.participants[newcomer.username] = newcomer
    room.was_entered = room.was_entered or not by_whip
    effects += [
        SaveParticipant(newcomer.username),
        SaveRole(newcomer.username, newcomer.role, newcomer.permissions, dict(newcomer.overrides)),
        *_admitted(room, newcomer.username),
        Broadcast(
            UserJoined.model_validate(newcomer.info().model_dump()),
            sender=newcomer.username,
            without=frozenset({newcomer.username}),
        ),
        *introduce(room, newcomer.username, now_unix),
        *([Broadcast(queue(room))] if newcomer.is_hand_raised else []),
        *([LookAtWaiting()] if room.waiting else []),
    ]
    return effects


def leave(room: Room, username: str, reason: str, defaults: RolePermissions) -> Effects:
    """Take somebody out, hand the room over if it was the host, and tell the others."""
    gone = room.participants.pop(username)
    name = gone.display_name if gone.renamed else None
    room.remembered[username] = Remembered(gone.role, dict(gone.overrides), name)
    effects: Effects = [
        ForgetParticipant(username),
        Broadcast(UserLeft(username=username, reason=reason), sender=username),
        *lower(room, username),
        *moves.forget(room, username, reason),
    ]
    if reason not in _CUT_OFF:
        effects += end_of(room, username)
    if gone.role is Role.HOST:
        heir = next_host(room)
        if heir is not None:
            effects += set_role(room, heir, Role.HOST, defaults, updated_by=None)
    if room.waiting:
        effects.append(LookAtWaiting())
    return effects


def leave_waiting(room: Room, username: str, reason: str, now_unix: float, keep_s: float) -> Effects:
    """Take one who waits out of the queue; the place of one who was cut off is kept for ``keep_s``."""
    waiter = room.waiting.remove(username)
    if waiter is None:
        return []
    forget: Effects = [ForgetEntry(Table.WAITING, username)]
    if reason != "left":
        forget = []  # in Redis too: the server itself may be what goes down
        room.waiting.keep(username, KeptPlace(waiter.since_unix, waiter.approved, now_unix + keep_s), now_unix)
    told = WaitingLeft(user_id=username, reason=reason)
    return [*forget, *tell_managers(room, told), LookAtWaiting()]


def next_host(room: Room) -> Participant | None:
    """The longest-present moderator, else participant; nobody if all are guests or encoders."""
    able = [p for p in room.participants.values() if p.may_host]
    moderators = [p for p in able if p.role is Role.MODERATOR]
    return next(iter(moderators or able), None)


def set_role(
    room: Room,
    participant: Participant,
    role: Role,
    defaults: RolePermissions,
    *,
    updated_by: str | None,
    reply: bool = False,
) -> Effects:
    """Give a role with its permissions and tell everybody; what was set one by one before is void."""
    participant.role = role
    participant.overrides = {}
    told = RoleUpdated(user_id=participant.username, role=role, updated_by=updated_by)
    permissions = permissions_of(role, participant.granted, defaults)
    return [
        Broadcast(told, sender=updated_by, reply=reply),
        *take_effect(room, participant, permissions, updated_by=updated_by),
        *([LookAtWaiting()] if room.waiting else []),
    ]


def _first_role(identity: Identity, known: Remembered | None) -> Role:
    """The token decides; else what the user was an hour ago, but a lost hostship does not come back by itself."""
    if identity.role is not None:
        return identity.role
    if known is None or known.role is Role.HOST:
        return Role.PARTICIPANT
    return known.role


def _overrides(newcomer: Participant, known: Remembered | None) -> dict[str, bool]:
    """What was taken away stays so for all but hosts; what was given, with the same role only."""
    if known is None or newcomer.role is Role.HOST:
        return {}
    return {name: on for name, on in known.overrides.items() if not on or known.role is newcomer.role}


def _admitted(room: Room, username: str) -> Effects:
    if username in room.admitted:
        return []
    room.admitted.add(username)
    return [SaveEntry(Table.ADMITTED, username, "1")]


def _settle_host(room: Room, newcomer: Participant, defaults: RolePermissions) -> Effects:
    """One host a room: the first who comes; a host by token takes over from one who is host only by coming first."""
    host = room.host
    if host is None:
        newcomer.role = Role.HOST
    elif newcomer.role is Role.HOST and host.token_role is Role.HOST:
        newcomer.role = Role.MODERATOR
    elif newcomer.role is Role.HOST:
        return set_role(room, host, Role.MODERATOR, defaults, updated_by=None)
    return []


def _take_over(present: Participant, identity: Identity, session_id: str, *, by_whip: bool) -> Effects:
    present.session_id = session_id
    if not present.renamed:
        present.display_name = identity.display_name
    present.avatar_url = identity.avatar_url
    present.by_whip = by_whip
    return [SaveParticipant(present.username)]
