"""FeedbackCollector: each arrival is reported, each loss too, in time and in datagrams that fit."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sfu.congestion.feedback import MAX_INTERVAL_S, MAX_JUMP, MIN_INTERVAL_S, FeedbackCollector
from sfu.rtp.rtcp import TransportFeedback, parse_compound
from sfu.rtp.twcc import TICK_US

OURS, THEIRS = 0x1111, 0x2222
TICK_S = 0.00025


def read(messages: list[bytes]) -> list[TransportFeedback]:
    result = []
    for message in messages:
        assert len(message) <= 1200
        (parsed,) = parse_compound(message)
        assert isinstance(parsed, TransportFeedback)
        assert (parsed.sender_ssrc, parsed.media_ssrc) == (OURS, THEIRS)
        result.append(parsed)
    return result


def told(messages: list[bytes]) -> dict[int, float | None]:
    """Sequence number → arrival in seconds (modulo the reference's wrap), None if said to be lost."""
    return {
        (feedback.base_seq + place) & 0xFFFF: None if tick is None else tick * TICK_US / 1e6
        for feedback in read(messages)
        for place, tick in enumerate(feedback.arrival_ticks)
    }


def test_says_nothing_without_packets() -> None:
    collector = FeedbackCollector(OURS)
    assert collector.build(1.0) == []
    collector.on_packet(1, 1.0, THEIRS)
    assert len(collector.build(1.01)) == 1
    assert collector.build(2.0) == []


@pytest.mark.parametrize(
    ("name", "arrived", "expected"),
    [
        ("in order", [1, 2, 3], {1: True, 2: True, 3: True}),
        ("a loss", [1, 3], {1: True, 2: False, 3: True}),
        ("reordered", [1, 3, 2], {1: True, 2: True, 3: True}),
        ("duplicates", [1, 1, 2, 1], {1: True, 2: True}),
        ("wraps", [65535, 1], {65535: True, 0: False, 1: True}),
        ("overtook the first", [5, 4], {5: True}),
    ],
)
def test_one_message(name: str, arrived: list[int], expected: dict[int, bool]) -> None:
    collector = FeedbackCollector(OURS)
    for i, seq in enumerate(arrived):
        collector.on_packet(seq, 1.0 + i * 0.001, THEIRS)
    assert {seq: at is not None for seq, at in told(collector.build(1.1)).items()} == expected, name


def test_losses_between_two_messages_are_told() -> None:
    collector = FeedbackCollector(OURS)
    collector.on_packet(1, 1.0, THEIRS)
    collector.build(1.1)
    collector.on_packet(4, 1.15, THEIRS)
    assert told(collector.build(1.25)) == {2: None, 3: None, 4: pytest.approx(1.15, abs=TICK_S)}


def test_a_late_packet_corrects_the_last_message() -> None:
    collector = FeedbackCollector(OURS)
    for seq in (1, 2, 4, 5):
        collector.on_packet(seq, 1.0 + seq * 0.001, THEIRS)
    assert told(collector.build(1.1))[3] is None
    collector.on_packet(3, 1.12, THEIRS)
    again = told(collector.build(1.25))
    assert again[3] == pytest.approx(1.12, abs=TICK_S)
    assert again[4] == pytest.approx(1.004, abs=TICK_S)
    assert None not in again.values()


def test_a_packet_late_beyond_memory_is_passed_over() -> None:
    collector = FeedbackCollector(OURS)
    for seq in (1, 2, 4, 5):
        collector.on_packet(seq, 1.0, THEIRS)
    collector.build(1.1)
    collector.on_packet(6, 5.0, THEIRS)
    collector.build(5.1)
    collector.on_packet(3, 5.2, THEIRS)
    assert collector.build(5.3) == []


def test_few_packets_wait_longer_than_many() -> None:
    collector = FeedbackCollector(OURS)
    collector.on_packet(0, 1.0, THEIRS)
    collector.build(1.0)
    collector.on_packet(1, 1.01, THEIRS)
    assert collector.build(1.0 + MIN_INTERVAL_S + 0.01) == []
    for seq in range(2, 40):
        collector.on_packet(seq, 1.02, THEIRS)
    assert collector.build(1.0 + MIN_INTERVAL_S - 0.01) == []
    assert len(collector.build(1.0 + MIN_INTERVAL_S + 0.01)) == 1
    collector.on_packet(40, 1.07, THEIRS)
    assert len(collector.build(1.0 + MIN_INTERVAL_S + 0.01 + MAX_INTERVAL_S)) == 1


def test_messages_are_numbered_and_cut_to_size() -> None:
    collector, random = FeedbackCollector(OURS), Random(1)
    now = 1.0
    for seq in range(5000):
        now += random.choice((0.0001, 0.07)) if seq % 3 else 0.0
        if random.random() > 0.3 or seq in (0, 4999):
            collector.on_packet(seq, now, THEIRS)
    messages = collector.build(now)
    assert len(messages) > 5
    assert [f.fb_count for f in read(messages)] == list(range(len(messages)))
    assert sorted(told(messages)) == list(range(5000))


def test_a_long_silence_needs_two_messages() -> None:
    collector = FeedbackCollector(OURS)
    collector.on_packet(1, 1.0, THEIRS)
    collector.on_packet(2, 60.0, THEIRS)
    times = told(collector.build(60.1))
    assert times[2] is not None
    assert times[1] is not None
    assert times[2] - times[1] == pytest.approx(59.0, abs=2 * TICK_S)


@pytest.mark.parametrize("gap", [MAX_JUMP - 1, MAX_JUMP])
def test_a_wide_gap_fits_one_message(gap: int) -> None:
    collector = FeedbackCollector(OURS)
    for seq in (*range(1400), 1400 + gap - 1, 1400 + gap):
        collector.on_packet(seq, 1.0, THEIRS)
    assert len(told(collector.build(1.1))) == 1400 + gap + 1


@pytest.mark.parametrize("to", [20_000, 40_000, 60_000])
def test_a_count_that_begins_anew_is_followed(to: int) -> None:
    collector = FeedbackCollector(OURS)
    collector.on_packet(100, 1.0, THEIRS)
    collector.build(1.0)
    collector.on_packet(to, 1.2, THEIRS)
    collector.on_packet(to + 1, 1.2, THEIRS)
    said = told(collector.build(1.3))
    if to < 0x8000:
        assert sorted(said) == [to, to + 1]
        assert collector.jumps == 1
    else:
        assert len(said) <= MAX_JUMP


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 65535), st.integers(0, 2**32), st.floats(0, 0.5), st.floats(0, 0.2))
def test_everything_is_told_in_the_end(first: int, seed: int, loss: float, disorder: float) -> None:
    random = Random(seed)
    collector = FeedbackCollector(OURS)
    arrivals = []
    for i in range(600):
        if i in (0, 599) or random.random() >= loss:
            late = random.random() * 0.05 if 0 < i < 580 and random.random() < disorder else 0.0
            arrivals.append((i * 0.005 + late, i))
    arrivals.sort()
    arrived = {(first + i) & 0xFFFF: at for at, i in arrivals}
    final: dict[int, float | None] = {}
    next_tick = 0.0
    for at, i in arrivals:
        while next_tick < at:
            final.update(told(collector.build(next_tick)))
            next_tick += 0.02
        collector.on_packet((first + i) & 0xFFFF, at, THEIRS)
    final.update(told(collector.build(10.0)))
    assert set(final) == {(first + i) & 0xFFFF for i in range(600)}
    for seq, told_at in final.items():
        real = arrived.get(seq)
        assert (told_at is None) == (real is None)
        assert told_at is None or told_at == pytest.approx(real, abs=2 * TICK_S)


@given(st.lists(st.tuples(st.integers(0, 65535), st.floats(0, 1)), max_size=100))
def test_whatever_comes_it_answers(arrivals: list[tuple[int, float]]) -> None:
    collector, now = FeedbackCollector(OURS), 0.0
    for seq, wait in arrivals:
        now += wait
        collector.on_packet(seq, now, THEIRS)
        read(collector.build(now))
