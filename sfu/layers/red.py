"""Redundant audio (RFC 2198) between a publisher and a subscriber that may name or know it differently."""

from __future__ import annotations

from sfu.codecs.red import primary_block
from sfu.errors import MalformedPacket

_LAST_BLOCK_MASK = 0x7F


def plain_opus(payload: bytes) -> bytes:
    """The newest Opus frame alone, for a subscriber without RED; raises MalformedPacket."""
    return primary_block(payload)[1]


def as_red(payload: bytes, opus_payload_type: int) -> bytes:
    """A plain Opus frame as RED with no redundancy."""
    return bytes((opus_payload_type & _LAST_BLOCK_MASK,)) + payload


def with_payload_types(payload: bytes, opus_payload_type: int) -> bytes:
    """The same RED payload with the subscriber's payload type for Opus in each block header; raises MalformedPacket."""
    changed = bytearray(payload)
    place = 0
    while True:
        if place >= len(changed):
            raise MalformedPacket("red_truncated")
        more = changed[place] & 0x80
        changed[place] = more | opus_payload_type
        if not more:
            return bytes(changed)
        place += 4
