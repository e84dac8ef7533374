"""Redis: reachable, new enough, keeping what it is given, and of the same time."""

from __future__ import annotations

import time
from typing import Any, cast

import pytest

from scripts.doctor import redis
from scripts.doctor.findings import Finding, Verdict
from scripts.doctor.redis import check_redis
from scripts.embedded_redis import EmbeddedRedis
from signaling.options import RedisOptions


class Double:
    """Redis with an INFO and a clock of one's choice."""

    def __init__(self, ahead_s: float = 0.0, **info: Any) -> None:
        self._info = {"redis_version": "7.2.4", "maxmemory": 0, "maxmemory_policy": "noeviction", **info}
        self._ahead_s = ahead_s

    async def info(self) -> dict[str, Any]:
        return self._info

    async def time(self) -> tuple[int, int]:
        now = time.time() + self._ahead_s
        return int(now), int(now % 1 * 1_000_000)


async def look(double: Double) -> dict[str, Finding]:
    return {finding.check: finding for finding in await redis._look(cast(Any, double), embedded=False)}


@pytest.mark.parametrize(
    ("info", "verdict", "word"),
    [
        ({"redis_version": "7.0.15"}, Verdict.OK, "Redis 7.0.15"),
        ({"redis_version": "10.0"}, Verdict.OK, "Redis 10.0"),
        ({"redis_version": "7.2.4", "valkey_version": "9.1.2"}, Verdict.OK, "Valkey 9.1.2"),
        ({"redis_version": "6.2.1"}, Verdict.FAIL, "at least Redis 7"),
        ({"redis_version": "strange"}, Verdict.OK, "strange"),
    ],
)
async def test_version(info: dict[str, str], verdict: Verdict, word: str) -> None:
    finding = (await look(Double(**info)))["redis"]
    assert finding.verdict is verdict
    assert word in finding.text


@pytest.mark.parametrize(
    ("ahead_s", "verdict"),
    [
        (0.0, Verdict.OK),
        (0.8, Verdict.OK),
        (-2, Verdict.WARN),
        (2, Verdict.WARN),
        (-60, Verdict.FAIL),
        (60, Verdict.FAIL),
    ],
)
async def test_clock(ahead_s: float, verdict: Verdict) -> None:
    finding = (await look(Double(ahead_s)))["clock"]
    assert finding.verdict is verdict
    assert ("set-ntp" in finding.change) is (verdict is not Verdict.OK)


async def test_eviction() -> None:
    assert "redis-memory" not in await look(Double(maxmemory_policy="allkeys-lru"))
    assert "redis-memory" not in await look(Double(maxmemory=1_000))
    found = await look(Double(maxmemory=1_000, maxmemory_policy="allkeys-lru"))
    assert found["redis-memory"].verdict is Verdict.WARN


async def test_a_real_server() -> None:
    async with EmbeddedRedis() as server:
        found = await check_redis(RedisOptions(url=server.url))
    assert [(f.check, f.verdict) for f in found] == [("redis", Verdict.OK), ("clock", Verdict.OK)]
    assert "Valkey" in found[0].text


async def test_the_embedded_server() -> None:
    (finding,) = await check_redis(RedisOptions())
    assert finding.verdict is Verdict.OK


@pytest.mark.parametrize("url", ["redis://127.0.0.1:1/0", "unix:///nowhere.sock", "strange://x"])
async def test_nobody_there(url: str) -> None:
    (finding,) = await check_redis(RedisOptions(url=url, connect_timeout_s=0.5))
    assert finding.verdict is Verdict.FAIL
    assert "redis.url" in finding.change


async def test_a_password_is_not_shown() -> None:
    (finding,) = await check_redis(RedisOptions(url="redis://:hunter2@127.0.0.1:1/0", connect_timeout_s=0.5))
    assert "hunter2" not in repr(finding)
