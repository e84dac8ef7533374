"""NAL units between the byte stream and length-prefixed samples."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streaming import h264

SPS, PPS = b"\x67\x42\xc0\x1f\xaa", b"\x68\xce\x3c\x80"
UNITS = st.lists(
    st.builds(
        lambda kind, rest: bytes([kind, *rest]),
        st.sampled_from([0x41, 0x65, 6]),
        st.lists(st.integers(1, 255), max_size=9),
    ),
    min_size=1,
    max_size=5,
)


@given(UNITS)
def test_units_survive_both_forms(units: list[bytes]) -> None:
    assert list(h264.split(h264.byte_stream(units))) == units
    assert list(h264.from_length_prefixed(h264.length_prefixed(units))) == units


def test_what_the_track_holds_is_left_out_of_samples() -> None:
    stream = h264.byte_stream([b"\x09\xf0", SPS, PPS, b"\x65\x01"])
    assert h264.length_prefixed(h264.split(stream)) == b"\0\0\0\2\x65\x01"


def test_short_start_codes_and_trailing_zeros() -> None:
    assert list(h264.split(b"\0\0\1\x65\x01\0\0\0\0\0\1\x41\x02\0")) == [b"\x65\x01", b"\x41\x02"]


def test_the_configuration_is_read_as_it_was_written() -> None:
    assert h264.parse_configuration(h264.configuration(SPS, PPS)) == (SPS, PPS, 4)


@pytest.mark.parametrize("cut", range(len(h264.configuration(SPS, PPS))))
def test_a_configuration_that_is_cut_short(cut: int) -> None:
    with pytest.raises(ValueError):
        h264.parse_configuration(h264.configuration(SPS, PPS)[:cut])


@pytest.mark.parametrize("sample", [b"\0\0\0\5ab", b"\0\0\0\0", b"\0\0"])
def test_lengths_that_do_not_fit(sample: bytes) -> None:
    with pytest.raises(ValueError):
        list(h264.from_length_prefixed(sample))


def test_a_header_without_parameter_sets() -> None:
    with pytest.raises(h264.NoParameterSets):
        h264.parameter_sets(h264.byte_stream([SPS]))
