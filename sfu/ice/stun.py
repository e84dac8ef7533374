"""STUN messages as ICE uses them (RFC 8489): parse, check the integrity, build responses.

Everything here is on the packet path: 300 subscribers send several checks a second each, so parsing keeps
offsets, copies as little as it can and the digest is one call of ``hmac.digest``.
"""

from __future__ import annotations

import hmac
import struct
from ipaddress import ip_address
from zlib import crc32

from sfu.errors import MalformedPacket

MAGIC_COOKIE = 0x2112A442
HEADER_BYTES = 20
MAX_MESSAGE_BYTES = 1500

BINDING_REQUEST = 0x0001
BINDING_INDICATION = 0x0011
BINDING_RESPONSE = 0x0101
BINDING_ERROR = 0x0111

USERNAME = 0x0006
MESSAGE_INTEGRITY = 0x0008
ERROR_CODE = 0x0009
UNKNOWN_ATTRIBUTES = 0x000A
MESSAGE_INTEGRITY_SHA256 = 0x001C
XOR_MAPPED_ADDRESS = 0x0020
PRIORITY = 0x0024
USE_CANDIDATE = 0x0025
SOFTWARE = 0x8022
FINGERPRINT = 0x8028
ICE_CONTROLLED = 0x8029
ICE_CONTROLLING = 0x802A

# Comprehension-required attributes (below 0x8000) that a check may carry without being refused by 420.
UNDERSTOOD = frozenset(
    {USERNAME, MESSAGE_INTEGRITY, ERROR_CODE, UNKNOWN_ATTRIBUTES, MESSAGE_INTEGRITY_SHA256, XOR_MAPPED_ADDRESS}
    | {PRIORITY, USE_CANDIDATE, 0x0001, 0x0014, 0x0015, 0x001D, 0x001E}
)

REASONS = {400: "Bad Request", 401: "Unauthenticated", 420: "Unknown Attribute", 487: "Role Conflict"}

_FINGERPRINT_XOR = 0x5354554E
_INTEGRITY_BYTES = 24  # attribute header and SHA-1 digest
_FINGERPRINT_BYTES = 8
_ATTRIBUTE = struct.Struct("!HH")
_HEADER = struct.Struct("!HHI12s")
_U16 = struct.Struct("!H")
_U32 = struct.Struct("!I")

Address = tuple[str, int]


class StunMessage:
    """A parsed message; attribute values are plain bytes, the first of each type (RFC 8489 section 14)."""

    __slots__ = ("attributes", "integrity_offset", "kind", "transaction_id")

    def __init__(self, kind: int, transaction_id: bytes, attributes: dict[int, bytes], integrity_offset: int) -> None:
        self.kind = kind
        self.transaction_id = transaction_id
        self.attributes = attributes
        self.integrity_offset = integrity_offset  # of the MESSAGE-INTEGRITY attribute; -1: there is none

    @property
    def username(self) -> str | None:
        """USERNAME as text, None when absent; raises MalformedPacket when it is not UTF-8."""
        value = self.attributes.get(USERNAME)
        if value is None:
            return None
        try:
            return value.decode()
        except UnicodeDecodeError:
            raise MalformedPacket("stun_username") from None

    @property
    def priority(self) -> int:
        """PRIORITY of the peer's candidate, 0 when absent or of a wrong length."""
        value = self.attributes.get(PRIORITY, b"")
        return int.from_bytes(value, "big") if len(value) == 4 else 0

    def unknown_required(self) -> list[int]:
        """Comprehension-required attribute types that are not understood (RFC 8489 section 6.3.1)."""
        return [kind for kind in self.attributes if kind < 0x8000 and kind not in UNDERSTOOD]


def parse_stun(data: bytes) -> StunMessage:
    """Parse one datagram.

    Raises MalformedPacket with ``stun_length``, ``stun_cookie``, ``stun_attribute``, ``stun_fingerprint``.
    Attributes behind MESSAGE-INTEGRITY are ignored but for FINGERPRINT (RFC 8489 section 14.5).
    """
    total = len(data)
    if total < HEADER_BYTES or total > MAX_MESSAGE_BYTES or total & 3:
        raise MalformedPacket("stun_length")
    kind, length, cookie, transaction_id = _HEADER.unpack_from(data)
    if length + HEADER_BYTES != total or kind & 0xC000:
        raise MalformedPacket("stun_length")
    if cookie != MAGIC_COOKIE:
        raise MalformedPacket("stun_cookie")
    attributes: dict[int, bytes] = {}
    integrity_offset = -1
    position = HEADER_BYTES
    while position < total:
        attribute, size = _ATTRIBUTE.unpack_from(data, position)
        end = position + 4 + size
        if end > total:
            raise MalformedPacket("stun_attribute")
        if attribute == FINGERPRINT:
            _check_fingerprint(data, position, end)
            break
        if integrity_offset < 0:
            if attribute == MESSAGE_INTEGRITY:
                if size != 20:
                    raise MalformedPacket("stun_attribute")
                integrity_offset = position
            if attribute not in attributes:
                attributes[attribute] = data[position + 4 : end]
        position = (end + 3) & ~3
    return StunMessage(kind, transaction_id, attributes, integrity_offset)


def _check_fingerprint(data: bytes, position: int, end: int) -> None:
    """FINGERPRINT is the last attribute and a CRC-32 of all before it (RFC 8489 section 14.7)."""
    if end - position != _FINGERPRINT_BYTES or end != len(data):
        raise MalformedPacket("stun_fingerprint")
    if _U32.unpack_from(data, position + 4)[0] != crc32(data[:position]) ^ _FINGERPRINT_XOR:
        raise MalformedPacket("stun_fingerprint")


def integrity_matches(message: StunMessage, data: bytes, key: bytes) -> bool:
    """Whether MESSAGE-INTEGRITY of ``data`` was made with ``key``, the short-term password (RFC 8489 section 14.5)."""
    offset = message.integrity_offset
    if offset < 0:
        return False
    # The length field counts up to and with MESSAGE-INTEGRITY, whatever follows it.
    covered = data[:2] + _U16.pack(offset + _INTEGRITY_BYTES - HEADER_BYTES) + data[4:offset]
    return hmac.compare_digest(hmac.digest(key, covered, "sha1"), message.attributes[MESSAGE_INTEGRITY])


def attribute(kind: int, value: bytes) -> bytes:
    """One attribute with its header, padded to 4 bytes."""
    return _ATTRIBUTE.pack(kind, len(value)) + value + bytes(-len(value) & 3)


def build_message(kind: int, transaction_id: bytes, attributes: bytes, key: bytes | None) -> bytes:
    """A whole message with FINGERPRINT, and with MESSAGE-INTEGRITY when a key is given."""
    body = attributes
    if key is not None:
        covered = _HEADER.pack(kind, len(body) + _INTEGRITY_BYTES, MAGIC_COOKIE, transaction_id) + body
        body += b"\x00\x08\x00\x14" + hmac.digest(key, covered, "sha1")
    message = _HEADER.pack(kind, len(body) + _FINGERPRINT_BYTES, MAGIC_COOKIE, transaction_id) + body
    return message + b"\x80\x28\x00\x04" + _U32.pack(crc32(message) ^ _FINGERPRINT_XOR)


def xor_mapped_address(address: Address, transaction_id: bytes) -> bytes:
    """The XOR-MAPPED-ADDRESS attribute for IPv4 or IPv6 (RFC 8489 section 14.2); a zone index is left out."""
    ip = ip_address(address[0].partition("%")[0])
    if ip.version == 4:
        value = b"\x00\x01" + _U16.pack(address[1] ^ 0x2112) + _U32.pack(int(ip) ^ MAGIC_COOKIE)
    else:
        mask = MAGIC_COOKIE << 96 | int.from_bytes(transaction_id, "big")
        value = b"\x00\x02" + _U16.pack(address[1] ^ 0x2112) + (int(ip) ^ mask).to_bytes(16, "big")
    return attribute(XOR_MAPPED_ADDRESS, value)


def read_xor_mapped_address(message: StunMessage) -> Address:
    """The reflexive address of a response; raises MalformedPacket('stun_address')."""
    value = message.attributes.get(XOR_MAPPED_ADDRESS, b"")
    if len(value) == 8 and value[1] == 1:
        ip = str(ip_address(_U32.unpack_from(value, 4)[0] ^ MAGIC_COOKIE))
    elif len(value) == 20 and value[1] == 2:
        mask = MAGIC_COOKIE << 96 | int.from_bytes(message.transaction_id, "big")
        ip = str(ip_address((int.from_bytes(value[4:], "big") ^ mask).to_bytes(16, "big")))
    else:
        raise MalformedPacket("stun_address")
    return ip, int(_U16.unpack_from(value, 2)[0]) ^ 0x2112


def success_response(transaction_id: bytes, address: Address, key: bytes) -> bytes:
    """Binding success response, signed with our password (RFC 8445 section 7.3)."""
    return build_message(BINDING_RESPONSE, transaction_id, xor_mapped_address(address, transaction_id), key)


def error_response(
    transaction_id: bytes, code: int, key: bytes | None = None, unknown: list[int] | None = None
) -> bytes:
    """Binding error response; 400 and 401 are unsigned (RFC 8489 section 9.1.3), ``unknown`` is for 420."""
    reason = REASONS[code].encode()
    attributes = attribute(ERROR_CODE, bytes((0, 0, code // 100, code % 100)) + reason)
    if unknown:
        attributes += attribute(UNKNOWN_ATTRIBUTES, b"".join(_U16.pack(kind) for kind in unknown[:16]))
    return build_message(BINDING_ERROR, transaction_id, attributes, key)


def read_error_code(message: StunMessage) -> int:
    """The code of an error response, 0 when there is none."""
    value = message.attributes.get(ERROR_CODE, b"")
    return (value[2] & 7) * 100 + value[3] if len(value) >= 4 else 0
