"""The per-packet path: one received packet becomes one sealed packet for each forwarding entry.

Plain data in and out, no callbacks, no waiting: slow decisions (which Encoding, when to start) are taken elsewhere and
change the entries. What an entry changes is a fixed-length patch: SSRC, payload type, sequence number, timestamp,
extension ids and, for VP8 and VP9 after a switch, the picture indices. The payload is copied once: by the cipher.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import NamedTuple, Protocol

from sfu.codecs.patch import patch_indices
from sfu.errors import MalformedPacket
from sfu.layers.header_plan import ExtensionBlock, HeaderPlan
from sfu.layers.layer_filter import LayerFilter
from sfu.layers.red import as_red, plain_opus, with_payload_types
from sfu.rtp.packet import RtpPacket

FIXED_HEADER = struct.Struct("!BBHII").pack
SEQUENCE = struct.Struct("!H").pack

Seal = Callable[[bytes, bytes, bytes], bytes]


class Protector(Protocol):
    """The sending half of an SRTP session, as ``sfu.io.srtp.SrtpSender``."""

    seal: Seal | None
    salt: int

    def protect_rtp(self, header: bytes, payload: bytes, ssrc: int, ext_seq: int) -> bytes:
        """Seal one packet under the session's profile."""
        ...


class Held(NamedTuple):
    """A packet that is complete but for its transport-wide number and its seal, which it gets when it leaves."""

    entry: ForwardEntry
    fixed: bytes
    block: ExtensionBlock
    body: bytes
    ext_seq: int


class Outlet:
    """Where sealed packets of one Transport wait until the batch ends, and its transport-wide sequence number.

    While ``holding``, packets gather in ``held`` instead: the path is slower than what comes, so they are paced.
    """

    __slots__ = ("dirty", "held", "holding", "packets", "twcc_seq")

    def __init__(self, dirty: list[Outlet]) -> None:
        self.packets: list[bytes] = []
        self.held: list[Held] = []
        self.holding = False
        self.dirty = dirty
        self.twcc_seq = 0

    def flush(self, now: float) -> None:
        """Send what was queued: called once a batch."""
        raise NotImplementedError

    def put(self, packet: bytes) -> None:
        """Queue one packet; the first of a batch marks this outlet as one to flush."""
        if not self.packets and not self.held:
            self.dirty.append(self)
        self.packets.append(packet)

    def hold(self, packet: Held) -> None:
        """Keep one packet that has to wait."""
        if not self.packets and not self.held:
            self.dirty.append(self)
        self.held.append(packet)


class ForwardEntry:
    """What the packets of one Encoding become on their way to one Consumer; ``priority`` is that of the pacer."""

    __slots__ = (
        "codec_name",
        "filter",
        "first_in",
        "frame_delta",
        "octets",
        "opus_in",
        "opus_out",
        "outlet",
        "packets",
        "payload_type",
        "picture_delta",
        "plan",
        "priority",
        "protector",
        "red_in",
        "red_out",
        "rewrites_payload",
        "salt",
        "seal",
        "seq_offset",
        "ssrc",
        "tl0_delta",
        "ts_offset",
    )

    def __init__(
        self,
        *,
        ssrc: int,
        payload_type: int,
        plan: HeaderPlan,
        outlet: Outlet,
        protector: Protector,
        priority: int = 0,
    ) -> None:
        self.ssrc = ssrc
        self.payload_type = payload_type
        self.plan = plan
        self.outlet = outlet
        self.protector = protector
        self.seal = protector.seal
        # RFC 7714 section 8.1: the nonce is the salt XOR (two zero octets, SSRC, ROC, SEQ).
        self.salt = protector.salt ^ (ssrc << 48)
        self.priority = priority
        self.filter: LayerFilter | None = None
        self.first_in = 0
        self.seq_offset = 0
        self.ts_offset = 0
        self.codec_name = ""
        self.picture_delta = 0
        self.tl0_delta = 0
        self.frame_delta = 0
        self.red_in: int | None = None
        self.red_out: int | None = None
        self.opus_in = 0
        self.opus_out = 0
        self.rewrites_payload = False
        self.packets = 0
        self.octets = 0


def rewritten_payload(entry: ForwardEntry, packet: RtpPacket, payload: bytes) -> bytes | None:
    """The payload with indices patched, or as the subscriber takes redundant audio; None if it cannot be read."""
    try:
        if entry.red_in is None:
            return patch_indices(entry.codec_name, payload, entry.picture_delta, entry.tl0_delta)
        received_as_red = packet.payload_type == entry.red_in
        if entry.red_out is None:
            return plain_opus(payload) if received_as_red else payload
        if not received_as_red:
            return as_red(payload, entry.opus_out)
        return payload if entry.opus_in == entry.opus_out else with_payload_types(payload, entry.opus_out)
    except MalformedPacket:
        return None


def forward(packet: RtpPacket, entries: list[ForwardEntry], send_time_24: int) -> None:
    """Seal ``packet`` for each of ``entries`` and queue it at the entry's outlet.

    ``packet.ext_seq`` must be set. Entries that begin later than this packet pass it over.
    """
    ext_in = packet.ext_seq
    timestamp = packet.timestamp
    marker = 0x80 if packet.marker else 0
    payload = packet.data[packet.payload_offset : packet.payload_end]
    octets = len(payload)
    blocks: dict[HeaderPlan, ExtensionBlock] = {}
    for entry in entries:
        if ext_in < entry.first_in:
            continue
        layers = entry.filter
        if layers is None:
            ext_seq = ext_in + entry.seq_offset
            ends_picture = marker
        else:
            placed = layers.place(packet)
            if placed is None:
                continue
            ext_seq = placed
            entry.picture_delta = layers.picture_delta
            ends_picture = 0x80 if layers.ends_picture(packet) else 0
        plan = entry.plan
        block = blocks.get(plan)
        if block is None:
            block = blocks[plan] = plan.build(packet, send_time_24)
        if entry.frame_delta:
            block = block.with_frame_delta(entry.frame_delta)
        outlet = entry.outlet
        fixed = FIXED_HEADER(
            0x90 if block.head else 0x80,
            ends_picture | entry.payload_type,
            ext_seq & 0xFFFF,
            (timestamp + entry.ts_offset) & 0xFFFFFFFF,
            entry.ssrc,
        )
        body = payload
        if entry.rewrites_payload and payload:
            changed = rewritten_payload(entry, packet, payload)
            if changed is None:
                continue
            body = changed
        entry.packets += 1
        entry.octets += octets
        if outlet.holding:
            outlet.hold(Held(entry, fixed, block, body, ext_seq))
            continue
        head, tail, _ = block
        if tail is None:
            header = fixed + head
        else:
            outlet.twcc_seq = twcc_seq = (outlet.twcc_seq + 1) & 0xFFFF
            header = fixed + head + SEQUENCE(twcc_seq) + tail
        seal = entry.seal
        if seal is not None:
            sealed = header + seal((entry.salt ^ ext_seq).to_bytes(12, "big"), body, header)
        else:
            slowly_sealed = protect(entry, header, body, ext_seq)
            if slowly_sealed is None:
                continue
            sealed = slowly_sealed
        packets = outlet.packets
        if not packets:
            outlet.dirty.append(outlet)
        packets.append(sealed)


def protect(entry: ForwardEntry, header: bytes, payload: bytes, ext_seq: int) -> bytes | None:
    """Seal outside the fast path; None for what libsrtp refuses (AES-CM: over 1,356 octets, or a repeat too old)."""
    try:
        return entry.protector.protect_rtp(header, payload, entry.ssrc, ext_seq)
    except MalformedPacket:
        return None
