"""The common part of all RTCP packets (RFC 3550 section 6.4.1): types, header, and packets we do not know."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum

_HEADER = struct.Struct("!BBH")


class PacketType(IntEnum):
    """RTCP packet types."""

    SENDER_REPORT = 200
    RECEIVER_REPORT = 201
    SOURCE_DESCRIPTION = 202
    BYE = 203
    TRANSPORT_FEEDBACK = 205
    PAYLOAD_FEEDBACK = 206
    EXTENDED_REPORT = 207


class TransportFormat(IntEnum):
    """Formats of transport-layer feedback (RFC 4585 section 6.2)."""

    NACK = 1
    TRANSPORT_CC = 15


class PayloadFormat(IntEnum):
    """Formats of payload-specific feedback (RFC 4585 section 6.3, RFC 5104 section 4.3)."""

    PLI = 1
    FIR = 4
    APPLICATION = 15


def pack_rtcp(packet_type: int, count: int, body: bytes) -> bytes:
    """One RTCP packet, padded to 32 bits; ``count`` is the 5-bit count or format.

    Raises ValueError for what does not fit.
    """
    padding = -len(body) % 4
    words = (len(body) + padding) >> 2
    if words > 0xFFFF or not 0 <= count <= 31:
        raise ValueError("does not fit an RTCP packet")
    header = _HEADER.pack(0x80 | (0x20 if padding else 0) | count, packet_type, words)
    return header + body + bytes(padding - 1) + bytes((padding,)) if padding else header + body


@dataclass(frozen=True, slots=True)
class UnknownRtcp:
    """A packet of a kind that we do not read, kept as it came, without padding."""

    packet_type: int
    count: int
    body: bytes

    def pack(self) -> bytes:
        """The packet as bytes."""
        return pack_rtcp(self.packet_type, self.count, self.body)
