"""H.264 payloads (RFC 6184): single NAL units, STAP-A and FU-A, which are all that modes 0 and 1 hold."""

from __future__ import annotations

from sfu.errors import MalformedPacket
from sfu.rtp.payload_info import PayloadInfo

_SLICE, _IDR, _SEI, _SPS, _PPS, _AUD = 1, 5, 6, 7, 8, 9
_STAP_A, _FU_A = 24, 28
_KEY_TYPES = frozenset((_IDR, _SPS))
# What may stand first in an access unit (H.264 section 7.4.1.2.3); slices besides, when their first macroblock is 0.
_OPENING_TYPES = frozenset((_SEI, _SPS, _PPS, _AUD, 14, 15, 16, 17, 18))
_SLICE_TYPES = frozenset((_SLICE, 2, _IDR))


def describe_h264(data: bytes, start: int, end: int, marker: bool) -> PayloadInfo:
    """A key frame begins with a sequence parameter set or the first slice of an IDR picture.

    The payload does not mark the first packet of a frame: ``frame_start`` says that a frame can begin here. Raises
    MalformedPacket: ``h264_truncated``, ``h264_nal_type`` (reserved), ``h264_interleaved`` (packetization mode 2).
    """
    head = data[start]
    nal_type = head & 0x1F
    if 0 < nal_type < _STAP_A:
        info = _describe_units(((nal_type, start + 1),), data, end, marker)
    elif nal_type == _FU_A:
        info = _describe_fragment(data, start, end, marker)
    elif nal_type == _STAP_A:
        info = _describe_units(_aggregated(data, start + 1, end), data, end, marker)
    elif nal_type in (0, 30, 31):
        raise MalformedPacket("h264_nal_type")
    else:
        raise MalformedPacket("h264_interleaved")
    info.discardable = head & 0x60 == 0  # nal_ref_idc
    return info


def _describe_units(
    units: tuple[tuple[int, int], ...] | list[tuple[int, int]], data: bytes, end: int, marker: bool
) -> PayloadInfo:
    """``units`` are NAL unit types, each with the place behind its header byte."""
    key_frame = False
    for nal_type, place in units:
        if nal_type == _SPS or (nal_type == _IDR and _is_first_slice(data, place, end)):
            key_frame = True
    first_type, place = units[0]
    return PayloadInfo(key_frame, _may_open(first_type, data, place, end), marker)


def _describe_fragment(data: bytes, start: int, end: int, marker: bool) -> PayloadInfo:
    """FU-A (section 5.8): S marks the first fragment; the type of the whole NAL unit is in the FU header."""
    if end - start < 3:
        raise MalformedPacket("h264_truncated")
    header = data[start + 1]
    if not header & 0x80:
        return PayloadInfo(False, False, marker)
    nal_type = header & 0x1F
    opening = _may_open(nal_type, data, start + 2, end)
    return PayloadInfo(opening and nal_type in _KEY_TYPES, opening, marker)


def _aggregated(data: bytes, place: int, end: int) -> list[tuple[int, int]]:
    """The NAL units of a STAP-A (section 5.7.1): 16 bits of size before each."""
    units = []
    while place < end:
        body = place + 2
        if body > end:
            raise MalformedPacket("h264_truncated")
        size = data[place] << 8 | data[place + 1]
        place = body + size
        if size == 0 or place > end:
            raise MalformedPacket("h264_truncated")
        units.append((data[body] & 0x1F, body + 1))
    if not units:
        raise MalformedPacket("h264_truncated")
    return units


def _may_open(nal_type: int, data: bytes, place: int, end: int) -> bool:
    return nal_type in _OPENING_TYPES or (nal_type in _SLICE_TYPES and _is_first_slice(data, place, end))


def _is_first_slice(data: bytes, place: int, end: int) -> bool:
    """first_mb_in_slice is 0: the exponential-Golomb code of zero is a single 1 bit (H.264 section 7.3.3)."""
    return place < end and data[place] & 0x80 != 0
