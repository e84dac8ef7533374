"""AV1 payloads: the aggregation header and OBU elements of section 4 of the RTP Payload Format For AV1."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfu.codecs.info import PayloadInfo, describe
from sfu.errors import MalformedPacket

# OBU headers: forbidden bit, 4 bits of type, extension flag, has_size, reserved.
SEQUENCE, FRAME, TILES, METADATA = "08 00", "30 10", "20 10", "28 01"
FRAME_T1_S2 = "34 30 10"  # with the extension header: temporal layer 1, spatial layer 2


def av1(hexadecimal: str, *, marker: bool = False) -> PayloadInfo:
    payload = bytes.fromhex(hexadecimal)
    return describe("AV1", payload, 0, len(payload), marker)


@pytest.mark.parametrize(
    ("hexadecimal", "key_frame", "frame_start"),
    [
        pytest.param("18 0a 0b", True, True, id="N, W=1"),
        pytest.param("28 02" + SEQUENCE + FRAME, True, True, id="N, W=2: sequence header, frame"),
        pytest.param("20 02" + SEQUENCE + FRAME, True, True, id="a sequence header without N"),
        pytest.param("00 02" + SEQUENCE + "02" + FRAME, True, True, id="W=0: each with its length"),
        pytest.param("10" + FRAME, False, True, id="a frame"),
        pytest.param("50" + FRAME, False, True, id="a frame that goes on in the next packet"),
        pytest.param("10" + TILES, False, False, id="a tile group"),
        pytest.param("90 0b0b", False, False, id="Z: the rest of an OBU"),
        pytest.param("d0 0b0b", False, False, id="Z and Y: the middle of an OBU"),
        pytest.param("a0 02 0b0b" + FRAME, False, False, id="Z: the rest of an OBU, then a frame"),
        pytest.param("00 8200" + FRAME, False, True, id="a length that takes two bytes"),
    ],
)
def test_beginning(hexadecimal: str, key_frame: bool, frame_start: bool) -> None:
    info = av1(hexadecimal)
    assert (info.key_frame, info.frame_start, info.frame_end) == (key_frame, frame_start, False)
    assert av1(hexadecimal, marker=True).frame_end


@pytest.mark.parametrize(
    ("hexadecimal", "temporal", "spatial"),
    [
        ("10" + FRAME, 0, 0),
        ("10" + FRAME_T1_S2, 1, 2),
        ("20 02" + METADATA + FRAME_T1_S2, 1, 2),
        ("a0 02 3430" + FRAME, 0, 0),  # what looks like a header is the rest of an OBU
    ],
)
def test_layers(hexadecimal: str, temporal: int, spatial: int) -> None:
    info = av1(hexadecimal)
    assert (info.temporal, info.spatial) == (temporal, spatial)


@pytest.mark.parametrize(
    ("hexadecimal", "reason"),
    [
        ("10", "av1_truncated"),
        ("00 05 30", "av1_truncated"),
        ("00 00", "av1_truncated"),
        ("20 02" + FRAME, "av1_truncated"),
        ("30 02" + FRAME, "av1_truncated"),
        ("00 ff", "av1_truncated"),
        ("00" + "ff" * 8 + "01", "av1_truncated"),
        ("10 34", "av1_truncated"),
        ("98" + FRAME, "av1_aggregation"),
        ("10 b0", "av1_obu"),
    ],
)
def test_malformed(hexadecimal: str, reason: str) -> None:
    with pytest.raises(MalformedPacket) as caught:
        av1(hexadecimal)
    assert caught.value.reason == reason


@given(st.binary(max_size=40), st.integers(0, 40), st.integers(0, 40), st.booleans())
def test_any_bytes(data: bytes, start: int, end: int, marker: bool) -> None:
    with suppress(MalformedPacket):
        info = describe("AV1", data, min(start, len(data)), min(end, len(data)), marker)
        assert 0 <= info.spatial <= 3
        assert 0 <= info.temporal <= 7
