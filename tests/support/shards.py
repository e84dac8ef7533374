"""A service of several shards as real processes, and what its Redis says of them."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from types import TracebackType
from typing import Any

from pydantic import SecretStr
from redis.asyncio import Redis

from scripts.embedded_redis import EmbeddedRedis
from signaling.options import AuthOptions
from signaling.shards.model import ShardInfo
from signaling.shards.options import ShardOptions
from signaling.shards.peers import Peers
from signaling.shards.signing import Signer, secret_of
from tests.support.page import RoomPage
from tests.support.server import PlenumServer
from tests.support.tokens import SECRET

SETTINGS = {"PLENUM_ROOMS__ROOMS_CREATED_PER_HOUR": "10000", "PLENUM_ROOMS__JOINS_PER_MINUTE": "10000"}
# Watches the remote pictures of the conference page: the longest time without a new frame, at most. The page may be
# too busy to be called for each, so it asks how many were shown since the last call: any two of them were shown at
# least one turn of the screen apart, and that much of the time between the calls was no pause.
WATCH = """() => {
    const TURN_MS = 1000 / 60;
    window.__gaps = { worst: 0, last: performance.now(), frames: 0 };
    window.__watched ??= new WeakMap();
    const note = (video, shown) => {
        const before = __watched.get(video);
        const frames = Math.max(1, shown - before.shown);
        const now = performance.now();
        if (before.at) __gaps.worst = Math.max(__gaps.worst, now - before.at - (frames - 1) * TURN_MS);
        __watched.set(video, { at: now, shown });
        __gaps.last = now;
        __gaps.frames += frames;
    };
    const follow = (video) => {
        __watched.set(video, { at: 0, shown: 0 });
        const step = (_, { presentedFrames }) => {
            note(video, presentedFrames);
            video.requestVideoFrameCallback(step);
        };
        video.requestVideoFrameCallback(step);
    };
    window.__watching ??= setInterval(() => {
        for (const video of document.querySelectorAll('[data-testid=tile]:not(.tile-local) video')) {
            if (!__watched.has(video)) follow(video);
        }
    }, 50);
}"""


class Shards:
    """One `plenum serve --shards N` with a Redis of its own."""

    def __init__(self, directory: Path, count: int = 3, settings: dict[str, str] | None = None) -> None:
        self._directory = directory
        self._count = count
        self._settings = settings or {}
        self._embedded = EmbeddedRedis()
        self.start_timeout_s = 60.0
        self.server: PlenumServer
        self.redis: Redis

    async def __aenter__(self) -> Shards:
        await self._embedded.start()
        settings = {**SETTINGS, "PLENUM_REDIS__URL": self._embedded.url, **self._settings}
        self.server = PlenumServer(self._directory, settings, ["--shards", str(self._count)])
        self.server.start_timeout_s = self.start_timeout_s
        self.redis = Redis.from_url(self._embedded.url, decode_responses=True)
        await self.server.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            await self.server.stop(check=False)
        finally:
            await self.redis.aclose()
            await self._embedded.stop()

    async def owner(self, room: str) -> dict[str, Any]:
        """What the room's shard tells of itself."""
        holder = await self.redis.get(f"plenum:{{{room}}}:lease")
        assert holder is not None, "nobody has the room"
        text = await self.redis.get(f"plenum:{{shards}}:at:{holder.partition('/')[0]}")
        assert text is not None
        found: dict[str, Any] = json.loads(text)
        return found

    async def kill(self, room: str) -> None:
        """The room's shard dies as in a crash."""
        os.kill((await self.owner(room))["pid"], signal.SIGKILL)

    async def stats(self) -> dict[str, dict[str, Any]]:
        """What each shard tells of itself to the others, by its id."""
        peers = Peers(Signer(secret_of(AuthOptions(secret=SecretStr(SECRET)), ShardOptions())), 1)
        found = {}
        try:
            async for key in self.redis.scan_iter("plenum:{shards}:at:*"):
                shard = ShardInfo.model_validate_json(await self.redis.get(key))
                found[shard.id] = await peers.command(shard, "stats", {})
        finally:
            await peers.close()
        return found

    async def drain(self, shard_id: str, on: bool = True) -> None:
        """What `plenum shards drain` and `resume` do."""
        if on:
            await self.redis.hset("plenum:{shards}:drain", shard_id, "1")
        else:
            await self.redis.hdel("plenum:{shards}:drain", shard_id)


async def watch(page: RoomPage) -> None:
    """Begin to watch the remote pictures of a page."""
    await page.page.evaluate(WATCH)


async def gaps(page: RoomPage) -> dict[str, float]:
    """``worst`` gap in ms at most, ``since`` the last frame in ms, ``frames`` shown."""
    found: dict[str, float] = await page.page.evaluate(
        "() => ({ worst: __gaps.worst, since: performance.now() - __gaps.last, frames: __gaps.frames })"
    )
    return found
