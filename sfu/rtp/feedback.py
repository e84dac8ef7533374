"""RTCP feedback messages (RFC 4585, RFC 5104, REMB): what a receiver asks of a sender."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from sfu.errors import MalformedPacket

RTPFB = 205
PSFB = 206
FMT_NACK = 1
FMT_TRANSPORT_CC = 15
FMT_PLI = 1
FMT_FIR = 4
FMT_AFB = 15
_REMB_NAME = b"REMB"
_PAIR = struct.Struct("!II")
_NACK_ITEM = struct.Struct("!HH")
_FIR_ITEM = struct.Struct("!IB3x")
MAX_NACK_ITEMS = 253
"""Items of one message, so that it fits a datagram of 1,024 octets."""


def rtcp_header(count: int, packet_type: int, body_bytes: int) -> bytes:
    """The common header (RFC 3550 section 6.1) for a body of whole 32-bit words."""
    return struct.pack("!BBH", 0x80 | count, packet_type, body_bytes // 4)


def _feedback(fmt: int, packet_type: int, sender_ssrc: int, media_ssrc: int, fci: bytes) -> bytes:
    return rtcp_header(fmt, packet_type, 8 + len(fci)) + _PAIR.pack(sender_ssrc, media_ssrc) + fci


@dataclass(frozen=True, slots=True)
class Nack:
    """Generic NACK (RFC 4585 section 6.2.1); ``lost`` are 16-bit sequence numbers."""

    sender_ssrc: int
    media_ssrc: int
    lost: tuple[int, ...]

    def pack(self) -> bytes:
        """One or more messages, each of at most 253 items."""
        items: list[tuple[int, int]] = []
        for seq in self.lost:
            if items:
                ahead = (seq - items[-1][0]) & 0xFFFF
                if 0 < ahead <= 16:
                    items[-1] = (items[-1][0], items[-1][1] | 1 << (ahead - 1))
                    continue
                if ahead == 0:
                    continue
            items.append((seq & 0xFFFF, 0))
        return b"".join(
            _feedback(
                FMT_NACK,
                RTPFB,
                self.sender_ssrc,
                self.media_ssrc,
                b"".join(_NACK_ITEM.pack(*item) for item in items[start : start + MAX_NACK_ITEMS]),
            )
            for start in range(0, len(items), MAX_NACK_ITEMS)
        )


@dataclass(frozen=True, slots=True)
class Pli:
    """Picture loss indication (RFC 4585 section 6.3.1)."""

    sender_ssrc: int
    media_ssrc: int

    def pack(self) -> bytes:
        """The message."""
        return _feedback(FMT_PLI, PSFB, self.sender_ssrc, self.media_ssrc, b"")


@dataclass(frozen=True, slots=True)
class Fir:
    """Full intra request (RFC 5104 section 4.3.1); ``entries`` are (SSRC, command number 0 to 255)."""

    sender_ssrc: int
    entries: tuple[tuple[int, int], ...]

    def pack(self) -> bytes:
        """The message."""
        return _feedback(FMT_FIR, PSFB, self.sender_ssrc, 0, b"".join(_FIR_ITEM.pack(*e) for e in self.entries))


@dataclass(frozen=True, slots=True)
class Remb:
    """Receiver estimated maximum bitrate (draft-alvestrand-rmcat-remb-03): a mantissa of 18 bits, an exponent of 6."""

    sender_ssrc: int
    bitrate_bps: int
    ssrcs: tuple[int, ...]

    def pack(self) -> bytes:
        """The message; the bitrate is rounded down to what 18 bits can say."""
        exponent = max(0, self.bitrate_bps.bit_length() - 18)
        rate = exponent << 18 | self.bitrate_bps >> exponent
        fci = _REMB_NAME + struct.pack(f"!I{len(self.ssrcs)}I", len(self.ssrcs) << 24 | rate, *self.ssrcs)
        return _feedback(FMT_AFB, PSFB, self.sender_ssrc, 0, fci)


@dataclass(frozen=True, slots=True)
class TransportFeedback:
    """Transport-wide congestion control feedback, its body unread: see ``sfu.rtp.twcc.parse_feedback``."""

    sender_ssrc: int
    media_ssrc: int
    fci: bytes

    def pack(self) -> bytes:
        """The message; ``fci`` must be whole words."""
        return _feedback(FMT_TRANSPORT_CC, RTPFB, self.sender_ssrc, self.media_ssrc, self.fci)


Feedback = Nack | Pli | Fir | Remb | TransportFeedback


def parse_feedback_message(packet_type: int, fmt: int, body: bytes) -> Feedback | None:
    """A message of type 205 or 206 from what follows its common header; None for a format not known here."""
    if len(body) < 8:
        raise MalformedPacket("rtcp_feedback_short")
    sender_ssrc, media_ssrc = _PAIR.unpack_from(body)
    fci = body[8:]
    if packet_type == RTPFB and fmt == FMT_NACK:
        return Nack(sender_ssrc, media_ssrc, _lost(fci))
    if packet_type == RTPFB and fmt == FMT_TRANSPORT_CC:
        return TransportFeedback(sender_ssrc, media_ssrc, fci)
    if packet_type == PSFB and fmt == FMT_PLI:
        return Pli(sender_ssrc, media_ssrc)
    if packet_type == PSFB and fmt == FMT_FIR:
        if len(fci) % 8:
            raise MalformedPacket("rtcp_fir")
        return Fir(sender_ssrc, tuple((ssrc, number) for ssrc, number in _FIR_ITEM.iter_unpack(fci)))
    if packet_type == PSFB and fmt == FMT_AFB and fci[:4] == _REMB_NAME:
        return _remb(sender_ssrc, fci)
    return None


def _lost(fci: bytes) -> tuple[int, ...]:
    if len(fci) % 4:
        raise MalformedPacket("rtcp_nack")
    lost: list[int] = []
    for first, mask in _NACK_ITEM.iter_unpack(fci):
        lost.append(first)
        bit = 1
        while mask:
            if mask & 1:
                lost.append((first + bit) & 0xFFFF)
            mask >>= 1
            bit += 1
    return tuple(lost)


def _remb(sender_ssrc: int, fci: bytes) -> Remb:
    if len(fci) < 8 or len(fci) != 8 + 4 * fci[4]:
        raise MalformedPacket("rtcp_remb")
    word = int.from_bytes(fci[4:8], "big")
    bitrate = (word & 0x3FFFF) << (word >> 18 & 0x3F)
    return Remb(sender_ssrc, bitrate, struct.unpack(f"!{fci[4]}I", fci[8:]))
