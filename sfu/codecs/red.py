"""Redundant audio (RFC 2198): older frames first, the newest (primary) one last."""

from __future__ import annotations

from sfu.codecs.opus import describe_opus
from sfu.errors import MalformedPacket
from sfu.rtp.payload_info import PayloadInfo

_REDUNDANT_HEADER_BYTES = 4


def primary_block(payload: bytes) -> tuple[int, bytes]:
    """Payload type and bytes of the primary block; raises MalformedPacket: ``red_truncated``."""
    start, end = 0, len(payload)
    payload_type, start = _find_primary(payload, start, end)
    return payload_type, payload[start:]


def describe_red(data: bytes, start: int, end: int, marker: bool) -> PayloadInfo:
    """What the primary block is: Opus, as nothing else is negotiated in RED. Raises MalformedPacket."""
    return describe_opus(data, _find_primary(data, start, end)[1], end, marker)


def _find_primary(data: bytes, start: int, end: int) -> tuple[int, int]:
    """Payload type of the primary block, and where it begins.

    Section 3: four bytes of header for each redundant block (F=1, payload type, 14 bits of timestamp offset, 10 bits
    of length), one byte for the primary one (F=0, payload type), then the blocks in the same order.
    """
    redundant_bytes = 0
    place = start
    while place < end:
        first = data[place]
        if first < 0x80:
            place += 1 + redundant_bytes
            if place >= end:
                break
            return first, place
        if place + _REDUNDANT_HEADER_BYTES > end:
            break
        redundant_bytes += (data[place + 2] & 0x03) << 8 | data[place + 3]
        place += _REDUNDANT_HEADER_BYTES
    raise MalformedPacket("red_truncated")
