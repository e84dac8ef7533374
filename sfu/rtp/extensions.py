"""RTP header extensions: the URIs we know, and the one-byte and two-byte forms of RFC 8285."""

from __future__ import annotations

from collections.abc import Sequence

from sfu.rtp.packet import RtpPacket

ONE_BYTE_PROFILE = 0xBEDE
TWO_BYTE_PROFILE = 0x1000
TWO_BYTE_PROFILE_MASK = 0xFFF0
"""The low four bits of the two-byte form's profile are the application's ("appbits", RFC 8285 section 4.3)."""


class Uri:
    """Names of header extensions in session descriptions."""

    MID = "urn:ietf:params:rtp-hdrext:sdes:mid"
    RID = "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id"
    RRID = "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id"
    AUDIO_LEVEL = "urn:ietf:params:rtp-hdrext:ssrc-audio-level"
    ABS_SEND_TIME = "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time"
    TRANSPORT_CC = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"
    DEPENDENCY_DESCRIPTOR = "https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension"
    VIDEO_ORIENTATION = "urn:3gpp:video-orientation"
    PLAYOUT_DELAY = "http://www.webrtc.org/experiments/rtp-hdrext/playout-delay"
    VIDEO_CONTENT_TYPE = "http://www.webrtc.org/experiments/rtp-hdrext/video-content-type"
    VIDEO_TIMING = "http://www.webrtc.org/experiments/rtp-hdrext/video-timing"
    COLOR_SPACE = "http://www.webrtc.org/experiments/rtp-hdrext/color-space"
    VIDEO_LAYERS_ALLOCATION = "http://www.webrtc.org/experiments/rtp-hdrext/video-layers-allocation00"
    ABS_CAPTURE_TIME = "http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time"
    TOFFSET = "urn:ietf:params:rtp-hdrext:toffset"


def find_extension(packet: RtpPacket, wanted_id: int) -> bytes | None:
    """The value of the first element with this id; None if there is none before the block ends or stops making sense.

    Runs for every received packet.
    """
    offset = packet.extension_offset
    end = packet.extension_end
    if offset >= end:
        return None
    data = packet.data
    if packet.extension_profile == ONE_BYTE_PROFILE:
        while offset < end:
            head = data[offset]
            if head < 0x10:
                if head:
                    return None  # id 0 with a length: stop here (RFC 8285 section 4.2)
                offset += 1
                continue
            stop = offset + 2 + (head & 0x0F)
            element_id = head >> 4
            if element_id == wanted_id and element_id != 15:
                return data[offset + 1 : stop] if stop <= end else None
            if element_id == 15:
                return None  # reserved: stop here
            offset = stop
        return None
    if packet.extension_profile & TWO_BYTE_PROFILE_MASK == TWO_BYTE_PROFILE:
        return _elements_two_byte(data, offset, end).get(wanted_id)
    return None


def read_extensions(packet: RtpPacket) -> dict[int, bytes]:
    """All elements, id → value. What comes after a malformed element is left out; of equal ids the first counts."""
    if packet.extension_profile == ONE_BYTE_PROFILE:
        return _elements_one_byte(packet.data, packet.extension_offset, packet.extension_end)
    if packet.extension_profile & TWO_BYTE_PROFILE_MASK == TWO_BYTE_PROFILE:
        return _elements_two_byte(packet.data, packet.extension_offset, packet.extension_end)
    return {}


def _elements_one_byte(data: bytes, offset: int, end: int) -> dict[int, bytes]:
    """RFC 8285 section 4.2: 4 bits of id, 4 bits of length less one; a zero byte is padding."""
    elements: dict[int, bytes] = {}
    while offset < end:
        head = data[offset]
        if head == 0:
            offset += 1
            continue
        stop = offset + 2 + (head & 0x0F)
        element_id = head >> 4
        if element_id in (0, 15) or stop > end:
            break
        if element_id not in elements:
            elements[element_id] = data[offset + 1 : stop]
        offset = stop
    return elements


def _elements_two_byte(data: bytes, offset: int, end: int) -> dict[int, bytes]:
    """RFC 8285 section 4.3: a byte of id, a byte of length; an id of zero is one byte of padding."""
    elements: dict[int, bytes] = {}
    while offset < end:
        element_id = data[offset]
        if element_id == 0:
            offset += 1
            continue
        if offset + 2 > end:
            break
        stop = offset + 2 + data[offset + 1]
        if stop > end:
            break
        if element_id not in elements:
            elements[element_id] = data[offset + 2 : stop]
        offset = stop
    return elements


def build_extensions(elements: Sequence[tuple[int, bytes]]) -> bytes:
    """A header extension block, its 4-byte header included, padded to 32 bits; ``b""`` if there is no element.

    One-byte form if all ids (1 to 14) and lengths (1 to 16) fit it, else two-byte form (ids 1 to 255, at most 255
    bytes a value). Raises ValueError for what fits neither.
    """
    if not elements:
        return b""
    body = bytearray()
    if all(0 < element_id < 15 and 0 < len(value) <= 16 for element_id, value in elements):
        profile = ONE_BYTE_PROFILE
        for element_id, value in elements:
            body.append(element_id << 4 | len(value) - 1)
            body += value
    else:
        profile = TWO_BYTE_PROFILE
        for element_id, value in elements:
            if not 0 < element_id < 256 or len(value) > 255:
                raise ValueError("a header extension does not fit")
            body.append(element_id)
            body.append(len(value))
            body += value
    body += bytes(-len(body) % 4)
    return profile.to_bytes(2, "big") + (len(body) >> 2).to_bytes(2, "big") + body
