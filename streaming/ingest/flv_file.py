"""An FLV stream, written as bytes (Adobe FLV 10.1, annex E): what a publishing process reads."""

from __future__ import annotations

HEADER = b"FLV\x01\x05\x00\x00\x00\x09\x00\x00\x00\x00"
AUDIO, VIDEO = 8, 9


def tag(kind: int, timestamp_ms: int, body: bytes) -> bytes:
    """One tag and its size behind it."""
    time = timestamp_ms & 0xFFFFFFFF
    head = bytes((kind,)) + len(body).to_bytes(3, "big") + (time & 0xFFFFFF).to_bytes(3, "big")
    head += bytes((time >> 24,)) + bytes(3)
    return head + body + (len(head) + len(body)).to_bytes(4, "big")
