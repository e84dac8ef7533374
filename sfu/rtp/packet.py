"""RTP packets (RFC 3550 section 5.1), parsed to offsets: no byte of a received packet is copied here."""

from __future__ import annotations

import struct
from collections.abc import Sequence

from sfu.errors import MalformedPacket
from sfu.rtp.payload_info import PayloadInfo

HEADER_BYTES = 12

_HEADER = struct.Struct("!BBHII")
_read_header = _HEADER.unpack_from
_read_extension_header = struct.Struct("!HH").unpack_from


class RtpPacket:
    """One RTP packet: the bytes, and where things are in them.

    The payload, padding removed, is ``data[payload_offset:payload_end]``; both are equal if there is none. The body
    of the header extension, without its 4-byte header, is ``data[extension_offset:extension_end]``; both are 0 if
    there is none. ``ext_seq`` (unwrapped), ``arrival`` (monotonic seconds) and ``info`` are filled in by the RtpStream
    that receives the packet.
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
        extension_profile: int = 0,
        extension_offset: int = 0,
        extension_end: int = 0,
    ) -> None:
        self.data = data
        self.marker = marker
        self.payload_type = payload_type
        self.sequence_number = sequence_number
        self.timestamp = timestamp
        self.ssrc = ssrc
        self.payload_offset = payload_offset
        self.payload_end = payload_end
        self.extension_profile = extension_profile
        self.extension_offset = extension_offset
        self.extension_end = extension_end
        self.ext_seq = -1
        self.arrival = 0.0
        self.info: PayloadInfo | None = None

    def __repr__(self) -> str:
        return (
            f"RtpPacket(ssrc={self.ssrc}, payload_type={self.payload_type}, sequence_number={self.sequence_number}, "
            f"timestamp={self.timestamp}, marker={self.marker}, "
            f"payload_bytes={self.payload_end - self.payload_offset})"
        )


def parse_rtp(data: bytes) -> RtpPacket:
    """Read one decrypted packet.

    Raises MalformedPacket: ``rtp_short``, ``rtp_version``, ``rtp_extension`` or ``rtp_padding``.
    """
    size = len(data)
    if size < HEADER_BYTES:
        raise MalformedPacket("rtp_short")
    first, second, sequence_number, timestamp, ssrc = _read_header(data)
    if first & 0xC0 != 0x80:
        raise MalformedPacket("rtp_version")
    offset = 12 + ((first & 0x0F) << 2)
    profile = extension_offset = extension_end = 0
    if first & 0x10:
        extension_offset = offset + 4
        if extension_offset > size:
            raise MalformedPacket("rtp_extension")
        profile, words = _read_extension_header(data, offset)
        offset = extension_end = extension_offset + (words << 2)
        if offset > size:
            raise MalformedPacket("rtp_extension")
    elif offset > size:
        raise MalformedPacket("rtp_short")
    end = size
    if first & 0x20:
        padding = data[-1]
        end = size - padding
        if padding == 0 or end < offset:
            raise MalformedPacket("rtp_padding")
    return RtpPacket(
        data,
        second > 127,
        second & 0x7F,
        sequence_number,
        timestamp,
        ssrc,
        offset,
        end,
        profile,
        extension_offset,
        extension_end,
    )


def build_rtp(
    *,
    payload_type: int,
    sequence_number: int,
    timestamp: int,
    ssrc: int,
    payload: bytes = b"",
    marker: bool = False,
    csrcs: Sequence[int] = (),
    extensions: bytes = b"",
    padding: int = 0,
) -> bytes:
    """Write a packet. ``extensions`` is a block with its header, as ``build_extensions`` makes it.

    ``padding`` is the count of padding bytes, its own count byte included (0 to 255). Sequence number and timestamp
    may be unwrapped numbers: their low bits are written.
    """
    if not 0 <= payload_type <= 0x7F or not 0 <= padding <= 0xFF or len(csrcs) > 15 or len(extensions) % 4:
        raise ValueError("a field does not fit an RTP packet")
    first = 0x80 | (0x20 if padding else 0) | (0x10 if extensions else 0) | len(csrcs)
    header = _HEADER.pack(
        first, (0x80 if marker else 0) | payload_type, sequence_number & 0xFFFF, timestamp & 0xFFFFFFFF, ssrc
    )
    tail = bytes(padding - 1) + bytes((padding,)) if padding else b""
    return header + struct.pack(f"!{len(csrcs)}I", *csrcs) + extensions + payload + tail
