"""A WebSocket client that costs next to nothing, so that a benchmark measures the server: it notes when bytes come."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import struct
import time
from collections.abc import Callable
from typing import Any

_MASK = b"\x00\x00\x00\x00"  # RFC 6455 section 5.3 wants one; which, is the client's affair
TEXT, CLOSE, PING, PONG = 1, 8, 9, 10


class LightClient(asyncio.Protocol):
    """One socket. ``on_text`` gets each message's bytes and when they came (``time.perf_counter``)."""

    def __init__(self, path: str, on_text: Callable[[bytes, float], None]) -> None:
        self.joined = asyncio.get_running_loop().create_future()
        self.closed = False
        self.close_code = 0
        self._newest = b"{}"
        self._path, self._on_text = path, on_text
        self._data = bytearray()
        self._upgraded = False
        self._transport: asyncio.Transport | None = None

    @classmethod
    async def join(cls, port: int, room: str, token: str, on_text: Callable[[bytes, float], None]) -> LightClient:
        """Connect, and wait for the first message."""
        loop = asyncio.get_running_loop()
        path = f"/webrtc/ws/{room}?token={token}"
        _, client = await loop.create_connection(lambda: cls(path, on_text), "127.0.0.1", port)
        await client.joined
        return client

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        key = base64.b64encode(os.urandom(16)).decode()
        transport.write(
            f"GET {self._path} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
        )

    def data_received(self, data: bytes) -> None:
        at = time.perf_counter()
        buffer = self._data
        buffer += data
        if not self._upgraded:
            end = buffer.find(b"\r\n\r\n")
            if end < 0:
                return
            assert buffer.startswith(b"HTTP/1.1 101"), bytes(buffer[:200])
            del buffer[: end + 4]
            self._upgraded = True
        while len(buffer) >= 2:
            length, start = buffer[1] & 0x7F, 2
            if length == 126:
                if len(buffer) < 4:
                    return
                length, start = struct.unpack_from("!H", buffer, 2)[0], 4
            elif length == 127:
                if len(buffer) < 10:
                    return
                length, start = struct.unpack_from("!Q", buffer, 2)[0], 10
            if len(buffer) < start + length:
                return
            opcode, payload = buffer[0] & 0x0F, bytes(buffer[start : start + length])
            del buffer[: start + length]
            self._take(opcode, payload, at)

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed = True
        if not self.joined.done():
            self.joined.set_exception(ConnectionError(f"closed before it had joined: {exc!r}"))

    def send(self, message_type: str, payload: dict[str, Any]) -> None:
        """Send one message."""
        self._frame(TEXT, json.dumps({"type": message_type, "payload": payload}).encode())

    def beat(self) -> None:
        """A heartbeat that confirms what has come, as those of all clients do."""
        self.send("heartbeat", {"last_seq": json.loads(self._newest).get("seq", 0)})

    def close(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def _take(self, opcode: int, payload: bytes, at: float) -> None:
        if opcode == TEXT:
            if not self.joined.done():
                self.joined.set_result(payload)
            self._newest = payload
            self._on_text(payload, at)
        elif opcode == PING:
            self._frame(PONG, payload)
        elif opcode == CLOSE and len(payload) >= 2:
            self.close_code = struct.unpack_from("!H", payload)[0]

    def _frame(self, opcode: int, payload: bytes) -> None:
        length = len(payload)
        size = bytes([0x80 | length]) if length < 126 else struct.pack("!BH", 0x80 | 126, length)
        assert self._transport is not None and length < 65_536
        self._transport.write(bytes([0x80 | opcode]) + size + _MASK + payload)
