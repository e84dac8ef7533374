"""A real Redis for the tests of shards."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from scripts.embedded_redis import EmbeddedRedis


@pytest.fixture
async def redis_server() -> AsyncIterator[EmbeddedRedis]:
    async with EmbeddedRedis() as server:
        yield server
