"""Addresses of Redis: one server, Sentinel, cluster."""

from __future__ import annotations

import pytest

from signaling.options import RedisOptions
from signaling.redis_client import connect, read_url
from signaling.redis_guard import GuardedCluster, GuardedRedis


def test_one_server_is_left_to_the_library() -> None:
    assert read_url("redis://:secret@host:6379/0") is None
    assert read_url("unix:///tmp/redis.sock") is None


def test_sentinels_name_a_service() -> None:
    place = read_url("rediss+sentinel://me:p%40ss@one,[::1]:26380/mymaster/3?sentinel_password=other")
    assert place is not None
    assert (place.kind, place.tls, place.username, place.password) == ("sentinel", True, "me", "p@ss")
    assert place.hosts == (("one", 26379), ("::1", 26380))
    assert place.path == ("mymaster", "3") and place.query == {"sentinel_password": "other"}


def test_nodes_of_a_cluster() -> None:
    place = read_url("redis+cluster://:pw@one:7000,two/0")
    assert place is not None and place.hosts == (("one", 7000), ("two", 6379))
    assert (place.tls, place.username, place.password) == (False, None, "pw")


@pytest.mark.parametrize(
    "url",
    [
        "redis+sentinel://host",
        "redis+sentinel://host/service/db",
        "redis+sentinel://host/service/1/2",
        "redis+cluster://host/1",
        "redis+cluster://",
        "redis+cluster://one,,two",
        "redis+cluster://one:port",
        "redis+other://host",
        "http+cluster://host",
        "http://host",
    ],
)
def test_what_cannot_be_meant_is_refused(url: str) -> None:
    with pytest.raises(ValueError):
        connect(url, RedisOptions())


async def test_clients_of_each_kind() -> None:
    for url, kind in (
        ("redis://host", GuardedRedis),
        ("redis+sentinel://host/service", GuardedRedis),
        ("redis+cluster://host", GuardedCluster),
    ):
        client = connect(url, RedisOptions())
        assert type(client) is kind
        await client.aclose()
