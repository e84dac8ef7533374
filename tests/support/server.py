"""The real server as a process: `plenum serve` on free ports, and a verdict on its log and exit when it ends."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx

from tests.support.ports import free_media_port, free_tcp_port
from tests.support.tokens import SECRET, mint_invite, mint_token

ROOT = Path(__file__).resolve().parents[2]
START_TIMEOUT_S = 30.0  # under 2 s on a quiet machine
STOP_TIMEOUT_S = 12.0
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
_TICKS = os.sysconf("SC_CLK_TCK")
# A line of the log that holds one of these is a bug, whatever its level says.
_TROUBLE = re.compile(
    r"Traceback|Exception ignored|was never retrieved|was never awaited|Task was destroyed|ResourceWarning|Fatal"
)
_TROUBLE_LEVELS = frozenset({"error", "critical", "exception"})


class ServerTrouble(AssertionError):
    """The server did not start, did not stop, or its log holds what must not be there."""


class PlenumServer:
    """One `plenum serve`. The log is a file, so that a full pipe can never stop the server."""

    def __init__(
        self, directory: Path, settings: Mapping[str, str] | None = None, arguments: Sequence[str] = ()
    ) -> None:
        self.start_timeout_s = START_TIMEOUT_S
        self.arguments = arguments
        self.directory = directory
        self.settings = dict(settings or {})
        self.port = free_tcp_port()
        self.media_port = free_media_port()
        self.log_path = directory / f"server-{self.port}.log"
        self.process: asyncio.subprocess.Process | None = None
        self._minted: list[str] = []
        self._log_offset = 0

    @property
    def url(self) -> str:
        """Where the page lives; localhost, because browsers give cameras to it without TLS."""
        return f"http://localhost:{self.port}"

    @property
    def pid(self) -> int:
        if self.process is None:
            raise RuntimeError("the server is not running")
        return self.process.pid

    async def __aenter__(self) -> PlenumServer:
        await self.start()
        return self

    async def __aexit__(self, *failure: object) -> None:
        await self.stop(check=failure[0] is None)

    async def start(self) -> float:
        """Start and wait until the health check answers, and of several shards all are there; the seconds that took.

        Raises:
            ServerTrouble: it ended or did not answer in time; the message holds the end of the log.
        """
        started = time.monotonic()
        with self.log_path.open("ab") as log:
            self._log_offset = log.tell()
            self.process = await asyncio.create_subprocess_exec(
                *self._command(),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self.environment(),
                cwd=ROOT,
            )
        async with httpx.AsyncClient() as client:
            while time.monotonic() - started < self.start_timeout_s:
                if self.process.returncode is not None:
                    raise ServerTrouble(f"the server ended with {self.process.returncode}:\n{self.log_tail()}")
                try:
                    answer = await client.get(f"{self.url}/webrtc/health", timeout=2)
                    if answer.status_code == 200 and self._all_shards_listen():
                        return time.monotonic() - started
                except httpx.TransportError:
                    pass
                await asyncio.sleep(0.05)
        await self.kill()
        raise ServerTrouble(f"the server did not answer in {self.start_timeout_s:.0f} s:\n{self.log_tail()}")

    def _all_shards_listen(self) -> bool:
        """One that is the first to listen would get all rooms."""
        if "--shards" not in self.arguments or "PLENUM_LOGGING__LEVEL" in self.settings:
            return True
        return "all shards listen" in self.log_text()

    async def stop(self, *, check: bool = True) -> None:
        """SIGTERM, as an operator's service manager does it.

        Raises:
            ServerTrouble: it did not end in time or not with 0, or its log holds a traceback or a secret.
        """
        process = self.process
        if process is None:
            return
        self.process = None
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
        try:
            code = await asyncio.wait_for(process.wait(), STOP_TIMEOUT_S)
        except TimeoutError:
            process.kill()
            await process.wait()
            raise ServerTrouble(f"the server did not stop in {STOP_TIMEOUT_S:.0f} s:\n{self.log_tail()}") from None
        if check:
            if code != 0:
                raise ServerTrouble(f"the server ended with {code}:\n{self.log_tail()}")
            self.check_log()

    async def kill(self) -> None:
        """SIGKILL: the server dies as in a crash."""
        if self.process is not None and self.process.returncode is None:
            self.process.kill()
            await self.process.wait()
        self.process = None

    def forget_log(self) -> None:
        """From here on the log counts anew."""
        self._log_offset = self.log_path.stat().st_size

    def check_log(self) -> None:
        """Raises ServerTrouble if the log holds a traceback, an error, a token or the secret."""
        trouble = self.log_trouble()
        if trouble:
            raise ServerTrouble("the log holds what must not be there:\n" + "\n".join(trouble[:40]))

    def log_trouble(self) -> list[str]:
        """Lines of the log that must not be there, with what follows a traceback."""
        text = self.log_text()
        lines = text.splitlines()
        found: list[str] = []
        for index, line in enumerate(lines):
            if _TROUBLE.search(line) or _level_of(line) in _TROUBLE_LEVELS:
                found += lines[index : index + 25]
        found += [f"secret in the log: {secret[:12]}…" for secret in (SECRET, *self._minted) if secret in text]
        return found

    def log_text(self) -> str:
        """The log since the latest start."""
        if not self.log_path.exists():
            return ""
        with self.log_path.open("rb") as log:
            log.seek(self._log_offset)
            return log.read().decode(errors="replace")

    def log_tail(self, lines: int = 40) -> str:
        return "\n".join(self.log_text().splitlines()[-lines:])

    def token(self, username: str, room: str | None = None, **claims: Any) -> str:
        """A token of this server, remembered to find it in the log should it leak."""
        token = mint_token(username, room, **claims)
        self._minted.append(token)
        return token

    def join_url(self, room: str) -> str:
        """The link that opens the join screen of a room."""
        invite = mint_invite(room)
        self._minted.append(invite)
        return f"{self.url}/?room={room}#invite={invite}"

    async def get_json(self, path: str, token: str | None = None) -> Any:
        """GET under /webrtc; raises httpx.HTTPStatusError unless it is 2xx."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        async with httpx.AsyncClient() as client:
            answer = await client.get(f"{self.url}/webrtc{path}", headers=headers, timeout=5)
            answer.raise_for_status()
            return answer.json()

    def rss_bytes(self) -> int:
        """Resident memory of the server process; the embedded Redis is another one."""
        pages = Path(f"/proc/{self.pid}/statm").read_text().split()[1]
        return int(pages) * _PAGE_BYTES

    def cpu_s(self) -> float:
        """Processor time of the server process, user and system."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS

    def _command(self) -> list[str]:
        script = Path(sys.executable).parent / "plenum"
        launcher = [str(script)] if script.exists() else [sys.executable, "-c", "from scripts.cli import main; main()"]
        return [
            *launcher,
            "serve",
            "--host",
            "127.0.0.1",
            "--port",
            str(self.port),
            "--media-port",
            str(self.media_port),
            *self.arguments,
        ]

    def environment(self) -> dict[str, str]:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("PLENUM_")}
        return {
            **inherited,
            "PYTHONWARNINGS": "default::ResourceWarning,default::RuntimeWarning",
            "PLENUM_AUTH__SECRET": SECRET,
            "PLENUM_LOGGING__FORMAT": "json",
            # Servers of tests beside each other would complete each other's recordings in the folder of the default.
            "PLENUM_RECORDING__FOLDER": str(self.directory / "recordings"),
            # Tests keep the machine busy: that must not refuse them a recording.
            "PLENUM_JOBS__MAX_LOAD_PER_CORE": "1000",
            **self.settings,
        }


def _level_of(line: str) -> str:
    if not line.startswith("{"):
        return ""
    try:
        entry = json.loads(line)
    except ValueError:
        return ""
    return str(entry.get("level", "")).lower() if isinstance(entry, dict) else ""
