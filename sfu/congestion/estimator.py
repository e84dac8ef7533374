"""What the path towards one subscriber can carry, and why: the face of this package for a sending Transport.

Delay tells first (a queue grows), loss tells what delay cannot, probes find room in a round trip where growth would
take minutes. Clients without transport-wide feedback are judged by REMB and receiver reports.
"""

from __future__ import annotations

from collections.abc import Sequence

from sfu.congestion.acknowledged import AcknowledgedBitrate
from sfu.congestion.bursts import BurstGrouper
from sfu.congestion.changes import Change, ChangeLog, Reason
from sfu.congestion.loss import CUT_ABOVE, LossControl
from sfu.congestion.probe_results import ProbeCluster, ProbeMeasure
from sfu.congestion.probing import Prober
from sfu.congestion.queue_delay import Drain, QueueDelay
from sfu.congestion.rate_control import RateControl
from sfu.congestion.reports import ReportEstimator
from sfu.congestion.sending_rate import SendingRate
from sfu.congestion.sent import TICK_S, Match, SentPackets
from sfu.congestion.silence import Silence
from sfu.congestion.trend import TrendDetector, Usage
from sfu.rtp.twcc import TransportFeedback

START_BPS, MIN_BPS, MAX_BPS = 600_000, 50_000, 20_000_000
DEFAULT_RTT_S = 0.1
SILENCE_S = 1.0
REPORT_SILENCE_S = 8.0
"""Receiver reports come each second or so, but RFC 3550 section 6.2 lets them be five seconds apart."""
BACK_OFF = 0.7
STALE_S = 2.0
SAMPLED_S = 1.0
"""After only samples for so long what is measured of bursts begins anew."""
PRUNE_INTERVAL_S = 1.0
CALM_QUEUE_S = 0.06
FEWEST_FOR_LEAST, LATEST_S = 3, 0.08
ROUTE_SHARE = 0.5
DISPROVED_SHARE = 0.85
CAPACITY_REMEMBERED_S = 10.0
"""What arrives between bursts is no measure of a path that was seen full so lately: the first cut goes by what it
carried then. Where it has fallen, the next comes at once, for then the queue shows what it carries."""
FIRST_CUT_S = 1.0
LIMIT_REMEMBERED_S = 30.0
"""A probe that arrives shows room for so much, not that there is no limit: one that was met is remembered so long."""
UNFOLLOWED, CARRIED_SHARE = 1.2, 0.95
WITHIN_CAPACITY, USED_SHARE = 0.97, 0.85


_TROUBLES = frozenset((Reason.OVERUSE, Reason.DRAINING, Reason.REMB, Reason.NO_FEEDBACK))


class BandwidthEstimator:
    """One for each sending Transport. All times are ``now`` in seconds, monotonic; all rates bits a second.

    Call ``on_sent`` for each packet, ``tick`` every 25 to 100 ms, and send what ``probe_due`` asks for.
    """

    __slots__ = (
        "_acknowledged",
        "_before_silence_bps",
        "_capacity_at",
        "_capacity_bps",
        "_cause",
        "_changes",
        "_cut_at",
        "_drain",
        "_feedback_at",
        "_grouper",
        "_is_limit_fresh",
        "_is_met",
        "_limit_met_at",
        "_listened_at",
        "_loss",
        "_measure",
        "_min_bps",
        "_packets",
        "_passed_bytes",
        "_prober",
        "_prune_at",
        "_queue",
        "_rate",
        "_reported",
        "_reports",
        "_saturated",
        "_sending",
        "_silence",
        "_start_bps",
        "_trend",
        "estimate_bps",
        "reason",
        "rtt_s",
        "wanted_bps",
    )

    def __init__(
        self, now: float, *, start_bps: int = START_BPS, min_bps: int = MIN_BPS, max_bps: int = MAX_BPS
    ) -> None:
        self.estimate_bps = start_bps
        self.reason = Reason.START
        self.rtt_s = DEFAULT_RTT_S
        self.wanted_bps = max_bps
        self._start_bps, self._min_bps = start_bps, min_bps
        self._cause = Reason.START
        self._changes = ChangeLog()
        self._packets = SentPackets()
        self._grouper = BurstGrouper()
        self._trend = TrendDetector()
        self._acknowledged = AcknowledgedBitrate()
        self._queue = QueueDelay()
        self._drain = Drain(self._queue)
        self._rate = RateControl(start_bps, min_bps, max_bps)
        self._loss = LossControl()
        self._sending = SendingRate(now)
        self._prober = Prober(start_bps, max_bps, now)
        self._measure: ProbeMeasure | None = None
        self._reports = ReportEstimator(start_bps, min_bps, max_bps)
        self._reported = False
        self._passed_bytes = 0
        # Whether the rate has met what the path carries: then the queue is ours.
        self._is_met = False
        self._saturated = False
        self._limit_met_at = self._cut_at = self._capacity_at = float("-inf")
        self._capacity_bps = 0.0
        self._is_limit_fresh = False
        self._silence = Silence()
        self._feedback_at: float | None = None
        # When feedback was last looked at in full.
        self._listened_at: float | None = None
        self._before_silence_bps = 0.0
        self._prune_at = now + PRUNE_INTERVAL_S

    # -- What happens ----------------------------------------------------------------------------------------------

    def on_sent(self, twcc_seq: int, size_bytes: int, now: float, probe_cluster: int | None = None) -> None:
        """A packet left under this 16-bit transport-wide number; ``size_bytes`` with its RTP header."""
        self._packets.add(twcc_seq, 1, size_bytes, now, probe_cluster)

    def on_batch(self, last_seq: int, packets: Sequence[bytes], now: float, probe_cluster: int | None = None) -> int:
        """Packets left together under consecutive numbers that end with ``last_seq``; returns their bytes."""
        total = sum(map(len, packets))
        self._packets.add(last_seq, len(packets), total, now, probe_cluster)
        return total

    def on_sent_unnumbered(self, size_bytes: int) -> None:
        """A packet (or several) left without a transport-wide number.

        Where others have one, no feedback will tell of it: it is no silence, and taken to arrive as they do.
        """
        self._packets.sent_bytes += size_bytes
        if self._feedback_at is not None:
            self._silence.skip(size_bytes)
            self._passed_bytes += size_bytes

    def on_feedback(self, *feedbacks: TransportFeedback, now: float) -> None:
        """The subscriber told which packets arrived when; several in the order of arrival are dealt with as one."""
        match = Match()
        for feedback in feedbacks:
            self._packets.match(feedback, match)
        if not match.received and not match.lost:
            return
        self._on_heard(now)
        overused = self._on_received(match, now) if match.received else False
        self._loss.on_packets(
            match.packets,
            match.lost - match.returned,
            rate_bps=self.estimate_bps,
            sent_bps=self._sending.bps,
            queue_s=self._queue.seconds,
            now=now,
        )
        self._control(overused, now)
        self._take_probe_result(now)
        self._publish(now)

    def on_sample(self, feedback: TransportFeedback, now: float) -> bool:
        """The newest of several feedbacks, in place of them all, on a path that is at ease.

        False, and nothing is done, if it tells of loss or of a queue: then all have to be dealt with.
        """
        ticks = feedback.arrival_ticks
        sent_s = self._packets.sent_at(feedback.base_seq + len(ticks) - 1)
        last_tick = ticks[-1]
        if sent_s is None or last_tick is None or None in ticks:
            return False
        one_way_s = last_tick * TICK_S - sent_s
        if self._queue.would_stand(one_way_s):
            return False
        self._passed_bytes += self._packets.pass_over(feedback)
        self._feedback_at = now
        self._silence.on_answer(self._packets.sent_bytes)
        self._queue.update(one_way_s, now)
        self._loss.on_packets(
            len(ticks), 0, rate_bps=self.estimate_bps, sent_bps=self._sending.bps, queue_s=self._queue.seconds, now=now
        )
        return True

    def on_rtt(self, rtt_s: float, now: float) -> None:
        """A round trip was measured, by receiver reports as a rule."""
        self.rtt_s += (rtt_s - self.rtt_s) / 4
        self._reports.on_rtt(rtt_s, now)

    def on_loss_report(self, fraction_lost: float, now: float) -> None:
        """A receiver report tells the loss since the last one, 0.0 to 1.0; not used once feedback has come."""
        if self._feedback_at is None:
            self._hear_report()
            self._reports.on_loss_report(fraction_lost, self._sending.bps, now)
            self._publish(now)

    def on_remb(self, bps: int, now: float) -> None:
        """The subscriber's own estimate of what it can take: always a cap while it is fresh."""
        self._hear_report()
        self._reports.on_remb(bps, now)
        self._publish(now)

    def set_wanted_bps(self, bps: int) -> None:
        """What would be sent if the path allowed: beyond it there is nothing to probe for."""
        self.wanted_bps = bps

    def on_route_change(self, now: float) -> None:
        """The subscriber is reached another way now: nothing that was learnt holds."""
        bps = min(self.estimate_bps, max(self._start_bps, int(self.estimate_bps * ROUTE_SHARE)))
        self._packets.clear()
        self._trend = TrendDetector()
        self._measure = None
        for part in (self._grouper, self._acknowledged, self._queue, self._loss):
            part.reset()
        self._drain.stop()
        self._rate.reset(bps)
        self._reports.reset(bps)
        self._prober.restart(bps, now)
        self._silence.on_answer(self.sent_bytes)
        self._before_silence_bps = 0.0
        self._cause = Reason.ROUTE_CHANGE
        self._saturated = self._is_limit_fresh = False
        self._limit_met_at = self._capacity_at = float("-inf")
        self._publish(now)

    def on_stall(self) -> None:
        """Our own machine was short of time: delays across that moment are no gradient."""
        self._grouper.reset()
        self._trend.reset()
        self._acknowledged.reset()
        self._loss.settle()

    def tick(self, now: float) -> None:
        """Time passes."""
        self._sending.update(self.sent_bytes, self.estimate_bps, now)
        self._watch_silence(now)
        if self.reason is Reason.LOSS and self._loss.is_heavy:
            self._limit_met_at = now
        self._is_limit_fresh = now - self._limit_met_at < LIMIT_REMEMBERED_S
        if now >= self._prune_at:
            self._prune_at = now + PRUNE_INTERVAL_S
            self._packets.prune(now)
            self._publish(now)

    def probe_due(self, now: float) -> ProbeCluster | None:
        """A cluster of packets to send now at its rate, tagged with its id in ``on_sent``; media may be part of it."""
        if self.is_at_ease:
            return None
        if (self._reported and self._feedback_at is None) or self._before_silence_bps:
            return None
        loss = self._loss
        calm = (
            self._trend.usage is not Usage.OVERUSE
            and not self._drain.active
            and self._queue.seconds < CALM_QUEUE_S + self._queue.noise_s
            and loss.fraction - loss.own_loss < CUT_ABOVE
        )
        cluster = self._prober.due(self._rate.bps, self.wanted_bps, calm=calm, noise_s=self._queue.noise_s, now=now)
        if cluster is not None:
            self._measure = ProbeMeasure(cluster)
        return cluster

    # -- What it says ----------------------------------------------------------------------------------------------

    @property
    def application_limited(self) -> bool:
        """Whether so little is sent that the path is not being tried."""
        return self._sending.application_limited

    @property
    def sent_bytes(self) -> int:
        """All that was sent since the start."""
        return self._packets.sent_bytes

    @property
    def is_at_ease(self) -> bool:
        """Whether more is carried than is wanted, without any sign of trouble: then a rough look is enough."""
        return self.estimate_bps > self.wanted_bps and self._measure is None and not self._queue.stands

    @property
    def is_limit_known(self) -> bool:
        """Whether the path was full of late: the estimate is about what it carries, not what was tried so far."""
        return self._saturated or self._is_limit_fresh

    @property
    def is_untried(self) -> bool:
        """Whether there was no sign of a limit yet, so that the estimate is only as high as was tried.

        A large picture takes some milliseconds on any path: that alone is no sign.
        """
        return not (self._saturated or self._is_troubled or self._queue.is_real)

    @property
    def drained_bps(self) -> int:
        """What the estimate would be if no queue had to be emptied first."""
        return int(self._rate.bps) if self.reason is Reason.DRAINING else self.estimate_bps

    @property
    def proven_bps(self) -> float:
        """What arrives without any sign of trouble: at least that is carried, whatever was estimated before."""
        return 0.0 if self._is_troubled or self._queue.stands else self._acknowledged.bps or 0.0

    @property
    def _is_troubled(self) -> bool:
        """Whether anything but the present delay tells of a limit."""
        if self._trend.usage is Usage.OVERUSE or self._drain.active or self.reason in _TROUBLES:
            return True
        return self.reason is Reason.LOSS and self._loss.is_heavy

    def changes(self) -> list[Change]:
        """The last changes of the estimate, oldest first."""
        return self._changes.recent()

    @property
    def queue_ms(self) -> float:
        """How long packets wait on the path now."""
        return round(self._queue.seconds * 1000, 1)

    def explain(self) -> dict[str, object]:
        """Figures behind the estimate."""
        acknowledged_bps = self._sending.bps if self.is_at_ease else self._acknowledged.bps
        return {
            "estimate_bps": self.estimate_bps,
            "reason": self.reason.value,
            "wanted_bps": self.wanted_bps,
            "sent_bps": round(self._sending.bps),
            "acknowledged_bps": None if acknowledged_bps is None else round(acknowledged_bps),
            "application_limited": self._sending.application_limited,
            "usage": self._trend.usage.value,
            "queue_ms": self.queue_ms,
            "loss": round(self._loss.fraction, 4),
            "own_loss": round(self._loss.own_loss, 4),
            "rtt_ms": round(self.rtt_s * 1000, 1),
            "feedback": "transport-wide" if self._feedback_at is not None else "reports" if self._reported else "none",
        }

    # -- Inside ----------------------------------------------------------------------------------------------------

    def _on_heard(self, now: float) -> None:
        """Feedback is there (again)."""
        before_bps, self._before_silence_bps = self._before_silence_bps, 0.0
        is_gap = before_bps > 0 or (self._feedback_at is not None and now - self._feedback_at > STALE_S)
        if is_gap or (self._listened_at is not None and now - self._listened_at > SAMPLED_S):
            # Delays across the gap are no gradient.
            self._grouper.reset()
            self._trend.reset()
            self._acknowledged.reset()
            self._passed_bytes = 0
        if is_gap:
            # What was lost in it was not lost for its rate.
            self._loss.settle()
        self._feedback_at = self._listened_at = now
        self._silence.on_answer(self.sent_bytes)
        if before_bps:
            self._prober.on_fall(before_bps, self._rate.bps, now)

    def _on_received(self, match: Match, now: float) -> bool:
        """Feed the measures; True if one burst showed overuse."""
        measure = self._measure
        if measure is not None:
            wanted = measure.cluster.id
            for send_s, _, arrival_s, size_bytes, packets, cluster in match.received:
                if cluster == wanted:
                    measure.on_arrival(send_s, arrival_s, size_bytes, packets)
        bursts = self._grouper.add(match.received)
        # Where a feedback was lost, as many of its packets arrived, as far as one can tell, as of this one.
        extra_bytes = match.unreported_bytes * match.packets // (match.packets + match.lost) + self._passed_bytes
        self._passed_bytes = 0
        self._acknowledged.on_bursts(bursts, extra_bytes if bursts else 0, self._queue.busy_from_s)
        # Jitter is told from a queue by the least of several. Where so few come, they stand in a queue or are rare.
        least_s = self._grouper.open_one_way_s
        late = [burst[3] for burst in bursts if bursts[-1][2] - burst[2] < LATEST_S]
        if len(late) >= FEWEST_FOR_LEAST:
            least_s = min(least_s, *late)
        self._queue.update(least_s, now, learn=not (self._drain.active or self._is_met))
        return self._trend.on_bursts(bursts)

    def _control(self, overused: bool, now: float) -> None:
        rate, usage = self._rate, self._trend.usage
        acknowledged_bps = self._carried_bps()
        limited = self._sending.application_limited
        before_bps = rate.bps
        capacity_bps = self._acknowledged.busy_bps
        if capacity_bps is not None:
            self._capacity_bps, self._capacity_at = capacity_bps, now
        overused = (overused or usage is Usage.OVERUSE) and self._queue.stands
        # A queue stands and more is sent than leaves it: no need to wait until that shows in the trend.
        self._is_met = (
            capacity_bps is not None
            and rate.bps > capacity_bps
            and self._sending.bps > USED_SHARE * rate.bps
            and self._acknowledged.is_busy
        )
        overused |= self._is_met and self._queue.is_real
        # One cut was not enough: so much more is sent than leaves the queue that it cannot empty.
        is_flooded = capacity_bps is not None and min(rate.bps, self._sending.bps) > UNFOLLOWED * capacity_bps
        if overused or (self._queue.is_long and (is_flooded or not self._drain.active)):
            measured_bps = self._measured_bps(acknowledged_bps, capacity_bps, now)
            if capacity_bps is not None and WITHIN_CAPACITY * capacity_bps >= rate.bps:
                # The path carries the rate: a burst stands there, and goes.
                rate.hold(now)
                self._prober.on_overuse(now)
            elif rate.may_decrease(measured_bps, self.rtt_s, now):
                self._cut_at = now
                rate.decrease(
                    measured_bps,
                    self._queue.seconds - self._queue.noise_s,
                    sent_bps=self._sending.bps,
                    untried=limited,
                    now=now,
                )
                if self._queue.is_long:
                    # It may have overflowed: what is lost in the next moment was sent before.
                    self._loss.settle()
                else:
                    self._loss.skip()
                self._drain.on_decrease(now)
                self._prober.on_overuse(now)
                self._prober.on_fall(before_bps, rate.bps, now)
                self._cause = Reason.OVERUSE
                self._saturated = True
                self._limit_met_at = now
        else:
            hold = limited or self._is_met or self._drain.active or self._loss.holding
            carried_bps = min(acknowledged_bps or 0.0, self._sending.bps)
            if carried_bps > UNFOLLOWED * rate.bps and not (hold or self._queue.stands):
                # Much more than the estimate was sent, and all is well: that is carried.
                rate.set(CARRIED_SHARE * carried_bps, now)
            rate.follow(usage, acknowledged_bps, self.rtt_s, hold=hold, now=now)
            if rate.bps > before_bps:
                self._cause = Reason.GROWTH
            elif limited and self._cause is Reason.GROWTH:
                self._cause = Reason.APPLICATION_LIMITED
        self._drain.update(now)

    def _measured_bps(self, acknowledged_bps: float | None, capacity_bps: float | None, now: float) -> float | None:
        """The best measure there is of what the path carries, to cut to; None if there is none."""
        if capacity_bps is not None and (self._queue.is_long or acknowledged_bps is None):
            return capacity_bps
        if acknowledged_bps is None:
            return None
        if capacity_bps is not None:
            return max(acknowledged_bps, capacity_bps)
        if self._is_first_cut(now):
            return max(acknowledged_bps, self._capacity_bps)
        if self._queue.is_long:
            return min(acknowledged_bps, self._acknowledged.latest_bps or acknowledged_bps)
        return acknowledged_bps

    def _is_first_cut(self, now: float) -> bool:
        """Whether the path was seen full lately, and nothing was cut since what is under way was sent."""
        return now - self._capacity_at < CAPACITY_REMEMBERED_S and now - self._cut_at > FIRST_CUT_S

    def _carried_bps(self) -> float | None:
        """What was sent of that which arrives: on a path with loss of its own more than arrives."""
        acknowledged_bps = self._acknowledged.bps
        return None if acknowledged_bps is None else acknowledged_bps / (1 - self._loss.own_loss)

    def _take_probe_result(self, now: float) -> None:
        measure, own_loss = self._measure, self._loss.own_loss
        if measure is None or not measure.is_enough(own_loss):
            return
        self._measure = None
        result = measure.result(own_loss)
        if result is None:
            self._prober.on_unclear(now)
            return
        self._prober.on_result(result, self._rate.bps, now)
        self._saturated = result.saturated
        if self._trend.usage is Usage.OVERUSE or self._drain.active:
            return
        if result.bps > self._rate.bps:
            self._rate.set(result.bps, now)
            self._cause = Reason.PROBE
        elif result.saturated:
            # One probe alone may be wrong by chance: give way step by step.
            acknowledged_bps = self._carried_bps() or 0.0
            self._rate.set(max(result.bps, acknowledged_bps, DISPROVED_SHARE * self._rate.bps), now)
            self._cause = Reason.PROBE
        cap_bps = self._loss.cap_bps
        if cap_bps is not None and result.bps > cap_bps:
            self._loss.cap_bps = result.bps

    def _hear_report(self) -> None:
        self._reported = True
        if self._feedback_at is None:
            self._silence.on_answer(self.sent_bytes)

    def _watch_silence(self, now: float) -> None:
        """Back off when what is sent remains without any answer."""
        by_reports = self._reported and self._feedback_at is None
        patience_s = (REPORT_SILENCE_S if by_reports else SILENCE_S) + self.rtt_s
        if not self._silence.is_step_due(self.sent_bytes, patience_s, now):
            return
        if by_reports:
            self._reports.back_off(BACK_OFF)
        else:
            self._before_silence_bps = self._before_silence_bps or float(self.estimate_bps)
            self._rate.reduce(BACK_OFF)
            self._cause = Reason.NO_FEEDBACK
        self._publish(now)

    def _publish(self, now: float) -> None:
        """The least of what the parts allow is the estimate, and that part the reason."""
        if self._reported and self._feedback_at is None:
            bps, reason = self._reports.bps(now), self._reports.reason
        else:
            bps, reason = self._rate.bps, self._cause
            if self._drain.active:
                bps, reason = bps * self._drain.factor, Reason.DRAINING
            cap_bps = self._loss.cap_bps
            if cap_bps is not None and cap_bps < bps:
                bps, reason = cap_bps, Reason.LOSS
            remb_bps = self._reports.remb_bps(now) if self._reported else None
            if remb_bps is not None and remb_bps < bps:
                bps, reason = remb_bps, Reason.REMB
        estimate_bps = max(self._min_bps, int(bps))
        self.reason = reason
        if estimate_bps != self.estimate_bps:
            self._changes.note(now, self.estimate_bps, estimate_bps, reason)
            self.estimate_bps = estimate_bps
