"""Whether Redis answers, is new enough, forgets nothing by itself, and agrees with our clock."""

from __future__ import annotations

import contextlib
import time
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import RedisError

from scripts.doctor.findings import Finding, fail, ok, reason, warn
from scripts.embedded_redis import EmbeddedRedis
from scripts.failures import CommandError
from signaling.options import RedisOptions
from signaling.redis_client import connect

LEAST_VERSION = 7
_URL = "redis.url = …  # or leave it away to use the embedded server"
_CLOCK = "timedatectl set-ntp true  # on this machine and on that of Redis"
CLOCK_WARN_S = 1.0
CLOCK_FAIL_S = 10.0


async def check_redis(options: RedisOptions) -> list[Finding]:
    """The configured server, or whether the embedded one starts."""
    async with contextlib.AsyncExitStack() as stack:
        url = options.url
        if url is None:
            try:
                url = (await stack.enter_async_context(EmbeddedRedis())).url
            except CommandError as error:
                return [fail("redis", f"{error.message}.", "redis.url = …  # a server of your own")]
        try:
            client = connect(url, options)
        except ValueError as error:
            return [fail("redis", f"redis.url is not usable: {error}.", _URL)]
        stack.push_async_callback(client.aclose)
        try:
            return await _look(client, embedded=options.url is None)
        except (RedisError, OSError, TimeoutError) as error:
            return [fail("redis", f"The Redis server of redis.url cannot be used: {reason(error)}.", _URL)]


async def _look(client: Redis, *, embedded: bool) -> list[Finding]:
    info: dict[str, Any] = await client.info()
    if embedded:
        return [ok("redis", f"The embedded server starts ({_name(info)}); no other shard can share it.")]
    return [_version(info), *_eviction(info), await _clock(client)]


def _name(info: dict[str, Any]) -> str:
    valkey = info.get("valkey_version")
    return f"Valkey {valkey}" if valkey else f"Redis {info.get('redis_version', '?')}"


def _version(info: dict[str, Any]) -> Finding:
    # Valkey tells the version of Redis that it is compatible with here.
    text = str(info.get("redis_version", ""))
    major = text.partition(".")[0]
    if major.isdigit() and int(major) < LEAST_VERSION:
        return fail("redis", f"{_name(info)} answers; at least Redis {LEAST_VERSION} is needed.", _URL)
    return ok("redis", f"{_name(info)} answers.")


def _eviction(info: dict[str, Any]) -> list[Finding]:
    policy = str(info.get("maxmemory_policy", "noeviction"))
    if int(info.get("maxmemory", 0)) == 0 or policy == "noeviction":
        return []
    text = f"Redis throws keys away when its memory is full ({policy}): rooms would lose their state."
    return [warn("redis-memory", text, "maxmemory-policy noeviction  # in redis.conf")]


async def _clock(client: Redis) -> Finding:
    before = time.time()
    seconds, microseconds = await client.time()
    after = time.time()
    # Half of the round trip is not known: the difference is at least what lies outside of it.
    there = int(seconds) + int(microseconds) / 1e6
    off = max(before - there, there - after, 0.0)
    if off >= CLOCK_FAIL_S:
        return fail("clock", f"Our clock and that of Redis differ by {off:.1f} s: tokens and leases go wrong.", _CLOCK)
    if off >= CLOCK_WARN_S:
        return warn("clock", f"Our clock and that of Redis differ by {off:.1f} s.", _CLOCK)
    return ok("clock", "Our clock agrees with that of Redis.")
