"""From verdicts to rates: delay-based control, loss, how much is sent, and receiver reports."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sfu.congestion.changes import MAX_CHANGES, ChangeLog, Reason
from sfu.congestion.loss import LossControl
from sfu.congestion.rate_control import LinkCapacity, RateControl
from sfu.congestion.reports import REMB_LIFE_S, ReportEstimator
from sfu.congestion.sending_rate import SendingRate
from sfu.congestion.trend import Usage

MIN, MAX = 50_000, 20_000_000

# -- by delay ------------------------------------------------------------------------------------------------------


def control(bps: float = 1_000_000) -> RateControl:
    return RateControl(bps, MIN, MAX)


def grow(
    rate: RateControl, acknowledged: float | None, seconds: float, start: float = 0.0, hold: bool = False
) -> float:
    for i in range(round(seconds * 10) + 1):
        rate.follow(Usage.NORMAL, acknowledged, 0.1, hold=hold, now=start + i * 0.1)
    return rate.bps


@pytest.mark.parametrize(
    ("name", "acknowledged", "queue_s", "sent", "untried", "expected"),
    [
        ("to 0.85 of what arrives", 800_000, 0.1, 1_000_000, False, 680_000),
        ("gently when all arrives", 1_000_000, 0.03, 1_000_000, False, 930_000),
        ("not gently with a long queue", 1_000_000, 0.2, 1_000_000, False, 850_000),
        ("blindly", None, 0.1, 1_000_000, False, 500_000),
        ("little sent is no measure", 100_000, 0.03, 100_000, True, 850_000),
        ("but a real queue is", 100_000, 0.2, 100_000, True, 85_000),
        ("never up", 5_000_000, 0.2, 1_000_000, False, 1_000_000),
        ("never below the least", 1_000, 0.2, 1_000_000, False, MIN),
    ],
)
def test_decrease(
    name: str, acknowledged: float | None, queue_s: float, sent: float, untried: bool, expected: float
) -> None:
    rate = control()
    rate.decrease(acknowledged, queue_s, sent_bps=sent, untried=untried, now=10.0)
    assert rate.bps == pytest.approx(expected)


def test_what_a_probe_just_found_is_not_measured_by_what_arrived_before() -> None:
    rate = control()
    rate.set(4_000_000, 10.0)
    rate.decrease(1_000_000, 0.03, sent_bps=1_000_000, untried=False, now=10.2)
    assert rate.bps == pytest.approx(3_400_000)


def test_increase_is_multiplicative_until_the_path_was_full() -> None:
    assert grow(control(), 1_000_000, 1.0) == pytest.approx(1_080_000, rel=0.002)


def test_increase_is_additive_near_what_the_path_carried() -> None:
    rate = control()
    rate.decrease(1_000_000, 0.1, sent_bps=1_000_000, untried=False, now=0.0)
    before = rate.bps
    assert grow(rate, 900_000, 1.0, 0.1) - before == pytest.approx(rate.additive_bps_per_s(0.1), rel=0.15)
    assert rate.additive_bps_per_s(0.1) < 0.08 * before


def test_more_than_the_path_carried_makes_growth_fast_again() -> None:
    rate = control()
    rate.decrease(1_000_000, 0.1, sent_bps=1_000_000, untried=False, now=0.0)
    rate.follow(Usage.NORMAL, 2_000_000, 0.1, hold=False, now=0.1)
    rate.follow(Usage.NORMAL, 2_000_000, 0.1, hold=False, now=0.2)
    assert not rate.capacity.known


@pytest.mark.parametrize(("usage", "hold"), [(Usage.UNDERUSE, False), (Usage.NORMAL, True)])
def test_no_growth_while_held_or_while_queues_empty(usage: Usage, hold: bool) -> None:
    rate = control()
    for i in range(30):
        rate.follow(usage, 1_000_000, 0.1, hold=hold, now=i * 0.1)
    assert rate.bps == 1_000_000


def test_growth_stays_near_what_arrives() -> None:
    assert grow(control(), 900_000, 60.0) == pytest.approx(1.25 * 900_000 + 10_000)
    assert grow(control(), 300_000, 60.0) == 1_000_000


def test_decreases_leave_time_to_work() -> None:
    rate = control()
    rate.decrease(900_000, 0.1, sent_bps=1_000_000, untried=False, now=10.0)
    assert not rate.may_decrease(700_000, 0.15, 10.1)
    assert rate.may_decrease(700_000, 0.15, 10.16)
    assert rate.may_decrease(300_000, 0.15, 10.06), "far from enough"


def test_capacity_knows_its_neighbourhood() -> None:
    capacity = LinkCapacity()
    assert not capacity.known and not capacity.is_near(1) and not capacity.is_below(1e9)
    capacity.on_full(1_000_000)
    assert capacity.is_near(1_020_000) and not capacity.is_below(1_020_000)
    assert not capacity.is_near(1_300_000) and capacity.is_below(1_300_000)
    assert not capacity.is_near(600_000) and not capacity.is_below(600_000)


# -- by loss -------------------------------------------------------------------------------------------------------


class LossyPath:
    """Plays a sender that follows ``min(offered, cap)`` through a path whose loss depends on the rate."""

    def __init__(self, offered_bps: float) -> None:
        self.loss = LossControl()
        self.offered_bps = offered_bps
        self.rate_bps = offered_bps
        self.now = 0.0
        self._lost = 0.0

    def run(self, seconds: float, own: float, limit_bps: float = 1e12, queue_s: float = 0.0) -> LossControl:
        for _ in range(round(seconds * 10)):
            self.now += 0.1
            cap = self.loss.cap_bps
            sent_bps = min(self.offered_bps, self.rate_bps if cap is None else min(cap, self.rate_bps))
            share = 1 - (1 - own) * min(1.0, limit_bps / sent_bps)
            packets = round(sent_bps / 96_000)
            self._lost += packets * share
            lost = int(self._lost)
            self._lost -= lost
            rate_bps = self.rate_bps if cap is None else min(cap, self.rate_bps)
            self.loss.on_packets(
                packets - lost, lost, rate_bps=rate_bps, sent_bps=sent_bps, queue_s=queue_s, now=self.now
            )
        return self.loss


@pytest.mark.parametrize("own", [0.01, 0.05, 0.1, 0.2, 0.3])
def test_loss_of_the_path_itself_is_learnt(own: float) -> None:
    loss = LossyPath(3_000_000).run(12.0, own)
    assert loss.own_loss == pytest.approx(own, rel=0.3, abs=0.02)
    assert loss.cap_bps is None


def test_chance_alone_cuts_nothing_once_the_path_is_known() -> None:
    loss, random, cuts = LossControl(), Random(1), 0
    loss.own_loss, loss._learnt_at_bps = 0.2, 3e6
    for i in range(3_000):
        lost = sum(random.random() < 0.2 for _ in range(20))
        loss.on_packets(20 - lost, lost, rate_bps=3e6, sent_bps=2.9e6, queue_s=0.0, now=i * 0.1)
        cuts += loss.holding
    assert cuts < 300
    assert loss.own_loss == pytest.approx(0.2, abs=0.05)


@pytest.mark.parametrize("own", [0.0, 0.05])
def test_loss_that_follows_the_rate_caps_it(own: float) -> None:
    path = LossyPath(3_000_000)
    path.run(5.0, own)
    loss = path.run(5.0, own, limit_bps=1_000_000)
    assert loss.cap_bps is not None and 600_000 < loss.cap_bps < 1_200_000
    loss = path.run(20.0, own, limit_bps=1_000_000)
    assert loss.cap_bps is not None and loss.cap_bps < 1_300_000


def test_a_cap_is_lifted_step_by_step_when_the_path_recovers() -> None:
    path = LossyPath(1_500_000)
    path.run(3.0, 0.0, limit_bps=1_000_000)
    before = path.run(1.0, 0.0).cap_bps
    assert before is not None
    after = path.run(2.0, 0.0).cap_bps
    assert after is not None and before < after < 1.25 * before


def test_loss_with_a_long_queue_is_never_the_path_s_own_without_trial() -> None:
    path = LossyPath(1_000_000)
    path.rate_bps = 5_000_000
    assert path.run(1.5, 0.06, queue_s=0.2).own_loss == 0.0
    assert path.run(6.0, 0.06, queue_s=0.0).own_loss == pytest.approx(0.06, abs=0.02)


def test_an_outage_is_not_counted() -> None:
    loss = LossControl()
    loss.settle()
    for i in range(8):
        loss.on_packets(10, 90, rate_bps=1e6, sent_bps=1e6, queue_s=0.0, now=i * 0.1)
    assert loss.cap_bps is None and loss.fraction == 0.0


@settings(max_examples=40)
@given(st.lists(st.tuples(st.integers(0, 60), st.integers(-10, 60), st.floats(0, 0.3)), max_size=120))
def test_loss_figures_stay_sane(steps: list[tuple[int, int, float]]) -> None:
    loss = LossControl()
    for i, (received, lost, queue_s) in enumerate(steps):
        loss.on_packets(received, lost, rate_bps=1e6, sent_bps=9e5, queue_s=queue_s, now=i * 0.1)
        assert 0.0 <= loss.own_loss <= 0.5 and 0.0 <= loss.fraction <= 1.0
        assert loss.cap_bps is None or loss.cap_bps >= 0


# -- how much is sent ----------------------------------------------------------------------------------------------


def send(rate: SendingRate, bps: float, seconds: float, start: float, counted: int = 0, estimate: float = 1e6) -> int:
    for i in range(round(seconds / 0.05)):
        counted += round(bps * 0.05 / 8)
        rate.update(counted, estimate, start + (i + 1) * 0.05)
    return counted


@pytest.mark.parametrize(("share", "limited"), [(0.1, True), (0.5, True), (0.8, False), (1.0, False), (2.0, False)])
def test_application_limited(share: float, limited: bool) -> None:
    rate = SendingRate(0.0)
    send(rate, share * 1e6, 10.0, 0.0)
    assert rate.application_limited is limited
    assert rate.bps == pytest.approx(share * 1e6, rel=0.01)


def test_a_key_frame_alone_does_not_end_it_for_long() -> None:
    rate = SendingRate(0.0)
    counted = send(rate, 200_000, 5.0, 0.0) + 30_000
    counted = send(rate, 200_000, 0.1, 5.0, counted)
    assert not rate.application_limited
    send(rate, 200_000, 1.0, 5.1, counted)
    assert rate.application_limited


# -- clients without transport-wide feedback -----------------------------------------------------------------------


def reports(start: float = 1_000_000) -> ReportEstimator:
    return ReportEstimator(start, MIN, MAX)


@pytest.mark.parametrize(
    ("fraction", "sent", "relation"),
    [(0.0, 1e6, "grows"), (0.0, 1e5, "stays"), (0.05, 1e6, "stays"), (0.2, 1e6, "falls")],
)
def test_loss_reports(fraction: float, sent: float, relation: str) -> None:
    estimator = reports()
    for i in range(5):
        estimator.on_loss_report(fraction, sent, 10.0 + i)
    bps = estimator.bps(15.0)
    assert {"grows": bps > 1.2e6, "stays": bps == 1e6, "falls": bps < 0.7e6}[relation]


def test_remb_caps_raises_and_grows_stale() -> None:
    estimator = reports()
    estimator.on_remb(300_000, 10.0)
    assert estimator.bps(10.0) == 300_000 and estimator.reason is Reason.REMB
    estimator.on_remb(2_500_000, 11.0)
    assert estimator.bps(11.0) == 2_500_000
    estimator.on_remb(400_000, 12.0)
    assert estimator.bps(12.0 + REMB_LIFE_S + 1) == 2_500_000


def test_a_growing_round_trip_cuts() -> None:
    estimator = reports()
    estimator.on_rtt(0.05, 10.0)
    estimator.on_rtt(0.2, 11.0)
    assert estimator.bps(11.0) == 1_000_000
    estimator.on_rtt(0.5, 12.0)
    assert estimator.bps(12.0) == pytest.approx(850_000) and estimator.reason is Reason.ROUND_TRIP
    estimator.on_rtt(0.5, 12.1)
    assert estimator.bps(12.1) == pytest.approx(850_000), "too soon for another"


@settings(max_examples=40)
@given(st.lists(st.tuples(st.sampled_from(["loss", "remb", "rtt"]), st.floats(0, 1)), max_size=80))
def test_report_estimates_stay_within_bounds(steps: list[tuple[str, float]]) -> None:
    estimator = reports()
    for i, (kind, value) in enumerate(steps):
        if kind == "loss":
            estimator.on_loss_report(value, 1e6, float(i))
        elif kind == "remb":
            estimator.on_remb(value * 1e9, float(i))
        else:
            estimator.on_rtt(value * 5, float(i))
        assert MIN <= estimator.bps(float(i)) <= MAX


# -- the log -------------------------------------------------------------------------------------------------------


def test_small_steps_are_one_change_and_the_log_is_bounded() -> None:
    log = ChangeLog()
    for i in range(20):
        log.note(i * 0.1, 100 + i, 101 + i, Reason.GROWTH)
    log.note(2.0, 120, 60, Reason.OVERUSE)
    log.note(9.0, 60, 50, Reason.OVERUSE)
    told = [(c.at, c.from_bps, c.to_bps, c.reason) for c in log.recent()]
    assert told == [(0.0, 100, 120, "growth"), (2.0, 120, 60, "overuse"), (9.0, 60, 50, "overuse")]
    for i in range(3 * MAX_CHANGES):
        log.note(10.0 * i, i, i + 1, Reason.PROBE)
    assert len(log.recent()) == MAX_CHANGES
