"""RTP time to ours: a drifting clock is followed smoothly, a wrong one is left at once."""

from __future__ import annotations

import random

import pytest

from media.timeline import Timeline

RATE = 48_000


@pytest.mark.parametrize("ppm", [200, -200, 0])
def test_drift_is_followed_smoothly(ppm: int) -> None:
    rate = RATE * (1 + ppm / 1e6)
    noise = random.Random(3)
    timeline = Timeline(RATE)
    previous = None
    for second in range(600):
        at = 100.0 + second + noise.uniform(-0.1, 0.1)
        timeline.on_clock(round((at - 100.0) * rate) & 0xFFFFFFFF, at, round((at - 100.0) * rate) - 2_000)
        for tick in range(50):
            true_at = at + tick / 50
            mapped = timeline.time_of((true_at - 100.0) * rate)
            assert abs(mapped - true_at) < 0.002
            assert timeline.timestamp_at(mapped) == pytest.approx((true_at - 100.0) * rate, abs=0.01)
            if previous is not None and tick:
                assert mapped - previous == pytest.approx(1 / 50, rel=0.003)
            previous = mapped
    assert timeline.steps == 0


def test_the_first_clock_replaces_what_arrivals_told() -> None:
    timeline = Timeline(RATE)
    for n in range(50):
        timeline.on_packet(n * 960, 5.0 + n * 0.02 + 0.08 * (n % 3))
    assert timeline.time_of(0) == pytest.approx(5.0, abs=0.01)
    timeline.on_clock(48_000, 5.9, 48_000)
    assert timeline.time_of(48_000) == 5.9
    timeline.on_packet(96_000, 50.0)
    assert timeline.time_of(96_000) == pytest.approx(6.9)


def test_a_clock_that_was_set_is_followed_by_a_step() -> None:
    timeline = Timeline(RATE)
    timeline.on_clock(0, 1.0, 0)
    timeline.on_clock(48_000, 3.0, 48_000)
    assert timeline.steps == 1 and timeline.time_of(48_000) == 3.0


def test_timestamps_of_clocks_are_unwrapped_near_those_of_packets() -> None:
    timeline = Timeline(RATE)
    last = (1 << 32) + 1_000
    timeline.on_clock(2_000, 7.0, last)
    assert timeline.time_of((1 << 32) + 2_000) == 7.0
