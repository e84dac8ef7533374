"""Clients of Redis behind a circuit breaker, with bounds on what is under way, for one server, Sentinel and Cluster."""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import structlog
from redis.asyncio import Redis, RedisCluster
from redis.exceptions import ClusterDownError, MaxConnectionsError, RedisClusterException, RedisError
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from signaling.breaker import Breaker
from signaling.closing import end_tasks
from signaling.options import RedisOptions

log = structlog.get_logger("plenum.redis")
T = TypeVar("T")
# A cancelled question that had waited for so much of its time was given up because of it.
NEARLY = 0.9
# One that still loads its data (BusyLoadingError) is among the first: it cannot serve.
_NO_ANSWER = (RedisConnectionError, RedisTimeoutError, ClusterDownError, RedisClusterException, OSError)


class RedisUnavailable(RedisConnectionError):
    """Redis is not asked: it did not answer lately."""


class Guard:
    """What stands between our calls and one client. ``ping`` is how it is asked whether it answers again."""

    def __init__(self, options: RedisOptions) -> None:
        self.breaker = Breaker(options.breaker_failures, options.breaker_pause_s, random.SystemRandom())
        self.counters: Counter[str] = Counter()
        self.latency_s = 0.0
        self.ping: Callable[[], Awaitable[Any]]
        self._timeout_s = options.command_timeout_s
        self._slots = asyncio.Semaphore(options.max_connections)
        self._probing: asyncio.Task[None] | None = None

    async def run(self, ask: Callable[[], Awaitable[T]]) -> T:
        """Ask; raises RedisUnavailable at once while the circuit is open, and else what redis-py raises."""
        if not self.breaker.admits:
            self.counters["refused"] += 1
            raise RedisUnavailable(f"Redis does not answer: {self.breaker.cause}")
        async with self._slot():
            return await self._ask(ask)

    async def _ask(self, ask: Callable[[], Awaitable[T]]) -> T:
        began = time.monotonic()
        self.counters["commands"] += 1
        try:
            answer = await ask()
        except asyncio.CancelledError:
            if time.monotonic() - began >= NEARLY * self._timeout_s:
                self._failed(began, "TimeoutError")
            raise
        except RedisClusterException as error:
            self._failed(began, type(error).__name__)
            raise RedisConnectionError(str(error)) from error
        except MaxConnectionsError:
            raise
        except _NO_ANSWER as error:
            self._failed(began, type(error).__name__)
            raise
        except RedisError:
            self.breaker.succeeded()  # an error that Redis tells is an answer
            raise
        self.breaker.succeeded()
        self.latency_s += (time.monotonic() - began - self.latency_s) * 0.05
        return answer

    @contextlib.asynccontextmanager
    async def _slot(self) -> Any:
        """One of the connections; raises RedisTimeoutError when none is free in time."""
        try:
            async with asyncio.timeout(self._timeout_s):
                await self._slots.acquire()
        except TimeoutError:
            self.counters["no_connection"] += 1
            raise RedisTimeoutError("All connections to Redis are busy.") from None
        try:
            yield
        finally:
            self._slots.release()

    def _failed(self, began: float, cause: str) -> None:
        self.counters["failures"] += 1
        if self.breaker.failed(began, time.monotonic(), cause):
            log.warning("Redis does not answer: it is left alone until a probe is answered", cause=cause)
            self._probing = asyncio.get_running_loop().create_task(self._probe(), name="Redis probe")

    async def _probe(self) -> None:
        breaker = self.breaker
        while not breaker.admits:
            await asyncio.sleep(breaker.pause_s())
            breaker.probes()
            cause = None
            try:
                async with asyncio.timeout(self._timeout_s):
                    await self.ping()
            except _NO_ANSWER as error:
                cause = type(error).__name__
            except RedisError:
                pass  # an error that Redis tells is an answer
            breaker.probed(time.monotonic(), cause)
        log.info("Redis answers again")

    async def close(self) -> None:
        """Probe no more."""
        task, self._probing = self._probing, None
        await end_tasks(task)


class GuardedRedis(Redis):
    """One server, also one that Sentinel names. ``companions`` are closed with it."""

    guard: Guard
    companions: tuple[Any, ...] = ()

    def watch_over(self, guard: Guard) -> GuardedRedis:
        """Put a guard in front."""
        self.guard = guard
        guard.ping = lambda: self._ask("PING")
        return self

    async def execute_command(self, *args: Any, **options: Any) -> Any:
        """Ask through the guard."""
        return await self.guard.run(lambda: self._ask(*args, **options))

    async def _ask(self, *args: Any, **options: Any) -> Any:
        return await super().execute_command(*args, **options)  # type: ignore[no-untyped-call, unused-ignore]

    def pipeline(self, transaction: bool = True, shard_hint: str | None = None) -> Any:
        """A pipeline that is executed through the guard."""
        return _guarded(super().pipeline(transaction, shard_hint), self.guard)

    async def aclose(self, close_connection_pool: bool | None = None) -> None:
        """Close all connections."""
        await self.guard.close()
        await super().aclose(close_connection_pool)
        for companion in self.companions:
            await companion.aclose()


class GuardedCluster(RedisCluster):
    """A cluster."""

    guard: Guard

    def watch_over(self, guard: Guard) -> GuardedCluster:
        """Put a guard in front."""
        self.guard = guard
        guard.ping = lambda: self._ask("PING", target_nodes=RedisCluster.PRIMARIES)
        return self

    async def execute_command(self, *args: Any, **options: Any) -> Any:
        """Ask through the guard."""
        return await self.guard.run(lambda: self._ask(*args, **options))

    async def _ask(self, *args: Any, **options: Any) -> Any:
        return await super().execute_command(*args, **options)  # type: ignore[no-untyped-call, unused-ignore]

    def pipeline(self, transaction: Any = None, shard_hint: Any = None) -> Any:
        """A pipeline that is executed through the guard."""
        return _guarded(super().pipeline(transaction, shard_hint), self.guard)

    async def aclose(self) -> None:
        """Close all connections."""
        await self.guard.close()
        await super().aclose()


def _guarded(pipe: Any, guard: Guard) -> _Pipeline:
    return _Pipeline(pipe, guard)


class _Pipeline:
    """A pipeline of redis-py whose ``execute`` goes through the guard."""

    def __init__(self, pipe: Any, guard: Guard) -> None:
        self._pipe = pipe
        self._guard = guard

    def __getattr__(self, name: str) -> Any:
        return getattr(self._pipe, name)

    def __len__(self) -> int:
        return len(self._pipe)

    async def execute(self, raise_on_error: bool = True) -> list[Any]:
        """Send all commands; their answers."""
        if not len(self._pipe):
            return []
        found: list[Any] = await self._guard.run(lambda: self._pipe.execute(raise_on_error=raise_on_error))
        return found
