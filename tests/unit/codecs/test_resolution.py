"""The size of a picture is read from its key frame; whatever else the bytes are, nothing is raised."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfu.codecs.resolution import sizes_of

# Sequence parameter sets: 1280x720 High, 640x360 Constrained Baseline (cropped from 368 lines).
SPS_720 = bytes.fromhex("6764001facd9405005bb011000000300100000030320f1831960")
SPS_360 = bytes.fromhex("6742c01ed900a02ff9610000030001000003003c8f162e48")


def vp8(width: int, height: int, *, descriptor: bytes = b"\x10", key: bool = True) -> bytes:
    tag = bytes((0x10 if key else 0x11, 0, 0))
    return descriptor + tag + b"\x9d\x01\x2a" + width.to_bytes(2, "little") + height.to_bytes(2, "little") + b"..."


@pytest.mark.parametrize("descriptor", [b"\x10", b"\x90\x80\x05", b"\x90\xe0\x80\x05\x01\x20", b"\x90\x40\x07"])
def test_vp8(descriptor: bytes) -> None:
    assert sizes_of("VP8", vp8(1280, 720, descriptor=descriptor)) == ((1280, 720),)


def test_vp8_scaling_bits_are_no_part_of_the_size() -> None:
    assert sizes_of("VP8", vp8(320 | 0x4000, 180 | 0x8000)) == ((320, 180),)


def test_a_frame_that_is_no_key_frame_tells_nothing() -> None:
    assert sizes_of("VP8", vp8(1280, 720, key=False)) == ()


def test_vp9_tells_all_spatial_layers() -> None:
    structure = bytes((0x50,)) + b"".join(side.to_bytes(2, "big") for side in (320, 180, 640, 360, 1280, 720))
    payload = bytes((0x8A, 0x80, 0x01)) + structure[:0] + bytes((0x50,)) + structure[1:] + b"xx"
    assert sizes_of("VP9", payload) == ((320, 180), (640, 360), (1280, 720))


@pytest.mark.parametrize(("sps", "size"), [(SPS_720, (1280, 720)), (SPS_360, (640, 360))])
def test_h264(sps: bytes, size: tuple[int, int]) -> None:
    assert sizes_of("H264", sps) == (size,)
    in_stap_a = b"\x78" + len(sps).to_bytes(2, "big") + sps + b"\x00\x04\x68\xce\x3c\x80"
    assert sizes_of("H264", in_stap_a) == (size,)


@given(st.sampled_from(["VP8", "VP9", "H264", "AV1", "opus"]), st.binary(max_size=60))
def test_no_bytes_raise_anything(codec: str, payload: bytes) -> None:
    for width, height in sizes_of(codec, payload):
        assert width > 0 and height > 0
