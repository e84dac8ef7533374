"""Which streams of a pipe its far end wants, in band: an application-defined RTCP packet (RFC 3550 section 6.7).

It is said again all the time, so that nothing has to be acknowledged, and that a far end that is gone wants nothing.
"""

from __future__ import annotations

import struct
from collections.abc import Collection

from sfu.rtp.rtcp import UnknownRtcp

APPLICATION_DEFINED = 204
NAME = b"PLNW"
MAX_WANTED = 300
"""So many SSRCs fit a datagram; more are told in further packets, of which ``PARTS`` belong together."""
_HEAD = struct.Struct("!BBHI4sBBH")


def pack_wants(sender_ssrc: int, wanted: Collection[int]) -> list[bytes]:
    """RTCP packets that name all SSRCs that are wanted; at least one."""
    ssrcs = sorted(wanted)
    groups = [ssrcs[start : start + MAX_WANTED] for start in range(0, len(ssrcs), MAX_WANTED)] or [[]]
    return [_pack(sender_ssrc, number, len(groups), group) for number, group in enumerate(groups)]


def _pack(sender_ssrc: int, number: int, of: int, ssrcs: list[int]) -> bytes:
    words = (_HEAD.size >> 2) + len(ssrcs) - 1
    head = _HEAD.pack(0x80, APPLICATION_DEFINED, words, sender_ssrc, NAME, number, of, len(ssrcs))
    return head + struct.pack(f"!{len(ssrcs)}I", *ssrcs)


class WantsReader:
    """Puts the parts of what is wanted together."""

    def __init__(self) -> None:
        self._parts: dict[int, tuple[int, ...]] = {}

    def read(self, report: UnknownRtcp) -> set[int] | None:
        """All that is wanted, once its last part is there; None: not yet, or it is something else."""
        body = report.body
        if report.packet_type != APPLICATION_DEFINED or len(body) < 12 or body[4:8] != NAME:
            return None
        number, of, count = struct.unpack_from("!BBH", body, 8)
        if len(body) < 12 + 4 * count or number >= of:
            return None
        self._parts[number] = struct.unpack_from(f"!{count}I", body, 12)
        if number + 1 < of or len(self._parts) < of:
            return None
        parts, self._parts = self._parts, {}
        return {ssrc for part in parts.values() for ssrc in part}
