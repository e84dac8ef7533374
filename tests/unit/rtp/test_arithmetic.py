"""Numbers that wrap: order, distance, unwrapping."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfu.rtp.arithmetic import SequenceUnwrapper, TimestampUnwrapper, seq_diff, seq_newer

sequence_numbers = st.integers(0, 0xFFFF)


@pytest.mark.parametrize(
    ("a", "b", "difference"),
    [
        (5, 3, 2),
        (3, 5, -2),
        (7, 7, 0),
        (0, 65535, 1),
        (65535, 0, -1),
        (10, 65526, 20),
        (0x7FFF, 0, 0x7FFF),
        (0x8000, 0, -0x8000),
        (0x8001, 0, -0x7FFF),
    ],
)
def test_seq_diff(a: int, b: int, difference: int) -> None:
    assert seq_diff(a, b) == difference
    assert seq_newer(a, b) is (difference > 0)


@given(sequence_numbers, sequence_numbers)
def test_of_two_numbers_one_at_most_is_newer(a: int, b: int) -> None:
    assert not (seq_newer(a, b) and seq_newer(b, a))
    assert (b + seq_diff(a, b)) & 0xFFFF == a
    if a != b and (a - b) & 0xFFFF != 0x8000:
        assert seq_newer(a, b) or seq_newer(b, a)


@pytest.mark.parametrize(
    ("seen", "unwrapped"),
    [
        ([10, 11, 13, 12], [10, 11, 13, 12]),
        ([65534, 65535, 0, 1], [65534, 65535, 65536, 65537]),
        ([65535, 1, 65534, 2], [65535, 65537, 65534, 65538]),
        ([0, 65535], [0, -1]),
        ([0, 30000, 60000, 24464], [0, 30000, 60000, 90000]),
    ],
)
def test_sequence_unwrapper(seen: list[int], unwrapped: list[int]) -> None:
    unwrapper = SequenceUnwrapper()
    assert [unwrapper.unwrap(number) for number in seen] == unwrapped


@given(st.integers(0, 1 << 20), st.lists(st.integers(-0x8000, 0x7FFF), max_size=50))
def test_sequence_unwrapper_follows_any_path_of_steps_below_half_the_circle(start: int, steps: list[int]) -> None:
    unwrapper = SequenceUnwrapper()
    offset = unwrapper.unwrap(start & 0xFFFF) - start
    position = start
    for step in steps:
        position += step
        assert unwrapper.unwrap(position & 0xFFFF) == position + offset


def test_timestamp_unwrapper() -> None:
    unwrapper = TimestampUnwrapper()
    assert [unwrapper.unwrap(t) for t in (0xFFFFFFFF, 0, 0xFFFFFFFE)] == [0xFFFFFFFF, 0x100000000, 0xFFFFFFFE]
    assert unwrapper.last == 0xFFFFFFFE
