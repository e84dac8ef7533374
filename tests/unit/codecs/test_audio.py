"""Opus and redundant audio, and codecs that nobody described."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfu.codecs.info import describe
from sfu.codecs.red import primary_block
from sfu.errors import MalformedPacket


@pytest.mark.parametrize(("payload", "dtx"), [(b"\x78", True), (b"\x78\0", True), (b"\x78\1\2", False)])
def test_opus(payload: bytes, dtx: bool) -> None:
    for marker in (False, True):
        info = describe("opus", payload, 0, len(payload), marker)
        assert (info.key_frame, info.frame_start, info.frame_end, info.switch_up) == (True, True, True, True)
        assert info.dtx is dtx


@pytest.mark.parametrize(
    ("hexadecimal", "payload_type", "primary"),
    [
        pytest.param("6f aabbcc", 111, "aabbcc", id="no redundancy"),
        # RFC 2198 section 3: F=1, payload type 111, 14 bits of offset 960, 10 bits of length 2.
        pytest.param("ef 0f0002 6f 0102 aabbcc", 111, "aabbcc", id="one redundant block"),
        pytest.param("ef 1e0001 ef 0f0002 6f 01 0203 aa", 111, "aa", id="two redundant blocks"),
        pytest.param("ef 0f0000 05 aa", 5, "aa", id="an empty redundant block"),
        pytest.param("ef 0f0101 6f" + "00" * 257 + "aa", 111, "aa", id="a length over eight bits"),
    ],
)
def test_primary_block(hexadecimal: str, payload_type: int, primary: str) -> None:
    payload = bytes.fromhex(hexadecimal)
    assert primary_block(payload) == (payload_type, bytes.fromhex(primary))
    info = describe("red", b"head" + payload + b"tail", 4, 4 + len(payload), False)
    assert info.key_frame
    assert info.dtx is (len(primary) <= 4)


@pytest.mark.parametrize(
    "hexadecimal", ["", "6f", "ef", "ef 0f00", "ef 0f0002", "ef 0f0002 6f", "ef 0f0002 6f 01", "ef 0f0002 6f 0102"]
)
def test_red_truncated(hexadecimal: str) -> None:
    payload = bytes.fromhex(hexadecimal)
    with pytest.raises(MalformedPacket, match="red_truncated"):
        primary_block(payload)
    with pytest.raises(MalformedPacket):
        describe("red", payload + b"tail", 0, len(payload), False)


@given(
    st.lists(st.tuples(st.integers(0, 127), st.integers(0, 0x3FFF), st.binary(max_size=40)), max_size=5),
    st.integers(0, 127),
    st.binary(min_size=1, max_size=40),
)
def test_primary_block_behind_any_redundancy(
    redundant: list[tuple[int, int, bytes]], payload_type: int, primary: bytes
) -> None:
    headers = b"".join(
        (1 << 31 | number << 24 | offset << 10 | len(block)).to_bytes(4, "big") for number, offset, block in redundant
    )
    payload = headers + bytes((payload_type,)) + b"".join(block for _, _, block in redundant) + primary
    assert primary_block(payload) == (payload_type, primary)


@given(st.binary(max_size=40))
def test_any_bytes(payload: bytes) -> None:
    with suppress(MalformedPacket):
        payload_type, primary = primary_block(payload)
        assert 0 <= payload_type <= 127
        assert primary
        assert payload.endswith(primary)


def test_a_codec_nobody_described_can_begin_anywhere() -> None:
    info = describe("PCMU", b"abc", 0, 3, True)
    assert (info.key_frame, info.frame_start, info.frame_end) == (True, True, True)


@pytest.mark.parametrize("name", ["opus", "red", "VP8", "VP9", "H264", "AV1", "PCMU"])
def test_an_empty_payload_is_malformed(name: str) -> None:
    with pytest.raises(MalformedPacket, match="payload_empty"):
        describe(name, b"abc", 3, 3, True)


def test_the_dependency_descriptor_knows_better() -> None:
    frame = b"\x10\x20\x10"  # a tile group: by itself no beginning
    info = describe("AV1", frame, 0, 3, False, b"\xc0\0\1")
    assert (info.frame_start, info.frame_end) == (True, True)
    info = describe("AV1", frame, 0, 3, True, b"\x00\0\1")
    assert (info.frame_start, info.frame_end) == (False, False)
    assert "frame_end=False" in repr(info)
