"""A real coturn on loopback."""

from __future__ import annotations

import asyncio
import shutil
import socket
from types import TracebackType

from tests.support.ports import free_media_port

START_TIMEOUT_S = 10.0
REALM = "turn.test"


class TurnServer:
    """coturn that knows one shared secret; `async with` starts and ends it."""

    def __init__(self, secret: str) -> None:
        self.secret = secret
        self.port = free_media_port()
        self.log: list[str] = []
        self._process: asyncio.subprocess.Process | None = None
        self._reader: asyncio.Task[None] | None = None

    async def __aenter__(self) -> TurnServer:
        binary = shutil.which("turnserver")
        assert binary is not None, "no coturn: apt-get install --no-install-recommends coturn"
        self._process = await asyncio.create_subprocess_exec(
            binary,
            "-n",
            *("--listening-ip", "127.0.0.1", "--relay-ip", "127.0.0.1", "--listening-port", str(self.port)),
            *("--no-tls", "--no-dtls", "--no-cli", "--use-auth-secret", "--static-auth-secret", self.secret),
            *("--realm", REALM, "--min-port", "42000", "--max-port", "42100", "--allow-loopback-peers"),
            *("--log-file", "stdout", "--simple-log"),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        self._reader = asyncio.create_task(self._read())
        async with asyncio.timeout(START_TIMEOUT_S):
            while not self._listens():
                assert self._process.returncode is None, "\n".join(self.log)
                await asyncio.sleep(0.05)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process is not None and self._reader is not None
        if self._process.returncode is None:
            self._process.kill()
        await self._process.wait()
        await self._reader

    def _listens(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    async def _read(self) -> None:
        assert self._process is not None and self._process.stdout is not None
        async for line in self._process.stdout:
            self.log.append(line.decode(errors="replace").rstrip())
