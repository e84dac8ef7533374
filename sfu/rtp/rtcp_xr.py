"""Extended reports (RFC 3611): the two blocks by which a receiver that sends no media learns its round-trip time."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from sfu.errors import MalformedPacket
from sfu.rtp.rtcp_types import PacketType, pack_rtcp

_SSRC = struct.Struct("!I")
_BLOCK_HEADER = struct.Struct("!BBH")
_REFERENCE_TIME = struct.Struct("!Q")
_DELAY = struct.Struct("!III")
_RRTR = 4
_DLRR = 5


@dataclass(frozen=True, slots=True)
class Dlrr:
    """The answer to a receiver's reference time (section 4.5); both times in 1/65536 s as in a report block."""

    ssrc: int
    lrr: int
    dlrr: int


@dataclass(frozen=True, slots=True)
class ExtendedReport:
    """``reference_time`` is a 64-bit NTP timestamp (RRTR, section 4.4); blocks of other kinds are passed over."""

    ssrc: int
    reference_time: int | None = None
    delays: tuple[Dlrr, ...] = ()

    def pack(self) -> bytes:
        """The packet as bytes."""
        body = _SSRC.pack(self.ssrc)
        if self.reference_time is not None:
            body += _BLOCK_HEADER.pack(_RRTR, 0, 2) + _REFERENCE_TIME.pack(self.reference_time)
        if self.delays:
            body += _BLOCK_HEADER.pack(_DLRR, 0, 3 * len(self.delays))
            body += b"".join(_DELAY.pack(d.ssrc, d.lrr, d.dlrr) for d in self.delays)
        return pack_rtcp(PacketType.EXTENDED_REPORT, 0, body)

    @classmethod
    def parse(cls, _count: int, body: bytes) -> ExtendedReport:
        """Raises MalformedPacket: ``rtcp_xr``."""
        if len(body) < _SSRC.size:
            raise MalformedPacket("rtcp_xr")
        (ssrc,) = _SSRC.unpack_from(body)
        reference_time: int | None = None
        delays: list[Dlrr] = []
        offset = _SSRC.size
        while offset < len(body):
            if offset + _BLOCK_HEADER.size > len(body):
                raise MalformedPacket("rtcp_xr")
            kind, _, words = _BLOCK_HEADER.unpack_from(body, offset)
            start = offset + _BLOCK_HEADER.size
            offset = start + words * 4
            if offset > len(body):
                raise MalformedPacket("rtcp_xr")
            if kind == _RRTR:
                if words != 2:
                    raise MalformedPacket("rtcp_xr")
                (reference_time,) = _REFERENCE_TIME.unpack_from(body, start)
            elif kind == _DLRR:
                if words % 3:
                    raise MalformedPacket("rtcp_xr")
                delays += [Dlrr(*fields) for fields in _DELAY.iter_unpack(body[start:offset])]
        return cls(ssrc, reference_time, tuple(delays))
