"""From arrival times to a verdict: bursts, the trend of the delay, the standing queue and what arrives."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sfu.congestion.acknowledged import AcknowledgedBitrate
from sfu.congestion.bursts import Burst, BurstGrouper
from sfu.congestion.queue_delay import HALF_WINDOW_S, LONGEST_DRAIN_S, Drain, QueueDelay
from sfu.congestion.sent import Run
from sfu.congestion.trend import MAX_THRESHOLD_MS, MIN_THRESHOLD_MS, TrendDetector, Usage

# -- bursts --------------------------------------------------------------------------------------------------------


def results(times_ms: list[tuple[float, float]]) -> list[Run]:
    return [(send / 1000, arrival / 1000, arrival / 1000, 100, 1, None) for send, arrival in times_ms]


@pytest.mark.parametrize(
    ("name", "times_ms", "expected_ms"),
    [
        ("too few", [(0, 50), (10, 60)], []),
        ("single packets", [(0, 50), (10, 61), (20, 70), (30, 80)], [(10, 11), (10, 9)]),
        ("sent within 5 ms", [(0, 50), (4, 55), (20, 70), (24, 76), (40, 90)], [(20, 21)]),
        ("let go all at once", [(0, 50), (20, 100), (30, 101), (38, 103), (60, 112), (80, 130)], [(38, 53), (22, 9)]),
        ("overtaken", [(0, 50), (10, 60), (20, 70), (5, 71), (30, 80)], [(10, 10), (10, 10)]),
        ("an outage", [(0, 50), (10, 60), (9_000, 9_050), (9_010, 9_060), (9_020, 9_070)], [(10, 10), (10, 10)]),
        ("another clock", [(0, 50), (10, 60), (20, 900_000), (30, 900_010), (40, 900_020)], [(10, 10), (10, 10)]),
    ],
)
def test_bursts(name: str, times_ms: list[tuple[float, float]], expected_ms: list[tuple[float, float]]) -> None:
    grouped = BurstGrouper().add(results(times_ms))
    assert [(s * 1000, a * 1000) for s, a, _, _, _ in grouped] == [pytest.approx(pair) for pair in expected_ms]


def test_a_burst_tells_its_size_and_its_least_delay() -> None:
    grouped = BurstGrouper().add(results([(0, 50), (10, 61), (12, 62), (13, 70), (30, 80)]))
    assert [(burst[3], burst[4]) for burst in grouped] == [(pytest.approx(0.050), 300)]


@settings(max_examples=60)
@given(st.lists(st.tuples(st.floats(0.1, 60), st.floats(0, 30)), min_size=1, max_size=80), st.integers(1, 7))
def test_how_packets_are_handed_over_does_not_matter(steps: list[tuple[float, float]], size: int) -> None:
    times, send, last = [], 0.0, 0.0
    for step, delay in steps:
        send += step
        last = max(last, send + delay)
        times.append((send, last))
    whole = BurstGrouper().add(results(times))
    grouper = BurstGrouper()
    parts = [burst for i in range(0, len(times), size) for burst in grouper.add(results(times[i : i + size]))]
    assert parts == whole


# -- the trend -----------------------------------------------------------------------------------------------------


def play(
    detector: TrendDetector, count: int, growth_ms: float, start_ms: float = 1000.0, step_ms: float = 20.0
) -> float:
    """Bursts whose delay grows by ``growth_ms`` each; returns when it first said overuse, else infinity."""
    at = start_ms
    for _ in range(count):
        at += step_ms + growth_ms
        if detector.on_bursts([(step_ms / 1000, (step_ms + growth_ms) / 1000, at / 1000, 0.0, 1000)]):
            return at - start_ms
    return float("inf")


@pytest.mark.parametrize(
    ("growth_ms", "within_ms"), [(0.0, None), (-0.5, None), (0.02, None), (1.0, 700), (5.0, 350), (60.0, 900)]
)
def test_a_growing_delay_is_overuse(growth_ms: float, within_ms: float | None) -> None:
    detector = TrendDetector()
    play(detector, 40, 0.0, start_ms=0.0)
    when = play(detector, 200, growth_ms)
    assert when == float("inf") if within_ms is None else when <= within_ms


def test_an_emptying_queue_is_underuse_and_a_steady_one_normal() -> None:
    detector = TrendDetector()
    assert play(detector, 40, 4.0) < float("inf")
    play(detector, 30, -4.0, start_ms=2000.0)
    assert detector.usage is Usage.UNDERUSE
    play(detector, 60, 0.0, start_ms=3000.0)
    assert detector.usage is Usage.NORMAL


def test_a_long_call_loses_no_digits() -> None:
    """The running sums say what a fresh fit of the same last points says, after hours as at the start."""
    old, fresh, random = TrendDetector(), TrendDetector(), Random(1)
    deltas = [random.gauss(0, 2) for _ in range(400)]
    play(old, 20_000, 0.0, start_ms=0.0, step_ms=500.0)
    for detector, start in ((old, 10_000_000.0), (fresh, 0.0)):
        at = start
        for delta in deltas:
            at += 20 + delta
            detector.on_bursts([(0.02, (20 + delta) / 1000, at / 1000, 0.0, 1000)])
    assert old.trend == pytest.approx(fresh.trend, abs=1e-6)


@settings(max_examples=40)
@given(st.lists(st.floats(-80, 300), max_size=150))
def test_the_threshold_stays_within_its_bounds(deltas: list[float]) -> None:
    detector, at = TrendDetector(), 1000.0
    for delta in deltas:
        at += max(1.0, 20 + delta)
        detector.on_bursts([(0.02, (20 + delta) / 1000, at / 1000, 0.0, 1000)])
        assert MIN_THRESHOLD_MS <= detector.threshold_ms <= MAX_THRESHOLD_MS


# -- what arrives --------------------------------------------------------------------------------------------------


def steady(bps: float, seconds: float, start_s: float = 0.0, step_s: float = 0.02) -> list[Burst]:
    count = round(seconds / step_s)
    return [(step_s, step_s, start_s + (i + 1) * step_s, 0.0, round(bps * step_s / 8)) for i in range(count)]


@pytest.mark.parametrize(("bps", "step_s"), [(50_000, 0.1), (300_000, 0.033), (5_000_000, 0.005)])
def test_acknowledged_bitrate(bps: float, step_s: float) -> None:
    acknowledged = AcknowledgedBitrate()
    assert acknowledged.bps is None
    acknowledged.on_bursts(steady(bps, 2.0, step_s=step_s))
    assert acknowledged.bps == pytest.approx(bps, rel=0.01)
    assert acknowledged.latest_bps == pytest.approx(bps, rel=0.01)


def test_it_follows_a_fall_within_half_a_second_and_the_latest_within_a_fifth() -> None:
    acknowledged = AcknowledgedBitrate()
    acknowledged.on_bursts(steady(5_000_000, 2.0))
    acknowledged.on_bursts(steady(600_000, 0.24, 2.0))
    assert acknowledged.latest_bps == pytest.approx(600_000, rel=0.02)
    assert (acknowledged.bps or 0) > 2_000_000
    acknowledged.on_bursts(steady(600_000, 0.3, 2.24))
    assert acknowledged.bps == pytest.approx(600_000, rel=0.02)


def test_it_begins_anew_after_a_gap_or_another_clock() -> None:
    for start_s in (9.0, -5.0):
        acknowledged = AcknowledgedBitrate()
        acknowledged.on_bursts(steady(5_000_000, 1.0))
        acknowledged.on_bursts(steady(600_000, 1.0, start_s))
        assert acknowledged.bps == pytest.approx(600_000, rel=0.02)


def test_bytes_that_no_feedback_told_of_count() -> None:
    acknowledged = AcknowledgedBitrate()
    acknowledged.on_bursts(steady(1_000_000, 0.3))
    acknowledged.on_bursts(steady(1_000_000, 0.1, 0.4), extra_bytes=12_500)
    assert acknowledged.bps == pytest.approx(1_000_000, rel=0.02)


def test_a_queue_shows_the_capacity_whatever_was_sent() -> None:
    """A pause, then a lot at once: what arrives in the mean is little, but the path carries a megabit."""
    acknowledged = AcknowledgedBitrate()
    acknowledged.on_bursts(steady(500_000, 1.0), busy_from_s=0.05)
    assert acknowledged.busy_bps is None
    pause = (0.3, 0.3, 1.3, 0.02, 500)
    queued = [(0.0, 0.01, 1.3 + 0.01 * i, 0.05 + 0.01 * i, 1_250) for i in range(1, 16)]
    acknowledged.on_bursts([pause, *queued], busy_from_s=0.05)
    assert acknowledged.bps is not None and acknowledged.bps < 800_000
    assert acknowledged.busy_bps == pytest.approx(1_000_000, rel=0.01)
    acknowledged.on_bursts(steady(500_000, 1.0, 1.5), busy_from_s=0.05)
    assert acknowledged.busy_bps is None


# -- the queue -----------------------------------------------------------------------------------------------------


def queue_after(delays_s: list[float], step_s: float = 0.1) -> QueueDelay:
    queue = QueueDelay()
    for i, delay in enumerate(delays_s):
        queue.update(-500.0 + delay, 10.0 + i * step_s)
    return queue


@pytest.mark.parametrize(
    ("name", "delays_s", "seconds", "stands", "is_long"),
    [
        ("steady", [0.05] * 50, 0.0, False, False),
        ("grows", [0.05] * 50 + [0.08], 0.03, True, False),
        ("long", [0.05] * 50 + [0.3], 0.25, True, True),
        ("jitter", [0.05, 0.09, 0.07, 0.1] * 50 + [0.1], 0.05, False, False),
        ("a longer route becomes the base", [0.05] * 50 + [0.2] * 250, 0.0, False, False),
        ("a shorter one at once", [0.2] * 50 + [0.05], 0.0, False, False),
    ],
)
def test_queue(name: str, delays_s: list[float], seconds: float, stands: bool, is_long: bool) -> None:
    queue = queue_after(delays_s)
    assert queue.seconds == pytest.approx(seconds, abs=1e-9)
    assert (queue.stands, queue.is_long) == (stands, is_long)


def test_drain_cuts_deep_until_the_queue_is_empty() -> None:
    queue = queue_after([0.05] * 20 + [0.35])
    drain = Drain(queue)
    drain.on_decrease(20.0)
    assert drain.active and drain.factor == pytest.approx(0.7)
    queue.update(-500.0 + 0.15, 20.5)
    drain.update(20.5)
    assert drain.factor == pytest.approx(0.9)
    queue.update(-500.0 + 0.06, 21.0)
    drain.update(21.0)
    assert not drain.active and drain.factor == 1.0


def test_drain_gives_up_on_a_queue_that_is_not_ours() -> None:
    queue = queue_after([0.05] * 20 + [0.35])
    drain = Drain(queue)
    drain.on_decrease(20.0)
    queue.update(-500.0 + 0.35, 20.0 + LONGEST_DRAIN_S + 0.1)
    drain.update(20.0 + LONGEST_DRAIN_S + 0.1)
    assert not drain.active
    assert queue.seconds == 0.0


def test_a_short_queue_needs_no_drain() -> None:
    drain = Drain(queue_after([0.05] * 20 + [0.1]))
    drain.on_decrease(20.0)
    assert not drain.active


def test_the_base_is_kept_for_one_window_at_least() -> None:
    assert queue_after([0.05] + [0.25] * round(HALF_WINDOW_S / 0.1)).seconds == pytest.approx(0.2)
