"""What containers must know of a codec before its first frame."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from media.depacketise.payloads import leb128
from sfu.codecs.bits import BitReader
from sfu.errors import MalformedPacket

_SPS, _PPS = 7, 8
_AV1_SEQUENCE_HEADER = 1
_AV1_LEVEL_IF_UNKNOWN = 12  # 4.0... the level limits nothing here: players go by the sequence header itself


def nal_units(data: bytes) -> Iterator[bytes]:
    """NAL units of data with four bytes of length before each."""
    place = 0
    while place + 4 < len(data):
        size = int.from_bytes(data[place : place + 4], "big")
        yield data[place + 4 : place + 4 + size]
        place += 4 + size


def avcc_record(data: bytes) -> bytes | None:
    """The avcC record (ISO/IEC 14496-15 section 5.3.3) for a key frame with its parameter sets; None without them."""
    sets: dict[int, list[bytes]] = {_SPS: [], _PPS: []}
    for unit in nal_units(data):
        if unit[0] & 0x1F in sets and unit not in sets[unit[0] & 0x1F]:
            sets[unit[0] & 0x1F].append(unit)
    sps, pps = sets[_SPS], sets[_PPS]
    if not sps or not pps or len(sps[0]) < 4:
        return None
    parts = [b"\x01", sps[0][1:4], b"\xff", bytes((0xE0 | len(sps),))]
    parts += [struct.pack("!H", len(unit)) + unit for unit in sps]
    parts.append(bytes((len(pps),)))
    parts += [struct.pack("!H", len(unit)) + unit for unit in pps]
    if sps[0][1] not in (66, 77, 88):
        parts.append(b"\xfd\xf8\xf8\x00")  # 4:2:0, eight bits, no extension sets
    return b"".join(parts)


def length_prefixed(data: bytes) -> bytes:
    """NAL units behind four bytes of length instead of start codes of three or four bytes."""
    parts: list[bytes] = []
    for piece in data.split(b"\x00\x00\x01")[1:]:
        # Zeros before a start code belong to it: a NAL unit never ends in one (H.264 section 7.4.1).
        unit = piece.rstrip(b"\x00")
        parts += (len(unit).to_bytes(4, "big"), unit)
    return b"".join(parts)


def opus_head(channels: int, preskip: int = 0) -> bytes:
    """The identification header (RFC 7845 section 5.1)."""
    return struct.pack("<8sBBHIhB", b"OpusHead", 1, channels, preskip, 48_000, 0, 0)


def av1c_record(data: bytes) -> bytes | None:
    """The av1C record for a key frame's OBUs; None if there is no sequence header. WebRTC sends profile 0, 8 bits."""
    for head, obu in _obus(data):
        if head >> 3 & 0x0F == _AV1_SEQUENCE_HEADER:
            whole = bytes((head,)) + leb128(len(obu)) + obu
            return bytes((0x81, obu[0] >> 5 << 5 | _av1_level(obu), 0x0C, 0)) + whole
    return None


def _obus(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Header byte without extension flag, and body, of OBUs that all have a size."""
    place = 0
    while place < len(data):
        head = data[place]
        place += 2 if head & 0x04 else 1
        size = shift = 0
        while True:
            group = data[place]
            place += 1
            size |= (group & 0x7F) << shift
            shift += 7
            if group < 0x80:
                break
        yield head & ~0x04, data[place : place + size]
        place += size


def _av1_level(sequence_header: bytes) -> int:
    """seq_level_idx of the first operating point (AV1 section 5.5.1)."""
    bits = BitReader(sequence_header)
    try:
        bits.skip(4)
        if bits.read(1):  # reduced still picture header
            return bits.read(5)
        if bits.read(1):  # timing info: not sent in WebRTC
            return _AV1_LEVEL_IF_UNKNOWN
        bits.skip(1 + 5 + 12)
        return bits.read(5)
    except MalformedPacket:
        return _AV1_LEVEL_IF_UNKNOWN
