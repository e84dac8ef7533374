"""Video payloads without what RTP needs around them. Whatever the bytes, only MalformedPacket is raised."""

from __future__ import annotations

from collections.abc import Iterable

from sfu.errors import MalformedPacket

_STAP_A, _FU_A = 24, 28
_TEMPORAL_DELIMITER, _TILE_LIST, _PADDING = 2, 8, 15
_MAX_LAYERS = 8


def vp8_start(data: bytes, start: int, end: int) -> int:
    """Where the VP8 data begins behind its descriptor (RFC 7741 section 4.2). Raises: ``vp8_truncated``."""
    try:
        place = start + 1
        if data[start] & 0x80:
            flags = data[place]
            place += 1
            if flags & 0x80:
                place += 2 if data[place] & 0x80 else 1
            if flags & 0x40:
                place += 1
            if flags & 0x30:
                place += 1
    except IndexError:
        raise MalformedPacket("vp8_truncated") from None
    if place >= end:
        raise MalformedPacket("vp8_truncated")
    return place


def vp9_start(data: bytes, start: int, end: int) -> int:
    """Where the VP9 data begins behind its descriptor (RFC 9628 section 4.2). Raises: ``vp9_truncated``."""
    try:
        first = data[start]
        place = start + 1
        if first & 0x80:
            place += 2 if data[place] & 0x80 else 1
        if first & 0x20:
            place += 1 if first & 0x10 else 2
        if first & 0x50 == 0x50:
            while data[place] & 0x01 and place < end:
                place += 1
            place += 1
        if first & 0x02:
            place = _after_scalability(data, place)
    except IndexError:
        raise MalformedPacket("vp9_truncated") from None
    if place >= end:
        raise MalformedPacket("vp9_truncated")
    return place


def _after_scalability(data: bytes, place: int) -> int:
    """Behind the scalability structure: N_S, Y, G; sizes of the layers if Y; the picture group if G."""
    head = data[place]
    place += 1
    if head & 0x10:
        place += 4 * ((head >> 5) + 1)
    if head & 0x08:
        pictures = data[place]
        place += 1
        for _ in range(pictures):
            place += 1 + (data[place] >> 2 & 0x03)
    return place


def vp9_superframe(layers: list[bytes]) -> bytes:
    """The frames of all layers with an index behind them that tells their sizes; one alone needs none."""
    if len(layers) == 1:
        return layers[0]
    if len(layers) > _MAX_LAYERS:
        raise MalformedPacket("vp9_layers")
    width = max((max(map(len, layers)).bit_length() + 7) // 8, 1)
    marker = bytes((0xC0 | width - 1 << 3 | len(layers) - 1,))
    return b"".join((*layers, marker, *(len(layer).to_bytes(width, "little") for layer in layers), marker))


def h264_units(payloads: Iterable[bytes]) -> bytes:
    """The NAL units of an access unit, each behind its length in four bytes.

    Raises: ``h264_truncated``, ``h264_fragment`` (one that does not follow its beginning), ``h264_nal_type``.
    """
    parts: list[bytes] = []
    fragments: list[bytes] = []
    for payload in payloads:
        nal_type = payload[0] & 0x1F
        if nal_type == _FU_A:
            _take_fragment(payload, fragments, parts)
        elif fragments:
            raise MalformedPacket("h264_fragment")
        elif nal_type == _STAP_A:
            parts += _aggregated(payload)
        elif 0 < nal_type < _STAP_A:
            parts += (len(payload).to_bytes(4, "big"), payload)
        else:
            raise MalformedPacket("h264_nal_type")
    if fragments or not parts:
        raise MalformedPacket("h264_truncated")
    return b"".join(parts)


def _take_fragment(payload: bytes, fragments: list[bytes], parts: list[bytes]) -> None:
    """FU-A (section 5.8): the NAL unit's header is put together from both of its header bytes."""
    if len(payload) < 3:
        raise MalformedPacket("h264_truncated")
    header = payload[1]
    if bool(header & 0x80) == bool(fragments):
        raise MalformedPacket("h264_fragment")
    if header & 0x80:
        fragments.append(bytes((payload[0] & 0xE0 | header & 0x1F,)))
    fragments.append(payload[2:])
    if header & 0x40:
        parts += (sum(map(len, fragments)).to_bytes(4, "big"), *fragments)
        fragments.clear()


def _aggregated(payload: bytes) -> list[bytes]:
    """STAP-A (section 5.7.1): 16 bits of size before each NAL unit."""
    parts: list[bytes] = []
    place = 1
    while place < len(payload):
        size = int.from_bytes(payload[place : place + 2], "big")
        place += 2
        if size == 0 or place + size > len(payload):
            raise MalformedPacket("h264_truncated")
        parts += (size.to_bytes(4, "big"), payload[place : place + size])
        place += size
    return parts


def av1_obus(payloads: Iterable[bytes]) -> bytes:
    """The OBUs of a temporal unit, each with a size field; delimiters, tile lists and padding are left out.

    Raises: ``av1_truncated``, ``av1_fragment`` (the rest of an OBU whose beginning is missing), ``av1_obu``.
    """
    obus: list[bytearray] = []
    open_end = False
    for payload in payloads:
        head = payload[0]
        elements = _av1_elements(payload, head >> 4 & 0x03)
        if bool(head & 0x80) != open_end:
            raise MalformedPacket("av1_fragment")
        if open_end:
            obus[-1] += elements.pop(0)
        obus += map(bytearray, elements)
        open_end = head & 0x40 != 0
    if open_end or not obus:
        raise MalformedPacket("av1_truncated")
    return b"".join(map(_with_size, obus))


def _av1_elements(payload: bytes, count: int) -> list[bytes]:
    """The OBU elements of a packet; ``count`` is W of the aggregation header (section 4.4)."""
    elements: list[bytes] = []
    place = 1
    while place < len(payload):
        if len(elements) + 1 == count:
            size = len(payload) - place
        else:
            size, place = _leb128(payload, place)
        if size == 0 or place + size > len(payload):
            raise MalformedPacket("av1_truncated")
        elements.append(payload[place : place + size])
        place += size
    if not elements:
        raise MalformedPacket("av1_truncated")
    return elements


def _with_size(obu: bytearray) -> bytes:
    """The OBU with has_size_field set and its size (AV1 section 5.3)."""
    head = obu[0]
    header_bytes = 2 if head & 0x04 else 1
    if head & 0x80 or len(obu) < header_bytes:
        raise MalformedPacket("av1_obu")
    if head >> 3 & 0x0F in (_TEMPORAL_DELIMITER, _TILE_LIST, _PADDING):
        return b""
    place = header_bytes
    if head & 0x02:
        size, place = _leb128(obu, place)
        if place + size > len(obu):
            raise MalformedPacket("av1_truncated")
        body = obu[place : place + size]
    else:
        body = obu[place:]
    return bytes((head | 0x02,)) + bytes(obu[1:header_bytes]) + leb128(len(body)) + bytes(body)


def leb128(value: int) -> bytes:
    """Seven bits a byte, lowest first (AV1 section 4.10.5)."""
    groups = bytearray()
    while value > 0x7F:
        groups.append(value & 0x7F | 0x80)
        value >>= 7
    groups.append(value)
    return bytes(groups)


def _leb128(data: bytes | bytearray, place: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 56, 7):
        if place >= len(data):
            break
        group = data[place]
        place += 1
        value |= (group & 0x7F) << shift
        if group < 0x80:
            return value, place
    raise MalformedPacket("av1_truncated")
