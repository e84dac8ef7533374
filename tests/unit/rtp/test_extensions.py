"""Header extensions in both forms of RFC 8285."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfu.rtp.extensions import build_extensions, find_extension, read_extensions
from sfu.rtp.packet import RtpPacket, build_rtp, parse_rtp


def with_block(block: bytes) -> RtpPacket:
    return parse_rtp(
        build_rtp(payload_type=0, sequence_number=0, timestamp=0, ssrc=0, extensions=block, payload=b"payload")
    )


def one_byte(body: str) -> bytes:
    raw = bytes.fromhex(body)
    return b"\xbe\xde" + (len(raw) // 4).to_bytes(2, "big") + raw


def two_byte(body: str, appbits: int = 0) -> bytes:
    raw = bytes.fromhex(body)
    return bytes((0x10, appbits)) + (len(raw) // 4).to_bytes(2, "big") + raw


@pytest.mark.parametrize(
    ("block", "elements"),
    [
        # RFC 8285 section 4.2, the example: one element of one byte, one of two after it with padding, one of four.
        pytest.param(
            one_byte("10aa 21bbbb 00 00 33cccccccc"), {1: b"\xaa", 2: b"\xbb\xbb", 3: b"\xcc" * 4}, id="RFC 4.2"
        ),
        # RFC 8285 section 4.3, the example: an element without value among others.
        pytest.param(two_byte("0100 0201bb 00 0304cccccccc"), {1: b"", 2: b"\xbb", 3: b"\xcc" * 4}, id="RFC 4.3"),
        pytest.param(two_byte("1002 aabb", appbits=0x0F), {16: b"\xaa\xbb"}, id="appbits"),
        pytest.param(one_byte("00000000"), {}, id="padding alone"),
        pytest.param(one_byte("10aa f0bb 20cc 0000"), {1: b"\xaa"}, id="id 15 ends it"),
        pytest.param(one_byte("10aa 02 20cc 000000"), {1: b"\xaa"}, id="id 0 with a length ends it"),
        pytest.param(one_byte("10aa 2fcc"), {1: b"\xaa"}, id="one-byte overrun"),
        pytest.param(two_byte("0101aa 02"), {1: b"\xaa"}, id="two-byte without length"),
        pytest.param(two_byte("0101aa 0205cccccc"), {1: b"\xaa"}, id="two-byte overrun"),
        pytest.param(one_byte("10aa 10bb"), {1: b"\xaa"}, id="the first of equal ids"),
        pytest.param(two_byte("0101aa 0101bb 0000"), {1: b"\xaa"}, id="the first of equal ids, two-byte"),
        pytest.param(b"\xab\xcd\0\1" + bytes(4), {}, id="another profile"),
        pytest.param(b"", {}, id="none"),
    ],
)
def test_read(block: bytes, elements: dict[int, bytes]) -> None:
    packet = with_block(block)
    assert read_extensions(packet) == elements
    for wanted in range(256):
        assert find_extension(packet, wanted) == elements.get(wanted)


@pytest.mark.parametrize(
    ("elements", "block"),
    [
        ([], b""),
        ([(1, b"\xaa")], one_byte("10aa0000")),
        ([(1, b"\xaa"), (14, b"\xbb\xcc")], one_byte("10aa e1bbcc 000000")),
        ([(3, b"\1\2\3")], one_byte("32010203")),
        ([(1, b"")], two_byte("01000000")),
        ([(15, b"\xaa")], two_byte("0f01aa00")),
        ([(1, b"\xaa"), (255, b"\xbb")], two_byte("0101aa ff01bb 0000")),
        ([(1, bytes(17))], two_byte("0111" + "00" * 17 + "00")),
    ],
)
def test_build(elements: list[tuple[int, bytes]], block: bytes) -> None:
    assert build_extensions(elements) == block


@pytest.mark.parametrize("element", [(0, b"a"), (256, b"a"), (1, bytes(256)), (-1, b"a")])
def test_build_refuses_what_does_not_fit(element: tuple[int, bytes]) -> None:
    with pytest.raises(ValueError):
        build_extensions([element])


@given(st.dictionaries(st.integers(1, 255), st.binary(max_size=30), max_size=10))
def test_what_is_built_is_read(elements: dict[int, bytes]) -> None:
    packet = with_block(build_extensions(list(elements.items())))
    assert read_extensions(packet) == elements
    assert all(find_extension(packet, element_id) == value for element_id, value in elements.items())


@given(st.binary(max_size=64), st.sampled_from((0xBEDE, 0x1000, 0x1007, 0x2000)))
def test_any_bytes(body: bytes, profile: int) -> None:
    body += bytes(-len(body) % 4)
    packet = with_block(profile.to_bytes(2, "big") + (len(body) // 4).to_bytes(2, "big") + body)
    elements = read_extensions(packet)
    assert sum(len(value) for value in elements.values()) < max(1, len(body))
    assert all(find_extension(packet, wanted) == elements.get(wanted) for wanted in range(20))
