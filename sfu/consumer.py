"""The engine object that sends one Producer to one Transport.

Life: made by ``consume``; configured when the subscriber's side is negotiated; opened once the connection is secured.
From then on it waits for a place where a decoder can begin, is forwarded, and waits again after every pause. Which
layer it sends is chosen for it (``choose``); without somebody who chooses, it follows the Producer's best Encoding.
"""

from __future__ import annotations

import enum
from collections import deque
from random import Random
from typing import TYPE_CHECKING, Protocol

from sfu.answering import Answerer
from sfu.encoding import Encoding
from sfu.entries import build_entries
from sfu.explaining import LayerChange
from sfu.ladder import Rung
from sfu.layers.forward import ForwardEntry, Outlet, Protector
from sfu.layers.header_plan import PlanTable
from sfu.layers.layer_filter import ALL_LAYERS
from sfu.rtp.packet import RtpPacket
from sfu.sdp.types import SendSection
from sfu.splicing import Splicer
from sfu.streams.send import SendStream
from sfu.wishes import Wish

if TYPE_CHECKING:
    from sfu.producer import Producer

MAX_CHANGES = 32


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

    def note(self, consumer: Consumer) -> None:
        """Where this Consumer is counted has changed, or may have."""
        ...

    def count(self, name: str, amount: int = 1) -> None:
        """Count something that happened."""
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
        # What is chosen: the best that makes sense, what is to be sent (None: nothing, or not chosen yet), and why.
        # ``revision`` counts what has changed of it.
        self.chosen = False
        self.preferred: Rung | None = None
        self.target: Rung | None = None
        self.reason: str | None = None
        self.revision = self.layer_changes = 0
        self.changes: deque[LayerChange] = deque(maxlen=MAX_CHANGES)
        # Nothing is sent, for it would not fit, and whether what is sent began after that: what was before is given up.
        self.is_cut_off = self.begins_anew = False
        self.answerer = Answerer(self, host)
        self._host = host
        self._protector: Protector | None = None
        self.splicer = Splicer(self, host.random)
        producer.consumers[self.id] = self

    def now(self) -> float:
        """Monotonic seconds."""
        return self._host.now()

    # -- set-up ----------------------------------------------------------------------------------------------------

    def configure(self, section: SendSection) -> None:
        """Take what the subscriber's side agreed to."""
        changed = self.section is not None and self.section != section
        self.section = section
        self.mid = section.mid
        if changed and self._protector is not None and section.accepted:
            self.halt()
            self.splicer.entry = None
            self.open(self._protector)

    def open(self, protector: Protector) -> None:
        """The connection is secured: forward from the next place where a decoder can begin."""
        section = self.section
        if section is None or not section.accepted:
            return
        self._protector = protector
        if self.entry is None:
            self.splicer.use(
                *build_entries(self.producer, section, self._host, protector, ssrc=self.ssrc, rtx_ssrc=self.rtx_ssrc)
            )
        self._wait()

    @property
    def entry(self) -> ForwardEntry | None:
        """How packets are written, once that is negotiated."""
        return self.splicer.entry

    @property
    def source(self) -> Encoding | None:
        """The Encoding that is forwarded, or was last."""
        return self.splicer.encoding

    # -- which layer -----------------------------------------------------------------------------------------------

    def choose(self, rung: Rung | None, reason: str | None, now: float, *, room_bps: float | None = None) -> None:
        """Send ``rung`` from now on (None: nothing), because of ``reason``.

        ``room_bps``: the path has fallen far, to this. Until a lower one can begin, only what fits is sent of what was.
        """
        before, self.target, self.reason = self.target, rung, reason
        same = rung is None if before is None else before.is_same(rung)
        was_chosen, self.chosen = self.chosen, True
        self._host.note(self)
        if same and was_chosen:
            return
        self.revision += 1
        self.layer_changes += 1
        self._host.count("layer_changes")
        names = ["none" if r is None else r.name for r in (before, rung)]
        self.changes.append(LayerChange(now, names[0], names[1], reason or "bandwidth"))
        if rung is None:
            if before is not None and reason == "bandwidth":
                self._host.count("pictures_paused")
            self.halt()
        else:
            self._go(rung, is_lower=before is not None and rung.bitrate_bps < before.bitrate_bps, room_bps=room_bps)

    def explain(self, reason: str) -> None:
        """Why things are as they are, where nothing is to be chosen."""
        if reason != self.reason:
            self.reason = reason
            self._host.note(self)

    def _go(self, rung: Rung, *, is_lower: bool, room_bps: float | None) -> None:
        """Bring what is sent to ``rung``."""
        if not self.may_send or self.producer.muted:
            return
        splicer = self.splicer
        if rung.encoding is splicer.encoding and splicer.is_running:
            self._stop_waiting()
            self._limit(rung)
            return
        if is_lower and splicer.is_running:
            assert splicer.encoding is not None
            rates = splicer.encoding.meter.rates
            base_bps = sum(rate.bitrate_bps for layer, rate in rates.items() if not layer & 7)
            if any(layer & 7 for layer in rates) and (room_bps is None or base_bps <= room_bps):
                splicer.limit(ALL_LAYERS, 0)
            elif room_bps is not None:
                # It would only keep the queue full, in which the lower one's key frame has to stand.
                splicer.leave()
                self._become(ConsumerState.WAITING)
                self.is_cut_off = True
                self._host.count("pictures_cut_off")
                self._host.discard(self)
        if self not in rung.encoding.waiting:
            self.aim_at(rung.encoding)

    def _limit(self, rung: Rung, next_in: int | None = None) -> None:
        splicer = self.splicer
        if not rung.is_whole:
            splicer.limit(rung.spatial, rung.temporal, next_in=next_in)
            layers = splicer.filter
            if layers is not None and layers.spatial < layers.target_spatial and next_in is None:
                self.producer.request_key_frame(rung.encoding, self._host.now())
        elif splicer.filter is not None:
            splicer.filter.aim(ALL_LAYERS, ALL_LAYERS)

    # -- forwarding ------------------------------------------------------------------------------------------------

    def begin(self, encoding: Encoding, packet: RtpPacket, now: float) -> None:
        """Forward from ``packet`` on: called where a decoder can begin."""
        self.splicer.begin(encoding, packet, now)
        self.begins_anew, self.is_cut_off = self.is_cut_off, False
        self._become(ConsumerState.FORWARDING)
        self.revision += 1
        if self.target is not None and self.target.encoding is encoding:
            self._limit(self.target, packet.ext_seq)

    @property
    def may_send(self) -> bool:
        """Whether it is negotiated and nobody holds it."""
        held = self.paused or self.barred or self.unheard or self.producer.closed
        return not held and self.splicer.entry is not None

    def _wait(self) -> None:
        """Line up for the next beginning and ask for one."""
        self._host.on_changed(self)
        if not self.may_send or (self.chosen and self.target is None):
            return
        self._become(ConsumerState.WAITING)
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
        self.splicer.leave()
        for encoding in self.producer.encodings:
            encoding.detach(self)
        self._become(ConsumerState.HALTED)

    def _become(self, state: ConsumerState) -> None:
        self.state = state
        self._host.note(self)

    # -- changes from outside --------------------------------------------------------------------------------------

    def on_encoding_added(self, encoding: Encoding, replaced: Encoding | None) -> None:
        """A further Encoding was seen, or the publisher restarted one."""
        if replaced is not None and self.target is not None and self.target.encoding is replaced:
            self.target = self.target._replace(encoding=encoding)
        if self.state is ConsumerState.WAITING and not any(self in e.waiting for e in self.producer.encodings):
            self._wait()
        elif replaced is not None and self.splicer.encoding is replaced:
            self.splicer.leave()
            self._wait()

    def on_layers_changed(self) -> None:
        """The publisher has stopped or begun to send one of several Encodings."""
        self._host.on_changed(self)

    def on_source_restarted(self, last_in: int) -> None:
        """The publisher's numbers began anew after ``last_in``: ours go on, from the next beginning."""
        encoding = self.splicer.encoding
        self.splicer.leave(last_in)
        self.splicer.encoding = None
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
        self._host.note(self)
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
        if self.state is ConsumerState.HALTED or self.producer.muted or not self.may_send:
            return
        waiting = self.awaited()
        if waiting is not None:
            self.producer.request_key_frame(waiting, now)
        if self.chosen:
            if waiting is None and self.state is ConsumerState.WAITING:
                self._wait()
            elif self.splicer.filter is not None and self.splicer.filter.wants_more and self.source is not None:
                self.producer.request_key_frame(self.source, now)
            return
        best = self.producer.best_encoding(now)
        is_other = self.source is not best and len(self.producer.encodings) > 1
        if best is not None and best is not waiting and (is_other or self.state is ConsumerState.WAITING):
            self.aim_at(best)

    def close(self) -> None:
        """Leave the Producer."""
        self.halt()
        self.producer.consumers.pop(self.id, None)

    # -- figures ---------------------------------------------------------------------------------------------------

    @property
    def stream(self) -> SendStream:
        """What the subscriber reports of it."""
        return self.answerer.stream

    def awaited(self) -> Encoding | None:
        """The Encoding whose next key frame is waited for."""
        for encoding in self.producer.encodings:
            if encoding.waiting and self in encoding.waiting:
                return encoding
        return None

    def held_reason(self) -> str | None:
        """Why nothing can be sent, whatever the path carries."""
        if self.producer.muted:
            return "muted"
        if self.barred:
            return "apart"
        if self.unheard:
            return "not-loudest"
        return "off" if self.paused else None

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
            "resent_packets": self.splicer.resender.packets,
            "rtt_ms": None if self.stream.rtt_s is None else round(self.stream.rtt_s * 1000, 1),
            "fraction_lost": self.stream.fraction_lost,
        }
