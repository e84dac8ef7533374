"""H.264 payloads of RFC 6184: which NAL units begin a frame or a key frame."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfu.codecs.info import PayloadInfo, describe
from sfu.errors import MalformedPacket

FIRST, LATER = "88", "40"  # a slice header that begins with first_mb_in_slice 0, and one that does not


def h264(hexadecimal: str, *, marker: bool = False) -> PayloadInfo:
    payload = bytes.fromhex(hexadecimal)
    return describe("H264", payload, 0, len(payload), marker)


def stap_a(*units: str) -> str:
    return "78" + "".join(f"{len(bytes.fromhex(unit)):04x}{unit}" for unit in units)


@pytest.mark.parametrize(
    ("hexadecimal", "key_frame", "frame_start"),
    [
        pytest.param("65" + FIRST, True, True, id="IDR slice, first"),
        pytest.param("65" + LATER, False, False, id="IDR slice, later"),
        pytest.param("41" + FIRST, False, True, id="slice, first"),
        pytest.param("41" + LATER, False, False, id="slice, later"),
        pytest.param("67 42e01f", True, True, id="SPS"),
        pytest.param("68 ce3c80", False, True, id="PPS"),
        pytest.param("06 0501", False, True, id="SEI"),
        pytest.param("09 10", False, True, id="AUD"),
        pytest.param("0c ff", False, False, id="filler"),
        pytest.param("65", False, False, id="an IDR slice without slice"),
        pytest.param(stap_a("6742e01f", "68ce3c80"), True, True, id="STAP-A: SPS, PPS"),
        pytest.param(stap_a("0910", "6742e01f", "68ce", "65" + FIRST), True, True, id="STAP-A: AUD, SPS, PPS, IDR"),
        pytest.param(stap_a("41" + LATER, "41" + LATER), False, False, id="STAP-A: later slices"),
        pytest.param("7c 85" + FIRST, True, True, id="FU-A: IDR, start"),
        pytest.param("7c 05" + FIRST, False, False, id="FU-A: IDR, middle"),
        pytest.param("7c 45" + FIRST, False, False, id="FU-A: IDR, end"),
        pytest.param("7c 85" + LATER, False, False, id="FU-A: later IDR slice, start"),
        pytest.param("5c 81" + FIRST, False, True, id="FU-A: slice, start"),
        pytest.param("7c 87 42", True, True, id="FU-A: SPS, start"),
    ],
)
def test_beginning(hexadecimal: str, key_frame: bool, frame_start: bool) -> None:
    info = h264(hexadecimal)
    assert (info.key_frame, info.frame_start, info.frame_end) == (key_frame, frame_start, False)
    assert (info.spatial, info.temporal, info.picture_id) == (0, 0, None)
    assert info.switch_up is key_frame
    assert h264(hexadecimal, marker=True).frame_end


def test_what_nothing_refers_to_is_discardable() -> None:
    assert h264("01" + FIRST).discardable
    assert h264("1c 81" + FIRST).discardable
    assert not h264("41" + FIRST).discardable


@pytest.mark.parametrize(
    ("hexadecimal", "reason"),
    [
        ("7c", "h264_truncated"),
        ("7c 85", "h264_truncated"),
        ("78", "h264_truncated"),
        ("78 00", "h264_truncated"),
        ("78 0000", "h264_truncated"),
        ("78 0002 67", "h264_truncated"),
        ("78 0001 67 00", "h264_truncated"),
        ("78 ffff 67", "h264_truncated"),
        ("60 01", "h264_nal_type"),
        ("7e 01", "h264_nal_type"),
        ("7f 01", "h264_nal_type"),
        ("79 0000 0001 67", "h264_interleaved"),
        ("7a 0000 0001 67", "h264_interleaved"),
        ("7b 0000 0001 67", "h264_interleaved"),
        ("7d 85 0000 88", "h264_interleaved"),
    ],
)
def test_malformed(hexadecimal: str, reason: str) -> None:
    with pytest.raises(MalformedPacket) as caught:
        h264(hexadecimal)
    assert caught.value.reason == reason


@given(st.binary(max_size=40), st.integers(0, 40), st.integers(0, 40), st.booleans())
def test_any_bytes(data: bytes, start: int, end: int, marker: bool) -> None:
    with suppress(MalformedPacket):
        info = describe("H264", data, min(start, len(data)), min(end, len(data)), marker)
        assert info.frame_end is marker


@given(st.lists(st.binary(min_size=1, max_size=8), min_size=1, max_size=5))
def test_any_aggregate(units: list[bytes]) -> None:
    info = h264(stap_a(*(unit.hex() for unit in units)))
    assert info.key_frame is any(
        unit[0] & 0x1F == 7 or (unit[0] & 0x1F == 5 and unit[1:2] >= b"\x80") for unit in units
    )
