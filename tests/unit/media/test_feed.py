"""The feed between shard and worker: what goes in comes out, however the bytes are cut, and bad bytes are told."""

from __future__ import annotations

import struct
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.feed import (
    MAX_FRAME_BYTES,
    Clock,
    Command,
    Done,
    FrameReader,
    KeyFrameWanted,
    Layout,
    Made,
    Message,
    Muted,
    Overlay,
    Packet,
    Participant,
    Problem,
    SizeWanted,
    Speaker,
    Status,
    Stop,
    TrackAdded,
    TrackRemoved,
    decode,
    encode,
)
from sfu.errors import MalformedPacket

track = st.integers(0, 65_535)
moment = st.floats(0, 1e9)
text = st.text(max_size=20)
messages: st.SearchStrategy[Message] = st.one_of(
    st.builds(Packet, track, moment, st.binary(max_size=100)),
    st.builds(
        TrackAdded,
        track,
        text,
        text,
        st.sampled_from(["camera", "microphone", "screen", "screen-audio"]),
        st.sampled_from(["audio", "video"]),
        text,
        st.sampled_from([48_000, 90_000]),
        st.integers(1, 2),
        st.dictionaries(text, text, max_size=3),
    ),
    st.builds(TrackRemoved, track),
    st.builds(Clock, track, st.integers(0, 2**40), moment),
    st.builds(Muted, track, st.booleans()),
    st.builds(Participant, text, text, st.booleans(), st.none() | st.binary(max_size=50), st.none() | text),
    st.builds(Speaker, st.none() | text),
    st.builds(Layout, st.sampled_from(["auto", "grid", "speaker", "screen"]), st.booleans(), st.booleans()),
    st.builds(Overlay, text, st.none() | st.binary(max_size=50)),
    st.builds(Stop, text),
    st.builds(Command, st.dictionaries(text, text | st.integers(), max_size=3)),
    st.builds(Made, st.dictionaries(text, text | st.integers(), max_size=3), st.binary(max_size=100)),
    st.builds(KeyFrameWanted, track),
    st.builds(SizeWanted, track, st.integers(0, 4000), st.integers(0, 4000)),
    st.builds(Status, st.dictionaries(text, st.integers() | text | st.none(), max_size=3)),
    st.builds(Problem, text, text),
    st.builds(Done),
)


@given(st.lists(messages, max_size=8), st.integers(1, 40))
def test_messages_survive_any_cutting_of_the_stream(sent: list[Message], piece_bytes: int) -> None:
    stream = b"".join(encode(message) for message in sent)
    reader = FrameReader()
    received: list[Message] = []
    for place in range(0, len(stream), piece_bytes):
        received.extend(reader.feed(stream[place : place + piece_bytes]))
    assert received == sent


@given(st.binary(max_size=200))
def test_any_bytes_raise_only_malformed_packet(data: bytes) -> None:
    for attempt in (lambda: decode(data), lambda: list(FrameReader().feed(data))):
        with suppress(MalformedPacket):
            attempt()


@pytest.mark.parametrize(
    ("frame", "reason"),
    [
        pytest.param(b"", "feed_truncated", id="nothing"),
        pytest.param(b"\x01\x00\x01", "feed_truncated", id="packet cut short"),
        pytest.param(b"\xff{}", "feed_type", id="unknown type"),
        pytest.param(b"\x03[", "feed_json", id="no JSON"),
        pytest.param(b"\x03[1]", "feed_json", id="no object"),
        pytest.param(b"\x03{}", "feed_field", id="a field is missing"),
        pytest.param(b'\x03{"track":"1"}', "feed_field", id="a field of another type"),
        pytest.param(b'\x05{"track":1,"muted":1}', "feed_field", id="a number is no boolean"),
        pytest.param(b'\x08{"mode":"mosaic"}', "feed_field", id="not one of the values"),
        pytest.param(b'\x09{"logo":"*"}', "feed_field", id="no base64"),
        pytest.param(b'\x04{"track":1,"rtp_timestamp":1,"at":1' + b"0" * 400 + b"}", "feed_field", id="huge number"),
    ],
)
def test_bad_frames(frame: bytes, reason: str) -> None:
    with pytest.raises(MalformedPacket) as caught:
        decode(frame)
    assert caught.value.reason == reason


def test_a_field_that_a_newer_end_sends_is_left_out() -> None:
    assert decode(b'\x03{"track":4,"colour":"red"}') == TrackRemoved(4)


@pytest.mark.parametrize("length", [0, MAX_FRAME_BYTES + 1])
def test_a_length_that_cannot_be(length: int) -> None:
    with pytest.raises(MalformedPacket, match="feed_length"):
        list(FrameReader().feed(struct.pack("!I", length)))


def test_a_message_too_large_is_refused_by_the_sender() -> None:
    with pytest.raises(ValueError):
        encode(Overlay(logo=bytes(MAX_FRAME_BYTES)))
