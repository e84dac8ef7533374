"""The way of a command to the running service: its Redis, and by signed requests its shards."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

from redis.asyncio import Redis

from config.settings import Settings
from scripts.embedded_redis import running_servers
from scripts.failures import CommandError
from scripts.loading import load_settings
from signaling.errors import RoomError
from signaling.redis_client import REDIS_FAILURES, connect
from signaling.shards.directory import Directory
from signaling.shards.keys import LeaseKeys, ShardKeys
from signaling.shards.model import ShardInfo, shard_of
from signaling.shards.peers import Peers, Unreachable
from signaling.shards.signing import Signer, secret_of
from signaling.shards.survey import ask_all, survey

T = TypeVar("T")
_HINT = "Check redis.url (PLENUM_REDIS__URL) and auth.secret: they must be those of the service."


class Service:
    """A running service, seen from outside."""

    def __init__(self, redis: Redis, settings: Settings) -> None:
        self._redis = redis
        self._prefix = settings.redis.key_prefix
        self.directory = Directory(redis, self._prefix, settings.shards.lease_lifetime_s)
        signer = Signer(secret_of(settings.auth, settings.shards))
        self.peers = Peers(signer, settings.rooms.max_frame_bytes)

    async def shards(self) -> dict[str, ShardInfo]:
        """All shards that live."""
        return await self.directory.all()

    async def shard(self, shard_id: str) -> ShardInfo:
        """A shard by its id; raises CommandError."""
        found = (await self.shards()).get(shard_id)
        if found is None:
            raise CommandError(f"there is no shard {shard_id}", "`plenum shards list` shows all.")
        return found

    async def remove(self, shard_id: str) -> None:
        """Strike a shard off that has died."""
        found = (await self.shards()).get(shard_id)
        if found is not None:
            await self.directory.bury(found.holder, shard_id)
        await self.directory.leave(shard_id)
        await self.directory.set_drain(shard_id, False)

    async def owner(self, room_id: str) -> ShardInfo:
        """The shard of a room; raises CommandError."""
        holder = await self._redis.get(LeaseKeys(self._prefix, room_id).lease)
        if holder is None:
            raise CommandError(f"the room {room_id} is not open", "`plenum rooms list` shows all.")
        return await self.shard(shard_of(str(holder)))

    async def rooms(self) -> list[dict[str, Any]]:
        """All open rooms with their shards; those of shards that do not answer are named as far as they are known."""
        found: dict[str, dict[str, Any]] = {}
        for shard_id, answer in (await self.ask_all("rooms")).items():
            found.update({room["room_id"]: {**room, "shard": shard_id} for room in answer or ()})
        for name in await self._redis.smembers(ShardKeys(self._prefix).rooms):
            found.setdefault(str(name), {"room_id": str(name), "shard": None})
        return [found[name] for name in sorted(found)]

    async def ask_all(self, command: str, **body: Any) -> dict[str, Any]:
        """The answers of all shards by their ids; None: it does not answer."""
        return await ask_all(self.peers, (await self.shards()).values(), command, body)

    async def survey(self) -> dict[str, Any]:
        """All shards with their figures, and all rooms with their traffic."""
        return await survey(self.peers, (await self.shards()).values())

    async def ask_any(self, room_id: str, command: str, **body: Any) -> Any:
        """Ask a room's shard, or any other if the room is not open."""
        holder = await self._redis.get(LeaseKeys(self._prefix, room_id).lease)
        shards = await self.shards()
        shard = shards.get(shard_of(str(holder))) if holder is not None else None
        shard = shard or next(iter(shards.values()), None)
        if shard is None:
            raise CommandError("no shard lives", _HINT)
        return await self.peers.command(shard, command, {"room_id": room_id, **body})

    async def ask(self, room_id: str, command: str, **body: Any) -> Any:
        """Have a room's shard do something."""
        return await self.peers.command(await self.owner(room_id), command, {"room_id": room_id, **body})

    async def close(self) -> None:
        """End all connections."""
        await self.peers.close()


@contextlib.asynccontextmanager
async def _connected(settings: Settings) -> AsyncIterator[Service]:
    url = settings.redis.url
    if url is None:
        found = running_servers()
        if len(found) != 1:
            what = "no embedded Redis runs here" if not found else f"{len(found)} embedded Redis servers run here"
            raise CommandError(f"redis.url is not set, and {what}", "Set PLENUM_REDIS__URL to the service's Redis.")
        url = found[0]
    redis = connect(url, settings.redis)
    service = Service(redis, settings)
    try:
        yield service
    finally:
        await service.close()
        await redis.aclose()


def with_service(config: Path | None, work: Callable[[Service], Awaitable[T]]) -> T:
    """Run ``work`` with the service of the settings. Raises CommandError with what went wrong."""
    settings = load_settings(config).settings

    async def run() -> T:
        async with _connected(settings) as service:
            return await work(service)

    try:
        return asyncio.run(run())
    except RoomError as error:
        raise CommandError(error.message) from error
    except Unreachable as error:
        raise CommandError(f"the shard does not answer: {error}", _HINT) from error
    except REDIS_FAILURES as error:
        raise CommandError(f"cannot use the service's Redis: {error}", _HINT) from error
