"""The VP9 payload descriptor of RFC 9628 section 4.2."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfu.codecs.info import PayloadInfo, describe
from sfu.errors import MalformedPacket

BODY = "82 49 83"  # the beginning of a frame, which the descriptor does not look at


def vp9(hexadecimal: str, *, marker: bool = False) -> PayloadInfo:
    payload = bytes.fromhex(hexadecimal)
    return describe("VP9", payload, 0, len(payload), marker)


@pytest.mark.parametrize(
    ("hexadecimal", "key_frame", "frame_start", "frame_end"),
    [
        pytest.param("08" + BODY, True, True, False, id="B without P"),
        pytest.param("48" + BODY, False, True, False, id="B and P"),
        pytest.param("00" + BODY, False, False, False, id="in the middle of a key frame"),
        pytest.param("44" + BODY, False, False, True, id="E"),
        pytest.param("0c" + BODY, True, True, True, id="all in one packet"),
        pytest.param("28 00 00" + BODY, True, True, False, id="lowest layer of a key picture"),
        pytest.param("28 02 00" + BODY, False, True, False, id="second layer of a key picture"),
    ],
)
def test_beginning(hexadecimal: str, key_frame: bool, frame_start: bool, frame_end: bool) -> None:
    info = vp9(hexadecimal)
    assert (info.key_frame, info.frame_start, info.frame_end) == (key_frame, frame_start, frame_end)


@pytest.mark.parametrize(
    ("hexadecimal", "picture_id", "bits", "tl0_pic_idx", "temporal", "spatial", "switch_up"),
    [
        pytest.param("c8 7f" + BODY, 127, 7, None, 0, 0, False, id="I, 7 bits"),
        pytest.param("c8 8102" + BODY, 0x0102, 15, None, 0, 0, False, id="I, 15 bits"),
        # TID 1, U, SID 2, D; then TL0PICIDX.
        pytest.param("e8 8102 35 2a" + BODY, 0x0102, 15, 42, 1, 2, True, id="layers, non-flexible"),
        pytest.param("e0 8102 35 2a" + BODY, 0x0102, 15, 42, 1, 2, False, id="U counts where a frame begins"),
        pytest.param("e8 8102 e5 2a" + BODY, 0x0102, 15, 42, 7, 2, False, id="highest temporal layer"),
        pytest.param("f8 01 35 02" + BODY, 1, 7, None, 1, 2, True, id="layers, flexible: no TL0PICIDX"),
        pytest.param("f8 01 20 03 05 06" + BODY, 1, 7, None, 1, 0, False, id="flexible, three references"),
        pytest.param("b8 01 02" + BODY, 1, 7, None, 0, 1, True, id="flexible, inter-layer alone: no reference"),
    ],
)
def test_fields(
    hexadecimal: str,
    picture_id: int,
    bits: int,
    tl0_pic_idx: int | None,
    temporal: int,
    spatial: int,
    switch_up: bool,
) -> None:
    info = vp9(hexadecimal)
    assert (info.picture_id, info.picture_id_bits, info.tl0_pic_idx) == (picture_id, bits, tl0_pic_idx)
    assert (info.temporal, info.spatial, info.switch_up) == (temporal, spatial, switch_up)


SIZE = "0140 00b4"
STRUCTURES = [
    pytest.param("00", id="one layer, nothing else"),
    pytest.param("10" + SIZE, id="Y, one layer"),
    pytest.param("50" + SIZE * 3, id="Y, three layers"),
    pytest.param("08 00", id="G, no picture"),
    # TID 0, R 1: one P_DIFF; TID 1, U, R 2: two.
    pytest.param("08 02 04 01 38 01 02", id="G, two pictures"),
    pytest.param("38" + SIZE * 2 + "01 0c 01 02 03", id="Y and G"),
]


@pytest.mark.parametrize("structure", STRUCTURES)
def test_scalability_structure_is_passed_over(structure: str) -> None:
    assert vp9("0a" + structure + BODY).key_frame
    info = vp9("aa 05 00 07" + structure + BODY)
    assert (info.key_frame, info.picture_id, info.tl0_pic_idx) == (True, 5, 7)
    payload = bytes.fromhex("0a" + structure)
    for size in range(1, len(payload) + 1):
        with pytest.raises(MalformedPacket, match="vp9_truncated"):
            describe("VP9", payload, 0, size, False)


@pytest.mark.parametrize(
    ("hexadecimal", "reason"),
    [
        ("08", "vp9_truncated"),
        ("88", "vp9_truncated"),
        ("88 81", "vp9_truncated"),
        ("a8 01 20", "vp9_truncated"),
        ("d8 01 03", "vp9_truncated"),
        ("d8 01 03 03 03 00 00", "vp9_references"),
    ],
)
def test_malformed(hexadecimal: str, reason: str) -> None:
    with pytest.raises(MalformedPacket) as caught:
        vp9(hexadecimal)
    assert caught.value.reason == reason


@given(st.binary(max_size=40), st.integers(0, 40), st.integers(0, 40), st.booleans())
def test_any_bytes(data: bytes, start: int, end: int, marker: bool) -> None:
    with suppress(MalformedPacket):
        info = describe("VP9", data, min(start, len(data)), min(end, len(data)), marker)
        assert 0 <= info.spatial <= 7
        assert 0 <= info.temporal <= 7
        assert info.picture_id is None or 0 <= info.picture_id < 1 << info.picture_id_bits
