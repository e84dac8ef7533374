"""How large the pictures are, from the first packet of a key frame."""

from __future__ import annotations

from sfu.codecs.bits import BitReader
from sfu.errors import MalformedPacket

_H264_SPS, _H264_STAP_A = 7, 24
_HIGH_PROFILES = frozenset((100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135))
_MAX_PIXELS = 16_384

Resolution = tuple[int, int]


def sizes_of(codec_name: str, payload: bytes) -> tuple[Resolution, ...]:
    """(width, height) of each spatial layer, the smallest first, as a key frame's first packet tells; else none.

    AV1 tells it in the dependency descriptor instead.
    """
    reader = _READERS.get(codec_name)
    if reader is None:
        return ()
    try:
        found = reader(payload)
    except (IndexError, MalformedPacket):
        return ()
    return found if all(0 < side <= _MAX_PIXELS for size in found for side in size) else ()


def _vp8(payload: bytes) -> tuple[Resolution, ...]:
    """RFC 6386 section 9.1: behind the frame tag and the start code 9d 01 2a, 14 bits each."""
    first = payload[0]
    place = 1
    if first & 0x80:
        flags = payload[1]
        place = 2
        if flags & 0x80:
            place += 2 if payload[place] & 0x80 else 1
        if flags & 0x40:
            place += 1
        if flags & 0x30:
            place += 1
    if payload[place] & 0x01 or payload[place + 3 : place + 6] != b"\x9d\x01\x2a":
        return ()
    width = payload[place + 6] | (payload[place + 7] & 0x3F) << 8
    height = payload[place + 8] | (payload[place + 9] & 0x3F) << 8
    return ((width, height),)


def _vp9(payload: bytes) -> tuple[Resolution, ...]:
    """RFC 9628 section 4.2.1: the sizes of all spatial layers in the scalability structure."""
    first = payload[0]
    if not first & 0x02:
        return ()
    place = 1
    if first & 0x80:
        place += 2 if payload[place] & 0x80 else 1
    if first & 0x20:
        place += 1 if first & 0x10 else 2
    if first & 0x10 and first & 0x40:
        while payload[place] & 0x01:
            place += 1
        place += 1
    head = payload[place]
    if not head & 0x10:
        return ()
    places = range(place + 1, place + 1 + 4 * ((head >> 5) + 1), 4)
    return tuple((payload[at] << 8 | payload[at + 1], payload[at + 2] << 8 | payload[at + 3]) for at in places)


def _h264(payload: bytes) -> tuple[Resolution, ...]:
    """The sequence parameter set, alone or first in a STAP-A (RFC 6184 section 5.7.1)."""
    kind = payload[0] & 0x1F
    if kind == _H264_STAP_A:
        size = payload[1] << 8 | payload[2]
        payload = payload[3 : 3 + size]
        kind = payload[0] & 0x1F
    return (_sps(payload),) if kind == _H264_SPS else ()


def _sps(unit: bytes) -> Resolution:
    """ITU-T H.264 section 7.3.2.1.1."""
    bits = BitReader(unit.replace(b"\0\0\3", b"\0\0"))
    bits.skip(8)
    profile = bits.read(8)
    bits.skip(16)
    _exp_golomb(bits)
    chroma = 1
    if profile in _HIGH_PROFILES:
        chroma = _exp_golomb(bits)
        if chroma == 3:
            bits.skip(1)
        _exp_golomb(bits)
        _exp_golomb(bits)
        bits.skip(1)
        if bits.read(1):
            raise MalformedPacket("h264_scaling")  # scaling lists: no browser sends them
    _exp_golomb(bits)
    order = _exp_golomb(bits)
    if order == 0:
        _exp_golomb(bits)
    elif order == 1:
        bits.skip(1)
        _exp_golomb(bits)
        _exp_golomb(bits)
        for _ in range(min(_exp_golomb(bits), 255)):
            _exp_golomb(bits)
    _exp_golomb(bits)
    bits.skip(1)
    width = 16 * (_exp_golomb(bits) + 1)
    height = 16 * (_exp_golomb(bits) + 1)
    if not bits.read(1):  # frames or fields
        height *= 2
        bits.skip(1)
    bits.skip(1)
    if bits.read(1):
        crop_x, crop_y = (2 if chroma in (1, 2) else 1), (2 if chroma == 1 else 1)
        left, right, top, bottom = (_exp_golomb(bits) for _ in range(4))
        width -= crop_x * (left + right)
        height -= crop_y * (top + bottom)
    return width, height


def _exp_golomb(bits: BitReader) -> int:
    zeros = 0
    while not bits.read(1):
        zeros += 1
        if zeros > 31:
            raise MalformedPacket("h264_golomb")
    return (1 << zeros) - 1 + (bits.read(zeros) if zeros else 0)


_READERS = {"VP8": _vp8, "VP9": _vp9, "H264": _h264}
