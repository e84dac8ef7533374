from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from redis.asyncio import Redis

from scripts.embedded_redis import EmbeddedRedis
from tests.support.recording_desk import Room
from tests.support.s3_server import S3Server


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """One real S3 server for all tests that do not kill it."""
    with S3Server(tmp_path_factory.mktemp("s3")) as server:
        yield server


@pytest.fixture
def own_s3_server(tmp_path: Path) -> Iterator[S3Server]:
    """An S3 server that the test may kill."""
    with S3Server(tmp_path / "s3") as server:
        yield server


@pytest.fixture
async def redis() -> AsyncIterator[Redis]:
    async with EmbeddedRedis() as server:
        client = Redis.from_url(server.url)
        yield client
        await client.aclose()


@pytest.fixture
async def room() -> AsyncIterator[Room]:
    made = Room()
    yield made
    await made.close()
