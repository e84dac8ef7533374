"""Helpers for other WebRTC clients that run as processes of their own."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

_HERE = Path(__file__).parent
SYSTEM_PYTHON = "/usr/bin/python3"  # has the GStreamer bindings (python3-gi), which PyPI does not offer ready to use


class ClientProcess:
    """A client process whose output is JSON lines or plain text; `async with` ends it."""

    def __init__(self, *command: str) -> None:
        self.command = command
        self.events: list[dict[str, Any]] = []
        self.text: list[str] = []
        self._process: asyncio.subprocess.Process | None = None
        self._reader: asyncio.Task[None] | None = None

    async def __aenter__(self) -> ClientProcess:
        self._process = await asyncio.create_subprocess_exec(
            *self.command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        self._reader = asyncio.create_task(self._read())
        return self

    async def __aexit__(self, *failure: object) -> None:
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
        await self.wait(5)

    async def wait(self, timeout_s: float = 30) -> int:
        """The exit code. Raises TimeoutError when it goes on running."""
        if self._process is None or self._reader is None:
            raise RuntimeError("the client is not running")
        await asyncio.wait_for(self._reader, timeout_s)
        return await asyncio.wait_for(self._process.wait(), timeout_s)

    def last(self, event: str) -> dict[str, Any]:
        """The latest event of a name. Raises AssertionError with all the output when it never came."""
        for entry in reversed(self.events):
            if entry["event"] == event:
                return entry
        raise AssertionError(f"no event {event!r} in:\n{self.output}")

    @property
    def output(self) -> str:
        return "\n".join([*map(json.dumps, self.events), *self.text])

    async def _read(self) -> None:
        assert self._process is not None
        assert self._process.stdout is not None
        async for raw in self._process.stdout:
            line = raw.decode(errors="replace").rstrip()
            try:
                entry = json.loads(line)
            except ValueError:
                self.text.append(line)
                continue
            if isinstance(entry, dict) and "event" in entry:
                self.events.append(entry)


def gstreamer(role: str, url: str, token: str, *, video: str = "vp8", seconds: float = 8) -> ClientProcess:
    """GStreamer publishing to WHIP or playing from WHEP."""
    script = str(_HERE / "gst_client.py")
    return ClientProcess(SYSTEM_PYTHON, script, role, url, token, "--video", video, "--seconds", str(seconds))


def pyav_whip(url: str, token: str, certificate: Path, key: Path, *, seconds: float = 8) -> ClientProcess:
    """FFmpeg's WHIP muxer publishing."""
    script = str(_HERE / "pyav_publisher.py")
    return ClientProcess(sys.executable, script, url, token, str(seconds), str(certificate), str(key))
