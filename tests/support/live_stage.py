"""What the benchmarks of live output begin with: a server, somebody who publishes the film of flashes and beeps, and
a host who hears what the room is told.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tempfile
import time
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Self

import httpx
import websockets

from tests.support.certificates import write_certificate
from tests.support.participant import eventually
from tests.support.processes import ClientProcess
from tests.support.server import PlenumServer

_SETTINGS = {"PLENUM_LIVE__PRIVATE_TARGETS": "true"}
_TICKS = os.sysconf("SC_CLK_TCK")


class LiveStage:
    """``async with`` makes it. ``told``: messages about live streams with the time at which they came."""

    def __init__(self, settings: dict[str, str] | None = None, *, film: str | None = "854x480") -> None:
        self._stack = AsyncExitStack()
        self._film = film
        self._settings = {**_SETTINGS, **(settings or {})}
        self.folder = Path()
        self._film_plays = asyncio.Event()
        self.told: list[tuple[float, dict[str, Any]]] = []

    async def __aenter__(self) -> Self:
        enter = self._stack.enter_async_context
        self.folder = Path(self._stack.enter_context(tempfile.TemporaryDirectory(ignore_cleanup_errors=True)))
        self.server = await enter(PlenumServer(self.folder, self._settings))
        token = self.server.token("ada", "bench", role="host")
        self._client = await enter(httpx.AsyncClient(headers={"Authorization": f"Bearer {token}"}, timeout=30))
        url = f"ws://127.0.0.1:{self.server.port}/webrtc/ws/bench?token={token}"
        socket = await enter(websockets.connect(url, max_size=None))
        listening = asyncio.create_task(self._listen(socket))
        self._stack.callback(listening.cancel)
        if self._film is not None:
            await enter(self._publisher(self._film))
            await eventually(self._film_plays.is_set, 60, "the film is not published")  # it encodes its film first
        return self

    async def __aexit__(self, *failure: Any) -> None:
        # Of what the log says, the figures tell: a machine that stood still for a minute is no reason to lose them.
        await self.server.stop(check=False)
        await self._stack.aclose()

    def _publisher(self, size: str) -> ClientProcess:
        keys = self.folder / "keys"
        keys.mkdir()
        certificate, key = write_certificate(keys)
        url = f"http://127.0.0.1:{self.server.port}/webrtc/whip/bench"
        command = [sys.executable, "-m", "tests.support.flash_beep", url, self.server.token("film", "bench"), "86400"]
        return ClientProcess(*command, str(certificate), str(key), "--size", size)

    async def _listen(self, socket: websockets.ClientConnection) -> None:
        async for text in socket:
            message = json.loads(text)
            if str(message.get("type", "")).startswith("live-stream"):
                self.told.append((time.monotonic(), message))
            elif message.get("type") == "user-joined":
                self._film_plays.set()
            elif message.get("type") == "ping":
                await socket.send(json.dumps({"type": "pong", "payload": {}}))

    async def start(self, **wish: Any) -> dict[str, Any]:
        """Start a stream and wait until it is live; what is told of it."""
        answer = await self._client.post(f"{self.server.url}/webrtc/rooms/bench/live-streams/start", json=wish)
        assert answer.status_code == 200, answer.text
        info: dict[str, Any] = answer.json()
        for _ in range(600):
            info = await self.info(info["stream_id"])
            if info["status"] == "live":
                return info
            await asyncio.sleep(0.1)
        raise AssertionError(info)

    async def info(self, stream_id: str) -> dict[str, Any]:
        """What is told of a stream."""
        answer = await self._client.get(f"{self.server.url}/webrtc/rooms/bench/live-streams")
        found: list[dict[str, Any]] = answer.json()["live_streams"]
        return next(stream for stream in found if stream["stream_id"] == stream_id)

    async def stop(self, stream_id: str) -> None:
        """End a stream."""
        await self._client.post(f"{self.server.url}/webrtc/rooms/bench/live-streams/{stream_id}/stop")

    def statuses(self, since: float = 0.0) -> list[tuple[float, str, str | None]]:
        """Each change of status that the room was told: seconds from ``since``, status and reason."""
        return [
            (round(at - since, 1), message["payload"]["status"], message["payload"]["reason"])
            for at, message in self.told
            if message["type"] in ("live-stream-start", "live-stream-stop") and at >= since
        ]

    def workers(self) -> list[int]:
        """Process ids of the live workers."""
        found = []
        for entry in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                words = entry.read_bytes().split(b"\0")
                parent = int((entry.parent / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
            if b"streaming.worker" in words and parent == self.server.pid:
                found.append(int(entry.parent.name))
        return found


def cpu_s(pid: int) -> float:
    """Processor time of a process, user and system."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def memory_mb(pid: int) -> float:
    """Resident memory of a process."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


class Stoppages:
    """Notes when this machine did not let us run: figures of such moments are not the server's."""

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self._task = asyncio.create_task(self._watch())

    async def _watch(self) -> None:
        while True:
            before = time.monotonic()
            await asyncio.sleep(0.2)
            lost_s = time.monotonic() - before - 0.2
            if lost_s > 1:
                self.seconds.append(round(lost_s, 1))

    def close(self) -> list[float]:
        self._task.cancel()
        return self.seconds
