"""The VP8 payload descriptor of RFC 7741 section 4.2."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfu.codecs.info import PayloadInfo, describe
from sfu.errors import MalformedPacket

KEY, DELTA = "10", "11"  # the first byte of a frame: P is its lowest bit


def vp8(hexadecimal: str, *, marker: bool = False) -> PayloadInfo:
    payload = bytes.fromhex(hexadecimal)
    return describe("VP8", payload, 0, len(payload), marker)


@pytest.mark.parametrize(
    ("hexadecimal", "key_frame", "frame_start"),
    [
        pytest.param("10" + KEY, True, True, id="S, partition 0, key"),
        pytest.param("10" + DELTA, False, True, id="S, partition 0, not key"),
        pytest.param("00" + KEY, False, False, id="goes on with partition 0"),
        pytest.param("11" + KEY, False, False, id="S, partition 1"),
        pytest.param("90 00" + KEY, True, True, id="X without any field"),
        pytest.param("d8 0f" + KEY, True, True, id="reserved bits are set"),
    ],
)
def test_beginning(hexadecimal: str, key_frame: bool, frame_start: bool) -> None:
    info = vp8(hexadecimal)
    assert (info.key_frame, info.frame_start, info.frame_end) == (key_frame, frame_start, False)
    assert vp8(hexadecimal, marker=True).frame_end


@pytest.mark.parametrize(
    ("hexadecimal", "picture_id", "bits", "tl0_pic_idx", "temporal", "sync", "key_idx"),
    [
        pytest.param("10" + DELTA, None, 0, None, 0, False, None, id="none"),
        pytest.param("90 80 7f" + DELTA, 127, 7, None, 0, False, None, id="I, 7 bits"),
        pytest.param("90 80 8102" + DELTA, 0x0102, 15, None, 0, False, None, id="I, 15 bits"),
        pytest.param("90 80 ffff" + DELTA, 0x7FFF, 15, None, 0, False, None, id="I, 15 bits, greatest"),
        pytest.param("90 80 8003" + DELTA, 3, 15, None, 0, False, None, id="I, 15 bits, small"),
        pytest.param("90 40 09" + DELTA, None, 0, 9, 0, False, None, id="L"),
        pytest.param("90 20 bf" + DELTA, None, 0, None, 2, True, None, id="T"),
        pytest.param("90 20 40" + DELTA, None, 0, None, 1, False, None, id="T without Y"),
        pytest.param("90 10 f5" + DELTA, None, 0, None, 0, False, 21, id="K"),
        pytest.param("90 f0 8102 09 61" + DELTA, 0x0102, 15, 9, 1, True, 1, id="all"),
    ],
)
def test_extension(
    hexadecimal: str,
    picture_id: int | None,
    bits: int,
    tl0_pic_idx: int | None,
    temporal: int,
    sync: bool,
    key_idx: int | None,
) -> None:
    info = vp8(hexadecimal)
    assert (info.picture_id, info.picture_id_bits, info.tl0_pic_idx) == (picture_id, bits, tl0_pic_idx)
    assert (info.temporal, info.switch_up, info.key_idx) == (temporal, sync, key_idx)
    assert info.spatial == 0


def test_a_layer_is_switched_to_where_a_frame_begins() -> None:
    assert vp8("90 20 00" + KEY).switch_up  # a key frame needs no Y
    assert not vp8("80 20 60" + DELTA).switch_up


def test_a_non_reference_frame_is_discardable() -> None:
    assert vp8("30" + DELTA).discardable
    assert not vp8("10" + DELTA).discardable


@pytest.mark.parametrize("hexadecimal", ["10", "90", "90 80", "90 80 81", "90 f0 01 02", "90 f0 8102 09 61"])
def test_truncated(hexadecimal: str) -> None:
    payload = bytes.fromhex(hexadecimal)
    with pytest.raises(MalformedPacket, match="vp8_truncated"):
        describe("VP8", payload, 0, len(payload), False)
    # What follows the payload in the packet, its padding, is not part of it.
    with pytest.raises(MalformedPacket, match="vp8_truncated"):
        describe("VP8", payload + bytes(8), 0, len(payload), False)


@given(st.binary(max_size=12), st.integers(0, 12), st.integers(0, 12), st.booleans())
def test_any_bytes(data: bytes, start: int, end: int, marker: bool) -> None:
    with suppress(MalformedPacket):
        info = describe("VP8", data, min(start, len(data)), min(end, len(data)), marker)
        assert (info.picture_id is None) is (info.picture_id_bits == 0)
        assert info.picture_id is None or 0 <= info.picture_id < 1 << info.picture_id_bits
        assert info.frame_start or not info.key_frame
