"""The register of shards in Redis: who lives, where, and how full each is."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from signaling.shards.keys import ShardKeys
from signaling.shards.model import ShardInfo, ShardState

DEAD_LIFETIME_S = 3_600


@dataclass(frozen=True, slots=True)
class Pulse:
    """What a heartbeat brings back. ``emptied``: Redis has lost its data since the last one."""

    shards: dict[str, ShardInfo]
    drain: bool
    emptied: bool


class Directory:
    """Reads and writes the register; raises what redis-py raises."""

    def __init__(self, redis: Any, prefix: str, lifetime_s: float) -> None:
        self._redis = redis
        self._keys = ShardKeys(prefix)
        self._lifetime_ms = int(lifetime_s * 1000)
        self._epoch: str | None = None

    async def beat(self, info: ShardInfo, grace_s: float) -> Pulse:
        """Tell of oneself, and learn of the others. ``grace_s``: after a loss of data nobody takes rooms so long."""
        keys = self._keys
        pipe = self._redis.pipeline(transaction=False)
        pipe.set(keys.at(info.id), info.model_dump_json(), px=self._lifetime_ms)
        pipe.sadd(keys.ids, info.id)
        pipe.hget(keys.drain, info.id)
        pipe.get(keys.epoch)
        pipe.smembers(keys.ids)
        *_, drain, epoch, ids = await pipe.execute()
        emptied = await self._compare(epoch, grace_s)
        return Pulse(await self._read(ids), drain is not None, emptied)

    async def all(self) -> dict[str, ShardInfo]:
        """All shards that live, by id."""
        return await self._read(await self._redis.smembers(self._keys.ids))

    async def draining(self) -> set[str]:
        """Shards that are to be emptied, alive or not."""
        return {_text(shard_id) for shard_id in await self._redis.hkeys(self._keys.drain)}

    async def set_drain(self, shard_id: str, on: bool) -> None:
        """Have a shard emptied, or take rooms again."""
        if on:
            await self._redis.hset(self._keys.drain, shard_id, "1")
        else:
            await self._redis.hdel(self._keys.drain, shard_id)

    async def leave(self, shard_id: str) -> None:
        """Strike a shard off the register."""
        pipe = self._redis.pipeline(transaction=False)
        pipe.delete(self._keys.at(shard_id))
        pipe.srem(self._keys.ids, shard_id)
        await pipe.execute()

    async def bury(self, holder: str, shard_id: str) -> None:
        """A run of a shard has certainly ended: its rooms are free at once."""
        pipe = self._redis.pipeline(transaction=False)
        pipe.set(self._keys.dead(holder), "1", ex=DEAD_LIFETIME_S)
        pipe.delete(self._keys.at(shard_id))
        await pipe.execute()

    async def is_dead(self, holder: str) -> bool:
        """Whether that run of a shard has certainly ended."""
        return bool(await self._redis.exists(self._keys.dead(holder)))

    async def takes_wait(self) -> bool:
        """Whether nobody may take a room now: Redis has lost its data, and those who have rooms write them back."""
        pipe = self._redis.pipeline(transaction=False)
        pipe.exists(self._keys.grace)
        pipe.get(self._keys.epoch)
        grace, epoch = await pipe.execute()
        return bool(grace) or (self._epoch is not None and (epoch is None or _text(epoch) != self._epoch))

    async def _compare(self, found: Any, grace_s: float) -> bool:
        """Whether this is another life of Redis than before; the first who notices begins a new one."""
        epoch = _text(found) if found is not None else None
        if epoch is None:
            epoch = os.urandom(8).hex()
            if self._epoch is not None:
                await self._redis.set(self._keys.grace, "1", px=max(1, int(grace_s * 1000)))
            if not await self._redis.set(self._keys.epoch, epoch, nx=True):
                epoch = _text(await self._redis.get(self._keys.epoch) or epoch)
        before, self._epoch = self._epoch, epoch
        return before is not None and before != epoch

    async def _read(self, ids: Iterable[Any]) -> dict[str, ShardInfo]:
        names = sorted(_text(shard_id) for shard_id in ids)
        if not names:
            return {}
        pipe = self._redis.pipeline(transaction=False)
        for name in names:
            pipe.get(self._keys.at(name))
        pipe.hkeys(self._keys.drain)
        *texts, drain = await pipe.execute()
        drained = {_text(shard_id) for shard_id in drain}
        found: dict[str, ShardInfo] = {}
        for name, text in zip(names, texts, strict=True):
            info = _info(text)
            if info is not None:
                found[name] = info.model_copy(update={"state": ShardState.DRAINING}) if name in drained else info
        return found


def _info(text: Any) -> ShardInfo | None:
    if text is None:
        return None
    try:
        return ShardInfo.model_validate_json(text)
    except ValidationError:
        return None  # written by another version


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
