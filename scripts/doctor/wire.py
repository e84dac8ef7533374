"""STUN requests and their answers over UDP, TCP, TLS or ICE-TCP, seen from the client's side."""

from __future__ import annotations

import asyncio
import os
import ssl
from typing import Literal, Protocol, cast

from sfu.ice import stun

Transport = Literal["udp", "tcp", "tls", "ice-tcp"]
_RESEND_AFTER_S = 0.5


class Wire(Protocol):
    """A way to one server. ``resends``: what is sent may get lost, so that it has to be repeated."""

    resends: bool

    def send(self, message: bytes) -> None:
        """Send one message."""
        ...

    async def receive(self) -> bytes:
        """The next message; raises OSError when the server cannot be reached (any more)."""
        ...

    def close(self) -> None:
        """Let go of the socket; that takes one more turn of the loop."""
        ...


async def open_wire(host: str, port: int, transport: Transport) -> Wire:
    """Connect; raises OSError. ``ice-tcp`` frames messages as RFC 4571 has it."""
    if transport == "udp":
        loop = asyncio.get_running_loop()
        _, wire = await loop.create_datagram_endpoint(_Datagrams, remote_addr=(host, port))
        return wire
    context = ssl.create_default_context() if transport == "tls" else None
    reader, writer = await asyncio.open_connection(host, port, ssl=context)
    return (_Framed if transport == "ice-tcp" else _Stream)(reader, writer)


async def ask(wire: Wire, kind: int, attributes: bytes, key: bytes | None) -> stun.StunMessage:
    """Send a request until it is answered; has no end of its own. Raises MalformedPacket, OSError."""
    transaction_id = os.urandom(12)
    request = stun.build_message(kind, transaction_id, attributes, key)
    while True:
        wire.send(request)
        try:
            async with asyncio.timeout(_RESEND_AFTER_S if wire.resends else None):
                while True:
                    answer = stun.parse_stun(await wire.receive())
                    if answer.transaction_id == transaction_id:
                        return answer
        except TimeoutError:
            continue


class _Datagrams(asyncio.DatagramProtocol):
    resends = True

    def __init__(self) -> None:
        self._waiting: asyncio.Queue[bytes | OSError] = asyncio.Queue()
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self._waiting.put_nowait(data)

    def error_received(self, exc: Exception) -> None:
        self._waiting.put_nowait(exc if isinstance(exc, OSError) else OSError(str(exc)))

    def send(self, message: bytes) -> None:
        assert self._transport is not None
        self._transport.sendto(message)

    async def receive(self) -> bytes:
        found = await self._waiting.get()
        if isinstance(found, OSError):
            raise found
        return found

    def close(self) -> None:
        assert self._transport is not None
        self._transport.close()


class _Stream:
    """STUN over a stream: its own header tells the length (RFC 8489 section 6.2.2)."""

    resends = False

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    def send(self, message: bytes) -> None:
        self.writer.write(message)

    async def receive(self) -> bytes:
        try:
            return await self.read_message()
        except asyncio.IncompleteReadError:
            raise ConnectionResetError("the server closed the connection") from None

    async def read_message(self) -> bytes:
        head = await self.reader.readexactly(stun.HEADER_BYTES)
        return head + await self.reader.readexactly(int.from_bytes(head[2:4], "big"))

    def close(self) -> None:
        self.writer.transport.abort()


class _Framed(_Stream):
    def send(self, message: bytes) -> None:
        self.writer.write(len(message).to_bytes(2, "big") + message)

    async def read_message(self) -> bytes:
        size = int.from_bytes(await self.reader.readexactly(2), "big")
        return await self.reader.readexactly(size)
