"""As much of a TURN client as it takes to see whether a server gives an allocation (RFC 8656 section 7)."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import re
from dataclasses import dataclass
from typing import Literal, NamedTuple

from scripts.doctor.wire import Wire, ask, open_wire
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
        wire = await open_wire(where.host, where.port, where.transport)
        try:
            return await _allocate(wire, username, password)
        finally:
            wire.close()
            await asyncio.sleep(0)  # closing takes one turn of the loop


async def _allocate(wire: Wire, username: str, password: str) -> Allocation:
    wanted = stun.attribute(REQUESTED_TRANSPORT, _UDP)
    # The first request carries no credentials: its refusal brings realm and nonce (RFC 8489 section 9.2.3).
    challenge = await ask(wire, ALLOCATE_REQUEST, wanted, None)
    realm, nonce = (challenge.attributes.get(kind, b"") for kind in (REALM, NONCE))
    if challenge.kind == ALLOCATE_RESPONSE:
        return _relayed(challenge)
    if stun.read_error_code(challenge) != 401 or not realm:
        raise _refusal(challenge)
    key = hashlib.md5(f"{username}:".encode() + realm + b":" + password.encode(), usedforsecurity=False).digest()
    identity = stun.attribute(stun.USERNAME, username.encode())
    identity += stun.attribute(REALM, realm) + stun.attribute(NONCE, nonce)
    answer = await ask(wire, ALLOCATE_REQUEST, wanted + identity, key)
    if answer.kind != ALLOCATE_RESPONSE:
        raise _refusal(answer)
    with contextlib.suppress(OSError, MalformedPacket):
        await ask(wire, REFRESH_REQUEST, stun.attribute(LIFETIME, bytes(4)) + identity, key)
    return _relayed(answer)


def _relayed(answer: stun.StunMessage) -> Allocation:
    value = answer.attributes.get(XOR_RELAYED_ADDRESS, b"")
    stand_in = stun.StunMessage(answer.kind, answer.transaction_id, {stun.XOR_MAPPED_ADDRESS: value}, -1)
    return Allocation(*stun.read_xor_mapped_address(stand_in))


def _refusal(answer: stun.StunMessage) -> TurnRefused:
    reason = answer.attributes.get(stun.ERROR_CODE, b"")[4:]
    return TurnRefused(stun.read_error_code(answer), reason.decode(errors="replace").strip("\0 "))
