"""The engine object that sends one Producer to one Transport.

Life: made by ``consume``; configured when the subscriber's side is negotiated; opened once the connection is secured.
From then on it waits for a place where a decoder can begin, is forwarded, and waits again after every pause.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable
from random import Random
from typing import TYPE_CHECKING, Protocol

from sfu.encoding import Encoding
from sfu.entries import build_entries
from sfu.explaining import ConsumerStatus
from sfu.layers.forward import ForwardEntry, Outlet, Protector
from sfu.layers.header_plan import PlanTable
from sfu.layers.resender import Resender, apply_epoch
from sfu.layers.timeline import Epoch, Timeline, aligned_timestamp
from sfu.rtp.packet import RtpPacket
from sfu.rtp.rtcp import ReportBlock, SenderReport
from sfu.sdp.types import SendSection
from sfu.streams.send import SendStream
from sfu.wishes import Wish

if TYPE_CHECKING:
    from sfu.producer import Producer

FIRST_SEQUENCE_LIMIT = 1 << 15
"""First sequence numbers lie below this, so that a receiver that misses the first packets guesses ROC 0 right."""


class ConsumerHost(Protocol):
    """The Transport's sending half, as its Consumers see it."""

    outlet: Outlet
    plans: PlanTable
    random: Random

    def now(self) -> float:
        """Monotonic seconds."""
        ...


class ConsumerState(enum.Enum):
    """What a Consumer is doing."""

    NEW = "new"
    WAITING = "waiting"
    FORWARDING = "forwarding"
    HALTED = "halted"


class Consumer:
    """Sends one Producer's media to one subscriber under its own SSRC and sequence numbers."""

    def __init__(self, consumer_id: str, producer: Producer, host: ConsumerHost) -> None:
        self.id = consumer_id
        self.producer = producer
        self.kind = producer.kind
        self.mid: str | None = None
        self.paused = False
        self.barred = False
        self.wish = Wish()
        self.ssrc = host.random.randrange(1, 1 << 32)
        self.rtx_ssrc = host.random.randrange(1, 1 << 32)
        self.section: SendSection | None = None
        self.state = ConsumerState.NEW
        self.entry: ForwardEntry | None = None
        self.stream = SendStream(self.ssrc, producer.codec.clock_rate)
        self._host = host
        self._protector: Protector | None = None
        self._timeline = Timeline(host.random.randrange(FIRST_SEQUENCE_LIMIT))
        self._resender = Resender(self._timeline, host.random.randrange(FIRST_SEQUENCE_LIMIT))
        self._encoding: Encoding | None = None
        self._last_out_timestamp: int | None = None
        self._last_out_at = 0.0
        self._picture_id_out: int | None = None
        self._tl0_out: int | None = None
        # What the subscriber reports as lost includes what had never come from the publisher.
        self.missing_at_report = 0
        producer.consumers[self.id] = self

    # -- set-up ----------------------------------------------------------------------------------------------------

    def configure(self, section: SendSection) -> None:
        """Take what the subscriber's side agreed to."""
        changed = self.section is not None and self.section != section
        self.section = section
        self.mid = section.mid
        if changed and self._protector is not None and section.accepted:
            self.halt()
            self.entry = None
            self.open(self._protector)

    def open(self, protector: Protector) -> None:
        """The connection is secured: forward from the next place where a decoder can begin."""
        section = self.section
        if section is None or not section.accepted:
            return
        self._protector = protector
        if self.entry is None:
            self.entry, rtx_entry = build_entries(
                self.producer, section, self._host, protector, ssrc=self.ssrc, rtx_ssrc=self.rtx_ssrc
            )
            self._resender.use(self.entry, rtx_entry)
        self._wait()

    # -- forwarding ------------------------------------------------------------------------------------------------

    def begin(self, encoding: Encoding, packet: RtpPacket, now: float) -> None:
        """Forward from ``packet`` on: called where a decoder can begin."""
        entry = self.entry
        assert entry is not None
        if self._encoding is not None and self._encoding is not encoding:
            self._leave_encoding()
        picture_delta, tl0_delta = self._index_deltas(packet)
        epoch = self._timeline.begin(
            encoding.ssrc,
            packet.ext_seq,
            ts_offset=self._timestamp_offset(encoding, packet, now),
            picture_delta=picture_delta,
            tl0_delta=tl0_delta,
        )
        entry.first_in = packet.ext_seq
        apply_epoch(entry, epoch)
        self._encoding = encoding
        encoding.attach(self, entry)
        self.state = ConsumerState.FORWARDING

    def _timestamp_offset(self, encoding: Encoding, packet: RtpPacket, now: float) -> int:
        last = self._last_out_timestamp
        previous = self._timeline.current
        if last is None or previous is None:
            return 0
        if self._encoding is encoding:
            return previous.ts_offset
        mapped = self._mapped_timestamp(encoding, packet, previous, now)
        out = aligned_timestamp(last, now - self._last_out_at, encoding.stream.clock_rate, mapped)
        return (out - packet.timestamp) & 0xFFFFFFFF

    def _mapped_timestamp(self, encoding: Encoding, packet: RtpPacket, previous: Epoch, now: float) -> int | None:
        """Where the publisher's sender reports put ``packet`` on the timeline that was sent so far."""
        if self._encoding is None:
            return None
        here, there = self._encoding.clock.rtp_at(now), encoding.clock.rtp_at(now)
        if here is None or there is None:
            return None
        return round(here - there) + packet.timestamp + previous.ts_offset & 0xFFFFFFFF

    def _index_deltas(self, packet: RtpPacket) -> tuple[int, int]:
        """What to add to VP8/VP9 picture indices so that they go on by one from the last picture sent."""
        info = packet.info
        if info is None or self._picture_id_out is None or info.picture_id is None:
            return 0, 0
        picture = (self._picture_id_out + 1 - info.picture_id) & 0x7FFF
        tl0 = 0
        if self._tl0_out is not None and info.tl0_pic_idx is not None:
            tl0 = (self._tl0_out + 1 - info.tl0_pic_idx) & 0xFF
        return picture, tl0

    def _leave_encoding(self, last_in: int | None = None) -> None:
        """Close the current epoch and remember where its numbers ended, by default at the highest that arrived."""
        encoding, entry, epoch = self._encoding, self.entry, self._timeline.current
        if encoding is None or entry is None or epoch is None or self not in encoding.consumers:
            return
        encoding.detach(self)
        if last_in is None:
            last_in = encoding.stream.max_ext_seq
        if last_in >= entry.first_in:
            self._timeline.end(last_in)
        self._last_out_timestamp = (encoding.last_timestamp + epoch.ts_offset) & 0xFFFFFFFF
        self._last_out_at = encoding.last_arrival
        if encoding.last_picture_id is not None:
            self._picture_id_out = (encoding.last_picture_id + epoch.picture_delta) & 0x7FFF
        if encoding.last_tl0 is not None:
            self._tl0_out = (encoding.last_tl0 + epoch.tl0_delta) & 0xFF

    def _wait(self) -> None:
        """Line up for the next beginning and ask for one."""
        if self.paused or self.barred or self.entry is None or self.producer.closed:
            return
        self.state = ConsumerState.WAITING
        if self.producer.muted:
            return
        encoding = self.producer.best_encoding(self._host.now())
        if encoding is not None:
            self.aim_at(encoding)

    def aim_at(self, encoding: Encoding) -> None:
        """Forward ``encoding`` from its next key frame on; what is forwarded until then goes on."""
        for other in self.producer.encodings:
            if self in other.waiting:
                other.waiting.remove(self)
        encoding.waiting.append(self)
        self.producer.request_key_frame(encoding, self._host.now())

    def halt(self) -> None:
        """Stop forwarding; what was sent stays known for resends."""
        self._leave_encoding()
        for encoding in self.producer.encodings:
            encoding.detach(self)
        self.state = ConsumerState.HALTED

    # -- changes from outside --------------------------------------------------------------------------------------

    def on_encoding_added(self, encoding: Encoding, replaced: Encoding | None) -> None:
        """A further Encoding was seen, or the publisher restarted one."""
        if self.state is ConsumerState.WAITING and not any(self in e.waiting for e in self.producer.encodings):
            self._wait()
        elif replaced is not None and self._encoding is replaced:
            self._leave_encoding()
            self._wait()

    def on_source_restarted(self, last_in: int) -> None:
        """The publisher's numbers began anew after ``last_in``: ours go on, from the next beginning."""
        encoding = self._encoding
        self._leave_encoding(last_in)
        self._encoding = None
        if encoding is not None:
            self._wait()

    def on_producer_muted(self) -> None:
        """The Producer was muted or unmuted at the server."""
        if self.producer.muted:
            self.halt()
        elif self.entry is not None:
            self._wait()

    def set_paused(self, paused: bool) -> None:
        """Stop or resume at the subscriber's wish."""
        if paused == self.paused:
            return
        self.paused = paused
        if paused:
            self.halt()
        elif self.entry is not None:
            self._wait()

    def set_wish(self, wish: Wish) -> None:
        """What the subscriber wants of this Producer."""
        self.wish = wish

    def set_barred(self, barred: bool) -> None:
        """Stop or resume because the Router keeps publisher and subscriber apart, or does so no more."""
        if barred == self.barred:
            return
        self.barred = barred
        if barred:
            self.halt()
        elif self.entry is not None:
            self._wait()

    def review(self, now: float) -> None:
        """Called about once a second: follow the Producer to its best Encoding; ask again for a key frame."""
        if self.state is ConsumerState.HALTED or self.producer.muted or self.entry is None:
            return
        best = self.producer.best_encoding(now)
        if best is None:
            return
        if self in best.waiting:
            self.producer.request_key_frame(best, now)
        elif self.state is ConsumerState.WAITING or (self._encoding is not best and len(self.producer.encodings) > 1):
            self.aim_at(best)

    # -- RTCP of the subscriber ------------------------------------------------------------------------------------

    def on_key_frame_request(self, now: float) -> None:
        """The subscriber sent PLI or FIR."""
        if self._encoding is not None and self.state is ConsumerState.FORWARDING:
            self.producer.request_key_frame(self._encoding, now)

    def on_nack(self, lost: Iterable[int], now: float) -> None:
        """Resend what the subscriber misses from the Producer's history."""
        if self.entry is not None:
            histories = {encoding.ssrc: encoding.history for encoding in self.producer.encodings}
            self._resender.answer(lost, self.highest_out(), histories, now, self.stream.rtt_s)

    @property
    def resent_packets(self) -> int:
        """How many packets were sent again."""
        return self._resender.packets

    @property
    def source(self) -> Encoding | None:
        """The Encoding that is forwarded, or was last."""
        return self._encoding

    def highest_out(self) -> int:
        """The highest outgoing extended sequence number so far."""
        encoding, entry, epoch = self._encoding, self.entry, self._timeline.current
        if encoding is not None and entry is not None and epoch is not None and self in encoding.consumers:
            return max(self._timeline.next_out - 1, encoding.stream.max_ext_seq + epoch.seq_offset)
        return self._timeline.next_out - 1

    def on_report_block(self, block: ReportBlock, now: float) -> None:
        """The subscriber's receiver report about this stream."""
        self.stream.on_report_block(block, now)
        self.missing_at_report = self._encoding.stream.missing if self._encoding is not None else 0

    def sender_report(self, now: float, unix_now: float) -> SenderReport | None:
        """The report that lets the subscriber play this medium in sync with the publisher's others."""
        encoding, entry, epoch = self._encoding, self.entry, self._timeline.current
        if encoding is None or entry is None or epoch is None or entry.packets == 0:
            return None
        timestamp = encoding.clock.rtp_at(now)
        if timestamp is None:
            return None
        self.stream.packets, self.stream.octets = entry.packets, entry.octets
        return self.stream.sender_report(now, unix_now, (round(timestamp) + epoch.ts_offset) & 0xFFFFFFFF)

    def close(self) -> None:
        """Leave the Producer."""
        self.halt()
        self.producer.consumers.pop(self.id, None)

    def status(self, now: float) -> ConsumerStatus:
        """What becomes of it, and why."""
        return ConsumerStatus(None, None, None, paused=self.paused or self.barred, reason=None)

    def stats(self, now: float) -> dict[str, object]:
        """Figures of this Consumer."""
        return {
            "id": self.id,
            "producer_id": self.producer.id,
            "kind": self.kind,
            "mid": self.mid,
            "state": self.state.value,
            "paused": self.paused,
            "packets": self.entry.packets if self.entry else 0,
            "octets": self.entry.octets if self.entry else 0,
            "resent_packets": self.resent_packets,
            "rtt_ms": None if self.stream.rtt_s is None else round(self.stream.rtt_s * 1000, 1),
            "fraction_lost": self.stream.fraction_lost,
        }
