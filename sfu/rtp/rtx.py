"""Retransmissions (RFC 4588): a packet of another SSRC whose payload begins with the original sequence number."""

from __future__ import annotations

from sfu.errors import MalformedPacket
from sfu.rtp.packet import RtpPacket

OSN_BYTES = 2


def unwrap_rtx(packet: RtpPacket, ssrc: int, payload_type: int) -> bytes:
    """The original packet's bytes, without padding; raises MalformedPacket if there is no original number.

    Header extensions stay those of the retransmission.
    """
    start = packet.payload_offset
    if packet.payload_end - start < OSN_BYTES:
        raise MalformedPacket("rtx_too_short")
    data = packet.data
    second = (0x80 if packet.marker else 0) | payload_type
    return b"".join(
        (
            bytes((data[0] & ~0x20, second)),
            data[start : start + OSN_BYTES],
            data[4:8],
            ssrc.to_bytes(4, "big"),
            data[12:start],
            data[start + OSN_BYTES : packet.payload_end],
        )
    )
