"""What the path of one subscribing Transport carries: estimated, probed, and divided among its Consumers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from sfu.choosing import Chooser
from sfu.congestion.changes import Reason
from sfu.congestion.estimator import BandwidthEstimator
from sfu.errors import MalformedPacket
from sfu.layers.forward import Outlet
from sfu.pacing import PacedSender, Wire
from sfu.rtp.rtcp import ReportBlock, TransportFeedback, parse_compound
from sfu.wishes import Mode

if TYPE_CHECKING:
    from sfu.consumer import Consumer
    from sfu.producer import Producer

REVIEW_S, CALM_REVIEW_S = 0.5, 1.0
STEEP_FALL = 0.7
"""An estimate below this share of what is sent is acted upon at once, a smaller lack after a moment."""
PATIENCE_S = 0.3
DRAIN_PATIENCE_S = 1.0
"""While a queue is being emptied less is given out, but only for a moment: no layer has to go for that."""
TOLD_STEP = 0.15
SETTLING_S = 3.0
"""At first ICE tries several ways at once: that is no change of the route."""
FIRST_FEEDBACK_S = 1.5
"""A client that takes transport-wide numbers, but tells nothing of them, is not waited for any longer."""
STALL_S = 0.35
"""Ticks so far apart tell that this machine was short of time, and delays are no measure of the path."""
MAX_FEEDBACKS = 8
CALM_SKIPS = 1
"""Where all is well every second tick will do."""
RESEND_SHARE, LEAST_RESENDS_BPS, RESEND_BURST_S = 0.5, 100_000, 0.5
_JUDGEMENTS = frozenset((Reason.LOSS, Reason.ROUND_TRIP, Reason.REMB))


class Downlink:
    """One for each subscribing Transport; knows no sockets.

    Nothing is limited until something is known of the path: by transport-wide feedback, by REMB, or because receiver
    reports tell of trouble.
    """

    def __init__(
        self,
        outlet: Outlet,
        wire: Wire,
        consumers: Mapping[str, Consumer],
        busy: set[PacedSender],
        is_dominant: Callable[[Producer], bool],
        now: float,
        counters: Counter[str] | None = None,
    ) -> None:
        self._counters = Counter() if counters is None else counters
        self.estimator = BandwidthEstimator(now)
        self.sender = PacedSender(outlet, wire, self.estimator, busy, now)
        self.chooser = Chooser(consumers, is_dominant)
        self.mode = Mode.AUTO
        self.dirty = True
        self._consumers = consumers
        self._heard_at: float | None = None
        self._awaited_from: float | None = None
        self._by_feedback = False
        self._counted_bytes = 0
        self._feedbacks: list[bytes | TransportFeedback] = []
        self._skipped = 0
        self._ticked_at = now
        self._review_at = now
        self._short_since: float | None = None
        self._route: object = None
        self._told_revision: object = None
        self._told_bps = 0
        self._resend_room = 0.0
        self._resend_at = now

    @property
    def is_judged(self) -> bool:
        """Whether anything is known of the path that what is sent should be measured by."""
        return self._heard_at is not None and (self._by_feedback or self.estimator.reason in _JUDGEMENTS)

    @property
    def estimate_bps(self) -> int | None:
        """What the path carries; None while nothing is known of it."""
        return self.estimator.estimate_bps if self.is_judged else None

    # -- RTCP of the subscriber ------------------------------------------------------------------------------------

    def on_feedback(self, feedback: bytes | TransportFeedback, now: float) -> None:
        """Which packets arrived when: as RTCP, or already read."""
        if not self._by_feedback:
            self._hear(now)
            self._by_feedback = True
        # Browsers tell up to twenty times a second: it is dealt with at the next tick, all at once.
        self._feedbacks.append(feedback)
        if len(self._feedbacks) >= MAX_FEEDBACKS:
            self._take_feedback(now)

    def _take_feedback(self, now: float) -> None:
        """Deal with what was told; on a calm path with the newest alone, as long as that shows no trouble."""
        feedbacks, self._feedbacks = self._feedbacks, []
        if not feedbacks:
            return
        estimator = self.estimator
        if len(feedbacks) > 1 and self._is_calm:
            newest = self._read(feedbacks[-1])
            if newest is not None and estimator.on_sample(newest, now):
                return
        read = [known for known in map(self._read, feedbacks) if known is not None]
        if read:
            estimator.on_feedback(*read, now=now)

    def _read(self, feedback: bytes | TransportFeedback) -> TransportFeedback | None:
        if isinstance(feedback, TransportFeedback):
            return feedback
        try:
            (read,) = parse_compound(feedback)
        except MalformedPacket as error:
            self._counters[error.reason] += 1
            return None
        return read if isinstance(read, TransportFeedback) else None

    def on_remb(self, bps: int, now: float) -> None:
        """The subscriber's own estimate."""
        self._hear(now)
        self.estimator.on_remb(bps, now)

    def on_reports(self, blocks: Sequence[tuple[Consumer, ReportBlock]], now: float) -> None:
        """Receiver reports, after the Consumers took them."""
        self._hear(now)
        if not self._by_feedback:
            self._count_sent(now)
        rtts = [c.stream.last_rtt_s for c, block in blocks if block.lsr and c.stream.last_rtt_s is not None]
        if rtts:
            self.estimator.on_rtt(min(rtts), now)
        video = [block.fraction_lost for consumer, block in blocks if consumer.kind == "video"]
        lost = video or [block.fraction_lost for _, block in blocks]
        if lost:
            self.estimator.on_loss_report(sum(lost) / len(lost) / 256, now)

    def _count_sent(self, now: float) -> None:
        """Without transport-wide numbers nobody notes what is sent: it is counted now and then."""
        total = sum(c.entry.octets for c in self._consumers.values() if c.entry is not None)
        self.estimator.on_sent_unnumbered(max(0, total - self._counted_bytes))
        self._counted_bytes = total
        self.estimator.tick(now)

    def _hear(self, now: float) -> None:
        if self._heard_at is None:
            self._heard_at = now

    # -- time ------------------------------------------------------------------------------------------------------

    def tick(self, route: object, now: float) -> None:
        """Called some ten times a second; ``route`` is compared with the one before."""
        if self._by_feedback:
            self._control(route, now)
        elif not self.dirty and now < self._review_at:
            return
        self._review(now)

    def _control(self, route: object, now: float) -> None:
        estimator = self.estimator
        if now - self._ticked_at > STALL_S:
            estimator.on_stall()
        self._ticked_at = now
        if route is not self._route:
            if self._heard_at is not None and route is not None and now - self._heard_at > SETTLING_S:
                estimator.on_route_change(now)
            self._route = route
        if self._is_calm and self._skipped < CALM_SKIPS:
            self._skipped += 1
            return
        self._skipped = 0
        self._take_feedback(now)
        estimator.tick(now)
        self.sender.review(now)
        if self.sender.is_idle:
            consumer = self._paddable()
            cluster = estimator.probe_due(now) if consumer is not None else None
            if cluster is not None:
                self.sender.start_probe(cluster, self._pad, now)

    @property
    def _is_calm(self) -> bool:
        """Whether the path is known to carry all that is wanted, so that a look now and then is enough."""
        return not self.dirty and self.estimator.is_at_ease and self.sender.is_idle

    def _pad(self, size_bytes: int, now: float) -> int:
        consumer = self._paddable()
        return 0 if consumer is None else consumer.answerer.pad(size_bytes, now)

    def _paddable(self) -> Consumer | None:
        """A Consumer whose RTX may carry padding; one that is forwarded before one that is not."""
        found = None
        for consumer in self._consumers.values():
            if consumer.section is not None and consumer.section.rtx_payload_type is not None and consumer.entry:
                if consumer.target is not None:
                    return consumer
                found = consumer
        return found

    def _review(self, now: float) -> None:
        chosen_bps = self.chooser.chosen_bps
        if not self.is_judged or self.estimator.estimate_bps >= chosen_bps or self._budget_bps() >= chosen_bps:
            self._short_since = None
            if self.dirty or now >= self._review_at:
                self.choose(now)
            return
        if self._short_since is None:
            self._short_since = now
        steep = self._budget_bps() < STEEP_FALL * chosen_bps
        # One alone had better stay as it is until the queue is empty; of several some can give a little without harm.
        waits = self.estimator.reason is Reason.DRAINING and self.chooser.videos == 1
        patience_s = DRAIN_PATIENCE_S if waits else PATIENCE_S
        if steep or self.dirty or now - self._short_since >= patience_s:
            self.choose(now, urgent=steep)

    def choose(self, now: float, *, urgent: bool = False) -> None:
        """Divide the estimate among the Consumers."""
        self.dirty = False
        estimator = self.estimator
        if self.is_judged and not estimator.is_at_ease:
            self.chooser.remeasure(now)
        self._review_at = now + (CALM_REVIEW_S if self._is_calm else REVIEW_S)
        budget_bps = self._budget_bps() if self.is_judged else self._first_budget_bps(now)
        self.chooser.choose(
            budget_bps,
            self.mode,
            now,
            is_limit_known=estimator.is_limit_known and self._by_feedback,
            urgent=urgent,
            drained_bps=estimator.drained_bps,
        )
        estimator.set_wanted_bps(self.chooser.wanted_bps)

    def _first_budget_bps(self, now: float) -> int | None:
        """Until the first feedback, if the client is to send any: not so much that a narrow path is flooded."""
        if self._awaited_from is None and self.sender.is_numbered:
            self._awaited_from = now
        if self._awaited_from is None or now - self._awaited_from > FIRST_FEEDBACK_S:
            return None
        return self.estimator.estimate_bps

    def _budget_bps(self) -> int:
        """The estimate, or what is being sent if that arrives well: then it was only not tried before.

        Before the path has shown any limit the estimate is only how far it was tried: nothing is taken back for that.
        """
        estimator, chosen_bps = self.estimator, self.chooser.chosen_bps
        if estimator.is_untried:
            return max(estimator.estimate_bps, chosen_bps)
        return max(estimator.estimate_bps, round(min(estimator.proven_bps, chosen_bps)))

    def on_changed(self, consumer: Consumer, now: float) -> None:
        """What a Consumer could or should send has changed; if nothing was chosen for it yet, that is done now."""
        if not consumer.chosen:
            self.choose(now)
        self.dirty = True

    # -- resends ---------------------------------------------------------------------------------------------------

    def allows_resend(self, size_bytes: int, now: float) -> bool:
        """Whether there is room for a resend: they must not take the path from what is new."""
        if not self.is_judged:
            return True
        rate = max(LEAST_RESENDS_BPS, RESEND_SHARE * self.estimator.estimate_bps) / 8
        self._resend_room = min(rate * RESEND_BURST_S, self._resend_room + rate * (now - self._resend_at))
        self._resend_at = now
        if self._resend_room < size_bytes:
            return False
        self._resend_room -= size_bytes
        return True

    # -- news ------------------------------------------------------------------------------------------------------

    def has_news(self) -> bool:
        """Called once a second: whether layers have changed, or the estimate noticeably, since this was last true."""
        revision = (self.mode, len(self._consumers), sum(c.revision for c in self._consumers.values()))
        moved = abs(self.estimator.estimate_bps - self._told_bps) > TOLD_STEP * self._told_bps
        if revision == self._told_revision and not (moved and self.is_judged):
            return False
        self._told_revision, self._told_bps = revision, self.estimator.estimate_bps
        return True
