"""RTCP (RFC 3550 section 6, RFC 3611): reports as values, compounds as bytes."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass

from sfu.errors import MalformedPacket
from sfu.rtp.feedback import (
    PSFB,
    RTPFB,
    Feedback,
    Fir,
    Nack,
    Pli,
    Remb,
    TransportFeedback,
    parse_feedback_message,
    rtcp_header,
)

__all__ = [
    "Bye",
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
    "is_rtcp",
    "parse_compound",
]

SR, RR, SDES, BYE, XR = 200, 201, 202, 203, 207
MAX_BLOCKS = 31
_SDES_CNAME = 1
_XR_RRTR = 4
_XR_DLRR = 5
_BLOCK = struct.Struct("!IIIIII")
_SENDER_INFO = struct.Struct("!IQIII")
_DLRR_ITEM = struct.Struct("!III")


def is_rtcp(data: bytes) -> bool:
    """Whether a packet on a port shared with RTP is RTCP (RFC 5761 section 4)."""
    return len(data) > 1 and 192 <= data[1] <= 223


@dataclass(frozen=True, slots=True)
class ReportBlock:
    """One report about one SSRC (RFC 3550 section 6.4.1).

    ``fraction_lost`` in 1/256, ``packets_lost`` signed 24 bits, ``highest_seq`` extended, ``jitter`` in timestamp
    units, ``lsr`` middle 32 bits of NTP, ``dlsr`` in 1/65536 s.
    """

    ssrc: int
    fraction_lost: int
    packets_lost: int
    highest_seq: int
    jitter: int
    lsr: int
    dlsr: int

    def pack(self) -> bytes:
        """24 octets."""
        loss = self.fraction_lost << 24 | self.packets_lost & 0xFFFFFF
        return _BLOCK.pack(self.ssrc, loss, self.highest_seq, self.jitter, self.lsr, self.dlsr)


def _parse_blocks(body: bytes, offset: int, count: int) -> tuple[ReportBlock, ...]:
    if len(body) < offset + count * _BLOCK.size:
        raise MalformedPacket("rtcp_report_short")
    blocks = []
    for index in range(count):
        ssrc, loss, highest, jitter, lsr, dlsr = _BLOCK.unpack_from(body, offset + index * _BLOCK.size)
        lost = loss & 0xFFFFFF
        lost -= (lost & 0x800000) << 1
        blocks.append(ReportBlock(ssrc, loss >> 24, lost, highest, jitter, lsr, dlsr))
    return tuple(blocks)


@dataclass(frozen=True, slots=True)
class SenderReport:
    """SR; ``ntp`` has 64 bits."""

    ssrc: int
    ntp: int
    rtp_timestamp: int
    packet_count: int
    octet_count: int
    blocks: tuple[ReportBlock, ...] = ()

    def pack(self) -> bytes:
        """The packet."""
        body = _SENDER_INFO.pack(self.ssrc, self.ntp, self.rtp_timestamp, self.packet_count, self.octet_count)
        body += b"".join(block.pack() for block in self.blocks)
        return rtcp_header(len(self.blocks), SR, len(body)) + body


@dataclass(frozen=True, slots=True)
class ReceiverReport:
    """RR."""

    ssrc: int
    blocks: tuple[ReportBlock, ...] = ()

    def pack(self) -> bytes:
        """The packet."""
        body = self.ssrc.to_bytes(4, "big") + b"".join(block.pack() for block in self.blocks)
        return rtcp_header(len(self.blocks), RR, len(body)) + body


@dataclass(frozen=True, slots=True)
class Sdes:
    """SDES with CNAMEs only: pairs (SSRC, CNAME of at most 255 octets)."""

    cnames: tuple[tuple[int, str], ...]

    def pack(self) -> bytes:
        """The packet."""
        body = b""
        for ssrc, cname in self.cnames:
            text = cname.encode()[:255]
            chunk = ssrc.to_bytes(4, "big") + bytes((_SDES_CNAME, len(text))) + text + b"\0"
            body += chunk + bytes(-len(chunk) % 4)
        return rtcp_header(len(self.cnames), SDES, len(body)) + body


@dataclass(frozen=True, slots=True)
class Bye:
    """BYE (RFC 3550 section 6.6)."""

    ssrcs: tuple[int, ...]
    reason: str = ""

    def pack(self) -> bytes:
        """The packet."""
        body = struct.pack(f"!{len(self.ssrcs)}I", *self.ssrcs)
        if self.reason:
            text = self.reason.encode()[:255]
            body += bytes((len(text),)) + text
            body += bytes(-len(body) % 4)
        return rtcp_header(len(self.ssrcs), BYE, len(body)) + body


@dataclass(frozen=True, slots=True)
class ExtendedReport:
    """XR with receiver reference time (``rrtr``, 64-bit NTP) and DLRR entries (SSRC, LRR, DLRR in 1/65536 s)."""

    ssrc: int
    rrtr: int | None = None
    dlrr: tuple[tuple[int, int, int], ...] = ()

    def pack(self) -> bytes:
        """The packet (RFC 3611 sections 4.4 and 4.5)."""
        body = self.ssrc.to_bytes(4, "big")
        if self.rrtr is not None:
            body += struct.pack("!BBHQ", _XR_RRTR, 0, 2, self.rrtr)
        if self.dlrr:
            body += struct.pack("!BBH", _XR_DLRR, 0, 3 * len(self.dlrr))
            body += b"".join(_DLRR_ITEM.pack(*item) for item in self.dlrr)
        return rtcp_header(0, XR, len(body)) + body


@dataclass(frozen=True, slots=True)
class UnknownRtcp:
    """A packet of a kind or format not known here, whole."""

    packet_type: int
    data: bytes

    def pack(self) -> bytes:
        """As it came."""
        return self.data


Rtcp = SenderReport | ReceiverReport | Sdes | Bye | ExtendedReport | Feedback | UnknownRtcp


def _sender_report(count: int, body: bytes) -> SenderReport:
    if len(body) < _SENDER_INFO.size:
        raise MalformedPacket("rtcp_report_short")
    return SenderReport(*_SENDER_INFO.unpack_from(body), _parse_blocks(body, _SENDER_INFO.size, count))


def _receiver_report(count: int, body: bytes) -> ReceiverReport:
    if len(body) < 4:
        raise MalformedPacket("rtcp_report_short")
    return ReceiverReport(int.from_bytes(body[:4], "big"), _parse_blocks(body, 4, count))


def _sdes(count: int, body: bytes) -> Sdes:
    cnames = []
    place = 0
    for _ in range(count):
        if place + 4 > len(body):
            raise MalformedPacket("rtcp_sdes")
        ssrc = int.from_bytes(body[place : place + 4], "big")
        place += 4
        while place < len(body) and body[place]:
            if place + 2 > len(body) or place + 2 + body[place + 1] > len(body):
                raise MalformedPacket("rtcp_sdes")
            stop = place + 2 + body[place + 1]
            if body[place] == _SDES_CNAME:
                cnames.append((ssrc, body[place + 2 : stop].decode("utf-8", "replace")))
            place = stop
        # The list ends with at least one zero octet and goes on to the next 32-bit border.
        place = (place // 4 + 1) * 4
    return Sdes(tuple(cnames))


def _bye(count: int, body: bytes) -> Bye:
    if len(body) < 4 * count:
        raise MalformedPacket("rtcp_bye")
    reason = body[4 * count :]
    if reason and 1 + reason[0] > len(reason):
        raise MalformedPacket("rtcp_bye")
    text = reason[1 : 1 + reason[0]].decode("utf-8", "replace") if reason else ""
    return Bye(struct.unpack_from(f"!{count}I", body), text)


def _extended_report(_count: int, body: bytes) -> ExtendedReport:
    if len(body) < 4:
        raise MalformedPacket("rtcp_xr")
    rrtr: int | None = None
    dlrr: list[tuple[int, int, int]] = []
    place = 4
    while place + 4 <= len(body):
        kind = body[place]
        stop = place + 4 + 4 * int.from_bytes(body[place + 2 : place + 4], "big")
        if stop > len(body):
            raise MalformedPacket("rtcp_xr")
        if kind == _XR_RRTR and stop - place == 12:
            rrtr = int.from_bytes(body[place + 4 : stop], "big")
        elif kind == _XR_DLRR and (stop - place - 4) % 12 == 0:
            dlrr.extend((a, b, c) for a, b, c in _DLRR_ITEM.iter_unpack(body[place + 4 : stop]))
        place = stop
    return ExtendedReport(int.from_bytes(body[:4], "big"), rrtr, tuple(dlrr))


_PARSERS: dict[int, Callable[[int, bytes], Rtcp]] = {
    SR: _sender_report,
    RR: _receiver_report,
    SDES: _sdes,
    BYE: _bye,
    XR: _extended_report,
}


def parse_compound(data: bytes) -> list[Rtcp]:
    """The packets of a compound, or of one reduced in size (RFC 5506); raises MalformedPacket."""
    packets: list[Rtcp] = []
    place = 0
    size = len(data)
    if size < 4:
        raise MalformedPacket("rtcp_too_short")
    while place < size:
        if place + 4 > size:
            raise MalformedPacket("rtcp_truncated")
        first, packet_type = data[place], data[place + 1]
        stop = place + 4 + 4 * int.from_bytes(data[place + 2 : place + 4], "big")
        if first >> 6 != 2:
            raise MalformedPacket("rtcp_version")
        if stop > size:
            raise MalformedPacket("rtcp_truncated")
        end = stop
        if first & 0x20:
            end -= data[stop - 1]
            if data[stop - 1] == 0 or end < place + 4:
                raise MalformedPacket("rtcp_padding")
        packets.append(_parse_one(first & 0x1F, packet_type, data[place + 4 : end], data[place:stop]))
        place = stop
    return packets


def _parse_one(count: int, packet_type: int, body: bytes, whole: bytes) -> Rtcp:
    parser = _PARSERS.get(packet_type)
    if parser is not None:
        return parser(count, body)
    if packet_type in (RTPFB, PSFB):
        message = parse_feedback_message(packet_type, count, body)
        if message is not None:
            return message
    return UnknownRtcp(packet_type, whole)
