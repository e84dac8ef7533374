"""The smoothed level of the meter."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfu.speakers.level import SmoothedLevel, loudness


@pytest.mark.parametrize(
    ("level_dbov", "expected"), [(0, 1.0), (15, 1.0), (37, 0.511), (60, 0.0), (100, 0.0), (127, 0.0)]
)
def test_loudness(level_dbov: int, expected: float) -> None:
    assert loudness(level_dbov) == pytest.approx(expected, abs=0.001)


def feed(meter: SmoothedLevel, level_dbov: int, start: float, seconds: float) -> float:
    count = round(seconds / 0.02)
    for i in range(count):
        meter.add(level_dbov, start + i * 0.02)
    return start + count * 0.02


def test_rises_quickly_and_falls_slowly() -> None:
    meter = SmoothedLevel()
    assert meter.value(0.0) == 0.0
    now = feed(meter, 127, 0.0, 0.2)
    now = feed(meter, 15, now, 0.2)
    assert meter.value(now) > 0.9
    now = feed(meter, 127, now, 0.2)
    assert 0.3 < meter.value(now) < 0.8
    now = feed(meter, 127, now, 2.0)
    assert meter.value(now) < 0.01


def test_fades_when_packets_stay_away() -> None:
    meter = SmoothedLevel()
    now = feed(meter, 15, 0.0, 0.5)
    held = meter.value(now)
    assert meter.value(now + 0.1) == held
    assert meter.value(now + 0.6) < held / 2
    assert meter.value(now + 5) < 0.001


@given(st.lists(st.tuples(st.integers(0, 127), st.floats(0, 3)), max_size=60))
def test_stays_between_zero_and_one(packets: list[tuple[int, float]]) -> None:
    meter, now = SmoothedLevel(), 0.0
    for level_dbov, wait in packets:
        now += wait
        meter.add(level_dbov, now)
        assert 0.0 <= meter.value(now) <= 1.0
        assert 0.0 <= meter.value(now + 0.5) <= meter.value(now)
