"""A connection to Redis that fails fast: a room must not wait for it.

``redis://``, ``rediss://`` and ``unix://`` are one server. ``redis+sentinel://HOST[:PORT],…/SERVICE[/DB]`` is that
which the Sentinels name as the master of SERVICE, also after a failover; ``redis+cluster://HOST[:PORT],…`` is a cluster
of which some nodes are named. ``rediss+…`` is the same over TLS. A user name and password before the hosts are those of
the servers; those of the Sentinels are ``sentinel_username`` and ``sentinel_password`` in the query.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from redis.asyncio import Redis, Sentinel
from redis.asyncio.cluster import ClusterNode
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialWithJitterBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError

from signaling.options import RedisOptions
from signaling.redis_guard import Guard, GuardedCluster, GuardedRedis

REDIS_FAILURES = (RedisError, OSError, TimeoutError)
SENTINEL_PORT, SERVER_PORT = 26_379, 6_379
RETRY_PAUSE_S, LONGEST_RETRY_PAUSE_S = 0.02, 0.25


@dataclass(frozen=True, slots=True)
class Place:
    """What an address with several hosts says."""

    kind: str
    tls: bool
    hosts: tuple[tuple[str, int], ...]
    username: str | None
    password: str | None
    path: tuple[str, ...]
    query: dict[str, str]


def read_url(url: str) -> Place | None:
    """The parts of a Sentinel's or cluster's address; None: it is that of one server. Raises ValueError."""
    scheme, _, rest = url.partition("://")
    base, _, kind = scheme.partition("+")
    if not kind:
        return None
    if base not in ("redis", "rediss") or kind not in ("sentinel", "cluster"):
        raise ValueError("the address does not begin with redis://, redis+sentinel:// or redis+cluster://")
    parts = urlsplit(f"//{rest}")
    login, _, hosts = parts.netloc.rpartition("@")
    username, _, password = login.partition(":")
    path = tuple(unquote(part) for part in parts.path.split("/") if part)
    if kind == "sentinel" and not (len(path) == 1 or (len(path) == 2 and path[1].isdigit())):
        raise ValueError(
            "redis+sentinel:// names a service behind its hosts, such as redis+sentinel://host:26379/mymaster"
        )
    if kind == "cluster" and path not in ((), ("0",)):
        raise ValueError("a cluster has no numbered databases")
    port = SENTINEL_PORT if kind == "sentinel" else SERVER_PORT
    return Place(
        kind,
        base == "rediss",
        tuple(_host(text, port) for text in hosts.split(",")),
        unquote(username) or None,
        unquote(password) or None,
        path,
        {name: values[-1] for name, values in parse_qs(parts.query, strict_parsing=bool(parts.query)).items()},
    )


def _host(text: str, port: int) -> tuple[str, int]:
    found = urlsplit(f"//{text}")
    if not found.hostname:
        raise ValueError("a host is missing in the address")
    return found.hostname, found.port or port


def connect(url: str, options: RedisOptions) -> Redis:
    """A client for ``url`` (nothing is sent yet); raises ValueError when it cannot be read.

    What breaks off is repeated some times with pauses that are random by half; what is not answered in time is not.
    """
    guard = Guard(options)
    common: dict[str, Any] = {
        "socket_connect_timeout": options.connect_timeout_s,
        "socket_timeout": options.command_timeout_s,
        "retry": Retry(
            ExponentialWithJitterBackoff(base=RETRY_PAUSE_S, cap=LONGEST_RETRY_PAUSE_S),
            options.retries,
            supported_errors=(RedisConnectionError,),
        ),
        "decode_responses": True,
        "max_connections": options.max_connections,
    }
    place = read_url(url)
    if place is None:
        client: Any = GuardedRedis.from_url(url, **common)
        return client.watch_over(guard)  # type: ignore[no-any-return]
    common |= {"username": place.username, "password": place.password, "ssl": place.tls}
    if place.kind == "cluster":
        nodes = [ClusterNode(host, port) for host, port in place.hosts]
        return GuardedCluster(startup_nodes=nodes, **common).watch_over(guard)  # type: ignore[return-value]
    return _by_sentinel(place, common, options).watch_over(guard)


def _by_sentinel(place: Place, common: dict[str, Any], options: RedisOptions) -> GuardedRedis:
    asking = {
        "socket_connect_timeout": options.connect_timeout_s,
        "socket_timeout": options.command_timeout_s,
        "username": place.query.get("sentinel_username"),
        "password": place.query.get("sentinel_password"),
        "ssl": place.tls,
    }
    sentinel: Any = Sentinel(place.hosts, sentinel_kwargs=asking)  # type: ignore[no-untyped-call]
    database = int(place.path[1]) if len(place.path) == 2 else 0
    client: GuardedRedis = sentinel.master_for(place.path[0], redis_class=GuardedRedis, db=database, **common)
    client.companions = tuple(sentinel.sentinels)
    return client
