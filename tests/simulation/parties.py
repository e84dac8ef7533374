"""A publisher that sends, resends and makes key frames, and a receiver built of the stream parts of the engine."""

from __future__ import annotations

from sfu.rtp.packet import RtpPacket, build_rtp, parse_rtp
from sfu.rtp.rtcp import Nack, Pli, ReceiverReport, Rtcp, SenderReport, parse_compound
from sfu.rtp.rtx import unwrap_rtx
from sfu.streams.clock_map import PublisherClock, SenderClock
from sfu.streams.history import PacketHistory
from sfu.streams.keyframes import KeyFrameRequester
from sfu.streams.nack import NackGenerator
from sfu.streams.receive import ReceiveStream
from sfu.streams.responder import NackResponder
from sfu.streams.send import SendStream
from tests.simulation.network import Path, VirtualTime

MEDIA_SSRC, RTX_SSRC, RECEIVER_SSRC = 0x1001, 0x1002, 0x2001
MEDIA_TYPE, RTX_TYPE = 96, 97
CLOCK_RATE = 90_000
UNIX_AT_ZERO = 1_700_000_000.0
KEY_FRAME = b"K"
DELTA_FRAME = b"D"


class VideoPublisher:
    """Sends frames of some packets each; the first payload byte tells a key frame."""

    def __init__(
        self,
        time: VirtualTime,
        path: Path,
        *,
        fps: int = 30,
        packets_a_frame: int = 4,
        packet_bytes: int = 1000,
        first_seq: int = 65_000,
    ) -> None:
        self.time = time
        self.path = path
        self.packets_a_frame = packets_a_frame
        self.packet_bytes = packet_bytes
        self.receiver: VideoReceiver | None = None
        self.stream = SendStream(MEDIA_SSRC, CLOCK_RATE)
        self.history = PacketHistory(1024)
        self.responder = NackResponder()
        self.next_seq = first_seq
        self.sent_at: dict[int, float] = {}
        self.key_frames = 0
        self.resent = 0
        self.plis = 0
        self.answers_key_frame_requests = True
        self._rtx_seq = 1
        self._start = time.now
        self._key_frame_due = True
        self.stopped = False
        time.every(1 / fps, self._frame)
        time.every(1.0, self._report)

    def _timestamp(self) -> int:
        return round((self.time.now - self._start) * CLOCK_RATE)

    def _frame(self) -> None:
        if self.stopped:
            return
        kind = KEY_FRAME if self._key_frame_due else DELTA_FRAME
        self.key_frames += self._key_frame_due
        self._key_frame_due = False
        count = self.packets_a_frame * (4 if kind == KEY_FRAME else 1)
        for place in range(count):
            data = build_rtp(
                payload_type=MEDIA_TYPE,
                sequence_number=self.next_seq & 0xFFFF,
                timestamp=self._timestamp() & 0xFFFFFFFF,
                ssrc=MEDIA_SSRC,
                marker=place == count - 1,
                payload=kind + bytes((place == 0,)) + bytes(self.packet_bytes),
            )
            packet = parse_rtp(data)
            packet.ext_seq = self.next_seq
            self.history.put(packet)
            self.sent_at[self.next_seq] = self.time.now
            self.next_seq += 1
            self.stream.on_sent(len(data) - 12)
            self._send(data)

    def _report(self) -> None:
        now = self.time.now
        self._send_rtcp(self.stream.sender_report(now, UNIX_AT_ZERO + now, self._timestamp()).pack())

    def _send(self, data: bytes) -> None:
        assert self.receiver is not None
        self.path.forth.send(data, len(data), self.receiver.on_rtp)

    def _send_rtcp(self, data: bytes) -> None:
        assert self.receiver is not None
        self.path.forth.send(data, len(data), self.receiver.on_rtcp)

    def on_rtcp(self, data: bytes) -> None:
        for report in parse_compound(data):
            if isinstance(report, Nack):
                for seq in report.lost:
                    self._resend(seq)
            elif isinstance(report, Pli):
                self.plis += 1
                self._key_frame_due |= self.answers_key_frame_requests
            elif isinstance(report, ReceiverReport):
                for block in report.blocks:
                    self.stream.on_report_block(block, self.time.now)

    def _resend(self, seq: int) -> None:
        ext_seq = self.next_seq - ((self.next_seq - seq) & 0xFFFF)
        packet = self.history.get(ext_seq)
        if packet is None or not self.responder.should_resend(ext_seq, self.time.now, self.stream.rtt_s):
            return
        payload = packet.data[packet.payload_offset : packet.payload_end]
        self.resent += 1
        self._send(
            build_rtp(
                payload_type=RTX_TYPE,
                sequence_number=self._rtx_seq & 0xFFFF,
                timestamp=packet.timestamp,
                ssrc=RTX_SSRC,
                marker=packet.marker,
                payload=seq.to_bytes(2, "big") + payload,
            )
        )
        self._rtx_seq += 1


class VideoReceiver:
    """The receiving side of a publishing Transport, reduced to one stream."""

    def __init__(self, time: VirtualTime, path: Path, publisher: VideoPublisher) -> None:
        self.time = time
        self.path = path
        self.publisher = publisher
        publisher.receiver = self
        self.stream = ReceiveStream(MEDIA_SSRC, CLOCK_RATE)
        self.nack = NackGenerator()
        self.history = PacketHistory(1024)
        self.key_frames = KeyFrameRequester()
        self.clock = SenderClock(PublisherClock(), CLOCK_RATE)
        self.arrived_at: dict[int, float] = {}
        self.payloads: dict[int, bytes] = {}
        self.key_frames_at: list[float] = []
        time.every(0.02, self._tick)
        time.every(1.0, self._report)

    def on_rtp(self, data: bytes) -> None:
        packet = parse_rtp(data)
        if packet.ssrc == RTX_SSRC:
            self._receive(parse_rtp(unwrap_rtx(packet, MEDIA_SSRC, MEDIA_TYPE)), recovered=True)
        else:
            self._receive(packet, recovered=False)

    def _receive(self, packet: RtpPacket, *, recovered: bool) -> None:
        now = self.time.now
        if not self.stream.on_packet(packet, now, recovered=recovered):
            return
        self.nack.on_packet(packet.ext_seq, now, recovered)
        self.history.put(packet)
        self.clock.on_packet(packet.timestamp, now)
        assert packet.ext_seq not in self.arrived_at
        self.arrived_at[packet.ext_seq] = now
        self.payloads[packet.ext_seq] = packet.data[packet.payload_offset : packet.payload_end]
        kind, first = (
            packet.data[packet.payload_offset : packet.payload_offset + 1],
            packet.data[packet.payload_offset + 1],
        )
        if kind == KEY_FRAME and first:
            self.key_frames.on_key_frame(now)
            self.nack.on_key_frame(packet.ext_seq)
            self.key_frames_at.append(now)
        if self.nack.has_missing:
            self._ask()

    def _tick(self) -> None:
        if self.nack.has_missing:
            self._ask()
        if self.key_frames.due(self.time.now):
            self._send(Pli(RECEIVER_SSRC, MEDIA_SSRC))

    def _ask(self) -> None:
        lost = self.nack.due(self.time.now)
        if lost:
            self._send(Nack(RECEIVER_SSRC, MEDIA_SSRC, tuple(seq & 0xFFFF for seq in lost)))
        if self.nack.wants_key_frame():
            self.want_key_frame()

    def want_key_frame(self) -> None:
        """As a new Consumer does."""
        if self.key_frames.request(self.time.now):
            self._send(Pli(RECEIVER_SSRC, MEDIA_SSRC))

    def _report(self) -> None:
        if self.stream.started:
            self._send(ReceiverReport(RECEIVER_SSRC, (self.stream.report_block(self.time.now),)))

    def _send(self, report: Rtcp) -> None:
        data = report.pack()
        self.path.back.send(data, len(data), self.publisher.on_rtcp)

    def on_rtcp(self, data: bytes) -> None:
        now = self.time.now
        for report in parse_compound(data):
            if isinstance(report, SenderReport):
                self.stream.on_sender_report(report, now)
                self.clock.on_sender_report(report.ntp, report.rtp_timestamp, now, UNIX_AT_ZERO + now)
