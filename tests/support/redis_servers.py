"""Real servers for the tests: one that can be stopped, paused and started empty, one under Sentinels, and a cluster."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Any

from redis.asyncio import Redis

from scripts.embedded_redis import end_with_parent, server_binary
from tests.support.ports import free_tcp_port

SLOTS = 16_384
START_TIMEOUT_S = 20.0
_PLAIN = ["--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--loglevel", "warning", "--protected-mode", "no"]


class RedisServer:
    """One server process on a TCP port that stays the same over restarts; nothing is kept on disk."""

    def __init__(self, directory: Path, arguments: list[str] | None = None, port: int = 0) -> None:
        self.port = port or free_tcp_port()
        self.directory = directory
        self.process: subprocess.Popen[bytes] | None = None
        self._arguments = _PLAIN if arguments is None else arguments

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    async def start(self) -> None:
        """Start, empty, and wait until it answers."""
        with (self.directory / f"redis-{self.port}.log").open("ab") as log:
            self.process = subprocess.Popen(  # noqa: ASYNC220 - it starts at once
                [str(server_binary()), *self._arguments, "--port", str(self.port)],
                cwd=self.directory,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                process_group=0,
                preexec_fn=end_with_parent(),  # noqa: PLW1509 - one prctl call
            )
        await answers(self.port)

    def kill(self) -> None:
        """End it as in a crash."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def pause(self, on: bool = True) -> None:
        """It takes connections and answers nothing (SIGSTOP), or goes on."""
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP if on else signal.SIGCONT)

    async def __aenter__(self) -> RedisServer:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()


async def answers(port: int) -> None:
    """Wait until a server answers."""
    deadline = time.monotonic() + START_TIMEOUT_S
    while True:
        client = Redis(port=port, socket_timeout=1)
        try:
            await client.ping()
            return
        except Exception:
            assert time.monotonic() < deadline, f"no Redis on port {port}"
            await asyncio.sleep(0.02)
        finally:
            await client.aclose()


class _Several:
    """Server processes in a directory of their own."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="plenum-redis-test-")
        self.directory = Path(self._folder.name)
        self.servers: list[RedisServer] = []

    async def add(self, arguments: list[str], port: int = 0) -> RedisServer:
        server = RedisServer(self.directory, arguments, port)
        self.servers.append(server)
        await server.start()
        return server

    def close(self) -> None:
        for server in self.servers:
            server.kill()
        self._folder.cleanup()


class SentinelRedis(_Several):
    """A master, a replica, and three Sentinels that agree within a second."""

    @property
    def url(self) -> str:
        hosts = ",".join(f"127.0.0.1:{sentinel.port}" for sentinel in self.servers[2:])
        return f"redis+sentinel://{hosts}/mymaster"

    async def __aenter__(self) -> SentinelRedis:
        at_once = [*_PLAIN, "--repl-diskless-sync-delay", "0"]
        master = await self.add(at_once)
        await self.add([*at_once, "--replicaof", f"127.0.0.1 {master.port}"])
        await self.replicated("ready")
        for number in range(3):
            path = self.directory / f"sentinel{number}.conf"
            path.write_text(
                f"bind 127.0.0.1\nsentinel monitor mymaster 127.0.0.1 {master.port} 2\n"
                "sentinel down-after-milliseconds mymaster 800\nsentinel failover-timeout mymaster 3000\n"
            )
            await self.add([str(path), "--sentinel"])
        await self._until_they_know_each_other()
        return self

    async def replicated(self, key: str) -> None:
        """Wait until what was written before is at the replica too."""
        clients: list[Any] = [Redis(port=server.port) for server in self.servers[:2]]
        await clients[0].set(key, "1", ex=60)
        async with asyncio.timeout(START_TIMEOUT_S):
            while await clients[1].get(key) is None:  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(0.02)
        for client in clients:
            await client.aclose()

    async def _until_they_know_each_other(self) -> None:
        client: Any = Redis(port=self.servers[2].port, decode_responses=True)
        with contextlib.suppress(Exception):
            async with asyncio.timeout(START_TIMEOUT_S):
                while True:
                    found = await client.execute_command("SENTINEL", "MASTER", "mymaster")
                    state = found if isinstance(found, dict) else dict(zip(found[::2], found[1::2], strict=True))
                    if int(state["num-other-sentinels"]) >= 2 and int(state["num-slaves"]) >= 1:
                        break
                    await asyncio.sleep(0.1)
        await client.aclose()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _is_whole(info: Any) -> bool:
    text = str(info)
    return "cluster_state:ok" in text or "'cluster_state': 'ok'" in text


class ClusterRedis(_Several):
    """Three masters, each with a third of the slots."""

    @property
    def url(self) -> str:
        return "redis+cluster://" + ",".join(f"127.0.0.1:{server.port}" for server in self.servers[:2])

    async def __aenter__(self) -> ClusterRedis:
        for number in range(3):
            port = free_tcp_port()
            own = ["--cluster-enabled", "yes", "--cluster-config-file", f"nodes{number}.conf"]
            await self.add(
                [*_PLAIN, *own, "--cluster-port", str(free_tcp_port()), "--cluster-node-timeout", "2000"], port
            )
        clients: list[Any] = [Redis(port=server.port, decode_responses=True) for server in self.servers]
        buses = [await self._bus_of(client) for client in clients]
        for number, client in enumerate(clients):
            first, last = SLOTS * number // 3, SLOTS * (number + 1) // 3 - 1
            await client.execute_command("CLUSTER", "ADDSLOTSRANGE", first, last)
            await client.execute_command("CLUSTER", "MEET", "127.0.0.1", self.servers[0].port, buses[0])
        async with asyncio.timeout(START_TIMEOUT_S):
            for client in clients:
                while not _is_whole(await client.execute_command("CLUSTER", "INFO")):  # noqa: ASYNC110
                    await asyncio.sleep(0.05)
        for client in clients:
            await client.aclose()
        return self

    @staticmethod
    async def _bus_of(client: Any) -> int:
        found = await client.config_get("cluster-port")
        return int(found["cluster-port"])

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
