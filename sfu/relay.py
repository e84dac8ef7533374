"""Frames of data channels as the server relays them between participants.

A frame is ``uint16 header length (big endian), header (UTF-8 JSON object), payload``. Towards the server the header may
name receivers (``to``) and a ``topic``; from the server it names the sender (``from``).
"""

from __future__ import annotations

import json
from typing import NamedTuple

from sfu.errors import MalformedPacket

MAX_FRAME_BYTES = 65_536
MAX_HEADER_BYTES = 4_096
MAX_RECEIVERS = 256
MAX_TOPIC_CHARACTERS = 128
RELAY_PROTOCOL = "plenum-relay"


class RelayFrame(NamedTuple):
    """What one participant sends to others: ``to`` None means everybody else in the room."""

    to: frozenset[str] | None
    topic: str
    payload: bytes


def parse_frame(data: bytes) -> RelayFrame:
    """Read a frame from a client; raises MalformedPacket."""
    if len(data) > MAX_FRAME_BYTES:
        raise MalformedPacket("relay_too_large")
    if len(data) < 2:
        raise MalformedPacket("relay_truncated")
    header_end = 2 + int.from_bytes(data[:2], "big")
    if header_end > len(data) or header_end > MAX_HEADER_BYTES:
        raise MalformedPacket("relay_truncated")
    try:
        header = json.loads(data[2:header_end])
    except (ValueError, RecursionError):
        raise MalformedPacket("relay_header") from None
    if not isinstance(header, dict):
        raise MalformedPacket("relay_header")
    return RelayFrame(_receivers(header.get("to")), _topic(header.get("topic", "")), data[header_end:])


def build_frame(sender: str, topic: str, payload: bytes) -> bytes:
    """A frame to a client."""
    header = json.dumps({"from": sender, "topic": topic}).encode()
    return len(header).to_bytes(2, "big") + header + payload


def _receivers(value: object) -> frozenset[str] | None:
    if value is None:
        return None
    if not isinstance(value, list) or len(value) > MAX_RECEIVERS or not all(isinstance(v, str) for v in value):
        raise MalformedPacket("relay_receivers")
    return frozenset(value)


def _topic(value: object) -> str:
    if not isinstance(value, str) or len(value) > MAX_TOPIC_CHARACTERS:
        raise MalformedPacket("relay_topic")
    return value
