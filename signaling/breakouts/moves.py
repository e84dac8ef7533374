"""Moving people between the main room and breakout rooms, closing these, and what their time brings about."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from signaling.admission import managers
from signaling.breakouts.rooms import Breakout
from signaling.breakouts.view import area, counted, infos, people_in
from signaling.effects import (
    Broadcast,
    Effects,
    ForgetEntry,
    LookAtBreakouts,
    MoveMedia,
    SaveEntry,
    Send,
    Table,
)
from signaling.envelope import iso_utc
from signaling.messages.breakouts import BreakoutClose, BreakoutClosing
from signaling.room import Room

AWAY_FOR_GOOD = frozenset({"kicked", "banned"})


def relocate(room: Room, moves: Mapping[str, str | None]) -> Effects:
    """Put participants into their new places, and tell those who are there and those who come of each other."""
    effects: Effects = []
    for username, place in moves.items():
        participant = room.participants[username]
        participant.breakout_room_id = place
        participant.is_speaking, participant.audio_level = False, 0.0
        if place is not None:
            room.breakouts.places[username] = place
            effects.append(SaveEntry(Table.BREAKOUT_PLACES, username, place))
        elif room.breakouts.places.pop(username, None) is not None:
            effects.append(ForgetEntry(Table.BREAKOUT_PLACES, username))
    for place in dict.fromkeys(moves.values()):
        effects += _introduce(room, place, frozenset(name for name, to in moves.items() if to == place))
    return [*effects, MoveMedia(dict(moves))] if moves else []


def close(room: Room, breakout_room_ids: Iterable[str], closed_by: str | None, *, reply: bool = False) -> Effects:
    """Close breakout rooms and bring everybody back to the main room."""
    closed = [room.breakouts.rooms.pop(one) for one in list(breakout_room_ids)]
    ids = {breakout.breakout_room_id for breakout in closed}
    back = [p.username for p in room.participants.values() if p.breakout_room_id in ids]
    moved = relocate(room, dict.fromkeys(back))
    # Those who are away now come back to the main room, too.
    away = [username for username, place in room.breakouts.places.items() if place in ids]
    for username in away:
        del room.breakouts.places[username]
    only = closed[0] if len(closed) == 1 else None
    told = BreakoutClose(
        breakout_room_id=only.breakout_room_id if only is not None else None,
        name=only.name if only is not None else None,
        closed_ids=[breakout.breakout_room_id for breakout in closed],
        participant_ids=back,
        closed_by=closed_by,
        breakout_rooms=infos(room),
    )
    return [
        Broadcast(told, sender=closed_by, reply=reply),
        *moved,
        *(ForgetEntry(Table.BREAKOUT_PLACES, username) for username in away),
        *(ForgetEntry(Table.BREAKOUTS, one) for one in ids),
        LookAtBreakouts(),
    ]


def forget(room: Room, username: str, reason: str) -> Effects:
    """Somebody has left: its place waits for it, unless it was taken out."""
    if reason not in AWAY_FOR_GOOD or room.breakouts.places.pop(username, None) is None:
        return []
    return [ForgetEntry(Table.BREAKOUT_PLACES, username)]


def place_for(room: Room, username: str, *, is_counted: bool) -> str | None:
    """Where one who comes back belongs: where it was, if that is still there and not full."""
    place = room.breakouts.place_of(username)
    if place is None:
        return None
    limit = room.breakouts.rooms[place].max_participants
    return None if is_counted and limit is not None and counted(room, place) >= limit else place


def save(breakout: Breakout) -> SaveEntry:
    """Write a breakout room down."""
    return SaveEntry(Table.BREAKOUTS, breakout.breakout_room_id, breakout.model_dump_json())


def pass_time(room: Room, now_unix: float, notice_s: float) -> Effects:
    """Close those whose time is over, and tell of those whose time is over soon."""
    effects: Effects = []
    rooms = room.breakouts.rooms
    ended = [b.breakout_room_id for b in rooms.values() if b.ends_unix is not None and b.ends_unix <= now_unix]
    if ended:
        effects += close(room, ended, None)
    for breakout in rooms.values():
        due = breakout.due_unix(notice_s)
        if due is not None and due <= now_unix and not breakout.notified:
            breakout.notified = True
            effects += [save(breakout), *_notice(room, breakout, now_unix)]
    return effects


def _notice(room: Room, breakout: Breakout, now_unix: float) -> Effects:
    assert breakout.ends_unix is not None
    told = BreakoutClosing(
        breakout_room_id=breakout.breakout_room_id,
        name=breakout.name,
        ends_at=iso_utc(breakout.ends_unix),
        remaining_s=math.ceil(breakout.ends_unix - now_unix),
    )
    there = people_in(room, breakout.breakout_room_id)
    return [Send(username, told) for username in dict.fromkeys(p.username for p in [*there, *managers(room)])]


def _introduce(room: Room, place: str | None, comers: frozenset[str]) -> Effects:
    people = people_in(room, place)
    others = frozenset(p.username for p in people if p.username not in comers)
    effects: Effects = [Broadcast(area(room, place, people, complete=True), area=place, without=others)]
    if others:
        came = [p for p in people if p.username in comers]
        effects.append(Broadcast(area(room, place, came, complete=False), area=place, without=comers))
    return effects
