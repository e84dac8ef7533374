"""The VP8 payload descriptor (RFC 7741 section 4.2)."""

from __future__ import annotations

from typing import Literal

from sfu.errors import MalformedPacket
from sfu.rtp.payload_info import PayloadInfo


def describe_vp8(data: bytes, start: int, end: int, marker: bool) -> PayloadInfo:
    """Raises MalformedPacket: ``vp8_truncated`` if the descriptor is cut short or no payload follows it."""
    try:
        return _describe(data, start, end, marker)
    except IndexError:
        raise MalformedPacket("vp8_truncated") from None


def _describe(data: bytes, start: int, end: int, marker: bool) -> PayloadInfo:
    first = data[start]
    place = start + 1
    picture_id = tl0_pic_idx = None
    picture_id_bits: Literal[0, 7, 15] = 0
    flags = layers = 0
    if first & 0x80:  # X: extension bits I L T K
        flags = data[place]
        place += 1
        if flags & 0x80:
            picture_id = data[place]
            place += 1
            if picture_id & 0x80:  # M: 15 bits
                picture_id = (picture_id & 0x7F) << 8 | data[place]
                picture_id_bits = 15
                place += 1
            else:
                picture_id_bits = 7
        if flags & 0x40:
            tl0_pic_idx = data[place]
            place += 1
        if flags & 0x30:
            layers = data[place]
            place += 1
    if place >= end:
        raise MalformedPacket("vp8_truncated")
    # S with partition 0 begins the frame; its header's lowest bit is P, 0 for a key frame (section 4.3).
    frame_start = first & 0x17 == 0x10
    info = PayloadInfo(frame_start and not data[place] & 0x01, frame_start, marker)
    info.discardable = first & 0x20 != 0
    info.picture_id = picture_id
    info.picture_id_bits = picture_id_bits
    info.tl0_pic_idx = tl0_pic_idx
    if flags & 0x20:
        info.temporal = layers >> 6
        # Y, layer sync: this frame needs the base layer alone.
        info.switch_up = info.key_frame or (frame_start and layers & 0x20 != 0)
    if flags & 0x10:
        info.key_idx = layers & 0x1F
    return info
