"""One worker process: started with a socket to its shard, its log read line by line, ended with all it started."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import sys
from collections.abc import Mapping
from typing import Any

import structlog

from media.child import Child
from media.jobs.worker import SOCKET_BUFFER_BYTES

log = structlog.get_logger("plenum.worker")

MAX_LINE_BYTES = 64 * 1024


class WorkerProcess:
    """``python -m MODULE`` in a process group of its own.

    The worker reads its set-up (JSON, secrets too: no other process can see it there) from standard input and finds
    the number of its socket's descriptor as its argument. It outlives us: it sees the end of the socket, finishes its
    files and goes.
    """

    def __init__(self, process: Child, end: socket.socket, context: Mapping[str, str]) -> None:
        self.pid = process.pid
        self.socket = end
        self._process = process
        self._log = log.bind(**context, pid=process.pid)
        self._reading = asyncio.create_task(self._read_log(), name=f"log of worker {process.pid}")

    @classmethod
    async def start(cls, module: str, setup: Mapping[str, Any], context: Mapping[str, str]) -> WorkerProcess:
        """Start a worker; raises OSError."""
        ours, theirs = socket.socketpair()
        try:
            for end in (ours, theirs):
                end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SOCKET_BUFFER_BYTES)
            command = (sys.executable, "-m", module, str(theirs.fileno()))
            process = await Child.start(command, pass_fds=(theirs.fileno(),), limit=MAX_LINE_BYTES)
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()
        ours.setblocking(False)
        with contextlib.suppress(ConnectionError):
            process.stdin.write(json.dumps(setup).encode())
            await process.stdin.drain()
        process.stdin.close()
        return cls(process, ours, context)

    async def wait(self) -> int:
        """Wait for the end; the exit code, negative for a signal's number."""
        code = await self._process.wait()
        # What it said last is said before its end.
        await asyncio.wait({self._reading}, timeout=1.0)
        self._reading.cancel()
        self._process.close()
        return code

    def close_socket(self) -> None:
        """The worker sees the end of its feed and finishes."""
        self.socket.close()

    def kill(self) -> None:
        """End the worker and what it started, now."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)

    async def _read_log(self) -> None:
        stream = self._process.stderr
        while True:
            try:
                line = await stream.readline()
            except ValueError:
                continue  # a line longer than the limit
            if not line:
                return
            self._note(line.decode("utf-8", "replace").rstrip())

    def _note(self, line: str) -> None:
        """A line of our workers is a JSON object; one of a library is text."""
        try:
            fields = json.loads(line)
            event, level = str(fields.pop("event")), str(fields.pop("level"))
        except (ValueError, KeyError, AttributeError):
            if line:
                self._log.warning("worker says", line=line[:2_000])
            return
        note = {"debug": self._log.debug, "info": self._log.info, "warning": self._log.warning}.get(
            level, self._log.error
        )
        note(event, **{f"worker_{k}" if k in ("pid", "event") else k: v for k, v in fields.items()})
