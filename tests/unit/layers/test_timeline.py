"""Outgoing numbers go on without a gap whatever starts, stops and switches; each can be traced back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfu.layers.timeline import MAX_EPOCHS, Timeline, aligned_timestamp


def test_numbers_go_on_across_a_pause() -> None:
    timeline = Timeline(first_seq=100)
    first = timeline.begin(0, 5_000)
    assert 5_000 + first.seq_offset == 100
    timeline.end(5_009)
    second = timeline.begin(0, 6_000)
    assert 6_000 + second.seq_offset == 110


def test_a_number_is_traced_to_its_packet_and_epoch() -> None:
    timeline = Timeline(first_seq=65_530)
    timeline.begin(0, 10)
    timeline.end(19)  # 65530..65539
    timeline.begin(1, 900)
    highest = 65_545
    traced = timeline.trace(65_535, highest)
    assert traced is not None
    assert traced[0].source == 0
    assert traced[1:3] == (65_535, 15)
    traced = timeline.trace((65_541) & 0xFFFF, highest)
    assert traced is not None
    assert traced[0].source == 1
    assert traced[1:3] == (65_541, 901)


def test_a_number_before_the_first_packet_has_no_source() -> None:
    timeline = Timeline(first_seq=100)
    timeline.begin(0, 10)
    assert timeline.trace(99, 120) is None


def test_old_epochs_are_forgotten() -> None:
    timeline = Timeline(first_seq=0)
    for index in range(MAX_EPOCHS + 10):
        timeline.begin(index, 50)
        timeline.end(50)
    assert timeline.trace(0, MAX_EPOCHS + 9) is None
    assert timeline.trace(MAX_EPOCHS + 9, MAX_EPOCHS + 9) is not None


@given(
    st.lists(st.tuples(st.integers(0, 1 << 20), st.integers(1, 300)), min_size=1, max_size=20), st.integers(0, 32767)
)
def test_every_sent_number_is_unique_and_traceable(stretches: list[tuple[int, int]], first: int) -> None:
    timeline = Timeline(first)
    sent: dict[int, tuple[int, int]] = {}
    for index, (first_in, count) in enumerate(stretches):
        epoch = timeline.begin(index, first_in)
        for source in range(first_in, first_in + count):
            out = source + epoch.seq_offset
            assert out not in sent
            sent[out] = (index, source)
        timeline.end(first_in + count - 1)
    assert sorted(sent) == list(range(first, first + len(sent)))
    highest = max(sent)
    for out, (index, source) in sent.items():
        traced = timeline.trace(out & 0xFFFF, highest)
        assert traced is not None
        assert (traced[0].source, traced[2]) == (index, source)


@pytest.mark.parametrize(
    ("last", "elapsed_s", "mapped", "expected"),
    [
        (1_000, 0.1, None, 10_000),
        (1_000, 0.1, 9_500, 9_500),  # sender reports decide when they are plausible
        (1_000, 0.1, 900, 10_000),  # never backwards
        (1_000, 0.1, 1_000_000, 10_000),  # nor seconds ahead
        (0xFFFFFFFF, 0.0, None, 0),  # never the same
    ],
)
def test_aligned_timestamp(last: int, elapsed_s: float, mapped: int | None, expected: int) -> None:
    assert aligned_timestamp(last, elapsed_s, 90_000, mapped) == expected
