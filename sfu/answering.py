"""What a subscriber asks and reports of one Consumer: key frames, resends, receiver reports."""

from __future__ import annotations

import weakref
from collections.abc import Iterable
from typing import TYPE_CHECKING

from sfu.rtp.rtcp import ReportBlock, Sdes, SenderReport
from sfu.streams.history import PacketHistory
from sfu.streams.keyframes import KeyFrameDamper
from sfu.streams.send import SendStream

if TYPE_CHECKING:
    from sfu.consumer import Consumer, ConsumerHost

SWITCH_SETTLES_S = 0.1
FIRST_REPORTS = 3
SOUND_REPORTED_EVERY = 5


class Answerer:
    """The RTCP of one Consumer. ``stream``: what its subscriber reports. ``description`` goes with each of our reports.

    ``missing_at_report``: what never came from the publisher when that was: the subscriber counts it as lost, too.
    """

    def __init__(self, consumer: Consumer, host: ConsumerHost) -> None:
        self.stream = SendStream(consumer.ssrc, consumer.producer.codec.clock_rate)
        self.description = Sdes(((consumer.ssrc, consumer.producer.stream_id),)).pack()
        self.missing_at_report = 0
        self._asked = 0
        # It belongs to the Consumer: a reference back would leave both to the garbage collector.
        self._consumer: Consumer = weakref.proxy(consumer)
        self._host = host
        self._key_frames = KeyFrameDamper()

    def on_key_frame_request(self, now: float) -> None:
        """The subscriber sent PLI or FIR."""
        consumer = self._consumer
        encoding = consumer.awaited() or (consumer.source if consumer.splicer.is_running else None)
        if encoding is not None and self._key_frames.may_ask(now):
            consumer.producer.request_key_frame(encoding, now)

    def on_nack(self, lost: Iterable[int], now: float) -> None:
        """Resend what the subscriber misses from the Producer's history.

        Once another Encoding has begun, what is missing of the one before is of no use any more.
        """
        consumer = self._consumer
        splicer = consumer.splicer
        if consumer.entry is None or consumer.is_cut_off:
            return
        epoch = splicer.epoch
        settled = epoch is not None and (consumer.begins_anew or now - splicer.begun_at > SWITCH_SETTLES_S)
        source = epoch.source if epoch is not None and settled else None
        highest_out, rtt_s = splicer.highest_out(), self.stream.rtt_s
        before = splicer.resender.packets
        splicer.resender.answer(lost, highest_out, self._histories(), now, rtt_s, self._host.allows_resend, source)
        self._host.count("packets_resent", splicer.resender.packets - before)

    def pad(self, size_bytes: int, now: float) -> int:
        """Send about ``size_bytes`` that the subscriber does not need, by RTX; returns how many were sent."""
        splicer = self._consumer.splicer
        return splicer.resender.pad(size_bytes, splicer.highest_out(), self._histories(), now)

    def _histories(self) -> dict[int, PacketHistory]:
        return {encoding.ssrc: encoding.history for encoding in self._consumer.producer.encodings}

    def on_report_block(self, block: ReportBlock, now: float) -> None:
        """The subscriber's receiver report about this stream."""
        self.stream.on_report_block(block, now)
        source = self._consumer.source
        self.missing_at_report = source.stream.missing if source is not None else 0

    def sender_report(self, now: float, unix_now: float) -> SenderReport | None:
        """The report that lets the subscriber play this medium in sync with the publisher's others.

        To be asked for once a second. Sound has one in five seconds, as browsers themselves send them, after a few that
        tell a newcomer soon: most microphones of a room are silent, and a report costs as much as their packets.
        """
        consumer = self._consumer
        entry = consumer.entry
        if entry is None or entry.packets == 0:
            return None
        asked = self._asked + 1
        if consumer.kind == "audio" and asked > FIRST_REPORTS and asked % SOUND_REPORTED_EVERY:
            self._asked = asked
            return None
        timestamp = consumer.splicer.timestamp_at(now)
        if timestamp is None:
            return None
        self._asked = asked
        self.stream.packets, self.stream.octets = entry.packets, entry.octets
        return self.stream.sender_report(now, unix_now, timestamp)
