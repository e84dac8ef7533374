"""RTMP without a socket: AMF0, chunks, FLV bodies, and publishing from our client to our server."""

from __future__ import annotations

import contextlib
import random
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streaming.encoded import AudioPacket, AudioTrack, VideoPacket, VideoTrack
from streaming.rtmp import address, amf0, flv, publisher, server
from streaming.rtmp.chunks import ChunkReader, ChunkWriter, Message
from streaming.rtmp.errors import RtmpError

VIDEO = VideoTrack(1280, 720, Fraction(30), b"\x67\x42\xc0\x1f", b"\x68\xce")
AUDIO = AudioTrack(48_000, 2, b"\x11\x90")
KEY = "live_SECRET-key"

VALUES = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(min_size=1, max_size=8), inner, max_size=4),
    max_leaves=10,
)


# -- AMF0 --------------------------------------------------------------------------------------------------------------


@given(st.lists(VALUES, max_size=4))
def test_values_survive(values: list[object]) -> None:
    assert amf0.decode(amf0.encode(*values)) == values


def test_long_texts_and_arrays() -> None:
    assert amf0.decode(amf0.encode("x" * 70_000) + amf0.ecma_array({"a": 1.0})) == ["x" * 70_000, {"a": 1.0}]


@pytest.mark.parametrize(
    "data",
    [b"\x00\x01", b"\x02\x00\x05ab", b"\x11", b"\x03\x00\x01a", b"\x0a\xff\xff\xff\xff", b"\x03\x00\x01a" * 20],
)
def test_values_that_are_none(data: bytes) -> None:
    with pytest.raises(RtmpError):
        amf0.decode(data)


@given(st.binary(max_size=200))
def test_whatever_comes_is_a_value_or_an_error(data: bytes) -> None:
    with contextlib.suppress(RtmpError):
        amf0.decode(data)


# -- chunks ------------------------------------------------------------------------------------------------------------

MESSAGES = st.lists(
    st.tuples(st.integers(2, 63), st.sampled_from([8, 9, 18, 20]), st.integers(0, 2**32 - 1), st.binary(max_size=400)),
    max_size=6,
)


@given(MESSAGES, st.integers(1, 300), st.randoms(use_true_random=False))
def test_messages_survive_any_cutting(
    messages: list[tuple[int, int, int, bytes]], chunk_bytes: int, rng: random.Random
) -> None:
    writer, reader = ChunkWriter(), ChunkReader(1_000)
    writer.chunk_bytes = reader.chunk_bytes = chunk_bytes
    sent = [(stream, Message(kind, time, payload, 1)) for stream, kind, time, payload in messages]
    data = b"".join(writer.write(message, stream) for stream, message in sent)
    got: list[Message] = []
    while data:
        size = rng.randint(1, 100)
        got += reader.receive(data[:size])
        data = data[size:]
    assert got == [message for _, message in sent]


def test_shorter_headers_and_interleaving() -> None:
    reader = ChunkReader(1_000)
    first = bytes([4, 0, 0, 100, 0, 0, 3, 8, 1, 0, 0, 0]) + b"abc"  # all
    delta = bytes([0x44, 0, 0, 20, 0, 0, 2, 8]) + b"de"  # no stream
    same = bytes([0x84, 0, 0, 30]) + b"fg"  # delta only
    none = bytes([0xC4]) + b"hi"  # nothing: the same delta again
    got = reader.receive(first + delta + same + none)
    assert [(m.timestamp_ms, m.payload) for m in got] == [(100, b"abc"), (120, b"de"), (150, b"fg"), (180, b"hi")]
    writer = ChunkWriter()
    video, audio = writer.write(Message(9, 1, bytes(200)), 6), writer.write(Message(8, 1, b"x"), 4)
    assert [m.type for m in reader.receive(video[:140] + audio + video[140:])] == [8, 9]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (bytes([0xC4]), "without beginning"),
        (bytes([4, 0, 0, 0, 0, 4, 0, 8, 1, 0, 0, 0]), "too large"),
        (bytes([2, 0, 0, 0, 0, 0, 4, 1, 0, 0, 0, 0, 0, 0, 0, 0]), "chunk size"),
    ],
)
def test_chunks_that_are_not_valid(data: bytes, reason: str) -> None:
    with pytest.raises(RtmpError, match=reason):
        ChunkReader(1_000).receive(data)


@given(st.binary(max_size=300))
def test_whatever_comes_is_taken_or_refused(data: bytes) -> None:
    session = server.IngestSession(bytes(1528))
    with contextlib.suppress(RtmpError):
        session.receive(b"\3" + bytes(1536) + bytes(1536) + data)


# -- bodies ------------------------------------------------------------------------------------------------------------


def test_bodies_are_read_as_they_were_written() -> None:
    packet = VideoPacket(dts=0, pts=-2700, duration=3000, key=True, data=b"\0\0\0\1\x65")
    assert flv.read_video(flv.video_body(packet)) == flv.VideoBody(False, True, -30, packet.data)
    header = flv.read_video(flv.video_header(VIDEO))
    assert header is not None and header.header and header.data[:4] == b"\1\x42\xc0\x1f"
    assert flv.read_audio(flv.audio_body(AudioPacket(0, 1024, b"x"))) == flv.AudioBody(False, b"x")
    assert flv.read_audio(flv.audio_header(AUDIO)) == flv.AudioBody(True, AUDIO.config)


@pytest.mark.parametrize("body", [b"\x12\1\0\0\0x", b"\x90hvc1"])
def test_other_codecs_are_refused(body: bytes) -> None:
    with pytest.raises(RtmpError):
        flv.read_video(body)


# -- a whole session ---------------------------------------------------------------------------------------------------


def connect(key: str = KEY) -> tuple[publisher.Publisher, server.IngestSession, list[server.Event]]:
    client = publisher.Publisher(publisher.Target("live", "rtmp://x/live", key), bytes(range(8)) * 191)
    ingest = server.IngestSession(bytes(1528))
    return client, ingest, exchange(client, ingest)


def exchange(client: publisher.Publisher, ingest: server.IngestSession) -> list[server.Event]:
    events: list[server.Event] = []
    while True:
        up = client.to_send()
        if up:
            events += ingest.receive(up)
        down = ingest.to_send()
        if not up and not down:
            return events
        if down:
            client.receive(down)


def test_a_stream_is_published() -> None:
    client, ingest, events = connect()
    assert events == [server.PublishAsked("live", KEY)]
    ingest.accept()
    exchange(client, ingest)
    assert client.state is publisher.State.PUBLISHING
    client.data(flv.metadata(VIDEO, AUDIO, 3_000_000, 128_000))
    client.video(0, flv.video_header(VIDEO))
    client.video(17_000_000, flv.video_body(VideoPacket(0, 0, 3000, True, bytes(100_000))))
    client.audio(17_000_005, flv.audio_body(AudioPacket(0, 1024, b"sound")))
    client.close()
    video_header, video, audio, ended = exchange(client, ingest)
    assert isinstance(video_header, server.VideoCame) and video_header.body.header
    assert isinstance(video, server.VideoCame)
    assert (video.timestamp_ms, len(video.body.data), video.body.key) == (17_000_000, 100_000, True)
    assert audio == server.AudioCame(17_000_005, flv.AudioBody(False, b"sound"))
    assert ended == server.Ended()


def test_a_refusal_names_its_reason_and_not_the_key() -> None:
    client, ingest, _ = connect()
    ingest.refuse(f"no stream {KEY}")
    with pytest.raises(publisher.Refused, match=r"NetStream\.Publish\.BadName") as refused:
        exchange(client, ingest)
    assert KEY not in str(refused.value)


def test_a_server_cannot_make_us_say_the_key() -> None:
    client, _, _ = connect()
    client.state = publisher.State.ASKING
    with pytest.raises(publisher.Refused) as refused:
        client._take_command(["onStatus", 0.0, None, {"level": "error", "code": f"No key {KEY}"}])
    assert str(refused.value) == "the server refused: no reason given"


def test_no_repr_shows_the_key() -> None:
    parsed = address.parse("rtmps://live.example.org/app/x", KEY)
    assert KEY not in repr(parsed) and KEY not in repr(server.PublishAsked("app", KEY))


def test_a_web_server_is_not_an_rtmp_server() -> None:
    client = publisher.Publisher(publisher.Target("live", "rtmp://x/live", KEY), bytes(1528))
    with pytest.raises(RtmpError, match="does not speak RTMP"):
        client.receive(b"HTTP/1.1 400 Bad Request\r\n")


@pytest.mark.parametrize(
    ("url", "host", "port", "tls", "app", "shown"),
    [
        ("rtmp://a.example/live", "a.example", 1935, False, "live", "rtmp://a.example/live"),
        ("rtmps://a.example/app/inst/", "a.example", 443, True, "app/inst", "rtmps://a.example/app/inst"),
        ("rtmp://[::1]:19350/live2?x=1", "::1", 19350, False, "live2?x=1", "rtmp://[::1]:19350/live2?x=1"),
        ("rtmps://a.example:1935/live", "a.example", 1935, True, "live", "rtmps://a.example:1935/live"),
    ],
)
def test_addresses(url: str, host: str, port: int, *, tls: bool, app: str, shown: str) -> None:
    parsed = address.parse(url, KEY)
    assert (parsed.host, parsed.port, parsed.tls) == (host, port, tls)
    assert (parsed.target.app, parsed.target.url) == (app, shown)
