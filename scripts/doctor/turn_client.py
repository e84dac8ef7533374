"""As much of a TURN client as it takes to see whether a server gives an allocation (RFC 8656 section 7)."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import re
import ssl
from dataclasses import dataclass
from typing import Literal, NamedTuple, Protocol, cast

from sfu.errors import MalformedPacket
from sfu.ice import stun

ALLOCATE_REQUEST = 0x0003
ALLOCATE_RESPONSE = 0x0103
REFRESH_REQUEST = 0x0004
LIFETIME = 0x000D
REALM = 0x0014
NONCE = 0x0015
XOR_RELAYED_ADDRESS = 0x0016
REQUESTED_TRANSPORT = 0x0019
_UDP = bytes((17, 0, 0, 0))
_RESEND_AFTER_S = 0.5
_URL = re.compile(r"(turns?):(\[[^\]]+\]|[^:?]+)(?::(\d+))?(?:\?transport=(udp|tcp))?")


class TurnRefused(Exception):
    """The server answered, and said no: its error code and reason."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(f"{code} {reason}")
        self.code = code
        self.reason = reason


@dataclass(frozen=True)
class TurnAddress:
    """Where a TURN server is and how it is spoken to."""

    host: str
    port: int
    transport: Literal["udp", "tcp", "tls"]


def parse_turn_url(url: str) -> TurnAddress | None:
    """The parts of a ``turn:`` or ``turns:`` address (RFC 7065); None where it cannot be used here (TURN over DTLS)."""
    found = _URL.fullmatch(url)
    if found is None:
        return None
    scheme, host, port, transport = found.groups()
    host = host.strip("[]")
    if scheme == "turns":
        return None if transport == "udp" else TurnAddress(host, int(port or 5349), "tls")
    return TurnAddress(host, int(port or 3478), "tcp" if transport == "tcp" else "udp")


class Allocation(NamedTuple):
    """The address that the server relays from."""

    host: str
    port: int


async def allocate(where: TurnAddress, username: str, password: str, *, timeout_s: float = 3.0) -> Allocation:
    """Ask for an allocation and give it back at once.

    Raises TurnRefused when the server says no, MalformedPacket when it does not speak TURN, OSError (TimeoutError and
    ssl.SSLError are such) when it cannot be reached.
    """
    async with asyncio.timeout(timeout_s):
        wire = await _open(where)
        try:
            return await _allocate(wire, username, password)
        finally:
            wire.close()
            await asyncio.sleep(0)  # closing takes one turn of the loop


async def _allocate(wire: _Wire, username: str, password: str) -> Allocation:
    wanted = stun.attribute(REQUESTED_TRANSPORT, _UDP)
    # The first request carries no credentials: its refusal brings realm and nonce (RFC 8489 section 9.2.3).
    challenge = await _ask(wire, ALLOCATE_REQUEST, wanted, None)
    realm, nonce = (challenge.attributes.get(kind, b"") for kind in (REALM, NONCE))
    if challenge.kind == ALLOCATE_RESPONSE:
        return _relayed(challenge)
    if stun.read_error_code(challenge) != 401 or not realm:
        raise _refusal(challenge)
    key = hashlib.md5(f"{username}:".encode() + realm + b":" + password.encode(), usedforsecurity=False).digest()
    identity = stun.attribute(stun.USERNAME, username.encode())
    identity += stun.attribute(REALM, realm) + stun.attribute(NONCE, nonce)
    answer = await _ask(wire, ALLOCATE_REQUEST, wanted + identity, key)
    if answer.kind != ALLOCATE_RESPONSE:
        raise _refusal(answer)
    with contextlib.suppress(OSError, MalformedPacket):
        await _ask(wire, REFRESH_REQUEST, stun.attribute(LIFETIME, bytes(4)) + identity, key)
    return _relayed(answer)


async def _ask(wire: _Wire, kind: int, attributes: bytes, key: bytes | None) -> stun.StunMessage:
    transaction_id = os.urandom(12)
    request = stun.build_message(kind, transaction_id, attributes, key)
    while True:
        wire.send(request)
        try:
            # The whole has a time-out of its own; this one is for a lost datagram.
            async with asyncio.timeout(_RESEND_AFTER_S):
                while True:
                    answer = stun.parse_stun(await wire.receive())
                    if answer.transaction_id == transaction_id:
                        return answer
        except TimeoutError:
            if not wire.resends:
                await asyncio.Event().wait()  # a stream loses nothing: the time-out of the whole ends this


def _relayed(answer: stun.StunMessage) -> Allocation:
    value = answer.attributes.get(XOR_RELAYED_ADDRESS, b"")
    stand_in = stun.StunMessage(answer.kind, answer.transaction_id, {stun.XOR_MAPPED_ADDRESS: value}, -1)
    return Allocation(*stun.read_xor_mapped_address(stand_in))


def _refusal(answer: stun.StunMessage) -> TurnRefused:
    reason = answer.attributes.get(stun.ERROR_CODE, b"")[4:]
    return TurnRefused(stun.read_error_code(answer), reason.decode(errors="replace").strip("\0 "))


# -- the wire ----------------------------------------------------------------------------------------------------------


class _Wire(Protocol):
    resends: bool

    def send(self, message: bytes) -> None: ...

    async def receive(self) -> bytes: ...

    def close(self) -> None: ...


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
    resends = False

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    def send(self, message: bytes) -> None:
        self._writer.write(message)

    async def receive(self) -> bytes:
        try:
            head = await self._reader.readexactly(stun.HEADER_BYTES)
            return head + await self._reader.readexactly(int.from_bytes(head[2:4], "big"))
        except asyncio.IncompleteReadError:
            raise ConnectionResetError("the server closed the connection") from None

    def close(self) -> None:
        self._writer.transport.abort()


async def _open(where: TurnAddress) -> _Wire:
    if where.transport == "udp":
        loop = asyncio.get_running_loop()
        _, wire = await loop.create_datagram_endpoint(_Datagrams, remote_addr=(where.host, where.port))
        return wire
    context = ssl.create_default_context() if where.transport == "tls" else None
    return _Stream(*await asyncio.open_connection(where.host, where.port, ssl=context))
