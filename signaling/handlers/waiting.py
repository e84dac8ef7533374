"""The waiting room: what those who wait may do, and who lets them in or turns them away."""

from __future__ import annotations

from signaling.admission import full, join_message, tell_managers, tell_waiter
from signaling.context import Context
from signaling.effects import Effects, EndSession, ForgetEntry, LookAtWaiting, SaveEntry, Send, Table
from signaling.envelope import iso_utc
from signaling.errors import CloseCode, ErrorCode, RoomError
from signaling.handlers.people import checked
from signaling.membership import leave_waiting
from signaling.messages.people import ParticipantUpdateRequest
from signaling.messages.room import Ack, Heartbeat, HeartbeatRequest, LeaveRequest
from signaling.messages.waiting import (
    Choice,
    WaitingAdmitRequest,
    WaitingJoinRequest,
    WaitingReject,
    WaitingRejectRequest,
    WaitingResult,
)
from signaling.model import Role
from signaling.room import Participant, Room
from signaling.rules import require
from signaling.waiting import Waiter, saved

# -- what hosts and moderators do --------------------------------------------------------------------------------------


def admit(room: Room, participant: Participant, message: WaitingAdmitRequest, context: Context) -> Effects:
    """Let in who waits; where the room is full, it goes on waiting for a place, if the server lets it."""
    _require_doorkeeper(room, participant)
    chosen, not_found = _choose(room, message)
    free = room.settings.max_participants - len(room.participants)
    coming, staying = chosen[: max(free, 0)], chosen[max(free, 0) :]
    if staying and message.user_id is not None and not context.options.queue_when_full:
        raise full(room)
    effects: Effects = []
    for waiter in chosen if context.options.queue_when_full else coming:
        waiter.approved = True
        effects.append(SaveEntry(Table.WAITING, waiter.username, saved(waiter)))
    result = WaitingResult(
        admitted=[waiter.username for waiter in coming],
        waiting=[waiter.username for waiter in staying],
        not_found=not_found,
    )
    return [*effects, LookAtWaiting(), Send(participant.username, result, reply=True)]


def reject(room: Room, participant: Participant, message: WaitingRejectRequest, context: Context) -> Effects:
    """Turn away who waits."""
    _require_doorkeeper(room, participant)
    chosen, not_found = _choose(room, message)
    effects: Effects = []
    for waiter in chosen:
        effects += turn_away(room, waiter.username, message.reason, participant.username)
    result = WaitingResult(rejected=[waiter.username for waiter in chosen], not_found=not_found)
    return [*effects, LookAtWaiting(), Send(participant.username, result, reply=True)]


def turn_away(room: Room, username: str, reason: str | None, by: str) -> Effects:
    """Take one who waits out of the queue and close its socket; nothing for who does not wait."""
    waiter = room.waiting.remove(username)
    if waiter is None:
        return []
    told = WaitingReject(
        user_id=username,
        username=username,
        display_name=waiter.display_name,
        joined_waiting_at=iso_utc(waiter.since_unix),
        reason=reason,
        rejected_by=None,
    )
    return [
        Send(username, told),
        EndSession(username, CloseCode.FORBIDDEN, ErrorCode.REJECTED.value),
        ForgetEntry(Table.WAITING, username),
        *tell_managers(room, told.model_copy(update={"rejected_by": by}), sender=by),
    ]


def not_waiting(room: Room, participant: Participant, message: WaitingJoinRequest, context: Context) -> Effects:
    """``waiting-room-join`` of one who is in the room."""
    raise RoomError(ErrorCode.INVALID_STATE, "You are in the room.")


def _require_doorkeeper(room: Room, participant: Participant) -> None:
    require(participant, "can_manage_participants")
    if room.settings.require_host_approval and participant.role is not Role.HOST:
        raise RoomError(ErrorCode.PERMISSION_DENIED, "In this room only the host admits and rejects.")


def _choose(room: Room, message: Choice) -> tuple[list[Waiter], list[str]]:
    """Whom a decision is about, in order of waiting, and who of them does not wait."""
    if message.all:
        return list(room.waiting), []
    names = message.user_ids if message.user_ids is not None else [str(message.user_id)]
    not_found = [name for name in dict.fromkeys(names) if room.waiting.get(name) is None]
    if not_found and message.user_id is not None:
        raise RoomError(
            ErrorCode.USER_NOT_FOUND, "That user is not in the waiting room.", details={"user_id": message.user_id}
        )
    wanted = set(names)
    return [waiter for waiter in room.waiting if waiter.username in wanted], not_found


# -- what those who wait do --------------------------------------------------------------------------------------------


def heartbeat(room: Room, waiter: Waiter, message: HeartbeatRequest, context: Context) -> Effects:
    """Answer."""
    return [Send(waiter.username, Heartbeat(), reply=True)]


def leave(room: Room, waiter: Waiter, message: LeaveRequest, context: Context) -> Effects:
    """Wait no more."""
    return [
        EndSession(waiter.username, CloseCode.NORMAL, "left"),
        *leave_waiting(room, waiter.username, "left", context.now_unix, 0.0),
    ]


def own_place(room: Room, waiter: Waiter, message: WaitingJoinRequest, context: Context) -> Effects:
    """Tell one who waits its place."""
    told = tell_waiter(room, waiter, room.waiting.position(waiter.username), context.options)
    return [Send(told.to, told.message, reply=True)]


def update(room: Room, waiter: Waiter, message: ParticipantUpdateRequest, context: Context) -> Effects:
    """Change what hosts and moderators are shown of one who waits."""
    if message.user_id not in (None, waiter.username):
        raise RoomError(ErrorCode.PERMISSION_DENIED, "You have not been admitted to this room yet.")
    name, avatar_url = checked(message)
    if name is not None:
        waiter.display_name = name
    if avatar_url is not None:
        waiter.avatar_url = avatar_url or None
    told = join_message(room, waiter, room.waiting.position(waiter.username))
    return [*tell_managers(room, told), Send(waiter.username, Ack(), reply=True)]
