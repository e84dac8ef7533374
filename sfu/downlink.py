"""What the path of one subscribing Transport carries: estimated, probed, paced, and divided among its Consumers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

from sfu.choosing import Chooser
from sfu.congestion.changes import Reason
from sfu.congestion.estimator import BandwidthEstimator
from sfu.congestion.pacer import Pacer, Priority
from sfu.layers.forward import ForwardEntry, Held, Outlet
from sfu.layers.resending import release
from sfu.probing import Probe
from sfu.rtp.rtcp import ReportBlock, TransportFeedback
from sfu.wishes import Mode

if TYPE_CHECKING:
    from sfu.consumer import Consumer
    from sfu.producer import Producer

REVIEW_S = 0.5
STEEP_FALL = 0.7
"""An estimate below this share of what is sent is acted upon at once, a smaller lack after a moment."""
PATIENCE_S = 0.3
DRAIN_PATIENCE_S = 1.0
"""While a queue is being emptied less is given out, but only for a moment: no layer has to go for that."""
TOLD_STEP = 0.15
SETTLING_S = 3.0
"""At first ICE tries several ways at once: that is no change of the route."""
RESEND_SHARE, LEAST_RESENDS_BPS, RESEND_BURST_S = 0.5, 100_000, 0.5


class Wire(Protocol):
    """The connection, as the pacer sees it."""

    def send_paced(self, packets: Sequence[bytes]) -> None:
        """Send what was held back."""
        ...


class Downlink:
    """One for each subscribing Transport; knows no sockets.

    ``busy`` is the set of those that have to be served every few milliseconds: this one is in it while it paces or
    probes. ``twcc_id``: the header extension of the transport-wide number, None while it is not negotiated.
    """

    def __init__(
        self,
        outlet: Outlet,
        wire: Wire,
        consumers: Mapping[str, Consumer],
        busy: set[Downlink],
        is_dominant: Callable[[Producer], bool],
        now: float,
    ) -> None:
        self.estimator = BandwidthEstimator(now)
        self.mode = Mode.AUTO
        self.twcc_id: int | None = None
        self.dirty = True
        self.pacer: Pacer[Held] = Pacer(self.estimator.estimate_bps, now)
        self.chooser = Chooser(consumers, is_dominant)
        self._consumers = consumers
        self._outlet = outlet
        self._wire = wire
        self._busy = busy
        self._sent_bytes = 0
        self._noted_seq = outlet.twcc_seq
        self._probe: Probe | None = None
        self._review_at = now
        self._short_since: float | None = None
        self._route: object = None
        self._heard_at: float | None = None
        self._told_revision: object = None
        self._told_bps = 0
        self._resend_room = 0.0
        self._resend_at = now

    # -- sending ---------------------------------------------------------------------------------------------------

    def on_flushed(self, packets: list[bytes], now: float) -> None:
        """A batch has been sent; what was held back meanwhile queues up."""
        outlet = self._outlet
        if outlet.held:
            held, outlet.held = outlet.held, []
            for packet in held:
                size = len(packet.fixed) + len(packet.block.head) + len(packet.body)
                self.pacer.enqueue(packet, size, Priority(packet.entry.priority), now)
        if not packets:
            return
        size = self._note_sent(packets, now)
        pacer = self.pacer
        if pacer.direct or self._probe is not None or pacer.admits(size, now):
            return  # a probe is there to go faster than what is known to be carried
        pacer.charge(size, now)
        if self._heard_at is not None:
            outlet.holding = True
            self._busy.add(self)

    def _note_sent(self, packets: list[bytes], now: float) -> int:
        """Tell the estimator; returns the bytes."""
        estimator, last = self.estimator, self._outlet.twcc_seq
        numbered = (last - self._noted_seq) & 0xFFFF
        self._noted_seq = last
        probe = self._probe
        cluster = None if probe is None else probe.cluster.id
        if numbered == len(packets):
            size = estimator.on_batch(last, packets, now, cluster)
        else:
            size = self._note_mixed(packets, now, cluster)
        self._sent_bytes += size
        if probe is not None:
            probe.on_sent(len(packets), size)
        return size

    def _note_mixed(self, packets: list[bytes], now: float, cluster: int | None) -> int:
        """Some have a transport-wide number and some not, as their headers show (they are not encrypted)."""
        total = 0
        for packet in packets:
            total += len(packet)
            number = transport_number(packet, self.twcc_id)
            if number is None:
                self.estimator.on_sent_unnumbered(len(packet))
            else:
                self.estimator.on_sent(number, len(packet), now, cluster)
        return total

    def serve(self, now: float) -> None:
        """Called every few milliseconds while busy: what was held back goes out at its pace, and so do probes."""
        pacer, outlet = self.pacer, self._outlet
        if self._probe is not None:
            self._pad(self._probe, now)
        due = pacer.due(now)
        if due:
            packets = [sealed for sealed in map(release, due) if sealed is not None]
            self._wire.send_paced(packets)
            self._note_sent(packets, now)
        if outlet.holding and not pacer.queued_bytes and not outlet.held:
            outlet.holding = False
        if not outlet.holding and self._probe is None:
            self._busy.discard(self)

    def _pad(self, probe: Probe, now: float) -> None:
        size = probe.due_bytes(now)
        while size > 0:
            consumer = self._paddable()
            sent = 0 if consumer is None else consumer.answerer.pad(probe.cluster.packet_bytes, now)
            if not sent:
                break
            size -= sent
        if probe.is_over(now):
            # What waits for the flush still belongs to it.
            self._probe = None

    def _paddable(self) -> Consumer | None:
        """A Consumer whose RTX may carry padding; one that is forwarded before one that is not."""
        found = None
        for consumer in self._consumers.values():
            if consumer.section is not None and consumer.section.rtx_payload_type is not None and consumer.entry:
                if consumer.target is not None:
                    return consumer
                found = consumer
        return found

    # -- RTCP of the subscriber ------------------------------------------------------------------------------------

    def on_feedback(self, feedback: TransportFeedback, now: float) -> None:
        """Which packets arrived when."""
        self._hear(now)
        self.estimator.on_feedback(feedback, now)

    def on_remb(self, bps: int, now: float) -> None:
        """The subscriber's own estimate."""
        self._hear(now)
        self.estimator.on_remb(bps, now)

    def on_reports(self, blocks: Sequence[tuple[Consumer, ReportBlock]], now: float) -> None:
        """Receiver reports, after the Consumers took them."""
        self._hear(now)
        rtts = [c.stream.last_rtt_s for c, block in blocks if block.lsr and c.stream.last_rtt_s is not None]
        if rtts:
            self.estimator.on_rtt(min(rtts), now)
        video = [block.fraction_lost for consumer, block in blocks if consumer.kind == "video"]
        lost = video or [block.fraction_lost for _, block in blocks]
        if lost:
            self.estimator.on_loss_report(sum(lost) / len(lost) / 256, now)

    def _hear(self, now: float) -> None:
        if self._heard_at is None:
            self._heard_at = now

    # -- time ------------------------------------------------------------------------------------------------------

    def tick(self, route: object, now: float) -> None:
        """Called some 20 times a second; ``route`` is compared with the one before."""
        estimator, pacer = self.estimator, self.pacer
        if route is not self._route:
            if self._heard_at is not None and route is not None and now - self._heard_at > SETTLING_S:
                estimator.on_route_change(now)
            self._route = route
        estimator.tick(now)
        pacer.set_estimate(estimator.estimate_bps, is_limit=estimator.is_limit_known)
        pacer.review(self._sent_bytes, now)
        if (
            self._heard_at is not None
            and self._probe is None
            and not self._outlet.holding
            and self._paddable() is not None
        ):
            cluster = estimator.probe_due(now)
            if cluster is not None:
                self._probe = Probe(cluster, now)
                self._busy.add(self)
        self._review(now)

    def _review(self, now: float) -> None:
        estimate_bps = self._budget_bps()
        if estimate_bps >= self.chooser.chosen_bps or self._heard_at is None:
            self._short_since = None
            if self.dirty or now >= self._review_at:
                self.choose(now)
            return
        if self._short_since is None:
            self._short_since = now
        steep = estimate_bps < STEEP_FALL * self.chooser.chosen_bps
        patience_s = DRAIN_PATIENCE_S if self.estimator.reason is Reason.DRAINING else PATIENCE_S
        if steep or self.dirty or now - self._short_since >= patience_s:
            self.choose(now, urgent=steep)

    def choose(self, now: float, *, urgent: bool = False) -> None:
        """Divide the estimate among the Consumers."""
        self.dirty = False
        self._review_at = now + REVIEW_S
        estimator = self.estimator
        estimated = self._heard_at is not None and estimator.reason is not Reason.START
        self.chooser.choose(
            self._budget_bps() if self._heard_at is not None else None,
            self.mode,
            now,
            by_feedback=estimated,
            urgent=urgent,
        )
        estimator.set_wanted_bps(self.chooser.wanted_bps)

    def _budget_bps(self) -> int:
        """The estimate, or what is being sent if that arrives well: then it was only not tried before."""
        return max(self.estimator.estimate_bps, round(min(self.estimator.proven_bps, self.chooser.chosen_bps)))

    # -- resends ---------------------------------------------------------------------------------------------------

    def allows_resend(self, size_bytes: int, now: float) -> bool:
        """Whether there is room for a resend: they must not take the path from what is new."""
        rate = max(LEAST_RESENDS_BPS, RESEND_SHARE * self.estimator.estimate_bps) / 8
        self._resend_room = min(rate * RESEND_BURST_S, self._resend_room + rate * (now - self._resend_at))
        self._resend_at = now
        if self._heard_at is not None and self._resend_room < size_bytes:
            return False
        self._resend_room -= size_bytes
        return True

    def discard(self, entry: ForwardEntry) -> None:
        """What is held back of this entry is not wanted any more."""
        self._outlet.held = [held for held in self._outlet.held if held.entry is not entry]
        self.pacer.discard(lambda held: held.entry is entry)

    # -- news ------------------------------------------------------------------------------------------------------

    def has_news(self) -> bool:
        """Called once a second: whether layers have changed, or the estimate noticeably, since this was last true."""
        revision = (self.mode, len(self._consumers), sum(c.revision for c in self._consumers.values()))
        moved = abs(self.estimator.estimate_bps - self._told_bps) > TOLD_STEP * self._told_bps
        if revision == self._told_revision and not moved:
            return False
        self._told_revision, self._told_bps = revision, self.estimator.estimate_bps
        return True

    @property
    def estimate_bps(self) -> int | None:
        """What the path carries; None while the subscriber has told nothing."""
        return self.estimator.estimate_bps if self._heard_at is not None else None

    def on_new(self, consumer: Consumer, now: float) -> None:
        """A Consumer is open and nothing is chosen for it yet."""
        if not consumer.chosen:
            self.choose(now)
        self.dirty = True


def transport_number(packet: bytes, twcc_id: int | None) -> int | None:
    """The transport-wide number of a packet of ours, which is always its first header extension (RFC 8285)."""
    if twcc_id is None or not packet[0] & 0x10 or len(packet) < 20:
        return None
    if packet[12:14] == b"\xbe\xde":
        return int.from_bytes(packet[17:19], "big") if packet[16] >> 4 == twcc_id else None
    return int.from_bytes(packet[18:20], "big") if packet[16] == twcc_id else None
