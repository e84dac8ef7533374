"""Making breakout rooms, moving people between them, closing them."""

from __future__ import annotations

from collections import Counter

from signaling.breakouts import moves, view
from signaling.breakouts.rooms import Breakout, deal, spread
from signaling.context import Context
from signaling.effects import Broadcast, Effects, LookAtBreakouts, Send
from signaling.envelope import iso_utc
from signaling.errors import ErrorCode, RoomError
from signaling.messages.breakouts import (
    BreakoutAssign,
    BreakoutAssignRequest,
    BreakoutClose,
    BreakoutCloseRequest,
    BreakoutCreate,
    BreakoutCreateRequest,
)
from signaling.model import Role
from signaling.names import clean_display_name
from signaling.room import Participant, Room
from signaling.rules import find, require


def create(room: Room, participant: Participant, message: BreakoutCreateRequest, context: Context) -> Effects:
    """Make breakout rooms, and bring people into them."""
    require(participant, "can_manage_participants")
    limit = context.options.max_breakout_rooms
    if len(room.breakouts.rooms) + message.count > limit:
        raise RoomError(
            ErrorCode.INVALID_STATE,
            f"A room has at most {limit} breakout rooms.",
            details={"max_breakout_rooms": limit},
        )
    name = _clean(message.name)
    people = _movable(room, participant, message.participant_ids)
    made = [
        Breakout(
            breakout_room_id=context.new_id(),
            name=one,
            created_unix=context.now_unix,
            created_by=participant.username,
            max_participants=message.max_participants,
            ends_unix=context.now_unix + message.duration_s if message.duration_s is not None else None,
            self_assign=message.self_assign,
        )
        for one in room.breakouts.names_for(name, message.count)
    ]
    new = {breakout.breakout_room_id: breakout for breakout in made}
    dealt = deal(people, list(new))
    _check_places(room, dealt, new)
    room.breakouts.rooms.update(new)
    moved = moves.relocate(room, dict(dealt))
    told = BreakoutCreate(
        **view.info(room, made[0]).model_dump(), created_ids=list(new), breakout_rooms=view.infos(room)
    )
    return [
        *(moves.save(breakout) for breakout in made),
        Broadcast(told, sender=participant.username, reply=True),
        *([_assigned(room, participant, dict(dealt), reply=False)] if dealt else []),
        *moved,
        LookAtBreakouts(),
    ]


def assign(room: Room, participant: Participant, message: BreakoutAssignRequest, context: Context) -> Effects:
    """Move people, or set whether they may move themselves."""
    if message.breakout_room_id is not None:
        _find(room, message.breakout_room_id)
    if message.self_assign is not None:
        require(participant, "can_manage_participants")
    left_over: list[str] = []
    wanted: dict[str, str | None]
    if message.auto:
        require(participant, "can_manage_participants")
        found, left_over = _spread(room, participant, message.participant_ids)
        wanted = dict(found)
    elif message.moves_oneself:
        if participant.username not in room.participants:
            raise RoomError(ErrorCode.INVALID_STATE, "Join the room first.")
        wanted = {participant.username: message.breakout_room_id}
    else:
        names = message.participant_ids or []
        wanted = dict.fromkeys(_movable(room, participant, names), message.breakout_room_id)
    wanted = {name: place for name, place in wanted.items() if room.participants[name].breakout_room_id != place}
    if wanted.keys() == {participant.username}:
        _check_own_move(room, participant, message.breakout_room_id)
    _check_places(room, wanted, room.breakouts.rooms)
    settings = _set_self_assign(room, message)
    moved = moves.relocate(room, wanted)
    told = _assigned(room, participant, wanted, auto=message.auto, left_over=left_over)
    if not wanted and not settings:
        return [Send(participant.username, told.message, sender=participant.username, reply=True)]
    return [*settings, told, *moved]


def close(room: Room, participant: Participant, message: BreakoutCloseRequest, context: Context) -> Effects:
    """Close one or all."""
    require(participant, "can_manage_participants")
    if message.breakout_room_id is not None:
        _find(room, message.breakout_room_id)
        return moves.close(room, [message.breakout_room_id], participant.username, reply=True)
    if not room.breakouts.rooms:
        nothing = BreakoutClose(
            breakout_room_id=None,
            name=None,
            closed_ids=[],
            participant_ids=[],
            closed_by=participant.username,
            breakout_rooms=[],
        )
        return [Send(participant.username, nothing, sender=participant.username, reply=True)]
    return moves.close(room, list(room.breakouts.rooms), participant.username, reply=True)


def _find(room: Room, breakout_room_id: str) -> Breakout:
    found = room.breakouts.rooms.get(breakout_room_id)
    if found is None:
        raise RoomError(
            ErrorCode.ROOM_NOT_FOUND,
            "There is no such breakout room.",
            details={"breakout_room_id": breakout_room_id},
        )
    return found


def _clean(name: str | None) -> str | None:
    if name is None:
        return None
    cleaned = clean_display_name(name)
    if not cleaned:
        raise RoomError(ErrorCode.INVALID_MESSAGE, "A name needs a letter.", details={"field": "name"})
    return cleaned


def _movable(room: Room, participant: Participant, usernames: list[str]) -> list[str]:
    """Those named, each once; raises RoomError for who is not here, or is not the sender's to move."""
    people = [find(room, username) for username in dict.fromkeys(usernames)]
    for target in people:
        if target.username == participant.username:
            continue
        require(participant, "can_manage_participants")
        if target.role is Role.HOST and participant.role is not Role.HOST:
            raise RoomError(ErrorCode.PERMISSION_DENIED, "Nobody moves the host.", details={"user_id": target.username})
    return [target.username for target in people]


def _check_own_move(room: Room, participant: Participant, place: str | None) -> None:
    """Hosts and moderators go where they like; others where that is set, and leave where that is set."""
    if participant.permissions.can_manage_participants:
        return
    rooms = room.breakouts.rooms
    for one in (participant.breakout_room_id, place):
        if one is not None and not rooms[one].self_assign:
            raise RoomError(
                ErrorCode.PERMISSION_DENIED,
                "A host or moderator decides who is in this breakout room.",
                details={"breakout_room_id": one, "setting": "self_assign"},
            )


def _check_places(room: Room, wanted: dict[str, str | None] | dict[str, str], rooms: dict[str, Breakout]) -> None:
    """Raises RoomError ``room_full`` when one of ``rooms`` cannot take all who are to go there."""
    comers = Counter(
        place
        for name, place in wanted.items()
        if place is not None and not room.participants[name].permissions.can_manage_participants
    )
    for place, count in comers.items():
        limit = rooms[place].max_participants
        if limit is not None and view.counted(room, place) + count > limit:
            raise RoomError(
                ErrorCode.ROOM_FULL,
                f"The breakout room holds {limit} participants.",
                details={"breakout_room_id": place, "max_participants": limit},
            )


def _spread(room: Room, participant: Participant, usernames: list[str] | None) -> tuple[dict[str, str], list[str]]:
    rooms = room.breakouts.rooms
    if not rooms:
        raise RoomError(ErrorCode.INVALID_STATE, "There is no breakout room yet.")
    if usernames is None:
        people = [
            p.username
            for p in view.people_in(room, None)
            if not p.permissions.can_manage_participants and not p.by_whip
        ]
    else:
        people = _movable(room, participant, usernames)
    # Who is dealt anew gives its place free; hosts and moderators take none.
    dealt = [p for name in people if not (p := room.participants[name]).permissions.can_manage_participants]
    leaving = Counter(p.breakout_room_id for p in dealt)
    filled = {place: view.counted(room, place) - leaving[place] for place in rooms}
    limits = {place: breakout.max_participants for place, breakout in rooms.items()}
    assigned, left_over = spread(people, filled, limits)
    if people and not assigned:
        raise RoomError(ErrorCode.ROOM_FULL, "All breakout rooms are full.")
    return assigned, left_over


def _set_self_assign(room: Room, message: BreakoutAssignRequest) -> Effects:
    if message.self_assign is None:
        return []
    one = message.breakout_room_id
    effects: Effects = []
    for breakout in room.breakouts.rooms.values():
        if one in (None, breakout.breakout_room_id) and breakout.self_assign != message.self_assign:
            breakout.self_assign = message.self_assign
            effects.append(moves.save(breakout))
    return effects


def _assigned(
    room: Room,
    participant: Participant,
    wanted: dict[str, str | None],
    *,
    auto: bool = False,
    left_over: list[str] | None = None,
    reply: bool = True,
) -> Broadcast:
    """Who is where now."""
    places = set(wanted.values())
    only = room.breakouts.rooms.get(next(iter(places)) or "") if len(places) == 1 else None
    told = BreakoutAssign(
        breakout_room_id=only.breakout_room_id if only is not None else None,
        name=only.name if only is not None else None,
        participant_ids=list(wanted),
        assignments=wanted,
        not_assigned=left_over or [],
        auto=auto,
        assigned_by=participant.username,
        created_at=iso_utc(only.created_unix) if only is not None else None,
        created_by=only.created_by if only is not None else None,
        max_participants=only.max_participants if only is not None else None,
        breakout_rooms=view.infos(room),
    )
    return Broadcast(told, sender=participant.username, reply=reply)
