"""Retransmissions (RFC 4588): the packet inside a packet."""

from __future__ import annotations

from sfu.errors import MalformedPacket
from sfu.rtp.packet import HEADER_BYTES, RtpPacket

OSN_BYTES = 2
"""A retransmission's payload begins with the original sequence number (section 4)."""


def unwrap_rtx(packet: RtpPacket, ssrc: int, payload_type: int) -> bytes:
    """The original packet as bytes, under the SSRC and payload type it was first sent with.

    Header extensions are those of the retransmission; its padding is left out. Raises MalformedPacket: ``rtx_short``
    if there is no original sequence number.
    """
    start = packet.payload_offset + OSN_BYTES
    if start > packet.payload_end:
        raise MalformedPacket("rtx_short")
    data = packet.data
    return b"".join(
        (
            bytes((data[0] & ~0x20, (0x80 if packet.marker else 0) | payload_type)),
            data[packet.payload_offset : start],
            data[4:8],
            ssrc.to_bytes(4, "big"),
            data[HEADER_BYTES : packet.payload_offset],
            data[start : packet.payload_end],
        )
    )
