"""The VP9 payload descriptor (RFC 9628 section 4.2), flexible and non-flexible mode."""

from __future__ import annotations

from typing import Literal

from sfu.errors import MalformedPacket
from sfu.rtp.payload_info import PayloadInfo

_I, _P, _L, _F, _B, _E, _V = 0x80, 0x40, 0x20, 0x10, 0x08, 0x04, 0x02
_MAX_REFERENCES = 3


def describe_vp9(data: bytes, start: int, end: int, marker: bool) -> PayloadInfo:
    """``frame_start`` and ``frame_end`` are those of a layer's frame; the marker ends the picture with all layers.

    Raises MalformedPacket: ``vp9_truncated`` if the descriptor is cut short or no payload follows it,
    ``vp9_references`` if a frame names more than three.
    """
    try:
        return _describe(data, start, end)
    except IndexError:
        raise MalformedPacket("vp9_truncated") from None


def _describe(data: bytes, start: int, end: int) -> PayloadInfo:
    first = data[start]
    place = start + 1
    picture_id = tl0_pic_idx = None
    picture_id_bits: Literal[0, 7, 15] = 0
    layers = 0
    if first & _I:
        picture_id = data[place]
        place += 1
        if picture_id & 0x80:  # M: 15 bits
            picture_id = (picture_id & 0x7F) << 8 | data[place]
            picture_id_bits = 15
            place += 1
        else:
            picture_id_bits = 7
    if first & _L:
        layers = data[place]
        place += 1
        if not first & _F:
            tl0_pic_idx = data[place]
            place += 1
    if first & _F and first & _P:
        place = _after_references(data, place)
    if first & _V:
        place = _after_scalability(data, place)
    if place >= end:
        raise MalformedPacket("vp9_truncated")
    spatial = layers >> 1 & 0x07
    frame_start = first & _B != 0
    # Without P a frame refers to no earlier picture: a key frame in the lowest layer, and in those above it a frame
    # that needs only the picture's lower layers.
    independent = frame_start and not first & _P
    info = PayloadInfo(independent and spatial == 0, frame_start, first & _E != 0)
    info.spatial = spatial
    info.temporal = layers >> 5
    info.switch_up = independent or (frame_start and layers & 0x10 != 0)
    info.picture_id = picture_id
    info.picture_id_bits = picture_id_bits
    info.tl0_pic_idx = tl0_pic_idx
    return info


def _after_references(data: bytes, place: int) -> int:
    """Behind the reference indices: 7 bits of P_DIFF each, and N if another follows."""
    for _ in range(_MAX_REFERENCES):
        place += 1
        if not data[place - 1] & 0x01:
            return place
    raise MalformedPacket("vp9_references")


def _after_scalability(data: bytes, place: int) -> int:
    """Behind the scalability structure: N_S, Y, G, the layers' sizes if Y, the picture group if G."""
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
