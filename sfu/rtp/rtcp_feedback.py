"""Feedback from receivers: NACK and PLI (RFC 4585), FIR (RFC 5104), REMB (draft-alvestrand-rmcat-remb-03)."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass

from sfu.errors import MalformedPacket
from sfu.rtp.rtcp_types import PacketType, PayloadFormat, TransportFormat, pack_rtcp

_SSRCS = struct.Struct("!II")
_NACK_PAIR = struct.Struct("!HH")
_FIR_ENTRY = struct.Struct("!IB3x")
_REMB_NAME = b"REMB"
_REMB_MANTISSA_BITS = 18
_MAX_BITRATE_BPS = (1 << 63) - 1


def _nack_pairs(lost: Iterable[int]) -> bytes:
    """Packet ids, each with a bit mask of the 16 that follow (RFC 4585 section 6.2.1)."""
    pairs: list[tuple[int, int]] = []
    for number in lost:
        if pairs:
            first, mask = pairs[-1]
            ahead = (number - first) & 0xFFFF
            if ahead <= 16:
                pairs[-1] = (first, mask | (1 << ahead >> 1))
                continue
        pairs.append((number & 0xFFFF, 0))
    return b"".join(_NACK_PAIR.pack(first, mask) for first, mask in pairs)


@dataclass(frozen=True, slots=True)
class Nack:
    """Lost packets of one source, 16-bit sequence numbers; packs smallest when in their natural order."""

    sender_ssrc: int
    media_ssrc: int
    lost: tuple[int, ...]

    def pack(self) -> bytes:
        """The packet as bytes."""
        body = _SSRCS.pack(self.sender_ssrc, self.media_ssrc) + _nack_pairs(self.lost)
        return pack_rtcp(PacketType.TRANSPORT_FEEDBACK, TransportFormat.NACK, body)

    @classmethod
    def parse(cls, body: bytes) -> Nack:
        """Raises MalformedPacket: ``rtcp_nack``."""
        if len(body) < _SSRCS.size + _NACK_PAIR.size or len(body) % 4:
            raise MalformedPacket("rtcp_nack")
        sender, media = _SSRCS.unpack_from(body)
        lost = []
        for first, mask in _NACK_PAIR.iter_unpack(body[_SSRCS.size :]):
            lost.append(first)
            lost += [(first + 1 + bit) & 0xFFFF for bit in range(16) if mask >> bit & 1]
        return cls(sender, media, tuple(lost))


@dataclass(frozen=True, slots=True)
class Pli:
    """A picture was lost: a key frame is wanted (RFC 4585 section 6.3.1)."""

    sender_ssrc: int
    media_ssrc: int

    def pack(self) -> bytes:
        """The packet as bytes."""
        body = _SSRCS.pack(self.sender_ssrc, self.media_ssrc)
        return pack_rtcp(PacketType.PAYLOAD_FEEDBACK, PayloadFormat.PLI, body)

    @classmethod
    def parse(cls, body: bytes) -> Pli:
        """Raises MalformedPacket: ``rtcp_pli``."""
        if len(body) < _SSRCS.size:
            raise MalformedPacket("rtcp_pli")
        return cls(*_SSRCS.unpack_from(body))


@dataclass(frozen=True, slots=True)
class Fir:
    """Full intra requests (RFC 5104 section 4.3.1): (SSRC, command number of 8 bits) each."""

    sender_ssrc: int
    entries: tuple[tuple[int, int], ...]

    def pack(self) -> bytes:
        """The packet as bytes; the media source of the header is zero, as section 4.3.1.2 wants."""
        body = _SSRCS.pack(self.sender_ssrc, 0) + b"".join(_FIR_ENTRY.pack(*entry) for entry in self.entries)
        return pack_rtcp(PacketType.PAYLOAD_FEEDBACK, PayloadFormat.FIR, body)

    @classmethod
    def parse(cls, body: bytes) -> Fir:
        """Raises MalformedPacket: ``rtcp_fir``."""
        if len(body) < _SSRCS.size + _FIR_ENTRY.size or (len(body) - _SSRCS.size) % _FIR_ENTRY.size:
            raise MalformedPacket("rtcp_fir")
        sender, _ = _SSRCS.unpack_from(body)
        return cls(sender, tuple((ssrc, number) for ssrc, number in _FIR_ENTRY.iter_unpack(body[_SSRCS.size :])))


@dataclass(frozen=True, slots=True)
class Remb:
    """A receiver's own estimate of what it can receive, in bits per second, over all of ``ssrcs`` together."""

    sender_ssrc: int
    bitrate_bps: int
    ssrcs: tuple[int, ...]

    def pack(self) -> bytes:
        """The packet as bytes; the bitrate is cut to its 18 highest bits. Raises ValueError if it does not fit."""
        if not 0 <= self.bitrate_bps <= _MAX_BITRATE_BPS or len(self.ssrcs) > 255:
            raise ValueError("does not fit a REMB")
        exponent = max(0, self.bitrate_bps.bit_length() - _REMB_MANTISSA_BITS)
        word = len(self.ssrcs) << 24 | exponent << _REMB_MANTISSA_BITS | self.bitrate_bps >> exponent
        body = _SSRCS.pack(self.sender_ssrc, 0) + _REMB_NAME + struct.pack(f"!I{len(self.ssrcs)}I", word, *self.ssrcs)
        return pack_rtcp(PacketType.PAYLOAD_FEEDBACK, PayloadFormat.APPLICATION, body)

    @staticmethod
    def fits(body: bytes) -> bool:
        """Whether application-layer feedback is a REMB at all."""
        return body[8:12] == _REMB_NAME

    @classmethod
    def parse(cls, body: bytes) -> Remb:
        """Raises MalformedPacket: ``rtcp_remb``."""
        if len(body) < 16:
            raise MalformedPacket("rtcp_remb")
        sender, _, word = struct.unpack_from("!II4xI", body)
        count = word >> 24
        bitrate_bps = (word & 0x3FFFF) << (word >> 18 & 0x3F)
        if len(body) < 16 + 4 * count or bitrate_bps > _MAX_BITRATE_BPS:
            raise MalformedPacket("rtcp_remb")
        return cls(sender, bitrate_bps, struct.unpack_from(f"!{count}I", body, 16))
