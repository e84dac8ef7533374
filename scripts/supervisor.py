"""Several shards on one machine behind one port: starts them, watches over them, starts a dead one anew.

All accept from the same listening sockets, so no connection waits at a shard that has died or stands still. The
settings go to a shard over a pipe, and it says over another when it listens.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import pickle
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import structlog
from pydantic import SecretStr

from config.settings import Settings
from scripts import sockets
from scripts.embedded_redis import EmbeddedRedis, end_with_parent
from scripts.failures import CommandError, ExitCode
from scripts.shard_info import own_name
from scripts.stopping import longest_stop_s
from signaling.redis_client import REDIS_FAILURES, connect
from signaling.shards.directory import Directory
from signaling.shards.model import holder_of

log = structlog.get_logger("plenum.supervisor")

START_TIMEOUT_S = 60.0
STOP_MARGIN_S = 5.0
FIRST_PAUSE_S = 0.2
LONGEST_PAUSE_S = 10.0
STAND_ASIDE_S = 4.0
"""While other shards take the rooms of a dead one, their people need the processors more than the one that starts."""
STEADY_S = 30.0  # a shard that ran for so long begins with the short pause again
MAX_SHARDS = 64
BURY_TRIES = 3


def shard_count(text: str) -> int:
    """The number that ``--shards`` means: ``auto`` is one for each core we may use. Raises CommandError."""
    if text == "auto":
        return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if text.isdigit() and 1 <= int(text) <= MAX_SHARDS:
        return int(text)
    raise CommandError(f"--shards is a number from 1 to {MAX_SHARDS}, or auto", code=ExitCode.USAGE)


@dataclass(slots=True)
class Child:
    """One shard's process. ``ready``: what it said when it listened."""

    settings: Settings
    process: subprocess.Popen[bytes] | None = None
    incarnation: str = ""
    started_at: float = 0.0
    pause_s: float = FIRST_PAUSE_S
    ready: dict[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The shard's id."""
        return self.settings.shards.id or ""


class Supervisor:
    """Runs ``count`` shards. ``start``, ``wait``, ``close``; ``children`` tells what runs."""

    def __init__(self, settings: Settings, count: int) -> None:
        self.settings = settings
        self.http_port = 0
        self.children: list[Child] = []
        self._count = count
        self._stack = contextlib.AsyncExitStack()
        self._watchers: list[asyncio.Task[None]] = []
        self._listeners: list[socket.socket] = []
        self._directory: Directory | None = None

    async def start(self) -> None:
        """Start Redis if need be, then all shards. Raises CommandError when one of them does not start."""
        async with contextlib.AsyncExitStack() as stack:
            self._listeners = sockets.bind(self.settings.http.host, self.settings.http.port)
            for listener in self._listeners:
                stack.callback(listener.close)
                listener.listen(2048)
            self.http_port = self._listeners[0].getsockname()[1]
            url = self.settings.redis.url
            if url is None:
                url = (await stack.enter_async_context(EmbeddedRedis())).url
            client = connect(url, self.settings.redis)
            stack.push_async_callback(client.aclose)
            self._directory = Directory(client, self.settings.redis.key_prefix, 5.0)
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="plenum-data-")))
            self.children = [Child(self._settings_of(index, url, folder)) for index in range(self._count)]
            stack.push_async_callback(self._stop_children)
            await asyncio.gather(*(self._start_child(child) for child in self.children))
            self._stack = stack.pop_all()
        loop = asyncio.get_running_loop()
        self._watchers = [loop.create_task(self._watch(child), name=child.name) for child in self.children]
        log.info("all shards listen", http_port=self.http_port, shards=self._count)

    async def wait(self) -> None:
        """For ever; only a bug ends it."""
        await asyncio.gather(*self._watchers)

    async def close(self) -> None:
        """Stop all shards in good order, then Redis."""
        await self._stack.aclose()

    def _settings_of(self, index: int, redis_url: str, folder: Path) -> Settings:
        """The settings of one shard: a name, ports and a place in the one service of its own."""
        whole = self.settings
        number = index + 1
        own: dict[str, Any] = {"id": f"{whole.shards.id or own_name()}-{number}"}
        if whole.shards.internal_port:
            own["internal_port"] = whole.shards.internal_port + index
        if whole.shards.secret is None and whole.auth.secret is None:
            self._secret = getattr(self, "_secret", None) or SecretStr(secrets.token_urlsafe(32))
            own["secret"] = self._secret
        media = whole.media
        ports = {name: port + index for name in ("port", "tcp_port") if (port := getattr(media, name))}
        chat = whole.rooms.chat
        if chat.data_folder is None:  # else a room's images would stay behind when it changes shards
            chat = chat.model_copy(update={"data_folder": folder})
        return whole.model_copy(
            update={
                "shards": whole.shards.model_copy(update=own),
                "media": media.model_copy(update=ports),
                "redis": whole.redis.model_copy(update={"url": redis_url}),
                "rooms": whole.rooms.model_copy(update={"chat": chat}),
            }
        )

    # -- one shard -------------------------------------------------------------------------------------------------

    async def _start_child(self, child: Child) -> None:
        child.incarnation = secrets.token_hex(6)
        child.started_at = time.monotonic()
        reads, writes = os.pipe()
        try:
            child.process = self._launch(child, writes)
        finally:
            os.close(writes)
        text = await self._first_words(reads)
        if not text:
            code = await self._ended(child.process)
            raise CommandError(f"shard {child.name} did not start; the log says why", code=_exit_code(code))
        child.ready = json.loads(text)

    def _launch(self, child: Child, writes: int) -> subprocess.Popen[bytes]:
        numbers = [listener.fileno() for listener in self._listeners]
        process = subprocess.Popen(
            [sys.executable, "-m", "scripts.shard_process", str(writes), *map(str, numbers)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            pass_fds=[writes, *numbers],
            env={**os.environ, "SHARD_INCARNATION": child.incarnation},
            process_group=0,
            preexec_fn=end_with_parent(),  # noqa: PLW1509 - one prctl call, no lock is taken in the child
        )
        assert process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            process.stdin.write(pickle.dumps(child.settings))
            process.stdin.close()
        return process

    async def _first_words(self, reads: int) -> str:
        """What the child says when it listens; nothing if it ends before."""
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader()
        pipe, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(reads, "rb"))
        try:
            async with asyncio.timeout(START_TIMEOUT_S):
                return (await reader.readline()).decode()
        except TimeoutError:
            return ""
        finally:
            pipe.close()

    async def _watch(self, child: Child) -> None:
        """Start a shard anew whenever it ends."""
        while True:
            assert child.process is not None
            code = await self._ended(child.process)
            log.error("a shard has ended and is started anew", shard=child.name, code=code)
            await self._bury(child)
            if time.monotonic() - child.started_at > STEADY_S:
                child.pause_s = FIRST_PAUSE_S
            await asyncio.sleep(max(child.pause_s, STAND_ASIDE_S if self._others_serve(child) else 0.0))
            child.pause_s = min(child.pause_s * 2, LONGEST_PAUSE_S)
            try:
                await self._start_child(child)
            except CommandError as error:
                log.error("a shard does not start", shard=child.name, error=str(error))

    def _others_serve(self, child: Child) -> bool:
        processes = [other.process for other in self.children if other is not child]
        return any(process is not None and process.poll() is None for process in processes)

    async def _bury(self, child: Child) -> None:
        """Say that it is dead: its rooms need not wait until their leases run out."""
        assert self._directory is not None
        for _ in range(BURY_TRIES):
            try:
                await self._directory.bury(holder_of(child.name, child.incarnation), child.name)
                return
            except REDIS_FAILURES as error:
                log.warning("Redis is not told of a shard's death", shard=child.name, error=type(error).__name__)
                await asyncio.sleep(FIRST_PAUSE_S)

    async def _stop_children(self) -> None:
        # First: else one might just be starting a shard anew.
        for watcher in self._watchers:
            watcher.cancel()
        await asyncio.gather(*self._watchers, return_exceptions=True)
        running = [child.process for child in self.children if child.process is not None]
        for process in running:
            if process.poll() is None:
                process.terminate()
        limit_s = longest_stop_s(self.settings) + STOP_MARGIN_S
        try:
            async with asyncio.timeout(limit_s):
                await asyncio.gather(*(self._ended(process) for process in running))
        except TimeoutError:
            for process in running:
                process.kill()
                process.wait()

    @staticmethod
    async def _ended(process: subprocess.Popen[bytes]) -> int:
        """The exit code, as soon as the process has ended."""
        loop = asyncio.get_running_loop()
        if hasattr(os, "pidfd_open") and process.poll() is None:
            with contextlib.suppress(OSError):
                number = os.pidfd_open(process.pid)
                ended = asyncio.Event()
                loop.add_reader(number, ended.set)
                try:
                    await ended.wait()
                finally:
                    loop.remove_reader(number)
                    os.close(number)
        while (code := process.poll()) is None:  # noqa: ASYNC110 - where there is no pidfd
            await asyncio.sleep(0.05)
        return code


def _exit_code(code: int) -> ExitCode:
    return ExitCode(code) if code in {kind.value for kind in ExitCode} and code else ExitCode.INTERNAL


def run(settings: Settings, count: int, on_listening: Callable[[Supervisor], None]) -> ExitCode:
    """Run shards until SIGTERM or SIGINT, then stop in good order. Raises CommandError if they cannot start."""
    return asyncio.run(_serve(settings, count, on_listening))


async def _serve(settings: Settings, count: int, on_listening: Callable[[Supervisor], None]) -> ExitCode:
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    supervisor = Supervisor(settings, count)
    stopped = loop.create_task(stop.wait())
    starting = loop.create_task(supervisor.start())
    try:
        await asyncio.wait({starting, stopped}, return_when=asyncio.FIRST_COMPLETED)
        if not starting.done():
            starting.cancel()
            await asyncio.gather(starting, return_exceptions=True)
            return ExitCode.OK
        starting.result()
        on_listening(supervisor)
        waiting = loop.create_task(supervisor.wait())
        await asyncio.wait({waiting, stopped}, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
    finally:
        stopped.cancel()
        log.info("stopping")
        await supervisor.close()
    return ExitCode.OK if stop.is_set() else ExitCode.INTERNAL
