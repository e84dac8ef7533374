"""RTCP: compound packets read into values (RFC 3550 section 6.1); each kind of value packs itself."""

from __future__ import annotations

import struct
from collections.abc import Callable

from sfu.errors import MalformedPacket
from sfu.rtp.rtcp_feedback import Fir, Nack, Pli, Remb
from sfu.rtp.rtcp_reports import Bye, ReceiverReport, ReportBlock, Sdes, SenderReport
from sfu.rtp.rtcp_types import PacketType, PayloadFormat, TransportFormat, UnknownRtcp
from sfu.rtp.rtcp_xr import Dlrr, ExtendedReport
from sfu.rtp.twcc import TransportFeedback

__all__ = [
    "Bye",
    "Dlrr",
    "ExtendedReport",
    "Fir",
    "Nack",
    "Pli",
    "ReceiverReport",
    "Remb",
    "ReportBlock",
    "Rtcp",
    "Sdes",
    "SenderReport",
    "TransportFeedback",
    "UnknownRtcp",
    "is_feedback",
    "is_rtcp",
    "parse_compound",
]

Rtcp = (
    SenderReport
    | ReceiverReport
    | Sdes
    | Bye
    | Nack
    | Pli
    | Fir
    | Remb
    | TransportFeedback
    | ExtendedReport
    | UnknownRtcp
)

_read_header = struct.Struct("!BBH").unpack_from

_BY_TYPE: dict[int, Callable[[int, bytes], Rtcp]] = {
    PacketType.SENDER_REPORT: SenderReport.parse,
    PacketType.RECEIVER_REPORT: ReceiverReport.parse,
    PacketType.SOURCE_DESCRIPTION: Sdes.parse,
    PacketType.BYE: Bye.parse,
    PacketType.EXTENDED_REPORT: ExtendedReport.parse,
}
_BY_FORMAT: dict[tuple[int, int], Callable[[bytes], Rtcp]] = {
    (PacketType.TRANSPORT_FEEDBACK, TransportFormat.NACK): Nack.parse,
    (PacketType.TRANSPORT_FEEDBACK, TransportFormat.TRANSPORT_CC): TransportFeedback.parse,
    (PacketType.PAYLOAD_FEEDBACK, PayloadFormat.PLI): Pli.parse,
    (PacketType.PAYLOAD_FEEDBACK, PayloadFormat.FIR): Fir.parse,
}

_FEEDBACK_TYPE, _FEEDBACK_FORMAT = int(PacketType.TRANSPORT_FEEDBACK), int(TransportFormat.TRANSPORT_CC)


def is_rtcp(data: bytes) -> bool:
    """Whether a packet on a port shared with RTP is RTCP: packet types 192 to 223 (RFC 5761 section 4)."""
    return len(data) >= 4 and data[0] & 0xC0 == 0x80 and 192 <= data[1] <= 223


def is_feedback(data: bytes) -> bool:
    """Whether this is transport-wide feedback and nothing else, as browsers send it."""
    if len(data) < 4 or data[1] != _FEEDBACK_TYPE or data[0] & 0x1F != _FEEDBACK_FORMAT:
        return False
    return (data[2] << 8 | data[3]) * 4 + 4 == len(data)


def parse_compound(data: bytes) -> list[Rtcp]:
    """Read every packet of a compound; a reduced-size one (RFC 5506) may begin with any kind.

    Kinds that we do not know are kept as UnknownRtcp. Raises MalformedPacket: ``rtcp_short``, ``rtcp_version``,
    ``rtcp_length``, ``rtcp_padding``, or the reason of the kind that cannot be read.
    """
    size = len(data)
    if size < 4:
        raise MalformedPacket("rtcp_short")
    packets: list[Rtcp] = []
    offset = 0
    while offset < size:
        if offset + 4 > size:
            raise MalformedPacket("rtcp_length")
        first, packet_type, words = _read_header(data, offset)
        if first & 0xC0 != 0x80:
            raise MalformedPacket("rtcp_version")
        start = offset + 4
        offset = end = start + (words << 2)
        if end > size:
            raise MalformedPacket("rtcp_length")
        if first & 0x20:
            end = _without_padding(data, start, end)
        packets.append(_parse_one(packet_type, first & 0x1F, data[start:end]))
    return packets


def _without_padding(data: bytes, start: int, end: int) -> int:
    """Where the body ends: the last byte counts the padding (RFC 3550 section 6.4.1).

    A multiple of four is not insisted on: libwebrtc pads transport-wide feedback by one to three bytes.
    """
    padding = data[end - 1]
    if padding == 0 or end - padding < start:
        raise MalformedPacket("rtcp_padding")
    return end - padding


def _parse_one(packet_type: int, count: int, body: bytes) -> Rtcp:
    by_type = _BY_TYPE.get(packet_type)
    if by_type is not None:
        return by_type(count, body)
    by_format = _BY_FORMAT.get((packet_type, count))
    if by_format is not None:
        return by_format(body)
    if packet_type == PacketType.PAYLOAD_FEEDBACK and count == PayloadFormat.APPLICATION and Remb.fits(body):
        return Remb.parse(body)
    return UnknownRtcp(packet_type, count, body)
