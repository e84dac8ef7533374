"""The state of rooms in Redis.

Writes are queued and sent in groups, in order, by one task: a call never waits for Redis, and goes on without it.
What cannot be written is tried again with growing pauses; all writes can be repeated without harm. Each carries the
fence that the room had when it was decided: what a shard wants to write of a room that it has lost is refused.

The keys are in ``signaling/room_keys.py``, what each write does in ``signaling/room_writes.py``.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import random
import time
from collections import Counter, deque
from collections.abc import Awaitable, Callable
from typing import Any

import structlog
from redis.asyncio import Redis
from redis.exceptions import ResponseError

from sfu.totals import Histogram
from signaling import effects as fx
from signaling.breaker import Circuit
from signaling.closing import end_tasks
from signaling.events.keys import EventKeys, append, reopen, retire
from signaling.events.options import EventOptions
from signaling.options import RedisOptions
from signaling.redis_client import REDIS_FAILURES
from signaling.redis_metrics import guard_of
from signaling.room_keys import RoomKeys
from signaling.room_writes import WRITERS, RoomClosed, RoomOpened, Write
from signaling.shards import scripts
from signaling.shards.keys import LeaseKeys
from signaling.shards.scripts import Call
from signaling.stored_room import StoredRoom, read_room, text_of
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
        ended = self._is_ending(room_id)
        try:
            async with asyncio.timeout(self._options.command_timeout_s):
                found = await read_room(self._redis, RoomKeys(self._options.key_prefix, room_id))
        except REDIS_FAILURES as error:
            self._failed(error)
            return StoredRoom(known=False)
        # What belongs to a room that has just ended is not for those who open it anew.
        return found.lasting() if ended or self._is_ending(room_id) else found

    async def has_seats(self, room_id: str) -> bool:
        """Whether there were people in a room that nobody has now; raises what redis-py raises."""
        return bool(await self._redis.exists(RoomKeys(self._options.key_prefix, room_id).table(fx.Table.SEATS)))

    async def live_rooms(self) -> list[str]:
        """Rooms with live streams that run, or did when a process died; none when Redis does not answer."""
        try:
            async with asyncio.timeout(self._options.command_timeout_s):
                members: Any = await self._redis.smembers(f"{self._options.key_prefix}:live")
        except REDIS_FAILURES as error:
            self._failed(error)
            return []
        return sorted({text_of(member).partition(" ")[2] for member in members})

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
                WRITERS[type(write)](commands, RoomKeys(self._options.key_prefix, room_id), write, self._options)
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
