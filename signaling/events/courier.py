"""Webhooks: every receiver is told of each room's events in order, at least once, also after a restart.

How far each receiver has come is kept in Redis by room. One task follows one room for one receiver while there is
something to post, so that neither a slow receiver nor a busy room holds up another. Of several processes, the one that
holds the room's lease posts.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import random
import time
from collections import Counter
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import structlog
from redis.asyncio import Redis

from signaling.closing import end_tasks
from signaling.errors import RoomError
from signaling.events.keys import cursor_lifetime_s
from signaling.events.log import EventLog, RoomEvent
from signaling.events.options import EventOptions, WebhookReceiver
from signaling.key_base import room_base
from signaling.options import RedisOptions
from signaling.redis_client import REDIS_FAILURES

if TYPE_CHECKING:
    from signaling.events.delivery import Postman

log = structlog.get_logger("plenum.webhooks")

SCAN_INTERVAL_S = 10.0
LEASE_S = 30.0
PAGE = 50

# Takes or renews the lease of a room; 0 if another process has it.
_HOLD = """
local owner = redis.call('GET', KEYS[1])
if owner and owner ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
"""
_RELEASE = "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0"

Task = tuple[str, str]


def receiver_id(receiver: WebhookReceiver) -> str:
    """Names a receiver in Redis: the same as long as its address and its choice of events are."""
    text = "\n".join((receiver.url, *sorted(receiver.events)))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def wants(receiver: WebhookReceiver, event_type: str) -> bool:
    """Whether a receiver is told of events of that type."""
    return not receiver.events or event_type in receiver.events


class Courier:
    """Posts what happens to all receivers. ``wake`` tells it of rooms with new events; it finds old ones itself."""

    def __init__(
        self,
        redis: Redis,
        redis_options: RedisOptions,
        options: EventOptions,
        counters: Counter[str],
        unix: Callable[[], float] = time.time,
    ) -> None:
        self._redis = redis
        self._options = options.webhooks
        self._lifetime_s = options.lifetime_s
        self._log = EventLog(redis, redis_options)
        self._prefix = redis_options.key_prefix
        self._timeout_s = redis_options.command_timeout_s
        self._counters = counters
        self._unix = unix
        self._me = os.urandom(8).hex()
        self._receivers = {receiver_id(receiver): receiver for receiver in self._options.receivers}
        self._postman: Postman | None = None
        self._tasks: dict[Task, asyncio.Task[None]] = {}
        self._again: set[Task] = set()
        self._leases: dict[str, float] = {}
        self._scanner: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin, if there is anybody to be told."""
        if self._receivers:
            # Loaded only where somebody is to be told: an HTTP client takes its time to import.
            from signaling.events.delivery import Postman

            self._postman = Postman(self._options, self._unix)
            self._scanner = asyncio.get_running_loop().create_task(self._scan_forever(), name="webhook scan")

    async def close(self) -> None:
        """Stop; what is not delivered yet is delivered by the next process."""
        scanner, self._scanner = self._scanner, None
        await end_tasks(scanner, *self._tasks.values())
        for room_id in list(self._leases):
            await self._release(room_id)
        if self._postman is not None:
            await self._postman.close()

    def wake(self, room_ids: Iterable[str]) -> None:
        """These rooms have new events."""
        if self._scanner is not None:
            for room_id in room_ids:
                for name in self._receivers:
                    self._follow(name, room_id)

    # -- rooms with something to post ------------------------------------------------------------------------------

    def _follow(self, name: str, room_id: str) -> None:
        key = (name, room_id)
        if key in self._tasks:
            self._again.add(key)
            return
        task = asyncio.get_running_loop().create_task(self._run(name, room_id), name="webhook")
        self._tasks[key] = task
        task.add_done_callback(lambda _: self._done(key))

    def _done(self, key: Task) -> None:
        self._tasks.pop(key, None)
        if self._scanner is not None and key in self._again:
            self._again.discard(key)
            self._follow(*key)

    async def _scan_forever(self) -> None:
        while True:
            with contextlib.suppress(*REDIS_FAILURES, RoomError):
                await self._scan()
            await asyncio.sleep(SCAN_INTERVAL_S)

    async def _scan(self) -> None:
        for room_id in {room_id for _, room_id in self._tasks}:
            await self._hold(room_id)
        key = self._log.keys("").rooms
        for member in await self._call(self._redis.smembers(key)):
            room_id = member.decode() if isinstance(member, bytes) else str(member)
            behind = await self._behind(room_id)
            if behind:
                for name in behind:
                    self._follow(name, room_id)
                continue
            if not any(followed == room_id for _, followed in self._tasks):
                await self._release(room_id)
                await self._call(self._redis.srem(key, room_id))
                if await self._behind(room_id):  # written since the look before
                    await self._call(self._redis.sadd(key, room_id))

    async def _behind(self, room_id: str) -> list[str]:
        """Receivers that have not come to the end of the room's log."""
        last = await self._call(self._redis.xrevrange(self._log.keys(room_id).events, count=1))
        if not last:
            return []
        newest = int(
            last[0][0].decode().partition("-")[0] if isinstance(last[0][0], bytes) else last[0][0].split("-")[0]
        )
        return [name for name in self._receivers if await self._cursor(name, room_id) < newest]

    # -- one room for one receiver ---------------------------------------------------------------------------------

    async def _run(self, name: str, room_id: str) -> None:
        tries = 0
        while True:
            try:
                if not await self._hold(room_id):
                    return  # another process does it
                await self._deliver_all(name, room_id)
                return
            except (*REDIS_FAILURES, RoomError):
                self._counters["webhook_redis_failures"] += 1
                await asyncio.sleep(self._pause_s(tries))
                tries += 1
            except Exception:
                log.exception("webhook failed", room=room_id, receiver=name)
                return

    async def _deliver_all(self, name: str, room_id: str) -> None:
        receiver = self._receivers[name]
        cursor = await self._cursor(name, room_id)
        while True:
            page = await self._log.read(room_id, cursor, PAGE)
            if not page.events:
                return
            missed = page.events[0].seq - cursor - 1
            if missed > 0:
                self._counters["webhook_events_missed"] += missed
                log.warning("events were dropped before delivery", room=room_id, receiver=name, count=missed)
            for event in page.events:
                if wants(receiver, event.type):
                    if not await self._deliver(name, receiver, room_id, event):
                        return
                    await self._advance(name, room_id, event.seq)
            cursor = page.events[-1].seq
            await self._advance(name, room_id, cursor)

    async def _deliver(self, name: str, receiver: WebhookReceiver, room_id: str, event: RoomEvent) -> bool:
        """Try until it is taken or given up; False if another process has the room now."""
        assert self._postman is not None
        tries = 0
        while True:
            if self._leases.get(room_id, 0.0) <= time.monotonic() and not await self._hold(room_id):
                return False
            problem = await self._postman.post(receiver, room_id, event)
            if problem is None:
                self._counters["webhooks_delivered"] += 1
                return True
            self._counters["webhook_tries_failed"] += 1
            if tries == 0:
                log.warning("webhook not taken", room=room_id, receiver=name, problem=problem)
            if await self._failing_s(name, room_id) >= self._options.give_up_after_s:
                self._counters["webhooks_given_up"] += 1
                log.error("webhook given up", room=room_id, receiver=name, seq=event.seq, problem=problem)
                return True
            await asyncio.sleep(self._pause_s(tries))
            tries += 1

    def _pause_s(self, tries: int) -> float:
        """Doubled with each try, and random by half: receivers that come back are not met by all rooms at once."""
        full = min(self._options.longest_retry_s, self._options.first_retry_s * 2.0 ** min(tries, 40))
        return full * random.uniform(0.5, 1.0)

    # -- what Redis remembers --------------------------------------------------------------------------------------

    async def _cursor(self, name: str, room_id: str) -> int:
        value = await self._call(self._redis.hget(self._log.keys(room_id).cursors, f"c:{name}"))
        return int(value) if value is not None else 0

    async def _advance(self, name: str, room_id: str, seq: int) -> None:
        key = self._log.keys(room_id).cursors
        pipe: Any = self._redis.pipeline(transaction=False)
        pipe.hset(key, f"c:{name}", seq)
        pipe.hdel(key, f"f:{name}")
        pipe.expire(key, cursor_lifetime_s(self._lifetime_s))
        await self._call(pipe.execute())

    async def _failing_s(self, name: str, room_id: str) -> float:
        """For how long the event at hand has been failing, a restart included."""
        key = self._log.keys(room_id).cursors
        now = self._unix()
        pipe: Any = self._redis.pipeline(transaction=False)
        pipe.hsetnx(key, f"f:{name}", f"{now:.3f}")
        pipe.hget(key, f"f:{name}")
        _, since = await self._call(pipe.execute())
        return now - float(since)

    async def _hold(self, room_id: str) -> bool:
        until = time.monotonic() + LEASE_S
        args = (self._me, int(LEASE_S * 1000))
        held = bool(await self._call(self._redis.eval(_HOLD, 1, self._lease(room_id), *args)))
        if held:
            self._leases[room_id] = until
        else:
            self._leases.pop(room_id, None)
        return held

    async def _release(self, room_id: str) -> None:
        if self._leases.pop(room_id, None) is not None:
            with contextlib.suppress(*REDIS_FAILURES):
                await self._call(self._redis.eval(_RELEASE, 1, self._lease(room_id), self._me))

    def _lease(self, room_id: str) -> str:
        return f"{room_base(self._prefix, room_id)}:webhook-lease"

    async def _call(self, answer: Any) -> Any:
        async with asyncio.timeout(self._timeout_s):
            return await answer
