"""The sending half of a Transport: its Consumers, and the RTCP between them and the subscriber."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from random import Random

from sfu.census import Census
from sfu.consumer import Consumer
from sfu.downlink import Downlink
from sfu.errors import MalformedPacket
from sfu.layers.forward import Outlet, Protector
from sfu.layers.header_plan import PlanTable
from sfu.producer import Producer
from sfu.rtp.extensions import Uri
from sfu.rtp.rtcp import (
    Fir,
    Nack,
    Pli,
    ReceiverReport,
    Remb,
    ReportBlock,
    SenderReport,
    TransportFeedback,
    is_feedback,
    parse_compound,
)
from sfu.sdp.types import SendSection

MAX_COMPOUND_BYTES = 1_150
MAX_NACKED_PACKETS = 512


class SendingHalf:
    """Owns the Consumers of one subscriber; knows no sockets."""

    def __init__(
        self,
        *,
        outlet: Outlet,
        plans: PlanTable,
        random: Random,
        send_rtcp: Callable[[bytes], None],
        counters: Counter[str],
        now: Callable[[], float],
        census: Census,
    ) -> None:
        self.consumers: dict[str, Consumer] = {}
        self.outlet = outlet
        self.plans = plans
        self.random = random
        self.now = now
        self.downlink: Downlink | None = None
        self._protector: Protector | None = None
        self._by_ssrc: dict[int, Consumer] = {}
        self._send_rtcp = send_rtcp
        self._counters = counters
        self._census = census

    # -- Consumers -------------------------------------------------------------------------------------------------

    def add(self, producer: Producer) -> Consumer:
        """A Consumer of ``producer``, not yet negotiated."""
        consumer = Consumer(f"{self.random.getrandbits(64):016x}", producer, self)
        self.consumers[consumer.id] = consumer
        self._by_ssrc[consumer.ssrc] = consumer
        self._census.note(consumer)
        return consumer

    def remove(self, consumer: Consumer) -> None:
        """End a Consumer."""
        consumer.close()
        self._census.forget(consumer)
        self.consumers.pop(consumer.id, None)
        self._by_ssrc.pop(consumer.ssrc, None)

    def on_changed(self, consumer: Consumer) -> None:
        """What this Consumer could or should send has changed."""
        if self.downlink is not None:
            self.downlink.on_changed(consumer, self.now())

    def allows_resend(self, size_bytes: int) -> bool:
        """Whether there is room on the path for a resend."""
        return self.downlink is None or self.downlink.allows_resend(size_bytes, self.now())

    def note(self, consumer: Consumer) -> None:
        """Where this Consumer is counted has changed, or may have."""
        self._census.note(consumer)

    def count(self, name: str, amount: int = 1) -> None:
        """Count something that happened."""
        self._counters[name] += amount

    def discard(self, consumer: Consumer) -> None:
        """What waits to be sent of this Consumer is not wanted any more."""
        if self.downlink is not None and consumer.entry is not None:
            self.downlink.sender.discard(consumer.entry)

    def apply(self, sections: list[SendSection]) -> list[Consumer]:
        """Take what the subscriber's side agreed to; returns the Consumers it refused."""
        refused = []
        for section in sections:
            consumer = self.consumers.get(section.track_key)
            if consumer is None:
                continue
            if self.downlink is not None and Uri.TRANSPORT_CC in section.extensions:
                self.downlink.sender.start(section.extensions[Uri.TRANSPORT_CC])
            fresh = consumer.section is None
            consumer.configure(section)
            if not section.accepted:
                refused.append(consumer)
            elif fresh and self._protector is not None:
                consumer.open(self._protector)
        return refused

    def on_secured(self, protector: Protector) -> None:
        """The connection is ready: open all that is negotiated."""
        self._protector = protector
        for consumer in self.consumers.values():
            consumer.open(protector)

    # -- RTCP ------------------------------------------------------------------------------------------------------

    def on_rtcp(self, data: bytes, now: float) -> None:
        """One decrypted RTCP compound of the subscriber."""
        if self.downlink is not None and is_feedback(data):
            # Comes twenty times a second; it is read when it is dealt with, if at all.
            self.downlink.on_feedback(data, now)
            return
        try:
            reports = parse_compound(data)
        except MalformedPacket as error:
            self._counters[error.reason] += 1
            return
        for report in reports:
            if isinstance(report, TransportFeedback):
                if self.downlink is not None:
                    self.downlink.on_feedback(report, now)
            elif isinstance(report, Nack):
                self._on_nack(report, now)
            elif isinstance(report, ReceiverReport | SenderReport):
                self._on_blocks(report.blocks, now)
            elif isinstance(report, Pli):
                self._on_key_frame_request(report.media_ssrc, now)
            elif isinstance(report, Fir):
                for ssrc, _ in report.entries:
                    self._on_key_frame_request(ssrc, now)
            elif isinstance(report, Remb) and self.downlink is not None:
                self.downlink.on_remb(report.bitrate_bps, now)

    def _on_blocks(self, blocks: Iterable[ReportBlock], now: float) -> None:
        ours = [(consumer, block) for block in blocks if (consumer := self._by_ssrc.get(block.ssrc)) is not None]
        for consumer, block in ours:
            consumer.answerer.on_report_block(block, now)
        if ours and self.downlink is not None:
            self.downlink.on_reports(ours, now)

    def _on_nack(self, report: Nack, now: float) -> None:
        self._counters["nacks_received"] += len(report.lost)
        consumer = self._by_ssrc.get(report.media_ssrc)
        if consumer is not None:
            consumer.answerer.on_nack(report.lost[:MAX_NACKED_PACKETS], now)

    def _on_key_frame_request(self, ssrc: int, now: float) -> None:
        self._counters["key_frame_requests_received"] += 1
        consumer = self._by_ssrc.get(ssrc)
        if consumer is not None:
            consumer.answerer.on_key_frame_request(now)

    def report(self, now: float, unix_now: float) -> None:
        """Called once a second: sender reports, and each Consumer's review of what it sends."""
        compound = b""
        for consumer in self.consumers.values():
            consumer.review(now)
            report = consumer.answerer.sender_report(now, unix_now)
            if report is None:
                continue
            part = report.pack() + consumer.answerer.description
            if compound and len(compound) + len(part) > MAX_COMPOUND_BYTES:
                self._send_rtcp(compound)
                compound = b""
            compound += part
        if compound:
            self._send_rtcp(compound)

    def close(self) -> None:
        """End all Consumers."""
        for consumer in list(self.consumers.values()):
            self.remove(consumer)
