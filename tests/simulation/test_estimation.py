"""The bandwidth estimate on simulated networks: near the truth, quick down, quick up, and not fooled."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import pytest

from sfu.congestion.changes import Reason
from tests.simulation.adaptive import Call, CrossTraffic
from tests.simulation.network import Impairment

SEEDS = (1, 2, 3)
LAYERS = (150_000, 500_000, 1_500_000, 2_500_000)


def path(rate_bps: float | None = None, *, delay_s: float = 0.04, queue_bytes: int = 64_000) -> Impairment:
    return Impairment(delay_s=delay_s, rate_bps=rate_bps, queue_bytes=queue_bytes)


def later(call: Call, seconds: float, action: Callable[[], None]) -> None:
    call.time.at(call.start + seconds, action)


# -- a constant rate -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("rate_bps", "worst_queue_s"), [(300_000, 0.2), (1_000_000, 0.12), (5_000_000, 0.06)])
def test_constant_rate(rate_bps: int, worst_queue_s: float) -> None:
    call = Call(path(rate_bps))
    call.run(60)
    assert call.mean_bps(10, 60) == pytest.approx(rate_bps, rel=0.15)
    assert call.least_bps(10, 60) > 0.65 * rate_bps
    assert call.worst_queue_s(10, 60) < worst_queue_s
    assert call.loss < 0.01


@pytest.mark.parametrize("seed", SEEDS)
def test_constant_rate_with_some_jitter(seed: int) -> None:
    impairment = path(1_000_000)
    impairment.jitter_s = 0.005
    call = Call(impairment, seed=seed)
    call.run(60)
    assert call.mean_bps(10, 60) == pytest.approx(1_000_000, rel=0.15)
    assert call.worst_queue_s(10, 60) < 0.3


def test_layers_that_leave_room_tell_nothing_but_probes_do() -> None:
    """A layer of 1.5 Mbit/s on a path of 2 Mbit/s never fills it."""
    call = Call(path(2_000_000), layers_bps=LAYERS, wanted_bps=2_500_000)
    call.run(60)
    assert call.mean_bps(10, 60) == pytest.approx(2_000_000, rel=0.15)
    assert call.worst_queue_s(10, 60) < 0.1
    assert call.padding_bytes * 8 / 60 < 0.03 * 2_000_000


def test_a_queue_that_drops_early_limits_by_loss() -> None:
    """A shallow buffer shows hardly any delay: only the loss that follows the rate tells."""
    call = Call(path(1_000_000, queue_bytes=6_000), most_bps=3_000_000)
    call.run(60)
    assert 600_000 < call.mean_bps(10, 60) < 1_100_000
    assert call.loss < 0.05


# -- changes -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("layers", [(), LAYERS])
@pytest.mark.parametrize("queue_bytes", [64_000, 100_000])
def test_step_down(layers: tuple[int, ...], queue_bytes: int) -> None:
    forth = path(5_000_000, queue_bytes=queue_bytes)
    call = Call(forth, layers_bps=layers, wanted_bps=3_000_000)
    later(call, 20, lambda: setattr(forth, "rate_bps", 600_000))
    call.run(60)
    assert max(sample.estimate_bps for sample in call.between(21, 60)) < 800_000
    assert call.worst_queue_s(24, 60) < 0.15
    assert call.mean_bps(26, 60) == pytest.approx(600_000, rel=0.15)
    assert Reason.DRAINING in [change.reason for change in call.estimator.changes()]


@pytest.mark.parametrize("layers", [(), LAYERS])
def test_step_up(layers: tuple[int, ...]) -> None:
    forth = path(600_000)
    call = Call(forth, most_bps=4_000_000, layers_bps=layers, wanted_bps=2_500_000)
    later(call, 20, lambda: setattr(forth, "rate_bps", 5_000_000))
    call.run(60)
    assert call.reached_at(2_500_000, after=20) < 30
    assert call.least_bps(31, 60) > 2_200_000
    assert call.worst_queue_s(20, 60) < 0.15


def test_a_short_dip_is_forgotten_soon() -> None:
    forth = path(4_000_000)
    call = Call(forth, most_bps=3_000_000)
    later(call, 20, lambda: setattr(forth, "rate_bps", 800_000))
    later(call, 22, lambda: setattr(forth, "rate_bps", 4_000_000))
    call.run(40)
    assert call.least_bps(20, 24) < 1_000_000
    assert call.reached_at(2_500_000, after=23) < 30


def test_a_competing_flow_gets_its_share_and_gives_it_back() -> None:
    forth = path(3_000_000)
    call = Call(forth)
    CrossTraffic(call.time, call.path.forth, 1_500_000, call.start + 20, call.start + 40)
    call.run(60)
    assert call.mean_bps(23, 40) == pytest.approx(1_500_000, rel=0.15)
    assert call.worst_queue_s(24, 40) < 0.2
    assert call.reached_at(2_500_000, after=40) < 50


def test_route_change() -> None:
    forth = path(4_000_000)
    call = Call(forth)

    def move() -> None:
        forth.rate_bps, forth.delay_s = 1_000_000, 0.15
        call.estimator.on_route_change(call.time.now)

    later(call, 20, move)
    call.run(60)
    assert call.mean_bps(26, 60) == pytest.approx(1_000_000, rel=0.15)
    assert call.worst_queue_s(24, 60) < 0.15


def test_a_longer_route_is_no_congestion() -> None:
    """The delay grows by 100 ms at once and stays: nobody tells us, and it must not cost the rate for long."""
    forth = path(10_000_000)
    call = Call(forth, most_bps=2_000_000)
    later(call, 20, lambda: setattr(forth, "delay_s", 0.14))
    call.run(60)
    assert call.mean_bps(35, 60) > 1_800_000


# -- loss and jitter -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", SEEDS)
def test_random_loss_of_5_percent_costs_nothing(seed: int) -> None:
    forth, back = path(10_000_000, delay_s=0.05), path(delay_s=0.05)
    forth.loss = back.loss = 0.05
    call = Call(forth, back, seed=seed, most_bps=3_000_000)
    call.run(60)
    assert call.reached_at(3_000_000) < 5
    assert call.least_bps(5, 60) > 3_000_000


@pytest.mark.parametrize("seed", [*SEEDS, 4])
def test_random_loss_of_20_percent_is_told_from_congestion(seed: int) -> None:
    forth, back = path(10_000_000, delay_s=0.05), path(delay_s=0.05)
    forth.loss = back.loss = 0.2
    call = Call(forth, back, seed=seed, most_bps=3_000_000)
    call.run(60)
    assert call.least_bps(1, 60) > 400_000
    assert call.mean_bps(20, 60) > 2_000_000


@pytest.mark.parametrize("seed", SEEDS)
def test_loss_in_bursts(seed: int) -> None:
    forth = path(5_000_000)
    forth.burst_start = 0.01
    call = Call(forth, seed=seed, most_bps=3_000_000)
    call.run(60)
    assert call.loss > 0.02
    assert call.least_bps(5, 60) > 2_000_000


def test_loss_on_top_of_a_narrow_path() -> None:
    forth = path(1_000_000)
    forth.loss = 0.05
    call = Call(forth)
    call.run(60)
    assert 700_000 < call.mean_bps(10, 60) < 1_150_000
    assert call.worst_queue_s(10, 60) < 0.3


@pytest.mark.parametrize("seed", SEEDS)
def test_jitter_of_30_ms(seed: int) -> None:
    """The delay swings by more than 100 ms here: part of the rate is lost to it, most of the picture is not."""
    forth = path(5_000_000)
    forth.jitter_s = 0.03
    call = Call(forth, seed=seed, most_bps=3_000_000)
    call.run(60)
    assert call.mean_bps(20, 60) > 1_000_000
    assert call.least_bps(5, 60) > 400_000


# -- silence -------------------------------------------------------------------------------------------------------


def test_an_outage_backs_off_and_comes_back() -> None:
    call = Call(path(3_000_000))

    def turn(up: bool) -> None:
        call.path.forth.up = call.path.back.up = up

    later(call, 20, lambda: turn(False))
    later(call, 25, lambda: turn(True))
    call.run(40)
    assert call.between(21, 22)[-1].estimate_bps < 2_000_000
    assert call.between(24, 25)[-1].estimate_bps < 300_000
    assert Reason.NO_FEEDBACK in [change.reason for change in call.estimator.changes()]
    assert call.reached_at(1_000_000, after=25) < 28
    assert call.reached_at(2_400_000, after=25) < 32


def test_feedback_alone_may_be_lost() -> None:
    back = path()
    back.loss = 0.3
    call = Call(path(2_000_000), back)
    call.run(60)
    assert call.mean_bps(10, 60) == pytest.approx(2_000_000, rel=0.2)


def test_silence_of_our_own_keeps_the_estimate() -> None:
    call = Call(path(3_000_000), most_bps=2_000_000)
    later(call, 20, lambda: setattr(call, "silent", True))
    later(call, 35, lambda: setattr(call, "silent", False))
    call.run(50)
    assert call.least_bps(5, 50) > 2_000_000


# -- little to send ------------------------------------------------------------------------------------------------


def test_probes_find_room_while_little_is_sent() -> None:
    call = Call(path(5_000_000), most_bps=300_000, wanted_bps=3_000_000)
    call.run(60)
    assert call.reached_at(3_000_000) < 2
    assert call.estimator.application_limited
    assert len(call.probes) < 5


def test_probes_come_when_more_is_wanted() -> None:
    call = Call(path(5_000_000), most_bps=300_000, wanted_bps=300_000)
    later(call, 20, lambda: call.estimator.set_wanted_bps(3_000_000))
    call.run(30)
    assert max(sample.estimate_bps for sample in call.between(0, 20)) < 700_000
    assert call.reached_at(3_000_000, after=20) < 23


def test_nothing_is_probed_for_that_nobody_wants() -> None:
    call = Call(path(5_000_000), most_bps=50_000, wanted_bps=50_000)
    call.run(60)
    assert call.probes == []


def test_a_probe_too_high_does_no_harm() -> None:
    call = Call(path(300_000), most_bps=250_000, wanted_bps=3_000_000)
    call.run(60)
    assert call.worst_queue_s(10, 60) < 0.15
    assert call.loss == 0


def test_changes_explain_the_estimate() -> None:
    forth = path(5_000_000)
    call = Call(forth)
    later(call, 20, lambda: setattr(forth, "rate_bps", 600_000))
    call.run(30)
    changes = call.estimator.changes()
    assert changes[-1].to_bps == call.estimator.estimate_bps
    assert all(a.until <= b.at for a, b in pairwise(changes))
    fall = [change for change in changes if 1020 < change.at < 1022]
    assert {change.reason for change in fall} & {Reason.OVERUSE, Reason.DRAINING}
    assert call.estimator.explain()["feedback"] == "transport-wide"
