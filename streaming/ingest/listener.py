"""The RTMP port: each connection that brings a good key becomes a publishing process."""

from __future__ import annotations

import asyncio
import contextlib
import os
from typing import Protocol

import structlog

from streaming.ingest import flv_file
from streaming.ingest.process import Publishing
from streaming.rtmp.errors import RtmpError
from streaming.rtmp.server import AudioCame, Ended, Event, IngestSession, PublishAsked, VideoCame

_ASK_TIMEOUT_S = 10.0
_SILENT_TIMEOUT_S = 20.0
_MAX_CONNECTIONS = 50
_READ_BYTES = 65_536
_log = structlog.get_logger("plenum.ingest")


class IngestGate(Protocol):
    """Who may publish, and where."""

    def admit(self, app: str, key: str) -> tuple[str, str] | None:
        """The room and the name that a stream key gives; None: it gives none."""
        ...

    def whip_url(self, room_id: str) -> str:
        """Where the stream is published."""
        ...


class RtmpListener:
    """``start``, then ``close``. ``port`` is the one in use."""

    def __init__(self, gate: IngestGate, host: str, port: int) -> None:
        self.port = port
        self._gate = gate
        self._host = host
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Listen; raises OSError."""
        self._server = await asyncio.start_server(self._accept, self._host, self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """End all streams."""
        if self._server is not None:
            self._server.close()
        for task in list(self._tasks):
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            if len(self._tasks) <= _MAX_CONNECTIONS:
                await _Connection(self._gate, reader, writer).run()
        except RtmpError as error:
            _log.info("an RTMP publisher is ended", reason=error.reason)
        except (OSError, EOFError, TimeoutError):
            pass
        except asyncio.CancelledError:
            pass  # the server goes down
        except Exception:
            _log.exception("an RTMP publisher failed")
        finally:
            self._tasks.discard(task)
            writer.transport.abort()
            with contextlib.suppress(OSError, asyncio.CancelledError):
                await writer.wait_closed()


class _Connection:
    """One client."""

    def __init__(self, gate: IngestGate, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._gate = gate
        self._reader = reader
        self._writer = writer
        self._session = IngestSession(os.urandom(1528))
        self._publishing: Publishing | None = None

    async def run(self) -> None:
        try:
            while await self._turn():
                pass
        finally:
            if self._publishing is not None:
                await self._publishing.close()

    async def _turn(self) -> bool:
        """Read once; whether there is more to come. Raises RtmpError, TimeoutError."""
        limit_s = _SILENT_TIMEOUT_S if self._publishing is not None else _ASK_TIMEOUT_S
        async with asyncio.timeout(limit_s):
            data = await self._reader.read(_READ_BYTES)
        if not data:
            return False
        for event in self._session.receive(data):
            if not await self._take(event):
                return False
        self._writer.write(self._session.to_send())
        await self._writer.drain()
        return self._publishing is None or self._publishing.running

    async def _take(self, event: Event) -> bool:
        match event:
            case PublishAsked(app, key):
                return await self._begin(app, key)
            case VideoCame(timestamp_ms, body):
                kind = bytes(((1 if body.key else 2) << 4 | 7, 0 if body.header else 1))
                offset = (body.composition_ms & 0xFFFFFF).to_bytes(3, "big")
                await self._pass_on(flv_file.VIDEO, timestamp_ms, kind + offset + body.data)
            case AudioCame(timestamp_ms, sound):
                await self._pass_on(flv_file.AUDIO, timestamp_ms, bytes((0xAF, 0 if sound.header else 1)) + sound.data)
            case Ended():
                return False
        return True

    async def _begin(self, app: str, key: str) -> bool:
        admitted = self._gate.admit(app, key)
        if admitted is None:
            self._session.refuse("The stream key opens no room.")
            self._writer.write(self._session.to_send())
            await self._writer.drain()
            _log.info("an RTMP publisher brought no good key")
            return False
        room_id, name = admitted
        self._publishing = await Publishing.start(self._gate.whip_url(room_id), key, room_id, name)
        self._session.accept()
        _log.info("publishes by RTMP", room=room_id, participant=name)
        return True

    async def _pass_on(self, kind: int, timestamp_ms: int, body: bytes) -> None:
        if self._publishing is not None:
            await self._publishing.write(flv_file.tag(kind, timestamp_ms, body))
