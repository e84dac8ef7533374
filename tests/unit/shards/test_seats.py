"""A room that is written down and read back is the same room."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from signaling import effects as fx
from signaling.chat.log import ChatLog
from signaling.model import Role
from signaling.options import RoomOptions
from signaling.restoring import restore
from signaling.room import Room
from signaling.seats import read, record, take_seats
from signaling.snapshot import snapshot
from signaling.stored_room import StoredRoom
from tests.unit.signaling.people import House

OPTIONS = RoomOptions()


def stored(effects: list[fx.StateEffect]) -> StoredRoom:
    """What ``RoomStore.load`` would find after these writes."""
    tables: dict[fx.Table, dict[str, str]] = {}
    found: dict[str, Any] = {"roles": {}, "overrides": {}, "e2ee_keys": {}}
    chat, marks = [], []
    for effect in effects:
        if isinstance(effect, fx.SaveEntry):
            tables.setdefault(effect.table, {})[effect.key] = effect.value
        elif isinstance(effect, fx.ForgetEntry):
            tables.get(effect.table, {}).pop(effect.key, None)
        elif isinstance(effect, fx.SaveRole):
            found["roles"][effect.username] = effect.role
            found["overrides"][effect.username] = dict(effect.overrides)
        elif isinstance(effect, fx.SaveSettings):
            found["settings"] = effect.settings
        elif isinstance(effect, fx.SaveChat):
            chat.append(effect.record)
        elif isinstance(effect, fx.SaveChatRead):
            marks.append(effect.record)
    seats = tuple(tables.get(fx.Table.SEATS, {}).values())
    return StoredRoom(**found, tables=tables, chat=ChatLog.restored(chat, marks), seats=seats)


def reformed(state: StoredRoom, now_unix: float) -> Room:
    assert state.settings is not None
    room = Room("demo", state.settings, now_unix)
    room.chat = state.chat
    restore(room, state, OPTIONS, now_unix)
    take_seats(room, read(state.seats), OPTIONS.permissions)
    return room


def busy_house() -> House:
    house = House()
    alice, bob, carol = (house.join(name) for name in ("alice", "bob", "carol"))
    alice.say("role-update", {"user_id": "bob", "role": "moderator"})
    alice.say("permission-update", {"user_id": "carol", "permissions": {"can_send_chat": False}})
    carol.say("hand-raise", {"raised": True})
    bob.say("chat-message", {"message": "hello"})
    alice.say("room-settings-update", {"lock_room": True, "max_participants": 9})
    carol.say("media-control", {"audio_enabled": False})
    return house


def view(room: Room) -> dict[str, Any]:
    return {
        "people": {name: json.loads(record(p)) for name, p in room.participants.items()},
        "permissions": {name: p.permissions for name, p in room.participants.items()},
        "settings": room.settings,
        "hands": room.hands,
        "chat": [entry.model_dump() for entry in room.chat.kept()],
        "admitted": room.admitted,
        "host": room.host.username if room.host else None,
    }


def test_what_is_saved_along_the_way_re_forms_the_room() -> None:
    house = busy_house()
    state = stored(house.saved)
    again = reformed(replace(state, settings=house.room.settings), 1.0)
    assert view(again) == view(house.room)
    assert again.host is not None and again.host.username == "alice"
    assert again.participants["bob"].role is Role.MODERATOR
    assert not again.participants["carol"].permissions.can_send_chat
    assert not again.participants["carol"].microphone_on
    assert again.participants["carol"].is_hand_raised


def test_a_snapshot_re_forms_the_room() -> None:
    house = busy_house()
    effects = list(snapshot(house.room, OPTIONS.permissions, house.live.seat_for_another))
    again = reformed(stored(effects), 1.0)
    assert {n: {k: v for k, v in p.items() if k not in ("seq", "ids")} for n, p in view(again)["people"].items()} == {
        n: {k: v for k, v in p.items() if k not in ("seq", "ids")} for n, p in view(house.room)["people"].items()
    }
    assert view(again)["chat"] == view(house.room)["chat"] and again.hands == house.room.hands


def test_records_of_another_version_are_passed_over() -> None:
    assert read(["", "{}", '{"username": 1}', "[]"]) == []
