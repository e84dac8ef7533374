"""Shift the picture indices in a payload, so that they go on after a switch as if nothing had happened."""

from __future__ import annotations

from sfu.errors import MalformedPacket

_VP8_EXTENDED = 0x80


def patch_indices(codec_name: str, payload: bytes, picture_id_delta: int, tl0_delta: int) -> bytes:
    """``payload`` with both deltas added to its picture id and TL0PICIDX, each within the width it has.

    The length stays the same, and payloads of other codecs than VP8 and VP9 stay as they are. Raises MalformedPacket:
    ``vp8_truncated`` or ``vp9_truncated`` if the descriptor is cut short.
    """
    if picture_id_delta == 0 and tl0_delta == 0:
        return payload
    if codec_name == "VP8":
        return _patch_vp8(payload, picture_id_delta, tl0_delta)
    if codec_name == "VP9":
        return _patch_vp9(payload, picture_id_delta, tl0_delta)
    return payload


def _patch_vp8(payload: bytes, picture_id_delta: int, tl0_delta: int) -> bytes:
    """RFC 7741 section 4.2: after X the flags I and L, then the fields in this order."""
    try:
        if not payload[0] & _VP8_EXTENDED:
            return payload
        flags = payload[1]
        return _patch(payload, 2, flags & 0x80 != 0, 0, flags & 0x40 != 0, picture_id_delta, tl0_delta)
    except IndexError:
        raise MalformedPacket("vp8_truncated") from None


def _patch_vp9(payload: bytes, picture_id_delta: int, tl0_delta: int) -> bytes:
    """RFC 9628 section 4.2: TL0PICIDX follows the layer byte, in non-flexible mode only."""
    try:
        first = payload[0]
        has_tl0 = first & 0x30 == 0x20
        return _patch(payload, 1, first & 0x80 != 0, 1, has_tl0, picture_id_delta, tl0_delta)
    except IndexError:
        raise MalformedPacket("vp9_truncated") from None


def _patch(
    payload: bytes,
    place: int,
    has_picture_id: bool,
    gap: int,
    has_tl0: bool,
    picture_id_delta: int,
    tl0_delta: int,
) -> bytes:
    """Both fields: the picture id at ``place``, TL0PICIDX ``gap`` bytes behind it."""
    changed = bytearray(payload)
    if has_picture_id:
        first = changed[place]
        if first & 0x80:  # M: 15 bits
            shifted = ((first & 0x7F) << 8 | changed[place + 1]) + picture_id_delta
            changed[place] = 0x80 | shifted >> 8 & 0x7F
            changed[place + 1] = shifted & 0xFF
            place += 2
        else:
            changed[place] = (first + picture_id_delta) & 0x7F
            place += 1
    if has_tl0:
        place += gap
        changed[place] = (changed[place] + tl0_delta) & 0xFF
    return bytes(changed)
