"""A whole Room as writes: for a Redis that has lost its data. What ``restoring`` reads back."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from signaling import effects as fx
from signaling.effects import Table
from signaling.messages.e2ee import KeptKey
from signaling.model import RolePermissions
from signaling.permissions import permissions_of
from signaling.room import Room
from signaling.waiting import saved


def snapshot(room: Room, defaults: RolePermissions, seat: Callable[[str], str]) -> Iterator[fx.StateEffect]:
    """Everything that is kept of a room, as it is now. ``seat`` gives the record of a participant."""
    yield fx.SaveSettings(room.settings)
    for participant in room.participants.values():
        name = participant.username
        yield fx.SaveParticipant(name)
        yield fx.SaveRole(name, participant.role, participant.permissions, dict(participant.overrides))
        yield fx.SaveEntry(Table.SEATS, name, seat(name))
    for name, known in room.remembered.items():
        permissions = permissions_of(known.role, {}, defaults, known.overrides)
        yield fx.SaveRole(name, known.role, permissions, dict(known.overrides))
    for table, entries in _tables(room).items():
        for key, value in entries.items():
            yield fx.SaveEntry(table, key, value)
    for entry in room.chat.kept():
        yield fx.SaveChat(entry.message_id, entry.model_dump_json())
    for mark in room.chat.marks.values():
        yield fx.SaveChatRead(mark.key, mark.model_dump_json())
    for stream_id, stream in room.live.records.items():
        yield fx.SaveLive(stream_id, stream.model_dump_json(), running=not stream.ended)
    yield from (_key(name, key) for name, key in room.e2ee_keys.items())


def _tables(room: Room) -> dict[Table, dict[str, str]]:
    return {
        Table.BANS: {name: ban.model_dump_json() for name, ban in room.bans.items()},
        Table.WAITING: {waiter.username: saved(waiter) for waiter in room.waiting},
        Table.ADMITTED: dict.fromkeys(room.admitted, "1"),
        Table.HANDS: {name: repr(since) for name, since in room.hands.items()},
        Table.FILES: {transfer.transfer_id: transfer.saved() for transfer in room.files},
        Table.BREAKOUTS: {key: breakout.model_dump_json() for key, breakout in room.breakouts.rooms.items()},
        Table.BREAKOUT_PLACES: dict(room.breakouts.places),
    }


def _key(name: str, key: KeptKey) -> fx.SaveE2eeKey:
    return fx.SaveE2eeKey(name, key.model_dump_json())
