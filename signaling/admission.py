"""The door of a room: who comes in, who waits for what, and who is refused. One rule for joins, WHIP, WHEP and REST."""

from __future__ import annotations

from signaling.effects import Effects, LetIn, LookAtWaiting, Send
from signaling.errors import ErrorCode, RoomError
from signaling.messages.base import Outgoing
from signaling.messages.waiting import WaitingJoin
from signaling.model import Role, WaitReason
from signaling.options import RoomOptions
from signaling.room import Participant, Room
from signaling.tokens import Identity
from signaling.waiting import Waiter

OFFICIALS = frozenset({Role.HOST, Role.MODERATOR})


def decide(
    room: Room, identity: Identity, options: RoomOptions, now_unix: float, *, by_whip: bool = False
) -> WaitReason | None:
    """None: come in; else what to wait for. Raises RoomError for who is banned, or refused by a locked or full room.

    Who is in the room already always comes in.
    """
    if identity.username in room.participants:
        return None
    check_ban(room, identity)
    place = room.waiting.kept(identity.username, now_unix)
    waiter = room.waiting.get(identity.username)
    waiting = place is not None or waiter is not None
    if room.settings.lock_room and not waiting and not passes_lock(room, identity, options):
        raise RoomError(ErrorCode.ROOM_LOCKED, "The room is locked.")
    approved = any(known is not None and known.approved for known in (place, waiter))
    reason = _reason(room, identity, options, approved=approved, by_whip=by_whip)
    if reason is WaitReason.CAPACITY and not options.queue_when_full:
        raise full(room)
    if reason is not None and len(room.waiting) >= options.max_waiting and not waiting:
        raise RoomError(
            ErrorCode.ROOM_FULL,
            "Too many wait before this room already.",
            details={"max_waiting": options.max_waiting},
        )
    return reason


def check_ban(room: Room, identity: Identity) -> None:
    """Raises RoomError ``permission_denied`` for who is banned. A host by token cannot be shut out of its room."""
    ban = room.bans.get(identity.username)
    if ban is not None and identity.role is not Role.HOST:
        raise RoomError(
            ErrorCode.PERMISSION_DENIED,
            "You are banned from this room.",
            details={"banned": True, "reason": ban.reason, "banned_at": ban.banned_at},
        )


def check_reader(room: Room, identity: Identity, options: RoomOptions, now_unix: float) -> None:
    """Raises RoomError unless the user is in the room, or could walk in at this moment (a full room matters not)."""
    if identity.username in room.participants:
        return
    check_ban(room, identity)
    if is_official(room, identity):
        return
    if room.settings.lock_room and not passes_lock(room, identity, options):
        raise RoomError(ErrorCode.ROOM_LOCKED, "The room is locked.")
    reason = _reason(room, identity, options, approved=False, by_whip=False)
    if reason is not None and reason is not WaitReason.CAPACITY:
        raise waiting_for_approval()


def waiting_for_approval() -> RoomError:
    """What is told to one who is not admitted yet."""
    return RoomError(ErrorCode.WAITING_FOR_APPROVAL, "You have not been admitted to this room yet.")


def full(room: Room) -> RoomError:
    """What is told to one too many."""
    limit = room.settings.max_participants
    return RoomError(
        ErrorCode.ROOM_FULL,
        f"The room holds {limit} participants already.",
        details={"max_participants": limit},
    )


def is_official(room: Room, identity: Identity) -> bool:
    """A host or moderator by its token, or one who was made moderator here before."""
    if identity.role is not None:
        return identity.role in OFFICIALS
    known = room.remembered.get(identity.username)
    return known is not None and known.role is Role.MODERATOR


def passes_lock(room: Room, identity: Identity, options: RoomOptions) -> bool:
    """Whether a locked room lets the user in."""
    if identity.role is not None:
        return identity.role in options.lock_exempt_roles
    return Role.MODERATOR in options.lock_exempt_roles and is_official(room, identity)


def look(room: Room, options: RoomOptions) -> Effects:
    """Let in the first who need not wait any more, and look again; else tell those whose place has changed."""
    for waiter in room.waiting:
        if _waits_for(room, waiter, options) is None:
            return [LetIn(waiter.username), LookAtWaiting()]
        if len(room.participants) >= room.settings.max_participants:
            break
    effects: Effects = []
    for position, waiter in enumerate(room.waiting, 1):
        reason = _waits_for(room, waiter, options) or WaitReason.CAPACITY
        if waiter.told == (reason, position):
            continue
        if reason is not waiter.reason:
            waiter.reason = reason
            effects += tell_managers(room, join_message(room, waiter, position))
        effects.append(tell_waiter(room, waiter, position, options))
    return effects


def tell_waiter(room: Room, waiter: Waiter, position: int, options: RoomOptions) -> Send:
    """Its place, told to who waits."""
    waiter.told = (waiter.reason, position)
    own = {
        "session_id": waiter.session_id,
        "heartbeat_interval_ms": int(options.heartbeat_interval_s * 1000),
    }
    return Send(waiter.username, join_message(room, waiter, position).model_copy(update=own))


def join_message(room: Room, waiter: Waiter, position: int) -> WaitingJoin:
    """What hosts and moderators are told of one who waits."""
    return WaitingJoin(room_id=room.room_id, **waiter.info(position).model_dump())


def tell_managers(room: Room, message: Outgoing, sender: str | None = None, without: str | None = None) -> Effects:
    """To all who manage participants."""
    return [Send(p.username, message, sender=sender) for p in managers(room) if p.username != without]


def managers(room: Room) -> list[Participant]:
    """All who manage participants."""
    return [p for p in room.participants.values() if p.permissions.can_manage_participants]


def _waits_for(room: Room, waiter: Waiter, options: RoomOptions) -> WaitReason | None:
    if room.settings.lock_room and not waiter.approved and not passes_lock(room, waiter.identity, options):
        return WaitReason.APPROVAL
    return _reason(room, waiter.identity, options, approved=waiter.approved, by_whip=False)


def _reason(
    room: Room, identity: Identity, options: RoomOptions, *, approved: bool, by_whip: bool
) -> WaitReason | None:
    if not approved and not is_official(room, identity):
        if options.wait_for_host and room.host is None:
            return WaitReason.NO_HOST
        if identity.username not in room.admitted and _approval_needed(room, identity, options, by_whip=by_whip):
            return WaitReason.APPROVAL
    return WaitReason.CAPACITY if len(room.participants) >= room.settings.max_participants else None


def _approval_needed(room: Room, identity: Identity, options: RoomOptions, *, by_whip: bool) -> bool:
    settings = room.settings
    percent = options.waiting_room_at_percent
    if percent is not None and len(room.participants) * 100 >= settings.max_participants * percent:
        return room.was_entered
    if not (settings.enable_waiting_room or settings.require_host_approval):
        return False
    # Into a new room the first comes by itself, and becomes its host.
    return room.was_entered or identity.role is Role.GUEST or by_whip
