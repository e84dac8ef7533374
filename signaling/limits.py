"""Rate limits: sliding windows in Redis, so that they hold across processes."""

from __future__ import annotations

import asyncio
import itertools
import math
import os
import time
from dataclasses import dataclass
from typing import Any

from redis.asyncio import Redis

from signaling.errors import ErrorCode, RoomError
from signaling.options import RedisOptions, RoomOptions
from signaling.store import REDIS_FAILURES

SUSPENSION_S = 2.0

# One sorted set a user and limit, one member an event. Answers 0, or the milliseconds until the next is allowed.
_SCRIPT = """
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local window = tonumber(ARGV[2])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - window)
if redis.call('ZCARD', KEYS[1]) < tonumber(ARGV[1]) then
  redis.call('ZADD', KEYS[1], now, ARGV[3])
  redis.call('PEXPIRE', KEYS[1], window)
  return 0
end
local oldest = redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')
return math.max(1, oldest[2] + window - now)
"""


@dataclass(frozen=True, slots=True)
class Limit:
    """``count`` events of one user in ``window_s``."""

    count: int
    window_s: int


class RateLimiter:
    """Counts events. When Redis does not answer, everything is allowed: a call goes before a limit."""

    def __init__(self, redis: Redis, redis_options: RedisOptions, room_options: RoomOptions) -> None:
        chat = room_options.chat
        self.limits = {
            "hand_raises": Limit(room_options.hand_raises_per_minute, 60),
            "reactions": Limit(room_options.reactions_per_minute, 60),
            "file_shares": Limit(room_options.files.offers_per_hour, 3_600),
            "typing": Limit(chat.typing_per_minute, 60),
            "chat_reads": Limit(chat.reads_per_minute, 60),
            "chat_images": Limit(chat.images_per_minute, 60),
            "messages": Limit(room_options.messages_per_minute, 60),
        }
        self._script: Any = redis.register_script(_SCRIPT)
        self._options = redis_options
        self._origin = os.urandom(6).hex()
        self._numbers = itertools.count()
        self._suspended_until = 0.0

    async def check(self, name: str, username: str) -> None:
        """Count one event; raises RoomError ``rate_limited`` when it is one too many."""
        limit = self.limits[name]
        if time.monotonic() < self._suspended_until:
            return
        member = f"{self._origin}-{next(self._numbers)}"
        try:
            async with asyncio.timeout(self._options.command_timeout_s):
                wait_ms = int(
                    await self._script(
                        keys=[f"{self._options.key_prefix}:limit:{name}:{username}"],
                        args=[limit.count, limit.window_s * 1000, member],
                    )
                )
        except REDIS_FAILURES:
            self._suspended_until = time.monotonic() + SUSPENSION_S
            return
        if wait_ms > 0:
            raise RoomError(
                ErrorCode.RATE_LIMITED,
                "Too many messages.",
                details={"limit": limit.count, "window_s": limit.window_s},
                retry_after=math.ceil(wait_ms / 1000),
            )
