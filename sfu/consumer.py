"""The engine object that sends one Producer to one Transport.

Life: made by ``consume``; configured when the subscriber's side is negotiated; opened once the connection is secured.
From then on it waits for a place where a decoder can begin, is forwarded, and waits again after every pause. Which
layer it sends is chosen for it (``choose``); without somebody who chooses, it follows the Producer's best Encoding.
"""

from __future__ import annotations

import enum
from collections import deque
from collections.abc import Iterable
from random import Random
from typing import TYPE_CHECKING, Protocol

from sfu.encoding import Encoding
from sfu.entries import build_entries
from sfu.explaining import ConsumerStatus, LayerChange
from sfu.ladder import Rung
from sfu.layers.forward import ForwardEntry, Outlet, Protector
from sfu.layers.header_plan import PlanTable
from sfu.layers.layer_filter import ALL_LAYERS
from sfu.rtp.packet import RtpPacket
from sfu.rtp.rtcp import ReportBlock, SenderReport
from sfu.sdp.types import SendSection
from sfu.splicing import Splicer
from sfu.streams.send import SendStream
from sfu.wishes import Wish

if TYPE_CHECKING:
    from sfu.producer import Producer

MAX_CHANGES = 32
SWITCH_SETTLES_S = 0.1
KEY_FRAMES_EVERY_S, KEY_FRAMES_CALM_S = 0.4, 5.0


class ConsumerHost(Protocol):
    """The Transport's sending half, as its Consumers see it."""

    outlet: Outlet
    plans: PlanTable
    random: Random

    def now(self) -> float:
        """Monotonic seconds."""
        ...

    def on_changed(self, consumer: Consumer) -> None:
        """What this Consumer could or should send has changed: choose its layer anew."""
        ...

    def allows_resend(self, size_bytes: int) -> bool:
        """Whether there is room on the path for a resend."""
        ...

    def discard(self, consumer: Consumer) -> None:
        """What waits to be sent of this Consumer is not wanted any more."""
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
        self.unheard = False
        self.wish = Wish()
        self.ssrc = host.random.randrange(1, 1 << 32)
        self.rtx_ssrc = host.random.randrange(1, 1 << 32)
        self.section: SendSection | None = None
        self.state = ConsumerState.NEW
        self.stream = SendStream(self.ssrc, producer.codec.clock_rate)
        # What is chosen: the best that makes sense, what is to be sent (None: nothing, or not chosen yet), and why.
        # ``revision`` counts what has changed of it.
        self.chosen = False
        self.preferred: Rung | None = None
        self.target: Rung | None = None
        self.reason: str | None = None
        self.revision = 0
        self.changes: deque[LayerChange] = deque(maxlen=MAX_CHANGES)
        # What the subscriber reports as lost includes what had never come from the publisher.
        self.missing_at_report = 0
        self._cut_off = False
        self._begun_at = 0.0
        self._key_frames_from = float("-inf")
        self._key_frames_every_s = KEY_FRAMES_EVERY_S
        self._host = host
        self._protector: Protector | None = None
        self._splicer = Splicer(self, host.random)
        producer.consumers[self.id] = self

    # -- set-up ----------------------------------------------------------------------------------------------------

    def configure(self, section: SendSection) -> None:
        """Take what the subscriber's side agreed to."""
        changed = self.section is not None and self.section != section
        self.section = section
        self.mid = section.mid
        if changed and self._protector is not None and section.accepted:
            self.halt()
            self._splicer.entry = None
            self.open(self._protector)

    def open(self, protector: Protector) -> None:
        """The connection is secured: forward from the next place where a decoder can begin."""
        section = self.section
        if section is None or not section.accepted:
            return
        self._protector = protector
        if self.entry is None:
            self._splicer.use(
                *build_entries(self.producer, section, self._host, protector, ssrc=self.ssrc, rtx_ssrc=self.rtx_ssrc)
            )
        self._wait()

    @property
    def entry(self) -> ForwardEntry | None:
        """How packets are written, once that is negotiated."""
        return self._splicer.entry

    @property
    def source(self) -> Encoding | None:
        """The Encoding that is forwarded, or was last."""
        return self._splicer.encoding

    # -- which layer -----------------------------------------------------------------------------------------------

    def choose(self, rung: Rung | None, reason: str | None, now: float, *, urgent: bool = False) -> None:
        """Send ``rung`` from now on (None: nothing), because of ``reason``.

        A lower one is wanted at once: if that is ``urgent``, nothing is sent until it can begin.
        """
        before, self.target, self.reason = self.target, rung, reason
        same = rung is None if before is None else before.is_same(rung)
        if same and self.chosen:
            return
        self.chosen = True
        self.revision += 1
        names = ["none" if r is None else r.name for r in (before, rung)]
        self.changes.append(LayerChange(now, names[0], names[1], reason or "bandwidth"))
        if rung is None:
            self.halt()
        else:
            self._go(rung, is_lower=before is not None and rung.bitrate_bps < before.bitrate_bps, urgent=urgent)

    def _go(self, rung: Rung, *, is_lower: bool, urgent: bool) -> None:
        """Bring what is sent to ``rung``."""
        if not self._may_send or self.producer.muted:
            return
        splicer = self._splicer
        if rung.encoding is splicer.encoding and splicer.is_running:
            self._stop_waiting()
            self._limit(rung)
            return
        if is_lower and splicer.is_running:
            assert splicer.encoding is not None
            if any(layer & 7 for layer in splicer.encoding.meter.rates):
                splicer.limit(ALL_LAYERS, 0)
            elif urgent:
                splicer.leave()
                self.state = ConsumerState.WAITING
                self._cut_off = True
                self._host.discard(self)
        if self not in rung.encoding.waiting:
            self.aim_at(rung.encoding)

    def _limit(self, rung: Rung, next_in: int | None = None) -> None:
        splicer = self._splicer
        if not rung.is_whole:
            splicer.limit(rung.spatial, rung.temporal, next_in=next_in)
        elif splicer.filter is not None:
            splicer.filter.aim(ALL_LAYERS, ALL_LAYERS)

    def wanted_encodings(self) -> set[Encoding]:
        """What its publisher has to send for it."""
        if not self._may_send and self.state is not ConsumerState.NEW:
            return set()
        if self.chosen:
            wanted = set() if self.target is None else {self.target.encoding}
            if self.target is not None and self._splicer.encoding is not None and self._splicer.is_running:
                wanted.add(self._splicer.encoding)
            return wanted
        best = self.producer.best_encoding(self._host.now())
        return set() if best is None else {best}

    # -- forwarding ------------------------------------------------------------------------------------------------

    def begin(self, encoding: Encoding, packet: RtpPacket, now: float) -> None:
        """Forward from ``packet`` on: called where a decoder can begin."""
        self._splicer.begin(encoding, packet, now)
        self._cut_off = False
        self._begun_at = now
        self.state = ConsumerState.FORWARDING
        self.revision += 1
        if self.target is not None and self.target.encoding is encoding:
            self._limit(self.target, packet.ext_seq)

    @property
    def _may_send(self) -> bool:
        held = self.paused or self.barred or self.unheard or self.producer.closed
        return not held and self.entry is not None

    def _wait(self) -> None:
        """Line up for the next beginning and ask for one."""
        self._host.on_changed(self)
        if not self._may_send or (self.chosen and self.target is None):
            return
        self.state = ConsumerState.WAITING
        if self.producer.muted:
            return
        target = self.target
        encoding = target.encoding if target is not None else self.producer.best_encoding(self._host.now())
        if encoding is not None and encoding in self.producer.encodings:
            self.aim_at(encoding)

    def aim_at(self, encoding: Encoding) -> None:
        """Forward ``encoding`` from its next key frame on; what is forwarded until then goes on."""
        self._stop_waiting()
        encoding.waiting.append(self)
        now = self._host.now()
        self.producer.want(encoding, now)
        self.producer.request_key_frame(encoding, now)

    def _stop_waiting(self) -> None:
        for other in self.producer.encodings:
            if self in other.waiting:
                other.waiting.remove(self)

    def halt(self) -> None:
        """Stop forwarding; what was sent stays known for resends."""
        self._splicer.leave()
        for encoding in self.producer.encodings:
            encoding.detach(self)
        self.state = ConsumerState.HALTED

    # -- changes from outside --------------------------------------------------------------------------------------

    def on_encoding_added(self, encoding: Encoding, replaced: Encoding | None) -> None:
        """A further Encoding was seen, or the publisher restarted one."""
        if replaced is not None and self.target is not None and self.target.encoding is replaced:
            self.target = self.target._replace(encoding=encoding)
        if self.state is ConsumerState.WAITING and not any(self in e.waiting for e in self.producer.encodings):
            self._wait()
        elif replaced is not None and self._splicer.encoding is replaced:
            self._splicer.leave()
            self._wait()

    def on_source_restarted(self, last_in: int) -> None:
        """The publisher's numbers began anew after ``last_in``: ours go on, from the next beginning."""
        encoding = self._splicer.encoding
        self._splicer.leave(last_in)
        self._splicer.encoding = None
        if encoding is not None:
            self._wait()

    def on_producer_muted(self) -> None:
        """The Producer was muted or unmuted at the server."""
        self._set_held(self.producer.muted)

    def set_paused(self, paused: bool) -> None:
        """Stop or resume at the subscriber's wish."""
        if paused != self.paused:
            self.paused = paused
            self._set_held(paused)

    def set_barred(self, barred: bool) -> None:
        """Stop or resume because the Router keeps publisher and subscriber apart, or does so no more."""
        if barred != self.barred:
            self.barred = barred
            self._set_held(barred)

    def set_unheard(self, unheard: bool) -> None:
        """Stop or resume because others are louder."""
        if unheard != self.unheard:
            self.unheard = unheard
            self._set_held(unheard)

    def _set_held(self, held: bool) -> None:
        self.revision += 1
        if held:
            self.halt()
            self._host.on_changed(self)
        elif self.entry is not None:
            self._wait()

    def set_wish(self, wish: Wish) -> None:
        """What the subscriber wants of this Producer."""
        if wish != self.wish:
            self.wish = wish
            self._host.on_changed(self)

    def review(self, now: float) -> None:
        """Called about once a second: ask again for a key frame; if nobody chooses, follow the best Encoding."""
        if not self._may_send or self.producer.muted or self.state is ConsumerState.HALTED:
            return
        waiting = next((e for e in self.producer.encodings if self in e.waiting), None)
        if waiting is not None:
            self.producer.request_key_frame(waiting, now)
        if self.chosen:
            if waiting is None and self.state is ConsumerState.WAITING:
                self._wait()
            elif self._splicer.filter is not None and self._splicer.filter.wants_more and self.source is not None:
                self.producer.request_key_frame(self.source, now)
            return
        best = self.producer.best_encoding(now)
        is_other = self.source is not best and len(self.producer.encodings) > 1
        if best is not None and best is not waiting and (is_other or self.state is ConsumerState.WAITING):
            self.aim_at(best)

    # -- RTCP of the subscriber ------------------------------------------------------------------------------------

    def on_key_frame_request(self, now: float) -> None:
        """The subscriber sent PLI or FIR."""
        waiting = next((e for e in self.producer.encodings if self in e.waiting), None)
        encoding = waiting or (self.source if self.state is ConsumerState.FORWARDING else None)
        if encoding is None or now < self._key_frames_from:
            return
        # A key frame costs all who watch this Encoding: who asks again and again is answered ever more seldom.
        calm = now - self._key_frames_from > KEY_FRAMES_CALM_S
        self._key_frames_every_s = KEY_FRAMES_EVERY_S if calm else min(2 * self._key_frames_every_s, 4.0)
        self._key_frames_from = now + self._key_frames_every_s
        self.producer.request_key_frame(encoding, now)

    def on_nack(self, lost: Iterable[int], now: float) -> None:
        """Resend what the subscriber misses from the Producer's history.

        Once another Encoding has begun, what is missing of the one before is of no use any more.
        """
        if self.entry is None or self._cut_off:
            return
        histories = {encoding.ssrc: encoding.history for encoding in self.producer.encodings}
        epoch = self._splicer.epoch
        settled = epoch is not None and now - self._begun_at > SWITCH_SETTLES_S
        self._splicer.resender.answer(
            lost,
            self._splicer.highest_out(),
            histories,
            now,
            self.stream.rtt_s,
            self._host.allows_resend,
            epoch.source if epoch is not None and settled else None,
        )

    def pad(self, size_bytes: int, now: float) -> int:
        """Send about ``size_bytes`` that the subscriber does not need, by RTX; returns how many were sent."""
        histories = {encoding.ssrc: encoding.history for encoding in self.producer.encodings}
        return self._splicer.resender.pad(size_bytes, self._splicer.highest_out(), histories, now)

    def on_report_block(self, block: ReportBlock, now: float) -> None:
        """The subscriber's receiver report about this stream."""
        self.stream.on_report_block(block, now)
        self.missing_at_report = self.source.stream.missing if self.source is not None else 0

    def sender_report(self, now: float, unix_now: float) -> SenderReport | None:
        """The report that lets the subscriber play this medium in sync with the publisher's others."""
        entry = self.entry
        if entry is None or entry.packets == 0:
            return None
        timestamp = self._splicer.timestamp_at(now)
        if timestamp is None:
            return None
        self.stream.packets, self.stream.octets = entry.packets, entry.octets
        return self.stream.sender_report(now, unix_now, timestamp)

    def close(self) -> None:
        """Leave the Producer."""
        self.halt()
        self.producer.consumers.pop(self.id, None)

    # -- figures ---------------------------------------------------------------------------------------------------

    @property
    def resent_packets(self) -> int:
        """How many packets were sent again."""
        return self._splicer.resender.packets

    def current(self) -> Rung | None:
        """The layer that is being sent."""
        encoding = self._splicer.encoding
        if encoding is None or not self._splicer.is_running:
            return None
        filtered = self._splicer.filter
        spatial = ALL_LAYERS if filtered is None else filtered.spatial
        temporal = ALL_LAYERS if filtered is None else filtered.temporal
        found = [
            rung
            for rung in self.producer.ladder(self._host.now())
            if rung.encoding is encoding and rung.spatial <= spatial and rung.temporal <= temporal
        ]
        return found[-1] if found else None

    def held_reason(self) -> str | None:
        """Why nothing can be sent, whatever the path carries."""
        if self.producer.muted:
            return "muted"
        if self.barred:
            return "apart"
        if self.unheard:
            return "not-loudest"
        return "off" if self.paused else None

    def status(self) -> ConsumerStatus:
        """What becomes of it, and why."""
        held = self.held_reason()
        current = self.current() if self.kind == "video" else None
        reason = held or self.reason
        if reason is None and self.target is not None and not self.target.is_same(current):
            reason = "switching"
        return ConsumerStatus(
            None if self.preferred is None else self.preferred.figures(),
            None if self.target is None else self.target.figures(),
            None if current is None else current.figures(),
            paused=held is not None or (self.chosen and self.target is None and self.kind == "video"),
            reason=reason,
        )

    def stats(self, now: float) -> dict[str, object]:
        """Figures of this Consumer."""
        return {
            "id": self.id,
            "producer_id": self.producer.id,
            "kind": self.kind,
            "mid": self.mid,
            "state": self.state.value,
            "paused": self.paused,
            "target": None if self.target is None else self.target.name,
            "packets": self.entry.packets if self.entry else 0,
            "octets": self.entry.octets if self.entry else 0,
            "resent_packets": self.resent_packets,
            "rtt_ms": None if self.stream.rtt_s is None else round(self.stream.rtt_s * 1000, 1),
            "fraction_lost": self.stream.fraction_lost,
        }
