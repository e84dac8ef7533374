"""Data channel frames: what a client may send, and what the others get."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfu.errors import MalformedPacket
from sfu.relay import MAX_FRAME_BYTES, build_frame, parse_frame


def frame(header: object, payload: bytes = b"") -> bytes:
    text = json.dumps(header).encode()
    return len(text).to_bytes(2, "big") + text + payload


def test_a_frame_for_all() -> None:
    assert parse_frame(frame({"topic": "cursor"}, b"xy")) == (None, "cursor", b"xy")


def test_a_frame_for_some() -> None:
    assert parse_frame(frame({"to": ["ann", "bob"]}, b"x")).to == {"ann", "bob"}


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "relay_truncated"),
        (b"\x00", "relay_truncated"),
        (b"\x00\x05{}", "relay_truncated"),
        (frame([]), "relay_header"),
        (frame({"to": "ann"}), "relay_receivers"),
        (frame({"to": [1]}), "relay_receivers"),
        (frame({"topic": 7}), "relay_topic"),
        (frame({"topic": "x" * 129}), "relay_topic"),
        (b"\x00\x02{]", "relay_header"),
        (bytes(MAX_FRAME_BYTES + 1), "relay_too_large"),
    ],
)
def test_bad_frames_are_refused_by_name(data: bytes, reason: str) -> None:
    with pytest.raises(MalformedPacket) as caught:
        parse_frame(data)
    assert caught.value.reason == reason


@given(st.binary(max_size=200))
def test_no_bytes_raise_anything_else(data: bytes) -> None:
    try:
        parse_frame(data)
    except MalformedPacket:
        return


@given(st.text(max_size=40), st.text(max_size=40), st.binary(max_size=99))
def test_a_sent_frame_names_its_sender(sender: str, topic: str, payload: bytes) -> None:
    data = build_frame(sender, topic, payload)
    end = 2 + int.from_bytes(data[:2], "big")
    assert json.loads(data[2:end]) == {"from": sender, "topic": topic}
    assert data[end:] == payload
