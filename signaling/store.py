"""The state of rooms in Redis.

Writes are queued and sent in groups, in order, by one task: a call never waits for Redis, and goes on without it.
What cannot be written is tried again with growing pauses; all writes can be repeated without harm. Each carries the
fence that the room had when it was decided: what a shard wants to write of a room that it has lost is refused.

Keys, with ``P`` the configured prefix and ``R`` the room (in braces, so that a cluster keeps a room in one place):
``P:rooms`` (set), ``P:{R}:participants`` (set), ``P:{R}:presence:USER`` (string, 30 s), ``P:{R}:roles`` and
``P:{R}:permissions`` (hashes, 1 hour), ``P:{R}:overrides`` (hash, 1 hour: permissions that were set one by one),
``P:{R}:bans``, ``:waiting``, ``:admitted`` and ``:hands`` (hashes, while the room lives),
``P:{R}:chat`` and ``:chat-reads`` (hashes of messages by id and of read marks, while the room lives),
``P:{R}:files`` (hash of transfers by id, while the room lives), ``P:{R}:breakouts`` (hash by id) and
``P:{R}:breakout-places`` (hash of users who belong to one, while the room lives),
``P:{R}:settings`` (string, 24 hours), ``P:{R}:e2ee`` (hash of public keys by user, 24 hours),
``P:{R}:live`` (hash of live streams by id, 24 hours after the last change; their keys under seal), ``P:live`` (set of
``STREAM R`` of the streams that run).
The event log's are in ``signaling/events/keys.py``.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import json
import random
import time
from collections import Counter, deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import Any

import structlog
from pydantic import ValidationError
from redis.asyncio import Redis
from redis.exceptions import ResponseError

from sfu.totals import Histogram
from signaling import effects as fx
from signaling.breaker import Circuit
from signaling.chat.log import ChatLog
from signaling.closing import end_tasks
from signaling.events.keys import EventKeys, append, reopen, retire
from signaling.events.options import EventOptions
from signaling.model import Permissions, Role, RoomSettings
from signaling.options import RedisOptions
from signaling.redis_client import REDIS_FAILURES
from signaling.redis_metrics import guard_of
from signaling.shards import scripts
from signaling.shards.keys import LeaseKeys
from signaling.shards.scripts import Call
from signaling.writing import APPLY, DONE, EMPTIED, FENCED, CommandList

log = structlog.get_logger("plenum.store")

MAX_WAITING = 50_000
MAX_GROUP = 500
FIRST_PAUSE_S = 0.1
LONGEST_PAUSE_S = 2.0
# What is not of the state that the next shard needs may wait a moment, to be written together with that of others: that
# somebody still lives, how far somebody has read, and what only tells what has happened.
LINGER_S: dict[type, float] = {fx.RenewPresence: 0.5, fx.SaveChatRead: 0.1, fx.AppendEvent: 0.05}
WRITE_BOUNDS_S = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
E2EE_LIFETIME_S = 86_400
LIVE_LIFETIME_S = 86_400


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
Waiting = tuple[str, Write, str]
"""A room, what is to be written of it, and the fence it had when that was decided."""


async def _nothing(room_ids: list[str]) -> None:
    pass


class RoomStore:
    """Loads and saves rooms."""

    def __init__(self, redis: Redis, options: RedisOptions, events: EventOptions | None = None) -> None:
        self.healthy = True
        self.counters: Counter[str] = Counter()
        self.write_seconds = Histogram(WRITE_BOUNDS_S)
        self._redis = redis
        self._options = options
        self._events = events or EventOptions()
        self.on_events: Callable[[set[str]], None] = lambda room_ids: None
        self.fence_of: Callable[[str], str | None] = lambda room_id: ""
        self.on_fenced: Callable[[str, str], None] = lambda room_id, fence: None
        self.on_emptied: Callable[[list[str]], Awaitable[None]] = _nothing
        self.on_incomplete: Callable[[str], None] = lambda room_id: None
        self._incomplete: set[str] = set()
        self._renewing: set[tuple[str, str, str]] = set()
        self._waiting: deque[Waiting] = deque()
        self._unsaved: Counter[str] = Counter()
        self._linger: asyncio.TimerHandle | None = None
        self._wake = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._task: asyncio.Task[None] | None = None
        self._closing = False

    @property
    def waiting(self) -> int:
        """Writes that Redis has not taken yet."""
        return len(self._waiting)

    # -- reading ---------------------------------------------------------------------------------------------------

    async def load(self, room_id: str) -> StoredRoom:
        """What is remembered of ``room_id``; nothing when Redis does not answer."""
        if not self.healthy and self._waiting:
            return StoredRoom(known=False)  # the writer is trying already: nobody has to wait for another time-out
        keys = _Keys(self._options.key_prefix, room_id)
        pipe: Any = self._redis.pipeline(transaction=False)
        pipe.get(keys.settings)
        pipe.hgetall(keys.roles)
        pipe.hgetall(keys.overrides)
        pipe.hvals(keys.chat)
        pipe.hvals(keys.chat_reads)
        pipe.hgetall(keys.e2ee)
        pipe.hgetall(keys.live)
        for table in fx.Table:
            pipe.hgetall(keys.table(table))
        ended = self._is_ending(room_id)
        try:
            async with asyncio.timeout(self._options.command_timeout_s):
                settings, roles, overrides, chat, chat_reads, e2ee, live, *tables = await pipe.execute()
                seats = await self._taken_seats(keys, tables[list(fx.Table).index(fx.Table.SEATS)])
        except REDIS_FAILURES as error:
            self._failed(error)
            return StoredRoom(known=False)
        found = StoredRoom(
            _settings(settings), _roles(roles), _overrides(overrides), e2ee_keys=_texts(e2ee), live=_texts(live)
        )
        if ended or self._is_ending(room_id):
            # What belongs to a room that has just ended is not for those who open it anew.
            return found
        return replace(
            found,
            tables={table: _texts(entries) for table, entries in zip(fx.Table, tables, strict=True) if entries},
            chat=ChatLog.restored(map(_text, chat), map(_text, chat_reads)),
            seats=seats,
        )

    async def has_seats(self, room_id: str) -> bool:
        """Whether there were people in a room that nobody has now; raises what redis-py raises."""
        return bool(await self._redis.exists(_Keys(self._options.key_prefix, room_id).table(fx.Table.SEATS)))

    async def _taken_seats(self, keys: _Keys, seats: dict[Any, Any]) -> tuple[str, ...]:
        """The records of those who were alive moments ago."""
        if not seats:
            return ()
        pipe: Any = self._redis.pipeline(transaction=False)
        for username in seats:
            pipe.exists(keys.presence(_text(username)))
        alive = await pipe.execute()
        return tuple(_text(text) for text, is_alive in zip(seats.values(), alive, strict=True) if is_alive)

    async def live_rooms(self) -> list[str]:
        """Rooms with live streams that run, or did when a process died; none when Redis does not answer."""
        try:
            async with asyncio.timeout(self._options.command_timeout_s):
                members: Any = await self._redis.smembers(f"{self._options.key_prefix}:live")
        except REDIS_FAILURES as error:
            self._failed(error)
            return []
        return sorted({_text(member).partition(" ")[2] for member in members})

    def _is_ending(self, room_id: str) -> bool:
        return any(room == room_id and write == RoomClosed() for room, write, _ in self._waiting)

    async def ping(self) -> bool:
        """Whether Redis answers now."""
        try:
            async with asyncio.timeout(self._options.command_timeout_s):
                return bool(await self._redis.ping())
        except REDIS_FAILURES as error:
            self._failed(error)
            return False

    @property
    def circuit(self) -> Circuit:
        """The state of the circuit breaker in front of Redis."""
        guard = guard_of(self._redis)
        return Circuit.CLOSED if guard is None else guard.breaker.state

    @property
    def redis_cause(self) -> str | None:
        """Why Redis is left alone; None: it is not."""
        guard = guard_of(self._redis)
        return None if guard is None or guard.breaker.admits else guard.breaker.cause

    # -- writing ---------------------------------------------------------------------------------------------------

    def save(self, room_id: str, write: Write) -> None:
        """Queue a write; never waits, never fails."""
        fence = self.fence_of(room_id)
        if fence is None:
            self.counters["writes_fenced"] += 1
            return  # another shard has the room
        if isinstance(write, fx.RenewPresence):
            renewal = (room_id, write.username, fence)
            if renewal in self._renewing:
                return  # one that waits says as much
            self._renewing.add(renewal)
        if len(self._waiting) >= MAX_WAITING:
            self._incomplete.add(self._waiting[0][0])
            self._take_off()
            self.counters["writes_dropped"] += 1
        self._waiting.append((room_id, write, fence))
        self._unsaved[room_id] += 1
        self._idle.clear()
        if self._task is None and not self._closing:
            self._task = asyncio.get_running_loop().create_task(
                self._run(), name="room store", context=contextvars.Context()
            )
        linger_s = LINGER_S.get(type(write))
        if linger_s is None:
            self._wake_up()
        elif not self._wake.is_set():
            loop = asyncio.get_running_loop()
            if self._linger is None or self._linger.when() > loop.time() + linger_s:
                self._stop_lingering()
                self._linger = loop.call_later(linger_s, self._wake_up)

    def _wake_up(self) -> None:
        self._stop_lingering()
        self._wake.set()

    def _stop_lingering(self) -> None:
        if self._linger is not None:
            self._linger.cancel()
            self._linger = None

    async def settled(self, room_id: str, timeout_s: float) -> bool:
        """Wait until nothing of a room waits to be written; False if that is not so in time."""
        deadline = asyncio.get_running_loop().time() + timeout_s
        while self._unsaved[room_id]:
            self._wake.set()
            if asyncio.get_running_loop().time() > deadline:
                return False
            await asyncio.sleep(0.002)
        del self._unsaved[room_id]
        return True

    async def flush(self, timeout_s: float) -> bool:
        """Wait until all is written; False if it is not in time."""
        self._wake.set()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self._idle.wait()
        return self._idle.is_set()

    async def close(self) -> None:
        """Write what is waiting, as far as Redis takes it at once."""
        await self.flush(self._options.command_timeout_s if self.healthy else 0.0)
        self._closing = True
        self._stop_lingering()
        await end_tasks(self._task)
        self._task = None

    async def _run(self) -> None:
        pause_s = FIRST_PAUSE_S
        while True:
            await self._wake.wait()
            group = [self._waiting[i] for i in range(min(MAX_GROUP, len(self._waiting)))]
            if not group:
                self._wake.clear()
                self._idle.set()
                continue
            began = time.monotonic()
            try:
                await self._write(group)
            except REDIS_FAILURES as error:
                self._failed(error)
                await asyncio.sleep(pause_s * random.uniform(0.5, 1.0))
                pause_s = min(pause_s * 2, LONGEST_PAUSE_S)
                continue
            pause_s = FIRST_PAUSE_S
            self._worked()
            self.write_seconds.observe(time.monotonic() - began)
            self.counters["writes"] += len(group)
            self.on_events({room_id for room_id, write, _ in group if isinstance(write, fx.AppendEvent)})
            for written in group:
                # The oldest may have been dropped meanwhile; then it is gone already.
                if self._waiting and self._waiting[0] is written:
                    self._take_off()
            if self._incomplete and not self._waiting:
                self._complete()

    def _take_off(self) -> None:
        """The oldest write waits no longer."""
        room_id, write, fence = self._waiting.popleft()
        self._unsaved[room_id] -= 1
        if isinstance(write, fx.RenewPresence):
            self._renewing.discard((room_id, write.username, fence))

    def _complete(self) -> None:
        """Some writes were dropped while Redis was away: have their rooms written whole."""
        incomplete, self._incomplete = self._incomplete, set()
        log.warning("more waited for Redis than is kept: rooms are written anew", rooms=len(incomplete))
        for room_id in incomplete:
            self.on_incomplete(room_id)

    async def _write(self, group: list[Waiting]) -> None:
        """Write a group: one script for each room, all in one round trip; raises what redis-py raises."""
        batches: dict[tuple[str, str], CommandList] = {}
        for room_id, write, fence in group:
            commands = batches.setdefault((room_id, fence), CommandList())
            if isinstance(write, (fx.AppendEvent, RoomOpened, RoomClosed)):
                self._write_event(commands, room_id, write)
            if not isinstance(write, fx.AppendEvent):
                _WRITERS[type(write)](commands, _Keys(self._options.key_prefix, room_id), write, self._options)
        calls = [
            Call(APPLY, [LeaseKeys(self._options.key_prefix, room_id).fence], [fence, *commands.words()])
            for (room_id, fence), commands in batches.items()
        ]
        answers = await scripts.run_many(self._redis, calls)
        refused = {place for place, answer in zip(batches, answers, strict=True) if not self._took(*place, answer)}
        emptied = [place[0] for place, answer in zip(batches, answers, strict=True) if answer == EMPTIED]
        await self._write_index([item for item in group if (item[0], item[2]) not in refused])
        if emptied:
            await self.on_emptied(emptied)
            raise TimeoutError  # the group is repeated: by then the room is ours again, or it is not

    def _took(self, room_id: str, fence: str, answer: Any) -> bool:
        """Whether a room's writes are done; raises an answer that says that Redis cannot do it now."""
        if answer == DONE:
            return True
        if answer == FENCED:
            self.counters["writes_fenced"] += 1
            self.on_fenced(room_id, fence)
        elif type(answer) is ResponseError:
            # Repeating it would hold up all rooms for ever.
            self.counters["writes_failed"] += 1
            log.error("writes refused by Redis", room=room_id, error=str(answer)[:200])
        elif isinstance(answer, Exception):
            raise answer
        return False

    def _write_event(self, pipe: CommandList, room_id: str, write: fx.AppendEvent | RoomOpened | RoomClosed) -> None:
        keys = EventKeys(self._options.key_prefix, room_id)
        if isinstance(write, fx.AppendEvent):
            append(pipe, keys, write, self._events)
        elif isinstance(write, RoomClosed):
            retire(pipe, keys, self._events)
        elif not write.again:
            reopen(pipe, keys)

    async def _write_index(self, group: list[Waiting]) -> None:
        """What is kept of all rooms together, outside any room's own keys."""
        rooms = f"{self._options.key_prefix}:rooms"
        pipe: Any = self._redis.pipeline(transaction=False)
        told: set[str] = set()
        for room_id, write, _ in group:
            if isinstance(write, RoomOpened):
                pipe.sadd(rooms, room_id)
            elif isinstance(write, RoomClosed):
                if not write.restarting:
                    pipe.srem(rooms, room_id)
            elif isinstance(write, fx.SaveLive):
                change = pipe.sadd if write.running else pipe.srem
                change(f"{self._options.key_prefix}:live", f"{write.stream_id} {room_id}")
            elif isinstance(write, fx.AppendEvent) and self._events.webhooks.receivers and room_id not in told:
                # After the event: who takes a room from this set looks for new events once more.
                told.add(room_id)
                pipe.sadd(EventKeys(self._options.key_prefix, room_id).rooms, room_id)
        if len(pipe):
            await pipe.execute()

    def _failed(self, error: BaseException) -> None:
        self.counters["failures"] += 1
        if self.healthy:
            log.warning("Redis does not answer; rooms go on without it", error=type(error).__name__)
        self.healthy = False

    def _worked(self) -> None:
        if not self.healthy:
            log.info("Redis answers again")
        self.healthy = True


class _Keys:
    """The names of a room's keys."""

    __slots__ = (
        "_room",
        "chat",
        "chat_reads",
        "e2ee",
        "live",
        "overrides",
        "participants",
        "permissions",
        "roles",
        "room_id",
        "settings",
    )

    def __init__(self, prefix: str, room_id: str) -> None:
        self._room = f"{prefix}:{{{room_id}}}"
        self.room_id = room_id
        self.participants = f"{self._room}:participants"
        self.roles = f"{self._room}:roles"
        self.permissions = f"{self._room}:permissions"
        self.overrides = f"{self._room}:overrides"
        self.settings = f"{self._room}:settings"
        self.chat = f"{self._room}:chat"
        self.chat_reads = f"{self._room}:chat-reads"
        self.e2ee = f"{self._room}:e2ee"
        self.live = f"{self._room}:live"

    def table(self, table: fx.Table) -> str:
        return f"{self._room}:{table.value}"

    def presence(self, username: str) -> str:
        return f"{self._room}:presence:{username}"


def _room_opened(pipe: Any, keys: _Keys, write: RoomOpened, options: RedisOptions) -> None:
    if write.anew:
        _forget_life(pipe, keys)
    elif not write.again:
        # Who is listed from before a crash is not there any more.
        pipe.delete(keys.participants)


def _room_closed(pipe: Any, keys: _Keys, write: RoomClosed, options: RedisOptions) -> None:
    pipe.delete(LeaseKeys(options.key_prefix, keys.room_id).lease)
    if not write.restarting:
        _forget_life(pipe, keys)


def _forget_life(pipe: Any, keys: _Keys) -> None:
    """Remove what is kept only while the room lives."""
    pipe.delete(keys.participants, keys.chat, keys.chat_reads)
    pipe.delete(*(keys.table(table) for table in fx.Table))


def _save_participant(pipe: Any, keys: _Keys, write: fx.SaveParticipant, options: RedisOptions) -> None:
    pipe.sadd(keys.participants, write.username)
    pipe.set(keys.presence(write.username), "1", ex=options.presence_lifetime_s)


def _forget_participant(pipe: Any, keys: _Keys, write: fx.ForgetParticipant, options: RedisOptions) -> None:
    pipe.srem(keys.participants, write.username)
    pipe.delete(keys.presence(write.username))


def _renew_presence(pipe: Any, keys: _Keys, write: fx.RenewPresence, options: RedisOptions) -> None:
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


def _save_role(pipe: Any, keys: _Keys, write: fx.SaveRole, options: RedisOptions) -> None:
    pipe.hset(keys.roles, write.username, write.role.value)
    pipe.expire(keys.roles, options.roles_lifetime_s)
    pipe.hset(keys.permissions, write.username, write.permissions.model_dump_json())
    pipe.expire(keys.permissions, options.roles_lifetime_s)
    if write.overrides:
        pipe.hset(keys.overrides, write.username, json.dumps(write.overrides))
        pipe.expire(keys.overrides, options.roles_lifetime_s)
    else:
        pipe.hdel(keys.overrides, write.username)


def _save_entry(pipe: Any, keys: _Keys, write: fx.SaveEntry, options: RedisOptions) -> None:
    key = keys.table(write.table)
    pipe.hset(key, write.key, write.value)
    pipe.expire(key, options.room_lifetime_s)


def _forget_entry(pipe: Any, keys: _Keys, write: fx.ForgetEntry, options: RedisOptions) -> None:
    pipe.hdel(keys.table(write.table), write.key)


def _save_settings(pipe: Any, keys: _Keys, write: fx.SaveSettings, options: RedisOptions) -> None:
    pipe.set(keys.settings, write.settings.model_dump_json(), ex=options.settings_lifetime_s)


def _save_chat(pipe: Any, keys: _Keys, write: fx.SaveChat, options: RedisOptions) -> None:
    pipe.hset(keys.chat, write.message_id, write.record)
    pipe.expire(keys.chat, options.room_lifetime_s)


def _forget_chat(pipe: Any, keys: _Keys, write: fx.ForgetChat, options: RedisOptions) -> None:
    pipe.hdel(keys.chat, *write.message_ids)
    if write.read_keys:
        pipe.hdel(keys.chat_reads, *write.read_keys)


def _save_chat_read(pipe: Any, keys: _Keys, write: fx.SaveChatRead, options: RedisOptions) -> None:
    pipe.hset(keys.chat_reads, write.read_key, write.record)
    pipe.expire(keys.chat_reads, options.room_lifetime_s)


def _save_e2ee_key(pipe: Any, keys: _Keys, write: fx.SaveE2eeKey, options: RedisOptions) -> None:
    pipe.hset(keys.e2ee, write.username, write.record)
    if write.forgotten:
        pipe.hdel(keys.e2ee, *write.forgotten)
    pipe.expire(keys.e2ee, E2EE_LIFETIME_S)


def _save_live(pipe: Any, keys: _Keys, write: fx.SaveLive, options: RedisOptions) -> None:
    pipe.hset(keys.live, write.stream_id, write.record)
    pipe.expire(keys.live, LIVE_LIFETIME_S)


def _forget_live(pipe: Any, keys: _Keys, write: fx.ForgetLive, options: RedisOptions) -> None:
    pipe.hdel(keys.live, write.stream_id)


_WRITERS: dict[type, Callable[[Any, _Keys, Any, RedisOptions], None]] = {
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


def _text(value: str | bytes) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


def _texts(value: dict[Any, Any]) -> dict[str, str]:
    return {_text(key): _text(text) for key, text in value.items()}


def _settings(value: str | bytes | None) -> RoomSettings | None:
    if value is None:
        return None
    try:
        return RoomSettings.model_validate_json(value)
    except ValidationError:
        return None  # written by another version


def _roles(value: dict[Any, Any]) -> dict[str, Role]:
    known = {role.value for role in Role}
    pairs = ((_text(user), _text(role)) for user, role in value.items())
    return {user: Role(role) for user, role in pairs if role in known}


def _overrides(value: dict[Any, Any]) -> dict[str, dict[str, bool]]:
    found: dict[str, dict[str, bool]] = {}
    for user, text in value.items():
        try:
            changes = json.loads(text)
            found[_text(user)] = {k: bool(v) for k, v in changes.items() if k in Permissions.model_fields}
        except (ValueError, AttributeError):
            continue  # written by another version
    return found
