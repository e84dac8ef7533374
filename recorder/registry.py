"""Recordings in Redis: what every shard may know of them, and who works on which.

Keys, with ``P`` the prefix and ``R`` the room: ``P:{R}:recordings`` (hash of JSON by id; it lives for a day after the
last change, and entries are dropped a day after their end), ``P:recording-lease:ID`` (string: the shard that works on
it or, with ``.N`` behind the id, on its leg N; for 20 s), ``P:recordings-kept`` (sorted set of room and id by the time
of their deletion), ``P:recording-secret``.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterable
from typing import Any

from pydantic import ValidationError
from redis.asyncio import Redis
from redis.exceptions import RedisError

from recorder.model import OVER, Recording

LIFETIME_S = 86_400
LEASE_S = 20
FAILURES = (RedisError, OSError, TimeoutError)


class Registry:
    """``owner`` names this shard. Calls raise what Redis raises (``FAILURES``)."""

    def __init__(self, redis: Redis, prefix: str, owner: str) -> None:
        self._redis = redis
        self._prefix = prefix
        self._owner = owner

    def _room(self, room_id: str) -> str:
        return f"{self._prefix}:{{{room_id}}}:recordings"

    async def save(self, recording: Recording, ended_unix: float | None = None) -> bool:
        """Keep the state of a recording; ``ended_unix`` once it is over. False: it goes on at another shard already."""
        key = self._room(recording.room_id)
        known = await self.find(recording.room_id, recording.recording_id)
        if known is not None and known.leg > recording.leg:
            return False
        body = recording.model_dump_json()
        record = f"{'' if ended_unix is None else round(ended_unix)}|{body}"
        await self._redis.hset(key, recording.recording_id, record)
        await self._redis.expire(key, LIFETIME_S + 3_600)
        return True

    async def find(self, room_id: str, recording_id: str) -> Recording | None:
        """One recording of a room."""
        value = await self._redis.hget(self._room(room_id), recording_id)
        try:
            return None if value is None else Recording.model_validate_json(_text(value).partition("|")[2])
        except ValidationError:
            return None

    async def all_of(self, room_id: str) -> list[Recording]:
        """All that are kept of a room, the newest last."""
        key = self._room(room_id)
        entries = await self._redis.hgetall(key)
        found, old = [], []
        for field, value in entries.items():
            ended, _, body = _text(value).partition("|")
            if ended and float(ended) + LIFETIME_S < time.time():
                old.append(field)
                continue
            try:
                found.append(Recording.model_validate_json(body))
            except ValidationError:
                old.append(field)
        if old:
            await self._redis.hdel(key, *old)
        return sorted(found, key=lambda recording: recording.started_unix)

    async def forget(self, room_id: str, recording_id: str) -> None:
        """A recording was deleted."""
        await self._redis.hdel(self._room(room_id), recording_id)
        await self._redis.zrem(f"{self._prefix}:recordings-kept", f"{room_id}|{recording_id}")

    # -- leases ----------------------------------------------------------------------------------------------------

    def _lease(self, work_id: str) -> str:
        return f"{self._prefix}:recording-lease:{work_id}"

    async def claim(self, work_id: str) -> bool:
        """Take the work on a recording, unless another shard has it."""
        return bool(await self._redis.set(self._lease(work_id), self._owner, nx=True, ex=LEASE_S))

    async def renew(self, work_ids: Iterable[str]) -> None:
        """Go on working on them."""
        pipe: Any = self._redis.pipeline(transaction=False)
        for work_id in work_ids:
            pipe.set(self._lease(work_id), self._owner, ex=LEASE_S)
        await pipe.execute()

    async def release(self, work_id: str) -> None:
        """Work on a recording is done."""
        await self._redis.delete(self._lease(work_id))

    # -- retention -------------------------------------------------------------------------------------------------

    async def keep(self, recording: Recording, until_unix: float) -> None:
        """Note when a recording is to be deleted, with what has to be known for it then."""
        await self._redis.zadd(
            f"{self._prefix}:recordings-kept", {f"{recording.room_id}|{recording.recording_id}": until_unix}
        )
        await self._redis.set(self._kept(recording.recording_id), recording.model_dump_json())

    def _kept(self, recording_id: str) -> str:
        return f"{self._prefix}:recording-kept:{recording_id}"

    async def due(self, now_unix: float) -> list[Recording]:
        """Recordings whose time is over; each is given to one caller only."""
        found = []
        names: Any = await self._redis.zrangebyscore(f"{self._prefix}:recordings-kept", "-inf", now_unix)
        for name in names:
            if not await self._redis.zrem(f"{self._prefix}:recordings-kept", name):
                continue
            recording_id = _text(name).rpartition("|")[2]
            body = await self._redis.getdel(self._kept(recording_id))
            if body is not None:
                found.append(Recording.model_validate_json(body))
        return found

    async def secret(self) -> bytes:
        """What addresses of files are signed with, the same on all shards."""
        key = f"{self._prefix}:recording-secret"
        await self._redis.set(key, secrets.token_hex(32), nx=True)
        value = await self._redis.get(key)
        return _text(value or "").encode()


def is_over(recording: Recording) -> bool:
    """Whether nothing further happens to it by itself."""
    return recording.status in OVER


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value
