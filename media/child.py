"""A child process with pipes, started without copying this process's page tables.

uvloop forks, which takes tens of milliseconds in a server of a thousand participants, and every packet waits for it;
``subprocess`` has the kernel suspend us until the child has begun its own program (vfork), which takes less than one.
"""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import threading
from collections.abc import Sequence


class Child:
    """A program that reads its input from us and tells by its error output; it leads a session of its own."""

    def __init__(
        self,
        process: subprocess.Popen[bytes],
        stdin: asyncio.StreamWriter,
        stderr: asyncio.StreamReader,
        hearing: asyncio.ReadTransport,
    ) -> None:
        self.pid = process.pid
        self.stdin = stdin
        self.stderr = stderr
        self._process = process
        self._hearing = hearing
        loop = asyncio.get_running_loop()
        self._ended: asyncio.Future[int] = loop.create_future()
        # A thread of its own, which the interpreter does not wait for: the child may outlive us.
        threading.Thread(target=self._wait, args=(loop,), name=f"child {self.pid}", daemon=True).start()

    @classmethod
    async def start(cls, command: Sequence[str], *, pass_fds: Sequence[int] = (), limit: int = 65_536) -> Child:
        """Start ``command``; raises OSError. ``limit``: bytes of the longest line of its error output."""
        process = _launch(command, pass_fds)
        try:
            return await cls._connect(process, limit)
        except BaseException:
            with process:
                process.kill()
            raise

    @classmethod
    async def _connect(cls, process: subprocess.Popen[bytes], limit: int) -> Child:
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader(limit)
        hearing, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), process.stderr)
        # The protocol of a reader is what there is in public that a StreamWriter can wait for.
        transport, protocol = await loop.connect_write_pipe(
            lambda: asyncio.StreamReaderProtocol(asyncio.StreamReader()), process.stdin
        )
        return cls(process, asyncio.StreamWriter(transport, protocol, None, loop), reader, hearing)

    @property
    def returncode(self) -> int | None:
        """The exit code, negative for a signal's number; None while it runs."""
        return self._ended.result() if self._ended.done() else None

    async def wait(self) -> int:
        """Wait for the end; the exit code."""
        return await asyncio.shield(self._ended)

    def kill(self) -> None:
        """End it now."""
        if not self._ended.done():
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()

    def close(self) -> None:
        """Let go of its pipes; it may run on."""
        self.stdin.close()
        self._hearing.close()

    def _wait(self, loop: asyncio.AbstractEventLoop) -> None:
        code = self._process.wait()
        with contextlib.suppress(RuntimeError):  # the loop has ended before it
            loop.call_soon_threadsafe(self._ended.set_result, code)


def _launch(command: Sequence[str], pass_fds: Sequence[int]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        bufsize=0,
        pass_fds=pass_fds,
        start_new_session=True,
    )
