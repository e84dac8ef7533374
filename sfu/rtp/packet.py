"""RTP packets (RFC 3550 section 5.1): parsed to offsets, never copied."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from sfu.errors import MalformedPacket

if TYPE_CHECKING:
    from sfu.codecs.info import PayloadInfo

_FIXED = struct.Struct("!BBHII")
_EXTENSION = struct.Struct("!HH")
FIXED_HEADER_BYTES = 12


class RtpPacket:
    """One received packet.

    ``data[payload_offset:payload_end]`` is the payload without padding; ``data[extension_offset:extension_end]`` the
    body of the header extension, whose profile is ``extension_profile`` (all three 0 if there is none).
    ``ext_seq`` (unwrapped), ``arrival`` (seconds, monotonic) and ``info`` are filled in by whoever receives it.
    """

    __slots__ = (
        "arrival",
        "data",
        "ext_seq",
        "extension_end",
        "extension_offset",
        "extension_profile",
        "info",
        "marker",
        "payload_end",
        "payload_offset",
        "payload_type",
        "sequence_number",
        "ssrc",
        "timestamp",
    )

    def __init__(
        self,
        data: bytes,
        marker: bool,
        payload_type: int,
        sequence_number: int,
        timestamp: int,
        ssrc: int,
        payload_offset: int,
        payload_end: int,
    ) -> None:
        self.data = data
        self.marker = marker
        self.payload_type = payload_type
        self.sequence_number = sequence_number
        self.timestamp = timestamp
        self.ssrc = ssrc
        self.payload_offset = payload_offset
        self.payload_end = payload_end
        self.extension_profile = 0
        self.extension_offset = 0
        self.extension_end = 0
        self.ext_seq = -1
        self.arrival = 0.0
        self.info: PayloadInfo | None = None

    @property
    def payload(self) -> bytes:
        """The payload, copied out."""
        return self.data[self.payload_offset : self.payload_end]


def parse_rtp(data: bytes) -> RtpPacket:
    """Read the header; raises MalformedPacket: ``rtp_too_short``, ``rtp_version``, ``rtp_extension``, ``rtp_padding``."""
    size = len(data)
    if size < FIXED_HEADER_BYTES:
        raise MalformedPacket("rtp_too_short")
    first, second, sequence_number, timestamp, ssrc = _FIXED.unpack_from(data)
    if first >> 6 != 2:
        raise MalformedPacket("rtp_version")
    offset = FIXED_HEADER_BYTES + (first & 0x0F) * 4
    end = size
    if first & 0x20:
        padding = data[-1]
        end -= padding
        if padding == 0 or end < offset:
            raise MalformedPacket("rtp_padding")
    packet = RtpPacket(data, second > 127, second & 0x7F, sequence_number, timestamp, ssrc, offset, end)
    if first & 0x10:
        if offset + 4 > end:
            raise MalformedPacket("rtp_extension")
        profile, words = _EXTENSION.unpack_from(data, offset)
        packet.extension_profile = profile
        packet.extension_offset = offset + 4
        packet.extension_end = packet.payload_offset = offset = offset + 4 + words * 4
    if offset > end:
        raise MalformedPacket("rtp_extension" if first & 0x10 else "rtp_too_short")
    return packet


def build_rtp(
    *,
    payload_type: int,
    sequence_number: int,
    timestamp: int,
    ssrc: int,
    payload: bytes,
    marker: bool = False,
    extensions: bytes = b"",
    csrcs: tuple[int, ...] = (),
    padding: int = 0,
) -> bytes:
    """A whole packet; ``extensions`` is a block with its 4-byte header, ``padding`` a number of octets (0 to 255)."""
    first = 0x80 | (0x20 if padding else 0) | (0x10 if extensions else 0) | len(csrcs)
    second = (0x80 if marker else 0) | payload_type
    header = _FIXED.pack(first, second, sequence_number & 0xFFFF, timestamp & 0xFFFFFFFF, ssrc)
    tail = bytes(padding - 1) + bytes((padding,)) if padding else b""
    return header + struct.pack(f"!{len(csrcs)}I", *csrcs) + extensions + payload + tail
