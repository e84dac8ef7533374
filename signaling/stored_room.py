"""What Redis remembers of a room from before."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError
from redis.asyncio import Redis

from signaling import effects as fx
from signaling.chat.log import ChatLog
from signaling.model import Permissions, Role, RoomSettings
from signaling.room_keys import RoomKeys


@dataclass(frozen=True, slots=True)
class StoredRoom:
    """What is remembered of a room from before. ``settings`` None: nobody changed them.

    ``seats``: records of those who were in it moments ago. ``known``: False if Redis did not answer.
    """

    settings: RoomSettings | None = None
    roles: dict[str, Role] = field(default_factory=dict)
    overrides: dict[str, dict[str, bool]] = field(default_factory=dict)
    tables: dict[fx.Table, dict[str, str]] = field(default_factory=dict)
    chat: ChatLog = field(default_factory=ChatLog)
    e2ee_keys: dict[str, str] = field(default_factory=dict)
    seats: tuple[str, ...] = ()
    known: bool = True
    live: dict[str, str] = field(default_factory=dict)

    def lasting(self) -> StoredRoom:
        """What outlives the room: all but what belonged to those who were in it."""
        return StoredRoom(self.settings, self.roles, self.overrides, e2ee_keys=self.e2ee_keys, live=self.live)


async def read_room(redis: Redis, keys: RoomKeys) -> StoredRoom:
    """All of it; raises what redis-py raises."""
    pipe: Any = redis.pipeline(transaction=False)
    pipe.get(keys.settings)
    pipe.hgetall(keys.roles)
    pipe.hgetall(keys.overrides)
    pipe.hvals(keys.chat)
    pipe.hvals(keys.chat_reads)
    pipe.hgetall(keys.e2ee)
    pipe.hgetall(keys.live)
    for table in fx.Table:
        pipe.hgetall(keys.table(table))
    settings, roles, overrides, chat, chat_reads, e2ee, live, *tables = await pipe.execute()
    return StoredRoom(
        settings=_settings(settings),
        roles=_roles(roles),
        overrides=_overrides(overrides),
        tables={table: _texts(entries) for table, entries in zip(fx.Table, tables, strict=True) if entries},
        chat=ChatLog.restored(map(text_of, chat), map(text_of, chat_reads)),
        e2ee_keys=_texts(e2ee),
        seats=await _taken_seats(redis, keys, tables[list(fx.Table).index(fx.Table.SEATS)]),
        live=_texts(live),
    )


async def _taken_seats(redis: Redis, keys: RoomKeys, seats: dict[Any, Any]) -> tuple[str, ...]:
    """The records of those who were alive moments ago."""
    if not seats:
        return ()
    pipe: Any = redis.pipeline(transaction=False)
    for username in seats:
        pipe.exists(keys.presence(text_of(username)))
    alive = await pipe.execute()
    return tuple(text_of(text) for text, is_alive in zip(seats.values(), alive, strict=True) if is_alive)


def text_of(value: str | bytes) -> str:
    """What Redis answers, which is bytes or text by how the client was made."""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


def _texts(value: dict[Any, Any]) -> dict[str, str]:
    return {text_of(key): text_of(text) for key, text in value.items()}


def _settings(value: str | bytes | None) -> RoomSettings | None:
    if value is None:
        return None
    try:
        return RoomSettings.model_validate_json(value)
    except ValidationError:
        return None  # written by another version


def _roles(value: dict[Any, Any]) -> dict[str, Role]:
    known = {role.value for role in Role}
    pairs = ((text_of(user), text_of(role)) for user, role in value.items())
    return {user: Role(role) for user, role in pairs if role in known}


def _overrides(value: dict[Any, Any]) -> dict[str, dict[str, bool]]:
    found: dict[str, dict[str, bool]] = {}
    for user, text in value.items():
        try:
            changes = json.loads(text)
            found[text_of(user)] = {k: bool(v) for k, v in changes.items() if k in Permissions.model_fields}
        except (ValueError, AttributeError):
            continue  # written by another version
    return found
