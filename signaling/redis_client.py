"""A connection to Redis that fails fast: a room must not wait for it."""

from __future__ import annotations

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from signaling.options import RedisOptions

REDIS_FAILURES = (RedisError, OSError, TimeoutError)


def connect(url: str, options: RedisOptions) -> Redis:
    """A client for ``url`` (nothing is sent yet). Repeating is the business of those who use it."""
    client: Redis = Redis.from_url(
        url,
        socket_connect_timeout=options.connect_timeout_s,
        socket_timeout=options.command_timeout_s,
        retry=Retry(NoBackoff(), 0),
        decode_responses=True,
    )
    return client
