"""AV1 payloads (RTP Payload Format For AV1, version 1.0): the aggregation header and the OBUs behind it."""

from __future__ import annotations

from sfu.errors import MalformedPacket
from sfu.rtp.payload_info import PayloadInfo

_SEQUENCE_HEADER, _TEMPORAL_DELIMITER, _FRAME_HEADER, _FRAME = 1, 2, 3, 6
_OPENING_TYPES = frozenset((_SEQUENCE_HEADER, _TEMPORAL_DELIMITER, _FRAME_HEADER, _FRAME))
_MAX_LEB128_BYTES = 8


def describe_av1(data: bytes, start: int, end: int, marker: bool) -> PayloadInfo:
    """A coded video sequence, and with it a key frame, begins where N is set or a sequence header stands.

    Layers are those of the first OBU that begins here, when it has an extension header. Raises MalformedPacket:
    ``av1_truncated``, ``av1_aggregation`` (N in a packet that goes on with an OBU), ``av1_obu``.
    """
    head = data[start]
    continues = head & 0x80 != 0  # Z: the first element is the rest of an OBU of the packet before
    new_sequence = head & 0x08 != 0  # N
    if continues and new_sequence:
        raise MalformedPacket("av1_aggregation")
    elements = _elements(data, start + 1, end, head >> 4 & 0x03)
    if continues:
        elements = elements[1:]
    types = []
    layers: int | None = None
    for place, stop in elements:
        obu = data[place]
        if obu & 0x80:
            raise MalformedPacket("av1_obu")  # the forbidden bit
        types.append(obu >> 3 & 0x0F)
        if obu & 0x04:
            if place + 1 >= stop:
                raise MalformedPacket("av1_truncated")
            if layers is None:
                layers = data[place + 1]
    frame_start = not continues and types[0] in _OPENING_TYPES
    info = PayloadInfo(new_sequence or _SEQUENCE_HEADER in types, frame_start or new_sequence, marker)
    if layers is not None:
        info.temporal = layers >> 5
        info.spatial = layers >> 3 & 0x03
    return info


def _elements(data: bytes, place: int, end: int, count: int) -> list[tuple[int, int]]:
    """Where the OBU elements begin and end (section 4.3).

    ``count`` is W: 0, each element is preceded by its length; else so many elements, the last without a length.
    """
    elements: list[tuple[int, int]] = []
    while place < end:
        if len(elements) + 1 == count:
            elements.append((place, end))
            return elements
        size, place = _leb128(data, place, end)
        if size == 0 or place + size > end:
            raise MalformedPacket("av1_truncated")
        elements.append((place, place + size))
        place += size
    if not elements or len(elements) < count:
        raise MalformedPacket("av1_truncated")
    return elements


def _leb128(data: bytes, place: int, end: int) -> tuple[int, int]:
    """A length in groups of seven bits, lowest first (AV1 section 4.10.5), and the place behind it."""
    value = 0
    for shift in range(0, 7 * _MAX_LEB128_BYTES, 7):
        if place >= end:
            break
        group = data[place]
        place += 1
        value |= (group & 0x7F) << shift
        if group < 0x80:
            return value, place
    raise MalformedPacket("av1_truncated")
