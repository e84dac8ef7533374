"""What waits to be written to one WebSocket. No task exists while nothing waits: most sessions are idle."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Protocol

from starlette.websockets import WebSocketDisconnect

CLOSE_TIMEOUT_S = 5.0
_ENDED = (RuntimeError, OSError, WebSocketDisconnect)


class Socket(Protocol):
    """The two calls of a WebSocket that are needed here."""

    async def send_text(self, data: str) -> None:
        """Write a text frame; waits while the peer reads slowly."""
        ...

    async def close(self, code: int = 1000, reason: str | None = None) -> None:
        """Close with a code."""
        ...


class Outbox:
    """A bounded queue in front of a socket (a ``SessionPort``). ``on_closed`` is called when a close is through."""

    def __init__(
        self, socket: Socket, *, max_messages: int, max_bytes: int, on_closed: Callable[[], None] = lambda: None
    ) -> None:
        self._socket = socket
        self._max_messages = max_messages
        self._max_bytes = max_bytes
        self._on_closed = on_closed
        # A list: an empty deque takes 750 bytes, and nearly always nothing waits.
        self._texts: list[str] = []
        self._bytes = 0
        self._writer: asyncio.Task[None] | None = None
        self._closer: asyncio.Task[None] | None = None
        self._overflowed = False

    def put(self, text: str) -> bool:
        """Queue a frame; False when it would be too many or too much."""
        if self._closer is not None:
            return True
        if len(self._texts) >= self._max_messages or self._bytes + len(text) > self._max_bytes:
            self._overflowed = True
            return False
        self._texts.append(text)
        self._bytes += len(text)
        if self._writer is None:
            self._writer = asyncio.get_running_loop().create_task(self._write())
        return True

    def close(self, code: int, reason: str) -> None:
        """Write what waits, then close; what waits for a peer that does not read is thrown away."""
        if self._closer is None:
            self._closer = asyncio.get_running_loop().create_task(self._close(code, reason))

    def discard(self) -> None:
        """The socket has ended: write nothing any more."""
        self._texts.clear()
        if self._writer is not None:
            self._writer.cancel()

    async def _write(self) -> None:
        try:
            while self._texts:
                text = self._texts.pop(0)
                self._bytes -= len(text)
                await self._socket.send_text(text)
        except (*_ENDED, asyncio.CancelledError):
            # The socket has ended; whoever reads from it learns that too.
            self._texts.clear()
        finally:
            self._writer = None

    async def _close(self, code: int, reason: str) -> None:
        if self._writer is not None:
            if not self._overflowed:
                await asyncio.wait([self._writer], timeout=CLOSE_TIMEOUT_S)
            self.discard()
        with contextlib.suppress(*_ENDED, TimeoutError):
            async with asyncio.timeout(CLOSE_TIMEOUT_S):
                await self._socket.close(code, reason)
        self._on_closed()
