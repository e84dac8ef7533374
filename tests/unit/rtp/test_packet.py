"""RTP packets: fields as RFC 3550 section 5.1 draws them, and nothing but MalformedPacket for other bytes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfu.errors import MalformedPacket
from sfu.rtp.extensions import build_extensions
from sfu.rtp.packet import build_rtp, parse_rtp

PLAIN = bytes.fromhex("80 e0 1234 00000064 deadbeef")  # marker, payload type 96


def payload_of(data: bytes) -> bytes:
    packet = parse_rtp(data)
    return packet.data[packet.payload_offset : packet.payload_end]


def test_fixed_header() -> None:
    packet = parse_rtp(PLAIN + b"abc")
    assert (packet.marker, packet.payload_type, packet.sequence_number) == (True, 96, 0x1234)
    assert (packet.timestamp, packet.ssrc) == (100, 0xDEADBEEF)
    assert (packet.payload_offset, packet.payload_end) == (12, 15)
    assert (packet.extension_profile, packet.extension_offset, packet.extension_end) == (0, 0, 0)
    assert (packet.ext_seq, packet.arrival, packet.info) == (-1, 0.0, None)
    assert parse_rtp(b"\x80\x60" + PLAIN[2:]).marker is False


@pytest.mark.parametrize(
    ("data", "payload"),
    [
        pytest.param(PLAIN, b"", id="no payload"),
        pytest.param(b"\x82" + PLAIN[1:] + bytes(8) + b"xy", b"xy", id="two CSRCs"),
        pytest.param(b"\x90" + PLAIN[1:] + b"\xbe\xde\0\0" + b"xy", b"xy", id="empty extension"),
        pytest.param(b"\x91" + PLAIN[1:] + bytes(4) + b"\xbe\xde\0\1" + bytes(4) + b"xy", b"xy", id="CSRC, extension"),
        pytest.param(b"\xa0" + PLAIN[1:] + b"xy\0\0\3", b"xy", id="padding of three"),
        pytest.param(b"\xa0" + PLAIN[1:] + b"\1", b"", id="padding alone"),
        pytest.param(b"\xb0" + PLAIN[1:] + b"\x10\0\0\0" + bytes(254) + b"\xff", b"", id="255 bytes of padding"),
    ],
)
def test_payload(data: bytes, payload: bytes) -> None:
    assert payload_of(data) == payload


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "rtp_short"),
        (PLAIN[:11], "rtp_short"),
        (b"\x81" + PLAIN[1:], "rtp_short"),
        (b"\x8f" + PLAIN[1:] + bytes(59), "rtp_short"),
        (b"\x40" + PLAIN[1:], "rtp_version"),
        (b"\xc0" + PLAIN[1:], "rtp_version"),
        (b"\x90" + PLAIN[1:], "rtp_extension"),
        (b"\x90" + PLAIN[1:] + b"\xbe\xde\0", "rtp_extension"),
        (b"\x90" + PLAIN[1:] + b"\xbe\xde\0\1abc", "rtp_extension"),
        (b"\x90" + PLAIN[1:] + b"\xbe\xde\xff\xff" + bytes(100), "rtp_extension"),
        (b"\xa0" + PLAIN[1:] + b"a\0", "rtp_padding"),
        (b"\xa0" + PLAIN[1:] + b"a\3", "rtp_padding"),
        (b"\xb0" + PLAIN[1:] + b"\xbe\xde\0\1" + b"\0\0\0\1", "rtp_padding"),
    ],
)
def test_malformed(data: bytes, reason: str) -> None:
    with pytest.raises(MalformedPacket) as caught:
        parse_rtp(data)
    assert caught.value.reason == reason


@given(
    payload_type=st.integers(0, 127),
    sequence_number=st.integers(0, 0xFFFF),
    timestamp=st.integers(0, 0xFFFFFFFF),
    ssrc=st.integers(0, 0xFFFFFFFF),
    payload=st.binary(max_size=50),
    marker=st.booleans(),
    csrcs=st.lists(st.integers(0, 0xFFFFFFFF), max_size=15),
    elements=st.lists(st.tuples(st.integers(1, 14), st.binary(min_size=1, max_size=16)), max_size=4),
    padding=st.integers(0, 255),
)
def test_what_is_built_is_read(
    payload_type: int,
    sequence_number: int,
    timestamp: int,
    ssrc: int,
    payload: bytes,
    marker: bool,
    csrcs: list[int],
    elements: list[tuple[int, bytes]],
    padding: int,
) -> None:
    data = build_rtp(
        payload_type=payload_type,
        sequence_number=sequence_number,
        timestamp=timestamp,
        ssrc=ssrc,
        payload=payload,
        marker=marker,
        csrcs=csrcs,
        extensions=build_extensions(elements),
        padding=padding,
    )
    packet = parse_rtp(data)
    assert packet.data is data
    assert (packet.payload_type, packet.marker, packet.sequence_number) == (payload_type, marker, sequence_number)
    assert (packet.timestamp, packet.ssrc) == (timestamp, ssrc)
    assert data[packet.payload_offset : packet.payload_end] == payload
    assert len(data) - packet.payload_end == padding
    assert (packet.extension_profile == 0xBEDE) is bool(elements)


@pytest.mark.parametrize(
    "wrong", [{"payload_type": 128}, {"padding": 256}, {"csrcs": [0] * 16}, {"extensions": b"\xbe\xde\0"}]
)
def test_build_refuses_what_does_not_fit(wrong: dict[str, object]) -> None:
    fields: dict[str, object] = {"payload_type": 0, "sequence_number": 0, "timestamp": 0, "ssrc": 0, **wrong}
    with pytest.raises(ValueError):
        build_rtp(**fields)  # type: ignore[arg-type]


@given(st.binary(max_size=120), st.booleans())
def test_any_bytes(data: bytes, looks_like_rtp: bool) -> None:
    if looks_like_rtp and data:
        data = bytes((data[0] & 0x3F | 0x80,)) + data[1:]
    try:
        packet = parse_rtp(data)
    except MalformedPacket:
        return
    assert 12 <= packet.payload_offset <= packet.payload_end <= len(data)
    assert 0 <= packet.extension_offset <= packet.extension_end <= packet.payload_offset


def test_repr_tells_what_it_is() -> None:
    assert "sequence_number=4660" in repr(parse_rtp(PLAIN))
