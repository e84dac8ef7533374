"""Which rooms this shard has: takes them, renews them with every heartbeat, and learns when one is lost.

Redis decides. While it does not answer, the shard goes on with the rooms that it has: nobody can take them meanwhile,
for that needs Redis too; and if somebody did, nothing that is written with the old fence is taken any more.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
import weakref
from collections import Counter
from collections.abc import Awaitable, Callable, Container, Iterable
from typing import Any

import structlog

from signaling.closing import end_tasks
from signaling.errors import ErrorCode, RoomError
from signaling.options import RedisOptions
from signaling.redis_client import REDIS_FAILURES
from signaling.shards import scripts
from signaling.shards.book import LeaseBook
from signaling.shards.directory import Directory
from signaling.shards.keys import LeaseKeys, ShardKeys
from signaling.shards.model import Lease, ShardInfo, ShardState, shard_of
from signaling.shards.options import ShardOptions
from signaling.shards.placement import place
from signaling.shards.scripts import Call

log = structlog.get_logger("plenum.shards")

RENEWED_AT_ONCE = 20
"""Redis answers many at once, but packing and reading them holds up packets: some 100 us each."""
ORPHANS_EVERY = 2  # heartbeats
IDLE_LEASE_S = 10.0


class RoomElsewhere(RoomError):
    """The room is another shard's; ``holder`` is the lease's."""

    def __init__(self, holder: str) -> None:
        super().__init__(ErrorCode.UNAVAILABLE, "The room is on another shard.", retry_after=1)
        self.holder = holder


class Ownership:
    """The rooms of one shard.

    ``figures`` fills in how full the shard is; ``on_lost`` is called for a room that another shard has now,
    ``on_emptied`` for one that must be written back; ``orphan`` opens a room that nobody has; ``on_drain`` is told
    when an operator wants the shard emptied.
    """

    def __init__(self, redis: Any, redis_options: RedisOptions, options: ShardOptions, info: ShardInfo) -> None:
        self.info = info
        self.options = options
        self.shards: dict[str, ShardInfo] = {}
        self.counters: Counter[str] = Counter()
        self.answers = True
        self.figures: Callable[[ShardInfo], ShardInfo] = lambda info: info
        self.on_lost: Callable[[str], None] = lambda room_id: None
        self.on_emptied: Callable[[str], None] = lambda room_id: None
        self.orphan: Callable[[str], Awaitable[None]] | None = None
        self.on_drain: Callable[[bool], None] = lambda wanted: None
        self.watchers: list[Callable[[], Awaitable[None]]] = []
        self.rooms: Callable[[], Container[str]] = lambda: ()
        self.directory = Directory(redis, redis_options.key_prefix, max(3.0, options.lease_lifetime_s))
        self._redis = redis
        self._prefix = redis_options.key_prefix
        self._timeout_s = redis_options.command_timeout_s
        self._book = LeaseBook(options.lease_lifetime_s)
        self._lifetime_ms = int(options.lease_lifetime_s * 1000)
        self._task: asyncio.Task[None] | None = None
        self._beats = 0
        self._back_at: float | None = None
        self._alone = False  # when Redis last answered without a break
        self._seen_orphaned: dict[str, float] = {}
        self._drain_told = False
        self._locks: weakref.WeakValueDictionary[str, asyncio.Lock] = weakref.WeakValueDictionary()

    @property
    def me(self) -> str:
        """How leases name this run of this shard."""
        return self.info.holder

    def __len__(self) -> int:
        return len(self._book)

    def fence_of(self, room_id: str) -> str | None:
        """The fence of a room of ours; None: it is not ours."""
        return self._book.fence(room_id)

    # -- one room --------------------------------------------------------------------------------------------------

    async def hold(self, room_id: str) -> str:
        """Take a room, or keep it; its fence. Raises RoomElsewhere, or RoomError ``unavailable`` without Redis."""
        # Many may ask for a room at once: it is taken once.
        async with self._lock(room_id):
            fence = self._book.wanted(room_id, time.monotonic())
            return fence if fence is not None else await self._take_new(room_id)

    async def _take_new(self, room_id: str) -> str:
        try:
            async with asyncio.timeout(self._timeout_s):
                if not self._may_take_over() or await self.directory.takes_wait():
                    raise RoomError(ErrorCode.UNAVAILABLE, "Rooms are being restored.", retry_after=1)
                return await self._take(room_id, "")
        except REDIS_FAILURES as error:
            self._failed(error)
            raise RoomError(ErrorCode.UNAVAILABLE, "No room can be opened now.", retry_after=2) from None

    async def _take(self, room_id: str, dead: str) -> str:
        asked_at = time.monotonic()
        call = Call(scripts.TAKE, self._lease_keys(room_id), [self.me, self._lifetime_ms, dead])
        ours, holder, fence = await scripts.run(self._redis, call)
        holder, fence = _text(holder), _text(fence)
        if ours:
            self._book.took(room_id, fence, asked_at)
            self._seen_orphaned.pop(room_id, None)
            self.counters["leases_taken"] += 1
            return fence
        if not dead and await self._is_gone(holder):
            self.counters["leases_of_the_dead"] += 1
            return await self._take(room_id, holder)
        raise RoomElsewhere(holder)

    async def _is_gone(self, holder: str) -> bool:
        """Whether a holder has certainly ended: it is said to be, or its shard runs anew."""
        found = self.shards.get(shard_of(holder))
        if found is not None and found.holder != holder:
            return True
        return await self.directory.is_dead(holder)

    async def find(self, room_id: str) -> Lease | None:
        """Who has a room now; None: nobody. Raises what redis-py raises."""
        fence = self._book.fence(room_id)
        if fence is not None:
            return Lease(self.me, fence)
        async with asyncio.timeout(self._timeout_s):
            holder = await self._redis.get(LeaseKeys(self._prefix, room_id).lease)
            if holder is None or await self._is_gone(_text(holder)):
                return None
        return Lease(_text(holder), "")

    async def look_around(self) -> None:
        """Learn at once which shards live; raises what redis-py raises."""
        async with asyncio.timeout(self._timeout_s):
            self.shards = await self.directory.all()

    def forget(self, room_id: str) -> None:
        """The room has ended; what is written last gives the lease back."""
        self._book.drop(room_id)

    async def hand_over(self, room_id: str, to: ShardInfo) -> str | None:
        """Give a room to another shard; the fence it has from now on, or None if it was not ours to give."""
        fence = self._book.fence(room_id)
        if fence is None:
            return None
        args = [self.me, fence, to.holder, self._lifetime_ms]
        async with asyncio.timeout(self._timeout_s):
            given = _text(await scripts.run(self._redis, Call(scripts.HAND_OVER, self._lease_keys(room_id), args)))
        if given:
            self._book.drop(room_id, fence)
        return given or None

    def receive(self, room_id: str, fence: str) -> None:
        """Another shard has given us a room."""
        self._book.took(room_id, fence, time.monotonic())

    async def release(self, room_id: str, unwanted_since: float | None = None) -> None:
        """Give a room up; with ``unwanted_since`` only if nobody has wanted it since, and it is not open."""
        async with self._lock(room_id):
            if unwanted_since is not None and room_id not in self._book.idle(self.rooms(), unwanted_since):
                return
            fence = self._book.fence(room_id)
            if fence is not None and self._book.drop(room_id, fence):
                with contextlib.suppress(*REDIS_FAILURES):
                    await scripts.run(self._redis, Call(scripts.RELEASE, self._lease_keys(room_id), [self.me, fence]))

    def _lock(self, room_id: str) -> asyncio.Lock:
        """One at a time takes a room, or gives it up."""
        return self._locks.setdefault(room_id, asyncio.Lock())

    def fenced(self, room_id: str, fence: str) -> None:
        """A write was refused: another shard has the room."""
        self.counters["writes_fenced"] += 1
        if self._book.drop(room_id, fence):
            self._lose(room_id)

    def choose(self, room_id: str, region: str = "", without: Iterable[str] = ()) -> ShardInfo | None:
        """Where a new room belongs; None: all shards are full."""
        shards = {**self.shards, self.info.id: self._own()}
        return place(room_id, shards.values(), region or self.info.region, set(without))

    # -- all of them -----------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Tell that we are here, and go on to do so."""
        with contextlib.suppress(*REDIS_FAILURES):
            await self.beat()
        self._task = asyncio.get_running_loop().create_task(self._run(), name="shard heartbeat")

    async def close(self) -> None:
        """Stop, and leave the register."""
        task, self._task = self._task, None
        await end_tasks(task)
        given_up = [
            Call(scripts.RELEASE, self._lease_keys(r), [self.me, f]) for r, f in self._book if self._book.drop(r, f)
        ]
        with contextlib.suppress(*REDIS_FAILURES):
            async with asyncio.timeout(self._timeout_s):
                await scripts.run_many(self._redis, given_up)
                await self.directory.leave(self.info.id)

    async def _run(self) -> None:
        interval_s = self.options.heartbeat_interval_s
        while True:
            await asyncio.sleep(interval_s * random.uniform(0.9, 1.1))
            try:
                await self.beat()
            except REDIS_FAILURES as error:
                self._failed(error)
            except Exception:
                log.exception("heartbeat failed")

    async def beat(self) -> None:
        """One heartbeat: tell, learn, renew. Raises what redis-py raises."""
        self._beats += 1
        self.info = self._own()
        grace_s = 2 * self.options.heartbeat_interval_s
        async with asyncio.timeout(self._timeout_s):
            pulse = await self.directory.beat(self.info, grace_s)
        if self.answers:
            self._alone = pulse.shards.keys() <= {self.info.id}
        self.shards = pulse.shards
        self._worked()
        if pulse.emptied:
            log.warning("Redis has lost its data: rooms are written back", rooms=len(self._book))
        await self._renew()
        if pulse.drain != self._drain_told:
            self._drain_told = pulse.drain
            self.on_drain(pulse.drain)
        for watcher in self.watchers:
            await watcher()
        await self._give_back_idle()
        if self._beats % ORPHANS_EVERY == 0 and self.orphan is not None and self._may_take_over():
            await self._look_for_orphans()

    async def _renew(self) -> None:
        leases = list(self._book)
        for start in range(0, len(leases), RENEWED_AT_ONCE):
            part = leases[start : start + RENEWED_AT_ONCE]
            asked_at = time.monotonic()
            calls = [Call(scripts.RENEW, self._lease_keys(r), [self.me, f, self._lifetime_ms]) for r, f in part]
            async with asyncio.timeout(self._timeout_s):
                answers = await scripts.run_many(self._redis, calls)
            if failure := scripts.failure_of(answers):
                raise failure
            for (room_id, fence), answer in zip(part, answers, strict=True):
                if answer == 1:
                    self._book.renewed(room_id, fence, asked_at)
                elif answer == 0 and self._book.drop(room_id, fence):
                    self._lose(room_id)
                elif answer == -1:
                    await self.reclaim(room_id)

    async def reclaim(self, room_id: str) -> bool:
        """Redis knows nothing of a room of ours: take it back, and have it written back. False: another has it."""
        fence = self._book.fence(room_id)
        if fence is None:
            return False
        asked_at = time.monotonic()
        call = Call(scripts.RECLAIM, self._lease_keys(room_id), [self.me, fence, self._lifetime_ms])
        async with asyncio.timeout(self._timeout_s):
            answer = await scripts.run(self._redis, call)
        if answer == 1:
            self._book.renewed(room_id, fence, asked_at)
            self.counters["rooms_written_back"] += 1
            self.on_emptied(room_id)
            return True
        if self._book.drop(room_id, fence):
            self._lose(room_id)
        return False

    def _lose(self, room_id: str) -> None:
        self.counters["leases_lost"] += 1
        log.warning("another shard has the room", room=room_id)
        self.on_lost(room_id)

    async def _give_back_idle(self) -> None:
        """Leases for which no room was opened, because whoever asked was refused."""
        before = time.monotonic() - IDLE_LEASE_S
        for room_id in self._book.idle(self.rooms(), before):
            await self.release(room_id, before)

    # -- rooms that nobody has -------------------------------------------------------------------------------------

    async def _look_for_orphans(self) -> None:
        known = {_text(r) for r in await self._redis.smembers(ShardKeys(self._prefix).rooms)}
        candidates = [room_id for room_id in known if self._book.fence(room_id) is None]
        pipe = self._redis.pipeline(transaction=False)
        for room_id in candidates:
            pipe.get(LeaseKeys(self._prefix, room_id).lease)
        holders = await pipe.execute() if candidates else []
        now = time.monotonic()
        orphaned = [room_id for room_id, holder in zip(candidates, holders, strict=True) if holder is None]
        self._seen_orphaned = {room_id: self._seen_orphaned.get(room_id, now) for room_id in orphaned}
        assert self.orphan is not None
        for room_id in orphaned:
            patience_s = self.options.heartbeat_interval_s
            chosen = self.choose(room_id)
            if now - self._seen_orphaned[room_id] >= patience_s and chosen is not None and chosen.id == self.info.id:
                self.counters["orphans_adopted"] += 1
                with contextlib.suppress(RoomError):
                    await self.orphan(room_id)

    def _may_take_over(self) -> bool:
        """After Redis was away, those who have rooms renew them first; who was alone has nobody to wait for."""
        if not self.answers:
            return False
        waits = self._back_at is not None and not self._alone
        return not waits or time.monotonic() - (self._back_at or 0.0) > self.options.lease_lifetime_s

    # -- inside ----------------------------------------------------------------------------------------------------

    def set_state(self, state: ShardState) -> None:
        """Take new rooms, or none any more."""
        self.info = self.info.model_copy(update={"state": state})

    def _own(self) -> ShardInfo:
        return self.figures(self.info).model_copy(update={"beat_unix": round(time.time(), 3)})

    def _lease_keys(self, room_id: str) -> list[str]:
        keys = LeaseKeys(self._prefix, room_id)
        return [keys.lease, keys.fence]

    def _failed(self, error: BaseException) -> None:
        self.counters["failures"] += 1
        if self.answers:
            log.warning("no heartbeat: Redis does not answer", error=type(error).__name__)
        self.answers = False

    def _worked(self) -> None:
        if not self.answers:
            self._back_at = time.monotonic()
        self.answers = True


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
