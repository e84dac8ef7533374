"""Rate limits: the one place where events of users are counted, for messages and REST calls alike.

Sliding windows in Redis, so that they hold across processes. Each process counts beside it what it has allowed: whoever
is over a limit by that alone is refused without asking Redis, so that a flood costs little; and while Redis does not
answer, limits hold for each process by itself.
"""

from __future__ import annotations

import asyncio
import itertools
import math
import os
import time
from collections.abc import Callable

import structlog
from redis.asyncio import Redis

from signaling.batching import ScriptBatch
from signaling.errors import ErrorCode, RoomError
from signaling.options import RedisOptions, RoomOptions
from signaling.redis_client import REDIS_FAILURES
from signaling.shards.scripts import Call
from signaling.windows import Limit, SlidingWindows, Standing

__all__ = ["Limit", "RateLimiter", "Standing"]
log = structlog.get_logger("plenum.limits")

SUSPENSION_S = 2.0
SWEEP_INTERVAL_S = 60.0

# One sorted set a user and limit, one member an event. Answers {0 or the milliseconds to wait, events that count,
# milliseconds until the oldest of them does not}.
_SCRIPT = """
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local window = tonumber(ARGV[2])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - window)
local used = redis.call('ZCARD', KEYS[1])
local wait = 0
if not redis.call('ZSCORE', KEYS[1], ARGV[3]) then
  if used < tonumber(ARGV[1]) then
    redis.call('ZADD', KEYS[1], now, ARGV[3])
    redis.call('PEXPIRE', KEYS[1], window)
    used = used + 1
  else
    wait = 1
  end
end
local oldest = redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')
local left = math.max(1, oldest[2] + window - now)
return {wait * left, used, left}
"""
_TOO_MANY = {
    "rooms_created": "Too many rooms opened.",
    "hand_raises": "Hand raised too often.",
    "reactions": "Too many reactions.",
    "file_shares": "Too many files offered.",
    "chat_images": "Too many images.",
    "requests": "Too many requests.",
    "joins": "Too many connections.",
}


def limits_of(options: RoomOptions) -> dict[str, Limit]:
    """All limits by name, as the options set them."""
    chat = options.chat
    return {
        "messages": Limit(options.messages_per_minute, 60),
        "hand_raises": Limit(options.hand_raises_per_minute, 60),
        "reactions": Limit(options.reactions_per_minute, 60),
        "file_shares": Limit(options.files.offers_per_hour, 3_600),
        "rooms_created": Limit(options.rooms_created_per_hour, 3_600),
        "typing": Limit(chat.typing_per_minute, 60),
        "chat_reads": Limit(chat.reads_per_minute, 60),
        "chat_images": Limit(chat.images_per_minute, 60),
        "requests": Limit(options.requests_per_minute, 60),
        "joins": Limit(options.joins_per_minute, 60),
    }


class RateLimiter:
    """Counts events of users."""

    def __init__(
        self,
        redis: Redis,
        redis_options: RedisOptions,
        room_options: RoomOptions,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.limits = limits_of(room_options)
        self._scripts = ScriptBatch(redis)
        self._options = redis_options
        self._monotonic = monotonic
        self._origin = os.urandom(6).hex()
        self._numbers = itertools.count()
        self._windows = SlidingWindows()
        self._suspended_until = 0.0
        self._alone = False
        self._sweep_at = 0.0

    async def check(self, name: str, username: str, thing: str | None = None) -> Standing:
        """Count one event; raises RoomError ``rate_limited`` when it is one too many.

        ``thing``: what the event is about, where the same thing twice counts once.
        """
        limit, key = self.limits[name], (name, username)
        now = self._look(name, username, thing)
        event = self._windows.add(key, now, thing)
        answer = await self._ask(name, username, thing)
        if answer is None:
            return self._windows.standing(key, limit, now)
        wait_ms, used, left_ms = answer
        if wait_ms > 0:
            self._windows.block(key, event, now + wait_ms / 1000)
            raise _refusal(name, limit, wait_ms / 1000)
        return Standing(limit.count, max(0, limit.count - used), left_ms / 1000)

    def check_here(self, name: str, username: str) -> None:
        """Count one event for this process alone, for what would cost more to ask for than to do."""
        now = self._look(name, username, None)
        self._windows.add((name, username), now)

    def _look(self, name: str, username: str, thing: str | None) -> float:
        """The time; raises RoomError when what this process has seen is enough to refuse."""
        now = self._monotonic()
        if now >= self._sweep_at:
            self._sweep_at = now + SWEEP_INTERVAL_S
            self._windows.sweep(self.limits, now)
        wait_s = self._windows.wait_s((name, username), self.limits[name], now, thing)
        if wait_s > 0:
            raise _refusal(name, self.limits[name], wait_s)
        return now

    async def _ask(self, name: str, username: str, thing: str | None) -> tuple[int, int, int] | None:
        """What Redis has counted; None if it does not answer."""
        if self._monotonic() < self._suspended_until:
            return None
        limit = self.limits[name]
        member = f"{self._origin}-{next(self._numbers)}" if thing is None else f"thing-{thing}"
        try:
            async with asyncio.timeout(self._options.command_timeout_s):
                key = f"{self._options.key_prefix}:limit:{name}:{username}"
                call = Call(_SCRIPT, [key], [limit.count, limit.window_s * 1000, member])
                wait_ms, used, left_ms = await self._scripts.run(call)
        except REDIS_FAILURES as error:
            if not self._alone:
                log.warning(
                    "rate limits hold for this process alone: Redis does not answer", error=type(error).__name__
                )
            self._alone = True
            self._suspended_until = self._monotonic() + SUSPENSION_S
            return None
        self._alone = False
        return int(wait_ms), int(used), int(left_ms)


def _refusal(name: str, limit: Limit, wait_s: float) -> RoomError:
    return RoomError(
        ErrorCode.RATE_LIMITED,
        _TOO_MANY.get(name, "Too many messages."),
        details={"name": name, "limit": limit.count, "window_s": limit.window_s},
        retry_after=max(1, math.ceil(wait_s)),
    )
