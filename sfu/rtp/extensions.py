"""RTP header extensions (RFC 8285): one-byte and two-byte forms."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence

from sfu.rtp.packet import RtpPacket

ONE_BYTE_PROFILE = 0xBEDE
TWO_BYTE_PROFILE = 0x1000
_TWO_BYTE_MASK = 0xFFF0
_STOP_ID = 15
_HEADER = struct.Struct("!HH")


class Uri:
    """Names of the extensions that are understood or passed on."""

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


def _elements(packet: RtpPacket) -> Iterator[tuple[int, int, int]]:
    """(id, start, end) of each element; ends quietly where the block is malformed."""
    data, place, end = packet.data, packet.extension_offset, packet.extension_end
    if packet.extension_profile == ONE_BYTE_PROFILE:
        while place < end:
            head = data[place]
            place += 1
            element_id = head >> 4
            if element_id == 0:
                continue  # padding; its length bits mean nothing
            if element_id == _STOP_ID:
                return
            stop = place + (head & 0x0F) + 1
            if stop > end:
                return
            yield element_id, place, stop
            place = stop
    elif packet.extension_profile & _TWO_BYTE_MASK == TWO_BYTE_PROFILE:
        while place < end:
            element_id = data[place]
            place += 1
            if element_id == 0:
                continue
            if place >= end:
                return
            stop = place + 1 + data[place]
            if stop > end:
                return
            yield element_id, place + 1, stop
            place = stop


def read_extensions(packet: RtpPacket) -> dict[int, bytes]:
    """Values by id; of an id that comes twice the last."""
    data = packet.data
    return {element_id: data[start:stop] for element_id, start, stop in _elements(packet)}


def find_extension(packet: RtpPacket, wanted_id: int) -> bytes | None:
    """The value of one extension, or None."""
    if packet.extension_profile == ONE_BYTE_PROFILE:
        # Written out, since it runs for every packet that is received.
        data, place, end = packet.data, packet.extension_offset, packet.extension_end
        while place < end:
            head = data[place]
            place += 1
            if head < 16:
                continue
            stop = place + (head & 0x0F) + 1
            if head >> 4 == wanted_id:
                return data[place:stop] if stop <= end and wanted_id != _STOP_ID else None
            if head >= 0xF0:
                return None
            place = stop
        return None
    for element_id, start, stop in _elements(packet):
        if element_id == wanted_id:
            return packet.data[start:stop]
    return None


def build_extensions(elements: Sequence[tuple[int, bytes]]) -> bytes:
    """A block with its 4-byte header, padded to 32 bits; empty for no elements.

    The one-byte form if all ids are 1 to 14 and all values 1 to 16 octets, else the two-byte form (ids 1 to 255,
    values up to 255 octets).
    """
    if not elements:
        return b""
    if all(0 < element_id < _STOP_ID and 0 < len(value) <= 16 for element_id, value in elements):
        profile = ONE_BYTE_PROFILE
        body = b"".join([bytes((element_id << 4 | len(value) - 1,)) + value for element_id, value in elements])
    else:
        profile = TWO_BYTE_PROFILE
        body = b"".join([bytes((element_id, len(value))) + value for element_id, value in elements])
    body += bytes(-len(body) % 4)
    return _HEADER.pack(profile, len(body) // 4) + body
