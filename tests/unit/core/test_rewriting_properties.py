"""Whatever happens to a Consumer, its subscriber sees one unbroken stream that starts at key frames."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from sfu.codecs.info import describe
from sfu.rtp.packet import RtpPacket
from sfu.rtp.rtcp import Nack
from tests.support.plain_media import Publisher, Subscriber, payload_of

ACTIONS = st.one_of(
    st.tuples(st.just("frame"), st.booleans(), st.integers(1, 4)),
    st.tuples(st.just("lost"), st.integers(1, 3)),
    st.tuples(st.just("pause"), st.booleans()),
    st.tuples(st.just("mute"), st.booleans()),
    st.tuples(st.just("time"), st.floats(0.01, 2)),
    st.tuples(st.just("nack"), st.integers(0, 20)),
    st.tuples(st.just("review")),
)


def play(actions: list[tuple[Any, ...]], *, rtx: bool) -> list[RtpPacket]:
    """Carry out the actions; what the subscriber got, in order."""
    publisher = Publisher()
    producer = publisher.publish_video()
    subscriber = Subscriber(publisher)
    consumer = subscriber.consume(producer, rtx=rtx)
    got: list[RtpPacket] = []
    for name, *values in actions:
        publisher.now += 0.005
        if name == "frame":
            publisher.video(key=values[0], packets=values[1])
        elif name == "lost":
            publisher.video(deliver=False, packets=values[0])
        elif name == "pause":
            consumer.set_paused(values[0])
        elif name == "mute":
            producer.set_muted(values[0])
        elif name == "time":
            publisher.now += values[0]
        elif name == "review":
            consumer.review(publisher.now)
        elif got:
            wanted = got[-min(values[0] + 1, len(got))].sequence_number
            subscriber.half.on_rtcp(Nack(1, consumer.ssrc, (wanted,)).pack(), publisher.now)
        got += subscriber.take()
    return got


@settings(max_examples=150, deadline=None)
@given(st.lists(ACTIONS, max_size=40), st.booleans())
def test_numbers_grow_times_grow_and_every_stretch_starts_at_a_key_frame(
    actions: list[tuple[Any, ...]], rtx: bool
) -> None:
    # That no number is sealed twice with differing content is held by the test's protector itself.
    packets = play(actions, rtx=rtx)
    media: dict[int, RtpPacket] = {}
    for packet in packets:
        if packet.payload_type == 120 and packet.sequence_number not in media:
            media[packet.sequence_number] = packet
    first = True
    last: RtpPacket | None = None
    for packet in media.values():
        info = describe("VP8", packet.data, packet.payload_offset, packet.payload_end, packet.marker)
        if first:
            assert info.key_frame
            assert info.frame_start
            first = False
        if last is not None:
            assert 0 < (packet.sequence_number - last.sequence_number) & 0xFFFF < 0x8000
            assert (packet.timestamp - last.timestamp) & 0xFFFFFFFF < 0x80000000
        last = packet


@settings(max_examples=100, deadline=None)
@given(st.lists(ACTIONS, max_size=40))
def test_a_retransmission_is_what_was_sent_before(actions: list[tuple[Any, ...]]) -> None:
    packets = play(actions, rtx=True)
    sent = {p.sequence_number: payload_of(p) for p in packets if p.payload_type == 120}
    for packet in packets:
        if packet.payload_type == 121:
            body = payload_of(packet)
            assert sent[int.from_bytes(body[:2], "big")] == body[2:]
