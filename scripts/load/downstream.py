"""What a client receives: counted by SSRC; some clients also open packets, and see how long they were under way."""

from __future__ import annotations

import random
import struct
import time
from dataclasses import dataclass

from scripts.load.connection import Connection
from scripts.load.upstream import STAMP, STAMP_MAGIC
from sfu.congestion.feedback import FeedbackCollector
from sfu.errors import MalformedPacket
from sfu.pacing import transport_number
from sfu.rtp.clock import ntp_middle
from sfu.rtp.extensions import Uri
from sfu.rtp.packet import parse_rtp
from sfu.rtp.rtcp import Pli, ReceiverReport, ReportBlock, SenderReport, parse_compound
from sfu.sdp.types import SessionDescription

MAX_BLOCKS = 20
PLI_EVERY_S = 1.0
_HEADER = struct.Struct("!BBHII")


@dataclass(slots=True)
class Received:
    """One SSRC. ``highest`` and ``first`` are extended sequence numbers."""

    kind: str
    packets: int = 0
    octets: int = 0
    first: int = -1
    highest: int = -1
    frames: int = 0
    lsr: int = 0
    lsr_at: float = 0.0
    asked_at: float = 0.0
    reported_expected: int = 0
    reported_packets: int = 0

    @property
    def expected(self) -> int:
        """Packets that there should be."""
        return self.highest - self.first + 1 if self.first >= 0 else 0


class Downstream:
    """``is_probe``: open the packets and take their delays, too."""

    def __init__(self, is_probe: bool) -> None:
        self.ssrc = random.randrange(1, 1 << 31)
        self.streams: dict[int, Received] = {}
        self.unknown = 0
        self.first_at: float | None = None
        self.is_probe = is_probe
        self.delays_ms: list[float] = []
        self._twcc_id = 0
        self._feedback = FeedbackCollector(self.ssrc)
        self._connection: Connection | None = None

    def use(self, connection: Connection) -> None:
        """Report by this one."""
        self._connection = connection

    def learn(self, offered: SessionDescription) -> None:
        """Which SSRCs there are."""
        for section in offered.sections:
            for extension_id, uri in section.extensions.items():
                if uri == Uri.TRANSPORT_CC:
                    self._twcc_id = extension_id
            if section.direction == "sendonly" and section.ssrcs:
                # The first is the media's, a further one that of resends, which are not asked for.
                self.streams.setdefault(next(iter(section.ssrcs)), Received(section.kind))

    def on_rtp(self, data: bytes, now: float) -> None:
        """A sealed packet: its header can be read."""
        _, second, seq, _, ssrc = _HEADER.unpack_from(data)
        stream = self.streams.get(ssrc)
        if self._twcc_id:
            number = transport_number(data, self._twcc_id)
            if number is not None:
                self._feedback.on_packet(number, now, ssrc)
        if stream is None:
            self.unknown += 1
            return
        stream.packets += 1
        stream.octets += len(data)
        if stream.highest < 0:
            stream.first = stream.highest = seq
            self.first_at = self.first_at or now
        else:
            ahead = (seq - stream.highest) & 0xFFFF
            if ahead < 0x8000:
                stream.highest += ahead
                if ahead > 1 and stream.kind == "video":
                    self._ask(stream, ssrc, now)
        if second & 0x80 and stream.kind == "video":
            stream.frames += 1
            if self.is_probe:
                self._open(data)

    def _open(self, data: bytes) -> None:
        connection = self._connection
        if connection is None or connection.receiver is None:
            return
        try:
            packet = parse_rtp(connection.receiver.unprotect_rtp(data))
        except MalformedPacket:
            return
        tail = packet.data[packet.payload_end - STAMP.size : packet.payload_end]
        if len(tail) == STAMP.size:
            magic, sent_ns = STAMP.unpack(tail)
            if magic == STAMP_MAGIC:
                self.delays_ms.append((time.monotonic_ns() - sent_ns) / 1e6)

    def _ask(self, stream: Received, ssrc: int, now: float) -> None:
        """A frame is broken: ask for a key frame, as a browser does."""
        if now - stream.asked_at > PLI_EVERY_S and self._connection is not None:
            stream.asked_at = now
            self._connection.send_rtcp(Pli(self.ssrc, ssrc).pack())

    def on_rtcp(self, data: bytes, now: float) -> None:
        """Sender reports: ours name them, so that the server learns the round trip."""
        try:
            reports = parse_compound(data)
        except MalformedPacket:
            return
        for report in reports:
            if isinstance(report, SenderReport):
                stream = self.streams.get(report.ssrc)
                if stream is not None:
                    stream.lsr, stream.lsr_at = ntp_middle(report.ntp), now

    def give_feedback(self, now: float) -> None:
        """Called every 50 ms: the transport-wide feedback."""
        if self._connection is not None:
            for message in self._feedback.build(now):
                self._connection.send_rtcp(message)

    def report(self, now: float) -> None:
        """Called once a second: receiver reports."""
        if self._connection is None:
            return
        blocks = [_block(ssrc, stream, now) for ssrc, stream in self.streams.items() if stream.packets]
        for start in range(0, len(blocks), MAX_BLOCKS):
            self._connection.send_rtcp(ReceiverReport(self.ssrc, tuple(blocks[start : start + MAX_BLOCKS])).pack())


def _block(ssrc: int, stream: Received, now: float) -> ReportBlock:
    expected, lost = stream.expected, max(0, stream.expected - stream.packets)
    new_expected = expected - stream.reported_expected
    new_lost = max(0, new_expected - (stream.packets - stream.reported_packets))
    stream.reported_expected, stream.reported_packets = expected, stream.packets
    fraction = min(255, new_lost * 256 // new_expected) if new_expected > 0 else 0
    dlsr = round((now - stream.lsr_at) * 65_536) if stream.lsr else 0
    return ReportBlock(ssrc, fraction, lost, stream.highest & 0xFFFFFFFF, 0, stream.lsr, dlsr)
