"""Reports, source descriptions and goodbyes (RFC 3550 sections 6.4 to 6.6)."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import NamedTuple

from sfu.errors import MalformedPacket
from sfu.rtp.rtcp_types import PacketType, pack_rtcp

_BLOCK = struct.Struct("!IIIIII")
_SENDER = struct.Struct("!IQIII")
_SENDER_PACKET = struct.Struct("!BBHIQIII")
_BLOCK_WORDS = _BLOCK.size // 4
_SSRC = struct.Struct("!I")
_CNAME = 1
MAX_BLOCKS = 31


@dataclass(frozen=True, slots=True)
class ReportBlock:
    """Reception of one source (section 6.4.1).

    ``fraction_lost`` in 1/256, ``packets_lost`` signed 24 bits, ``highest_seq`` the low 32 bits of the extended
    sequence number, ``jitter`` in units of the RTP clock, ``lsr`` and ``dlsr`` in 1/65536 s.
    """

    ssrc: int
    fraction_lost: int
    packets_lost: int
    highest_seq: int
    jitter: int
    lsr: int
    dlsr: int

    def pack(self) -> bytes:
        """The 24 bytes of the block."""
        lost = min(max(self.packets_lost, -0x800000), 0x7FFFFF) & 0xFFFFFF
        loss = self.fraction_lost << 24 | lost
        return _BLOCK.pack(self.ssrc, loss, self.highest_seq, self.jitter, self.lsr, self.dlsr)


def _parse_blocks(body: bytes, offset: int, count: int, reason: str) -> tuple[ReportBlock, ...]:
    """The report blocks; profile-specific extensions after them are passed over (section 6.4.3)."""
    if offset + count * _BLOCK.size > len(body):
        raise MalformedPacket(reason)
    blocks = []
    for place in range(offset, offset + count * _BLOCK.size, _BLOCK.size):
        ssrc, loss, highest_seq, jitter, lsr, dlsr = _BLOCK.unpack_from(body, place)
        lost = ((loss & 0xFFFFFF) ^ 0x800000) - 0x800000  # sign of 24 bits
        blocks.append(ReportBlock(ssrc, loss >> 24, lost, highest_seq, jitter, lsr, dlsr))
    return tuple(blocks)


class SenderReport(NamedTuple):
    """What a source has sent (section 6.4.1); ``ntp`` has 64 bits and names the same moment as ``rtp_timestamp``.

    There is one a second for each video that is sent to anybody, so it is light and packed in one go.
    """

    ssrc: int
    ntp: int
    rtp_timestamp: int
    packet_count: int
    octet_count: int
    blocks: tuple[ReportBlock, ...] = ()

    def pack(self) -> bytes:
        """The packet as bytes; the counts wrap at 32 bits. Raises ValueError for more than 31 blocks."""
        blocks = self.blocks
        count = len(blocks)
        if count > MAX_BLOCKS:
            raise ValueError("does not fit an RTCP packet")
        report = _SENDER_PACKET.pack(
            0x80 | count,
            PacketType.SENDER_REPORT,
            _SENDER.size // 4 + count * _BLOCK_WORDS,
            self.ssrc,
            self.ntp,
            self.rtp_timestamp,
            self.packet_count & 0xFFFFFFFF,
            self.octet_count & 0xFFFFFFFF,
        )
        return report + b"".join([block.pack() for block in blocks]) if blocks else report

    @classmethod
    def parse(cls, count: int, body: bytes) -> SenderReport:
        """Raises MalformedPacket: ``rtcp_sr``."""
        if len(body) < _SENDER.size:
            raise MalformedPacket("rtcp_sr")
        ssrc, ntp, rtp_timestamp, packet_count, octet_count = _SENDER.unpack_from(body)
        blocks = _parse_blocks(body, _SENDER.size, count, "rtcp_sr")
        return cls(ssrc, ntp, rtp_timestamp, packet_count, octet_count, blocks)


@dataclass(frozen=True, slots=True)
class ReceiverReport:
    """What a receiver that sends nothing has received (section 6.4.2)."""

    ssrc: int
    blocks: tuple[ReportBlock, ...] = ()

    def pack(self) -> bytes:
        """The packet as bytes."""
        body = _SSRC.pack(self.ssrc) + b"".join(block.pack() for block in self.blocks)
        return pack_rtcp(PacketType.RECEIVER_REPORT, len(self.blocks), body)

    @classmethod
    def parse(cls, count: int, body: bytes) -> ReceiverReport:
        """Raises MalformedPacket: ``rtcp_rr``."""
        if len(body) < _SSRC.size:
            raise MalformedPacket("rtcp_rr")
        (ssrc,) = _SSRC.unpack_from(body)
        return cls(ssrc, _parse_blocks(body, _SSRC.size, count, "rtcp_rr"))


@dataclass(frozen=True, slots=True)
class Sdes:
    """Source descriptions (section 6.5): (SSRC, CNAME) each; other items are passed over when read."""

    cnames: tuple[tuple[int, str], ...]

    def pack(self) -> bytes:
        """The packet as bytes; raises ValueError if a CNAME has more than 255 bytes."""
        body = bytearray()
        for ssrc, cname in self.cnames:
            text = cname.encode()
            if len(text) > 255:
                raise ValueError("a CNAME has at most 255 bytes")
            body += _SSRC.pack(ssrc) + bytes((_CNAME, len(text))) + text
            # One to four zero bytes: the end of the items, then padding to 32 bits.
            body += bytes(4 - len(body) % 4)
        return pack_rtcp(PacketType.SOURCE_DESCRIPTION, len(self.cnames), bytes(body))

    @classmethod
    def parse(cls, count: int, body: bytes) -> Sdes:
        """Raises MalformedPacket: ``rtcp_sdes``."""
        chunks = []
        offset = 0
        for _ in range(count):
            if offset + _SSRC.size > len(body):
                raise MalformedPacket("rtcp_sdes")
            (ssrc,) = _SSRC.unpack_from(body, offset)
            cname, offset = _parse_items(body, offset + _SSRC.size)
            chunks.append((ssrc, cname))
        return cls(tuple(chunks))


def _parse_items(body: bytes, offset: int) -> tuple[str, int]:
    """The CNAME of one chunk, and where the next chunk begins."""
    cname = ""
    size = len(body)
    while offset < size:
        if body[offset] == 0:
            return cname, (offset + 4) & ~3
        if offset + 2 > size:
            break
        stop = offset + 2 + body[offset + 1]
        if stop > size:
            break
        if body[offset] == _CNAME:
            cname = body[offset + 2 : stop].decode("utf-8", "replace")
        offset = stop
    raise MalformedPacket("rtcp_sdes")


@dataclass(frozen=True, slots=True)
class Bye:
    """Sources that end (section 6.6)."""

    ssrcs: tuple[int, ...]
    reason: str = ""

    def pack(self) -> bytes:
        """The packet as bytes; raises ValueError if the reason has more than 255 bytes."""
        body = struct.pack(f"!{len(self.ssrcs)}I", *self.ssrcs)
        if self.reason:
            text = self.reason.encode()
            if len(text) > 255:
                raise ValueError("a reason has at most 255 bytes")
            body += bytes((len(text),)) + text
            body += bytes(-len(body) % 4)
        return pack_rtcp(PacketType.BYE, len(self.ssrcs), body)

    @classmethod
    def parse(cls, count: int, body: bytes) -> Bye:
        """Raises MalformedPacket: ``rtcp_bye``."""
        end = count * _SSRC.size
        if end > len(body):
            raise MalformedPacket("rtcp_bye")
        reason = b""
        if end < len(body):
            reason = body[end + 1 : end + 1 + body[end]]
            if len(reason) != body[end]:
                raise MalformedPacket("rtcp_bye")
        return cls(struct.unpack_from(f"!{count}I", body), reason.decode("utf-8", "replace"))
