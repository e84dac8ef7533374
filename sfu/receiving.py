"""The receiving half of a Transport: its Producers, which SSRC belongs to which, and the RTCP that goes back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from random import Random
from typing import NamedTuple

from sfu.congestion.feedback import FeedbackCollector
from sfu.encoding import Encoding
from sfu.errors import MalformedPacket
from sfu.producer import LevelSink, Producer
from sfu.rtp.extensions import Uri, find_extension
from sfu.rtp.packet import RtpPacket, parse_rtp
from sfu.rtp.rtcp import Bye, Fir, Nack, Pli, ReceiverReport, SenderReport, parse_compound
from sfu.rtp.rtx import unwrap_rtx
from sfu.sdp.types import ReceiveSection
from sfu.streams.clock_map import PublisherClock

REPORT_INTERVAL_S = 1.0
WANTED_INTERVAL_S = 0.25
STEADINESS_INTERVAL_S = 0.1
MAX_SSRCS = 256
MAX_REPORT_BLOCKS = 31


class Bound(NamedTuple):
    """What an SSRC carries: media of an Encoding, or its retransmissions."""

    producer: Producer
    encoding: Encoding
    is_rtx: bool


class Left(NamedTuple):
    """What an SSRC carried when its Producer was closed."""

    mid: str
    rid: str | None
    is_rtx: bool


class ReceivingHalf:
    """Takes a publisher's RTP and RTCP; knows no sockets. ``send_rtcp`` gets plain compounds to protect and send."""

    def __init__(
        self,
        *,
        owner: str,
        random: Random,
        send_rtcp: Callable[[bytes], None],
        on_level: LevelSink,
        counters: Counter[str],
        history_packets: int,
        now: Callable[[], float],
        on_wanted: Callable[[Producer], None] = lambda producer: None,
        on_awake: Callable[[], None] = lambda: None,
    ) -> None:
        self.owner = owner
        self.producers: dict[str, Producer] = {}
        self.publisher_clock = PublisherClock()
        self.history_packets = history_packets
        self.ssrc = random.randrange(1, 1 << 32)
        self.stream_id = f"{random.getrandbits(64):016x}"
        self._random = random
        self._send_rtcp = send_rtcp
        self._on_level = on_level
        self.on_wanted = on_wanted
        self._on_awake = on_awake
        self._asleep = False
        self._counters = counters
        self._now = now
        self._bound: dict[int, Bound] = {}
        self._videos: list[tuple[Producer, Encoding]] = []
        self._left: dict[int, Left] = {}
        self._extensions: dict[str, int] = {}
        self._feedback = FeedbackCollector(self.ssrc)
        self._fir_number = 0
        self._next_report = 0.0
        self._next_wanted = 0.0
        self._next_steadiness = 0.0
        self.rtt_s: float | None = None

    # -- negotiation -----------------------------------------------------------------------------------------------

    def apply(
        self, sections: list[ReceiveSection], sources: Mapping[str, str]
    ) -> tuple[list[Producer], list[Producer]]:
        """Open and close Producers as the sections say; returns (added, removed)."""
        by_mid = {p.mid: p for p in self.producers.values()}
        added: list[Producer] = []
        active = {s.mid: s for s in sections if s.active}
        removed = [p for mid, p in by_mid.items() if self._replaced(p, active.get(mid), sources)]
        for producer in removed:
            self.remove(producer)
            del by_mid[producer.mid]
        for section in active.values():
            self._extensions.update(section.extensions)
            known = by_mid.get(section.mid)
            if known is None:
                added.append(self._open(section, sources.get(section.mid, default_source(section.kind))))
            else:
                known.configure(section)
                self._bind_signaled(known, section)
        return added, removed

    @staticmethod
    def _replaced(producer: Producer, section: ReceiveSection | None, sources: Mapping[str, str]) -> bool:
        """Whether the section of this Producer ended or now carries something else."""
        if section is None:
            return True
        source = sources.get(section.mid)
        return section.codec.parameters != producer.codec or (source is not None and source != producer.source)

    def _open(self, section: ReceiveSection, source: str) -> Producer:
        group = "screen" if source.startswith("screen") else "main"
        producer = Producer(
            producer_id=f"{self._random.getrandbits(64):016x}",
            owner=self.owner,
            source=source,
            stream_id=f"{self.stream_id}-{group}",
            section=section,
            host=self,
            on_level=self._on_level,
        )
        self.producers[producer.id] = producer
        self._bind_signaled(producer, section)
        return producer

    def adopt(self, producer: Producer, section: ReceiveSection) -> None:
        """Receive a Producer that was made elsewhere, with the SSRCs that the section names and no others."""
        self.producers[producer.id] = producer
        self._extensions.update(section.extensions)
        producer.configure(section)
        named = {spec.ssrc for spec in section.encodings}
        self._bound = {s: b for s, b in self._bound.items() if b.producer is not producer or s in named}
        self._bind_signaled(producer, section)
        self._list_videos()

    def _bind_signaled(self, producer: Producer, section: ReceiveSection) -> None:
        """Bind the SSRCs that the description names; others are learned from MID and RID (RFC 9143 section 9.2)."""
        for spec in section.encodings:
            if spec.ssrc is not None and spec.ssrc not in self._bound:
                self._bind(producer, spec.ssrc, spec.rtx_ssrc, spec.rid)

    def _bind(self, producer: Producer, ssrc: int, rtx_ssrc: int | None, rid: str | None) -> Encoding | None:
        if len(self._bound) >= MAX_SSRCS:
            self._counters["too_many_ssrcs"] += 1
            return None
        encoding = producer.add_encoding(ssrc, rtx_ssrc, rid)
        if encoding is None:
            self._counters["too_many_encodings"] += 1
            return None
        # An encoder that restarts under a new SSRC leaves the old one behind.
        self._bound = {s: b for s, b in self._bound.items() if b.encoding in b.producer.encodings}
        self._bound[ssrc] = Bound(producer, encoding, is_rtx=False)
        if rtx_ssrc is not None:
            self._bound[rtx_ssrc] = Bound(producer, encoding, is_rtx=True)
        self._list_videos()
        return encoding

    def _list_videos(self) -> None:
        """What every tick goes through, fifty times a second for each publisher."""
        self._videos = [(p, e) for p in self.producers.values() if p.kind == "video" for e in p.encodings]

    def remove(self, producer: Producer) -> None:
        """Close a Producer and unbind its SSRCs."""
        producer.close()
        self.producers.pop(producer.id, None)
        self._list_videos()
        for ssrc, bound in self._bound.items():
            if bound.producer is producer:
                self._left[ssrc] = Left(producer.mid, bound.encoding.rid, bound.is_rtx)
        self._bound = {ssrc: b for ssrc, b in self._bound.items() if b.producer is not producer}
        while len(self._left) > MAX_SSRCS:
            del self._left[next(iter(self._left))]

    # -- packets ---------------------------------------------------------------------------------------------------

    def on_rtp(self, data: bytes, now: float) -> None:
        """One decrypted RTP packet; whatever it holds, nothing is raised."""
        if self._asleep:
            self._asleep = False
            self._on_awake()
        try:
            packet = parse_rtp(data)
            self._note_transport_sequence(packet, now)
            bound = self._bound.get(packet.ssrc) or self._learn(packet)
            if bound is None:
                self._counters["rtp_unknown_ssrc"] += 1
            elif bound.is_rtx:
                self._on_retransmission(bound, packet, now)
            elif not bound.producer.receive(bound.encoding, packet, now):
                self._counters["rtp_not_used"] += 1
            else:
                self._after_media(bound.encoding, now)
        except MalformedPacket as error:
            self._counters[error.reason] += 1

    def _note_transport_sequence(self, packet: RtpPacket, now: float) -> None:
        sequence_id = self._extensions.get(Uri.TRANSPORT_CC)
        if sequence_id is not None:
            value = find_extension(packet, sequence_id)
            if value is not None and len(value) >= 2:
                self._feedback.on_packet(int.from_bytes(value[:2], "big"), now, packet.ssrc)

    def _on_retransmission(self, bound: Bound, packet: RtpPacket, now: float) -> None:
        if packet.payload_end - packet.payload_offset < 2:
            return  # a padding probe of the sender's bandwidth estimation
        original = parse_rtp(unwrap_rtx(packet, bound.encoding.ssrc, bound.producer.payload_type))
        if not bound.producer.receive(bound.encoding, original, now, recovered=True):
            self._counters["rtx_not_used"] += 1

    def _after_media(self, encoding: Encoding, now: float) -> None:
        """A gap shows at once: ask without waiting for the next tick."""
        nack = encoding.nack
        if nack is not None and nack.has_missing:
            self._request_missing(encoding, now)

    def _learn(self, packet: RtpPacket) -> Bound | None:
        """Bind an unsignaled SSRC by its MID and RID, or by payload type when only one Producer has it.

        Browsers stop sending MID and RID of an SSRC that was reported on once, and go on without them when its track
        ends and the m-line is used again: then what it was before counts.
        """
        left = self._left.get(packet.ssrc)
        producer = self._producer_of(packet, left)
        if producer is None:
            return None
        repaired = self._text(packet, Uri.RRID)
        rid = self._text(packet, Uri.RID)
        if left is not None and repaired is None and rid is None:
            repaired, rid = (left.rid, None) if left.is_rtx else (None, left.rid)
        if repaired is not None:
            encoding = next((e for e in producer.encodings if e.rid == repaired), None)
            if encoding is not None:
                encoding.rtx_ssrc = packet.ssrc
                self._bound[packet.ssrc] = Bound(producer, encoding, is_rtx=True)
            return self._bound.get(packet.ssrc)
        if packet.payload_type not in (producer.payload_type, producer.red_payload_type):
            return None
        if rid is None and producer.encodings and producer.encodings[0].is_active(self._now()):
            return None
        self._bind(producer, packet.ssrc, None, rid)
        return self._bound.get(packet.ssrc)

    def _producer_of(self, packet: RtpPacket, left: Left | None) -> Producer | None:
        mid = self._text(packet, Uri.MID)
        if mid is None and left is not None:
            mid = left.mid
        if mid is not None:
            return next((p for p in self.producers.values() if p.mid == mid), None)
        fitting = [p for p in self.producers.values() if packet.payload_type in (p.payload_type, p.red_payload_type)]
        return fitting[0] if len(fitting) == 1 else None

    def _text(self, packet: RtpPacket, uri: str) -> str | None:
        element_id = self._extensions.get(uri)
        value = find_extension(packet, element_id) if element_id is not None else None
        return value.decode("ascii", "replace") if value else None

    # -- RTCP ------------------------------------------------------------------------------------------------------

    def on_rtcp(self, data: bytes, now: float, unix_now: float) -> None:
        """One decrypted RTCP compound of the publisher."""
        try:
            reports = parse_compound(data)
        except MalformedPacket as error:
            self._counters[error.reason] += 1
            return
        for report in reports:
            if isinstance(report, SenderReport):
                bound = self._bound.get(report.ssrc)
                if bound is not None and not bound.is_rtx:
                    bound.encoding.stream.on_sender_report(report, now)
                    bound.encoding.clock.on_sender_report(report.ntp, report.rtp_timestamp, now, unix_now)
            elif isinstance(report, Bye):
                self._counters["rtcp_bye"] += 1

    def tick(self, now: float) -> bool:
        """Missing packets, key frames that did not come, feedback and reports.

        To be called every 20 ms; ten times a second is enough after False, until ``on_awake`` says that packets come.
        """
        if now >= self._next_wanted:
            self._next_wanted = now + WANTED_INTERVAL_S
            for producer in self.producers.values():
                if producer.kind == "video":
                    producer.review_wanted(now)
        if now >= self._next_steadiness:
            self._next_steadiness = now + STEADINESS_INTERVAL_S
            for producer in self.producers.values():
                if producer.kind == "video" and len(producer.encodings) > 1:
                    producer.review_steadiness(now)
        awaits = False
        for producer, encoding in self._videos:
            nack = encoding.nack
            if nack is not None and nack.has_missing:
                self._request_missing(encoding, now)
                awaits = True
            if encoding.key_frames.due(now) and not producer.muted and producer.can_answer(encoding):
                self.request_key_frame(encoding)
        for feedback in self._feedback.build(now):
            self._send_rtcp(feedback)
        if now >= self._next_report:
            self._next_report = now + REPORT_INTERVAL_S
            self._report(now)
        self._asleep = not awaits and not self._feedback.has_news
        return not self._asleep

    def _request_missing(self, encoding: Encoding, now: float) -> None:
        nack = encoding.nack
        assert nack is not None
        lost = nack.due(now, self.rtt_s)
        if lost:
            self._counters["nacks_sent"] += len(lost)
            self._send_rtcp(Nack(self.ssrc, encoding.ssrc, tuple(seq & 0xFFFF for seq in lost)).pack())
        if nack.wants_key_frame() and encoding.key_frames.request(now):
            self.request_key_frame(encoding)

    def request_key_frame(self, encoding: Encoding) -> None:
        """PLI (RFC 4585 6.3.1), or FIR (RFC 5104 4.3.1) for publishers that know only that."""
        producer = next((p for p in self.producers.values() if encoding in p.encodings), None)
        if producer is None:
            return
        self._counters["key_frame_requests"] += 1
        if "nack pli" not in producer.feedback and "ccm fir" in producer.feedback:
            self._fir_number = (self._fir_number + 1) & 0xFF
            self._send_rtcp(Fir(self.ssrc, ((encoding.ssrc, self._fir_number),)).pack())
        else:
            self._send_rtcp(Pli(self.ssrc, encoding.ssrc).pack())

    def _report(self, now: float) -> None:
        blocks = tuple(
            e.stream.report_block(now) for p in self.producers.values() for e in p.encodings if e.stream.started
        )
        for start in range(0, len(blocks), MAX_REPORT_BLOCKS):
            self._send_rtcp(ReceiverReport(self.ssrc, blocks[start : start + MAX_REPORT_BLOCKS]).pack())

    def close(self) -> None:
        """Close all Producers, and tell nobody any more."""
        for producer in list(self.producers.values()):
            self.remove(producer)
        # Its Transport would be left to the garbage collector.
        self._on_awake = lambda: None


def default_source(kind: str) -> str:
    """What a track is called when its publisher does not say (WHIP)."""
    return "camera" if kind == "video" else "microphone"
