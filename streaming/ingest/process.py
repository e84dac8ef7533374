"""The process that publishes one stream, from the shard's side: it is fed FLV, and killed when it does not end."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys

import structlog

from media.child import Child
from streaming.ingest import flv_file

MODULE = "streaming.ingest"
_END_TIMEOUT_S = 3.0
_log = structlog.get_logger("plenum.ingest")


class Publishing:
    """One publishing process."""

    def __init__(self, process: Child, room_id: str, name: str) -> None:
        self._process = process
        self._log = _log.bind(room=room_id, participant=name, pid=process.pid)
        self._reading = asyncio.create_task(self._read_log(), name=f"log of RTMP publisher {process.pid}")

    @classmethod
    async def start(cls, whip_url: str, token: str, room_id: str, name: str) -> Publishing:
        """Start it; its secrets go by its standard input, where nobody else reads them. Raises OSError."""
        process = await Child.start((sys.executable, "-m", MODULE))
        made = cls(process, room_id, name)
        setup = json.dumps({"whip_url": whip_url, "token": token}).encode() + b"\n"
        await made.write(setup + flv_file.HEADER)
        return made

    @property
    def running(self) -> bool:
        """Whether it still publishes."""
        return self._process.returncode is None

    async def write(self, data: bytes) -> None:
        """Feed it; waits while it does not keep up, which makes the encoder wait in turn."""
        with contextlib.suppress(ConnectionError):
            self._process.stdin.write(data)
            await self._process.stdin.drain()

    async def close(self) -> None:
        """The stream has ended."""
        self._process.stdin.close()
        try:
            async with asyncio.timeout(_END_TIMEOUT_S):
                await self._process.wait()
        except TimeoutError:
            self._process.kill()
            await self._process.wait()
        await asyncio.wait({self._reading}, timeout=1)
        self._reading.cancel()
        self._process.close()

    async def _read_log(self) -> None:
        async for line in self._process.stderr:
            self._log.info("RTMP publisher says", line=line.decode("utf-8", "replace").strip()[:300])
