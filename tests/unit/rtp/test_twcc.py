"""Transport-wide feedback: chunks and deltas as the draft draws them, and round trips through both."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfu.errors import MalformedPacket
from sfu.rtp.rtcp import parse_compound
from sfu.rtp.twcc import MAX_DELTA_US, MAX_PACKETS, TICK_US, TransportFeedback, build_feedback

HEADER_BYTES = 4 + 8 + 8


def body_of(arrivals: list[tuple[int, int | None]]) -> str:
    """Chunks, deltas and padding, in hexadecimal."""
    return build_feedback(1, 2, 3, arrivals)[HEADER_BYTES:].hex()


def read(data: bytes) -> TransportFeedback:
    (feedback,) = parse_compound(data)
    assert isinstance(feedback, TransportFeedback)
    return feedback


def arrivals_us(feedback: TransportFeedback) -> list[int | None]:
    return [None if tick is None else tick * TICK_US for tick in feedback.arrival_ticks]


def run(first: int, count: int, arrival_us: int | None) -> list[tuple[int, int | None]]:
    return [(first + i, arrival_us) for i in range(count)]


@pytest.mark.parametrize(
    ("arrivals", "expected"),
    [
        # A run of one small delta (001 0000000000001 is a run of one), tick 0.
        pytest.param([(0, 0)], "2001 00 00", id="one packet"),
        pytest.param([(0, 500), (1, 750)], "2002 02 01", id="a run of small deltas"),
        pytest.param([(0, 0), (1, None), (2, 250)], "a800 00 01", id="a loss: one-bit vector 101"),
        pytest.param([(0, 0), (2, 250)], "a800 00 01", id="a number left out is a loss"),
        # Two-bit vector 01 10 and five empty places; the delta of 256 ticks takes two bytes.
        pytest.param([(0, 0), (1, 64_000)], "d800 00 0100 000000", id="a large delta"),
        pytest.param([(0, 64_000), (1, 63_750)], "d800 00 ffff 000000", id="a negative delta"),
        pytest.param([(0, None), *run(1, 20, None), (21, 0)], "0015 2001 00 000000", id="a run of losses"),
        pytest.param([(0, 0), (1, MAX_DELTA_US)], "d800 00 7fff 000000", id="the largest delta"),
        pytest.param(
            [(i, i * 64_000 + i * 64_000) for i in range(8)],
            # Two-bit vector 01 10 10 10 10 10 10, then a run of one large; 512 ticks each.
            "daaa 4001 00" + "0200" * 7 + "00",
            id="large deltas",
        ),
        pytest.param(
            [(i, 0 if i < 9 else 3_000_000) for i in range(9)] + [(9, 64_000), (10, None)],
            "2009" + "e000" + "00" * 9 + "0100" + "00",
            id="a run ends before a large delta",
        ),
    ],
)
def test_chunks_and_deltas(arrivals: list[tuple[int, int | None]], expected: str) -> None:
    assert body_of(arrivals) == expected.replace(" ", "")


def test_header() -> None:
    data = build_feedback(0xAABBCCDD, 0x11223344, 0x1FE, [(0x1FFFF, 64_000 * 0x1000005 + 1000), (0x20000, None)])
    assert data[:HEADER_BYTES].hex(" ", 4) == "8fcd0005 aabbccdd 11223344 ffff0002 000005fe"
    feedback = read(data)
    assert (feedback.base_seq, feedback.reference_time, feedback.fb_count) == (0xFFFF, 5, 0xFE)
    # The reference time wraps at 24 bits: 0x1000005 is told as 5.
    assert list(feedback.arrival_ticks) == [256 * 5 + 4, None]


@pytest.mark.parametrize(
    ("chunks_and_deltas", "count", "arrivals"),
    [
        # Chunks as in sections 3.1.3 and 3.1.4: a run of 221 losses; 30 small deltas; one bit 0111 1100 0111 00;
        # two bits 1 2 0 0 0 0 1; then what those do not show.
        ("00dd", 221, [None] * 221),
        ("201e" + "01" * 30, 30, [250 * (i + 1) for i in range(30)]),
        ("9f1c" + "04" * 8, 14, [None, *(1000 * i for i in range(1, 6)), *[None] * 3, 6000, 7000, 8000, None, None]),
        ("d801" + "04 0008 04", 7, [1000, 3000, None, None, None, None, 4000]),
        ("4002" + "ffff 0002", 2, [-250, 250]),
        ("0000 2001 01", 1, [250]),
        ("3fff" + "00" * 3, 3, [0, 0, 0]),
    ],
)
def test_read(chunks_and_deltas: str, count: int, arrivals: list[int | None]) -> None:
    feedback = TransportFeedback.parse(
        bytes.fromhex("00000001 00000002 0064" + f"{count:04x}" + "000000 00" + chunks_and_deltas)
    )
    assert feedback.base_seq == 100
    assert arrivals_us(feedback) == arrivals


@pytest.mark.parametrize(
    ("count", "chunks_and_deltas"),
    [
        pytest.param(0, "2001 00", id="no packet"),
        pytest.param(1, "", id="no chunk"),
        pytest.param(1, "20", id="half a chunk"),
        pytest.param(1, "2001", id="no delta"),
        pytest.param(1, "4001 00", id="half a delta"),
        pytest.param(1, "6001 0000", id="the reserved symbol"),
        pytest.param(20, "8000", id="too few symbols"),
        pytest.param(MAX_PACKETS + 1, "1fff 1fff", id="too many packets"),
    ],
)
def test_malformed(count: int, chunks_and_deltas: str) -> None:
    with pytest.raises(MalformedPacket, match="rtcp_twcc"):
        TransportFeedback.parse(
            bytes.fromhex("00000001 00000002 0064" + f"{count:04x}" + "000000 00" + chunks_and_deltas)
        )


@pytest.mark.parametrize(
    "arrivals",
    [
        pytest.param([], id="nothing"),
        pytest.param([(1, 0), (1, 0)], id="a number twice"),
        pytest.param([(2, 0), (1, 0), (3, 0)], id="numbers that fall"),
        pytest.param([(0, 0), (MAX_PACKETS, 0)], id="too many"),
        pytest.param([(0, 0), (1, MAX_DELTA_US + 250)], id="too far apart"),
        pytest.param([(0, 10_000_000), (1, 0)], id="too far back"),
    ],
)
def test_build_refuses(arrivals: list[tuple[int, int | None]]) -> None:
    with pytest.raises(ValueError):
        build_feedback(1, 2, 3, arrivals)


steps = st.tuples(
    st.sampled_from((1, 1, 1, 1, 2, 9, 40)),
    st.none() | st.integers(0, 20_000) | st.integers(-100_000, 3_000_000),
)


@given(base=st.integers(0, 1 << 20), start_us=st.integers(10_000_000_000, 1 << 44), path=st.lists(steps, max_size=120))
def test_what_is_built_is_read(base: int, start_us: int, path: list[tuple[int, int | None]]) -> None:
    arrivals: list[tuple[int, int | None]] = [(base, start_us)]
    now = start_us
    for ahead, delta in path:
        now += delta or 0
        arrivals.append((arrivals[-1][0] + ahead, None if delta is None else now))
    data = build_feedback(1, 2, 3, arrivals)
    assert len(data) % 4 == 0
    feedback = read(data)
    known = dict(arrivals)
    wrap_us = (1 << 24) * 64_000
    shift = start_us // wrap_us * wrap_us
    assert feedback.base_seq == base & 0xFFFF
    for place, arrival_us in enumerate(arrivals_us(feedback)):
        expected = known.pop(base + place, None)
        if expected is None:
            assert arrival_us is None
        else:
            assert arrival_us is not None
            assert 0 <= expected - shift - arrival_us < 250
    assert not known
    if shift == 0:
        assert read(feedback.pack()) == feedback


@given(st.lists(st.sampled_from((None, 0, 64_000)), min_size=1, max_size=200))
def test_any_pattern_of_symbols(pattern: list[int | None]) -> None:
    now = 0
    arrivals: list[tuple[int, int | None]] = []
    for number, delta in enumerate(pattern):
        now += delta or 0
        arrivals.append((number, None if delta is None else now))
    assert list(enumerate(arrivals_us(read(build_feedback(1, 2, 3, arrivals))))) == arrivals


@given(st.binary(max_size=60))
def test_any_bytes(body: bytes) -> None:
    with suppress(MalformedPacket):
        feedback = TransportFeedback.parse(body)
        assert 0 < len(feedback.arrival_ticks) <= MAX_PACKETS
