"""What a room knows again after the server has started anew."""

from __future__ import annotations

from pydantic import ValidationError

from signaling.bans import Ban
from signaling.breakouts.rooms import Breakout
from signaling.effects import Table
from signaling.files import transfer
from signaling.messages.e2ee import KeptKey
from signaling.options import RoomOptions
from signaling.room import Remembered, Room
from signaling.stored_room import StoredRoom
from signaling.waiting import restored


def restore(room: Room, stored: StoredRoom, options: RoomOptions, now_unix: float) -> None:
    """Fill a new Room with what is remembered of it; what cannot be read is left out."""
    for username, role in stored.roles.items():
        room.remembered[username] = Remembered(role, stored.overrides.get(username, {}))
    tables = stored.tables
    room.admitted.update(tables.get(Table.ADMITTED, {}))
    room.was_entered = bool(room.admitted)
    for username, text in tables.get(Table.BANS, {}).items():
        try:
            room.bans[username] = Ban.model_validate_json(text)
        except ValidationError:
            continue  # written by another version
    for username, text in tables.get(Table.WAITING, {}).items():
        place = restored(text, now_unix + options.waiting_place_s)
        if place is not None:
            room.waiting.keep(username, place, now_unix)
    _restore_hands(room, tables.get(Table.HANDS, {}))
    _restore_files(room, tables.get(Table.FILES, {}))
    _restore_keys(room, stored.e2ee_keys)
    room.live.restore(stored.live, room.room_id)
    _restore_breakouts(room, tables.get(Table.BREAKOUTS, {}), tables.get(Table.BREAKOUT_PLACES, {}))


def _restore_breakouts(room: Room, entries: dict[str, str], places: dict[str, str]) -> None:
    found: list[Breakout] = []
    for text in entries.values():
        try:
            found.append(Breakout.model_validate_json(text))
        except ValidationError:
            continue  # written by another version
    found.sort(key=lambda breakout: breakout.created_unix)
    room.breakouts.rooms = {breakout.breakout_room_id: breakout for breakout in found}
    room.breakouts.places = {name: place for name, place in places.items() if place in room.breakouts.rooms}


def _restore_files(room: Room, entries: dict[str, str]) -> None:
    known = filter(None, map(transfer.restored, entries.values()))
    for found in sorted(known, key=lambda one: one.offered_unix):
        room.files.add(found)


def _restore_keys(room: Room, entries: dict[str, str]) -> None:
    for username, text in entries.items():
        try:
            room.e2ee_keys[username] = KeptKey.model_validate_json(text)
        except ValidationError:
            continue  # written by another version


def _restore_hands(room: Room, entries: dict[str, str]) -> None:
    raised: dict[str, float] = {}
    for username, text in entries.items():
        try:
            raised[username] = float(text)
        except ValueError:
            continue
    room.hands = dict(sorted(raised.items(), key=lambda item: item[1]))
