"""STUN: the RFC's test vectors, a round trip, and that no bytes can harm the parser."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfu.errors import MalformedPacket
from sfu.ice import stun

# RFC 5769 section 2, all with this password.
PASSWORD = b"VOkJxbRl1RmTxUk/WvJxBt"
SAMPLE_REQUEST = bytes.fromhex(
    "000100582112a442b7e7a701bc34d686fa87dfae802200105354554e207465737420636c69656e7400240004"
    "6e0001ff80290008932ff9b151263b36000600096576746a3a68367659202020000800149aeaa70cbfd8cb56"
    "781ef2b5b2d3f249c1b571a280280004e57a3bcf"
)
SAMPLE_RESPONSE_V4 = bytes.fromhex(
    "0101003c2112a442b7e7a701bc34d686fa87dfae8022000b7465737420766563746f7220002000080001a147"
    "e112a643000800142b91f599fd9e90c38c7489f92af9ba53f06be7d780280004c07d4c96"
)
SAMPLE_RESPONSE_V6 = bytes.fromhex(
    "010100482112a442b7e7a701bc34d686fa87dfae8022000b7465737420766563746f7220002000140002a147"
    "0113a9faa5d3f179bc25f4b5bed2b9d900080014a382954e4be67bf11784c97c8292c275bfe3ed4180280004"
    "c8fb0b4c"
)
TRANSACTION = bytes(range(12))


def test_sample_request() -> None:
    message = stun.parse_stun(SAMPLE_REQUEST)
    assert (message.kind, message.username, message.priority) == (stun.BINDING_REQUEST, "evtj:h6vY", 0x6E0001FF)
    assert stun.ICE_CONTROLLED in message.attributes
    assert stun.integrity_matches(message, SAMPLE_REQUEST, PASSWORD)
    assert not stun.integrity_matches(message, SAMPLE_REQUEST, PASSWORD + b"x")


@pytest.mark.parametrize(
    ("data", "address"),
    [
        (SAMPLE_RESPONSE_V4, ("192.0.2.1", 32853)),
        (SAMPLE_RESPONSE_V6, ("2001:db8:1234:5678:11:2233:4455:6677", 32853)),
    ],
)
def test_sample_responses(data: bytes, address: stun.Address) -> None:
    message = stun.parse_stun(data)
    assert stun.read_xor_mapped_address(message) == address
    assert stun.integrity_matches(message, data, PASSWORD)


@pytest.mark.parametrize("address", [("198.51.100.7", 1), ("2001:db8::1", 65535), ("fe80::1%eth0", 4000)])
def test_success_response_round_trip(address: stun.Address) -> None:
    data = stun.success_response(TRANSACTION, address, b"secret")
    message = stun.parse_stun(data)
    assert stun.read_xor_mapped_address(message) == (address[0].partition("%")[0], address[1])
    assert (message.kind, message.transaction_id) == (stun.BINDING_RESPONSE, TRANSACTION)
    assert stun.integrity_matches(message, data, b"secret")


@pytest.mark.parametrize("code", sorted(stun.REASONS))
def test_error_response_round_trip(code: int) -> None:
    message = stun.parse_stun(stun.error_response(TRANSACTION, code, b"secret", [0x7001] if code == 420 else None))
    assert (message.kind, stun.read_error_code(message)) == (stun.BINDING_ERROR, code)
    assert message.attributes.get(stun.UNKNOWN_ATTRIBUTES) == (b"\x70\x01" if code == 420 else None)


REQUEST = stun.build_message(stun.BINDING_REQUEST, TRANSACTION, stun.attribute(stun.USERNAME, b"a:b"), b"secret")


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "stun_length"),
        (REQUEST[:19], "stun_length"),
        (REQUEST[:-4], "stun_length"),
        (REQUEST + bytes(4), "stun_length"),
        (b"\xc0" + REQUEST[1:], "stun_length"),
        (bytes(2048), "stun_length"),
        (REQUEST[:4] + b"abcd" + REQUEST[8:], "stun_cookie"),
        (REQUEST[:-1] + b"\0", "stun_fingerprint"),
        (REQUEST[:20] + b"\x00\x06\xff\xff" + REQUEST[24:], "stun_attribute"),
    ],
)
def test_malformed(data: bytes, reason: str) -> None:
    with pytest.raises(MalformedPacket) as caught:
        stun.parse_stun(data)
    assert caught.value.reason == reason


def test_attributes_behind_integrity_are_ignored() -> None:
    """Somebody on the way could have added them (RFC 8489 section 14.5)."""
    signed = stun.build_message(stun.BINDING_REQUEST, TRANSACTION, stun.attribute(stun.USERNAME, b"a:b"), b"k")[:-8]
    body = signed[20:] + stun.attribute(stun.USE_CANDIDATE, b"")
    data = signed[:2] + len(body).to_bytes(2, "big") + signed[4:20] + body
    message = stun.parse_stun(data)
    assert stun.USE_CANDIDATE not in message.attributes
    assert stun.integrity_matches(message, data, b"k")


@given(st.binary(max_size=200) | st.binary(max_size=120).map(lambda tail: REQUEST[:20] + tail))
def test_any_bytes_parse_or_are_malformed(data: bytes) -> None:
    try:
        message = stun.parse_stun(data)
        stun.integrity_matches(message, data, b"key")
        stun.read_error_code(message)
        assert message.priority >= 0
        _ = message.username
    except MalformedPacket:
        return


@given(st.integers(0, len(REQUEST) - 1), st.integers(1, 255))
def test_any_changed_byte_is_noticed(position: int, change: int) -> None:
    if position - len(REQUEST) in (-8, -7):
        return  # the type of FINGERPRINT itself: then there is none
    data = REQUEST[:position] + bytes([REQUEST[position] ^ change]) + REQUEST[position + 1 :]
    with pytest.raises(MalformedPacket):
        stun.parse_stun(data)
