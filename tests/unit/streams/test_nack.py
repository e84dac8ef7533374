"""NackGenerator: what is asked for, when, how often, and when it is given up."""

from __future__ import annotations

from itertools import pairwise
from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfu.streams.nack import MAX_AGE_S, MAX_MISSING, MAX_TRIES, MIN_INTERVAL_S, REORDERING_S, NackGenerator

RTT_S = 0.08


def after(*seqs: int, start: float = 0.0, step: float = 0.001) -> NackGenerator:
    generator = NackGenerator()
    for i, seq in enumerate(seqs):
        generator.on_packet(seq, start + i * step, False)
    return generator


@pytest.mark.parametrize(
    ("name", "arrived", "asked"),
    [
        ("nothing came", [], []),
        ("one came", [1000], []),
        ("in order", [1, 2, 3], []),
        ("one missing, one later packet: may be reordered", [1, 3], []),
        ("one missing, two later packets", [1, 3, 4], [2]),
        ("a burst is asked for in one", [1, 6, 7], [2, 3, 4, 5]),
        ("reordered by one", [1, 3, 2, 4], []),
        ("came late after all", [1, 3, 4, 2], []),
        ("two gaps: the first is sure, the second not yet", [1, 3, 5], [2]),
        ("two gaps, both sure", [1, 3, 5, 6], [2, 4]),
        ("across the 16-bit wrap", [65534, 65537, 65538], [65535, 65536]),
        ("a duplicate says nothing", [1, 3, 3, 3], []),
    ],
)
def test_what_is_asked_at_once(name: str, arrived: list[int], asked: list[int]) -> None:
    generator = after(*arrived)
    assert generator.due(0.009, RTT_S) == asked, name


def test_a_gap_at_the_end_is_asked_for_after_the_reordering_time() -> None:
    generator = after(1, 3)
    assert generator.due(0.0105, RTT_S) == []
    assert generator.next_deadline == pytest.approx(0.001 + REORDERING_S)
    assert generator.due(0.0111, RTT_S) == [2]


def test_has_missing_and_deadline_follow_the_list() -> None:
    generator = after(1, 2)
    assert (generator.has_missing, generator.next_deadline) == (False, inf)
    generator.on_packet(5, 0.01, False)
    assert generator.has_missing
    generator.on_packet(3, 0.011, False)
    assert generator.has_missing
    generator.on_packet(4, 0.012, True)
    assert (generator.has_missing, generator.next_deadline) == (False, inf)
    assert not generator.wants_key_frame()


def asked_times(generator: NackGenerator, rtt_s: float | None, until: float = 5.0) -> list[float]:
    times, now = [], 0.0
    while now < until:
        now += 0.001
        if generator.due(now, rtt_s):
            times.append(now)
    return times


@pytest.mark.parametrize("rtt_s", [0.0, 0.01, 0.08, 0.3, None])
def test_backs_off_and_gives_up(rtt_s: float | None) -> None:
    generator = after(1, 3, 4)
    times = asked_times(generator, rtt_s)
    gaps = [b - a for a, b in pairwise(times)]
    assert 2 <= len(times) <= MAX_TRIES
    assert times[-1] < MAX_AGE_S
    assert gaps[0] >= max(rtt_s or 0, MIN_INTERVAL_S) - 1e-9
    assert all(b > a for a, b in pairwise(gaps[:-1]))
    assert generator.abandoned == 1
    assert generator.has_missing, "until the wish is fetched"
    assert generator.wants_key_frame()
    assert not generator.wants_key_frame()
    assert not generator.has_missing


@pytest.mark.parametrize(("missing", "kept"), [(MAX_MISSING, True), (MAX_MISSING + 1, False)])
def test_too_many_missing_want_a_key_frame_instead(missing: int, kept: bool) -> None:
    generator = after(1, 2 + missing, 3 + missing)
    assert len(generator.due(0.02, RTT_S)) == (missing if kept else 0)
    assert generator.wants_key_frame() is not kept
    assert generator.has_missing is kept


def test_many_small_gaps_are_too_many_as_well() -> None:
    generator = after(*range(0, 2 * MAX_MISSING + 10, 2), step=0.0)
    assert generator.wants_key_frame()
    assert len(generator.due(0.02, RTT_S)) <= MAX_MISSING


def test_a_key_frame_makes_what_is_before_it_needless() -> None:
    generator = after(1, 3, 5, 6, 8, 9)
    generator.on_key_frame(5)
    assert generator.due(0.02, RTT_S) == [7]
    generator.on_key_frame(8)
    assert not generator.has_missing
    assert generator.next_deadline == inf


def test_a_key_frame_ends_the_wish_for_one() -> None:
    generator = after(1, 1000, 1001)
    generator.on_key_frame(1001)
    assert not generator.has_missing
    assert not generator.wants_key_frame()


def test_measures_the_round_trip_from_first_answers() -> None:
    generator = NackGenerator()
    now, seq = 0.0, 0
    for _ in range(30):
        for offset in (0, 2, 3):
            generator.on_packet(seq + offset, now, False)
        assert generator.due(now) == [seq + 1]
        generator.on_packet(seq + 1, now + 0.06, True)
        seq, now = seq + 4, now + 0.1
    assert generator.rtt_s == pytest.approx(0.06)
    assert generator.recovered == 30


@given(st.lists(st.booleans(), min_size=1, max_size=300), st.integers(0, 70_000))
def test_asks_for_exactly_what_is_missing(arrives: list[bool], first: int) -> None:
    generator = NackGenerator()
    arrived = [first, *(first + 1 + i for i, here in enumerate(arrives) if here)]
    for seq in arrived:
        generator.on_packet(seq, 0.0, False)
    expected = sorted(set(range(first, arrived[-1])) - set(arrived))
    if len(expected) <= MAX_MISSING:
        assert generator.due(REORDERING_S, RTT_S) == expected
        for seq in reversed(expected):
            generator.on_packet(seq, 0.02, True)
        assert not generator.has_missing


@given(st.lists(st.tuples(st.integers(0, 400), st.booleans()), max_size=200))
def test_any_order_keeps_its_promises(arrivals: list[tuple[int, bool]]) -> None:
    generator = NackGenerator()
    seen: set[int] = set()
    now = 0.0
    for seq, recovered in arrivals:
        now += 0.003
        generator.on_packet(seq, now, recovered)
        seen.add(seq)
        asked = generator.due(now, RTT_S)
        assert asked == sorted(asked)
        assert not seen & set(asked)
        generator.wants_key_frame()
        assert generator.has_missing == (generator.next_deadline < inf)
