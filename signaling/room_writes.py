"""What each write of a room's state does in Redis: commands, which a script runs when the room's fence still holds."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from signaling import effects as fx
from signaling.options import RedisOptions
from signaling.room_keys import RoomKeys
from signaling.shards.keys import LeaseKeys

E2EE_LIFETIME_S = 86_400
LIVE_LIFETIME_S = 86_400


@dataclass(frozen=True, slots=True)
class RoomOpened:
    """The room lives; ``again``: it went on living while it came from another shard. ``anew``: all of it follows, so
    that what Redis has of it is out of date."""

    again: bool = False
    anew: bool = False


@dataclass(frozen=True, slots=True)
class RoomClosed:
    """The room lives no more; ``restarting``: on this process only, its people come back to the next."""

    restarting: bool = False


Write = fx.StateEffect | fx.AppendEvent | RoomOpened | RoomClosed


def _room_opened(pipe: Any, keys: RoomKeys, write: RoomOpened, options: RedisOptions) -> None:
    if write.anew:
        _forget_life(pipe, keys)
    elif not write.again:
        # Who is listed from before a crash is not there any more.
        pipe.delete(keys.participants)


def _room_closed(pipe: Any, keys: RoomKeys, write: RoomClosed, options: RedisOptions) -> None:
    pipe.delete(LeaseKeys(options.key_prefix, keys.room_id).lease)
    if not write.restarting:
        _forget_life(pipe, keys)


def _forget_life(pipe: Any, keys: RoomKeys) -> None:
    """Remove what is kept only while the room lives."""
    pipe.delete(keys.participants, keys.chat, keys.chat_reads)
    pipe.delete(*(keys.table(table) for table in fx.Table))


def _save_participant(pipe: Any, keys: RoomKeys, write: fx.SaveParticipant, options: RedisOptions) -> None:
    pipe.sadd(keys.participants, write.username)
    pipe.set(keys.presence(write.username), "1", ex=options.presence_lifetime_s)


def _forget_participant(pipe: Any, keys: RoomKeys, write: fx.ForgetParticipant, options: RedisOptions) -> None:
    pipe.srem(keys.participants, write.username)
    pipe.delete(keys.presence(write.username))


def _renew_presence(pipe: Any, keys: RoomKeys, write: fx.RenewPresence, options: RedisOptions) -> None:
    pipe.set(keys.presence(write.username), "1", ex=options.presence_lifetime_s)
    pipe.expire(keys.roles, options.roles_lifetime_s)
    pipe.expire(keys.permissions, options.roles_lifetime_s)
    pipe.expire(keys.overrides, options.roles_lifetime_s)
    pipe.expire(keys.settings, options.settings_lifetime_s)
    pipe.expire(keys.chat, options.room_lifetime_s)
    pipe.expire(keys.chat_reads, options.room_lifetime_s)
    pipe.expire(keys.live, LIVE_LIFETIME_S)
    for table in fx.Table:
        pipe.expire(keys.table(table), options.room_lifetime_s)


def _save_role(pipe: Any, keys: RoomKeys, write: fx.SaveRole, options: RedisOptions) -> None:
    pipe.hset(keys.roles, write.username, write.role.value)
    pipe.expire(keys.roles, options.roles_lifetime_s)
    pipe.hset(keys.permissions, write.username, write.permissions.model_dump_json())
    pipe.expire(keys.permissions, options.roles_lifetime_s)
    if write.overrides:
        pipe.hset(keys.overrides, write.username, json.dumps(write.overrides))
        pipe.expire(keys.overrides, options.roles_lifetime_s)
    else:
        pipe.hdel(keys.overrides, write.username)


def _save_entry(pipe: Any, keys: RoomKeys, write: fx.SaveEntry, options: RedisOptions) -> None:
    key = keys.table(write.table)
    pipe.hset(key, write.key, write.value)
    pipe.expire(key, options.room_lifetime_s)


def _forget_entry(pipe: Any, keys: RoomKeys, write: fx.ForgetEntry, options: RedisOptions) -> None:
    pipe.hdel(keys.table(write.table), write.key)


def _save_settings(pipe: Any, keys: RoomKeys, write: fx.SaveSettings, options: RedisOptions) -> None:
    pipe.set(keys.settings, write.settings.model_dump_json(), ex=options.settings_lifetime_s)


def _save_chat(pipe: Any, keys: RoomKeys, write: fx.SaveChat, options: RedisOptions) -> None:
    pipe.hset(keys.chat, write.message_id, write.record)
    pipe.expire(keys.chat, options.room_lifetime_s)


def _forget_chat(pipe: Any, keys: RoomKeys, write: fx.ForgetChat, options: RedisOptions) -> None:
    pipe.hdel(keys.chat, *write.message_ids)
    if write.read_keys:
        pipe.hdel(keys.chat_reads, *write.read_keys)


def _save_chat_read(pipe: Any, keys: RoomKeys, write: fx.SaveChatRead, options: RedisOptions) -> None:
    pipe.hset(keys.chat_reads, write.read_key, write.record)
    pipe.expire(keys.chat_reads, options.room_lifetime_s)


def _save_e2ee_key(pipe: Any, keys: RoomKeys, write: fx.SaveE2eeKey, options: RedisOptions) -> None:
    pipe.hset(keys.e2ee, write.username, write.record)
    if write.forgotten:
        pipe.hdel(keys.e2ee, *write.forgotten)
    pipe.expire(keys.e2ee, E2EE_LIFETIME_S)


def _save_live(pipe: Any, keys: RoomKeys, write: fx.SaveLive, options: RedisOptions) -> None:
    pipe.hset(keys.live, write.stream_id, write.record)
    pipe.expire(keys.live, LIVE_LIFETIME_S)


def _forget_live(pipe: Any, keys: RoomKeys, write: fx.ForgetLive, options: RedisOptions) -> None:
    pipe.hdel(keys.live, write.stream_id)


WRITERS: dict[type, Callable[[Any, RoomKeys, Any, RedisOptions], None]] = {
    RoomOpened: _room_opened,
    RoomClosed: _room_closed,
    fx.SaveParticipant: _save_participant,
    fx.ForgetParticipant: _forget_participant,
    fx.RenewPresence: _renew_presence,
    fx.SaveRole: _save_role,
    fx.SaveSettings: _save_settings,
    fx.SaveChat: _save_chat,
    fx.ForgetChat: _forget_chat,
    fx.SaveChatRead: _save_chat_read,
    fx.SaveEntry: _save_entry,
    fx.ForgetEntry: _forget_entry,
    fx.SaveE2eeKey: _save_e2ee_key,
    fx.SaveLive: _save_live,
    fx.ForgetLive: _forget_live,
}
