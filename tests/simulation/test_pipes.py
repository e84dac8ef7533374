"""A Producer at the far end of a pipe behaves as the one at the near end, and costs one copy between them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sfu.consumer import Consumer
from sfu.pipes.wants import WantsReader, pack_wants
from sfu.producer import Producer
from sfu.rtp.packet import RtpPacket
from sfu.rtp.rtcp import Pli, UnknownRtcp, parse_compound
from tests.simulation.piped import PipedRoom
from tests.support.plain_media import Publisher, Subscriber, payload_of

RIDS = {"q": 10, "h": 20, "f": 30}


def subscribe(room: PipedRoom, producer: Producer, seed: int = 2) -> tuple[Subscriber, Consumer]:
    subscriber = Subscriber(room.publisher, seed)
    return subscriber, subscriber.consume(room.producer(producer))


def key_frames_asked(publisher: Publisher) -> list[int]:
    asked = [r.media_ssrc for data in publisher.rtcp for r in parse_compound(data) if isinstance(r, Pli)]
    publisher.rtcp.clear()
    return asked


def run(room: PipedRoom, subscriber: Subscriber, frames: int, packets: int = 2) -> list[RtpPacket]:
    """Pictures at 50 a second; the publisher answers requests for key frames."""
    got = []
    for _ in range(frames):
        room.publisher.video(key=bool(key_frames_asked(room.publisher)), packets=packets)
        for _ in range(4):
            room.step()
            got += subscriber.take()
    return got


def test_many_subscribers_cost_one_copy() -> None:
    publisher = Publisher()
    video = publisher.publish_video()
    room = PipedRoom(publisher)
    room.sender.add(video)
    everybody = [subscribe(room, video, seed)[0] for seed in range(2, 7)]
    sent = 0
    got: list[list[RtpPacket]] = [[] for _ in everybody]
    for number in range(60):
        sent += len(publisher.video(key=number == 0 or bool(key_frames_asked(publisher))))
        for _ in range(4):
            room.step()
            for packets, subscriber in zip(got, everybody, strict=True):
                packets += subscriber.take()
    assert room.copies == sent
    for packets in got:
        assert len(packets) >= sent - 5
        assert [p.sequence_number - packets[0].sequence_number for p in packets] == list(range(len(packets)))
        assert payload_of(packets[-1])[4:] == payload_of(packets[0])[4:].replace(b"\x10", b"\x11", 1)


def test_what_is_lost_between_shards_is_sent_again() -> None:
    publisher = Publisher()
    video = publisher.publish_video()
    room = PipedRoom(publisher, loss=0.1)
    room.sender.add(video)
    subscriber, _ = subscribe(room, video)
    got = run(room, subscriber, 300)
    numbers = sorted(p.sequence_number for p in got)
    assert room.counters["pipe_nacks"] > 20
    assert numbers[-1] - numbers[0] + 1 - len(set(numbers)) <= 2, "all but the very last are there"
    assert len(numbers) > 580


def test_a_subscriber_that_comes_later_has_a_key_frame_made() -> None:
    publisher = Publisher()
    video = publisher.publish_video()
    room = PipedRoom(publisher)
    room.sender.add(video)
    first, _ = subscribe(room, video)
    run(room, first, 30)
    later, _ = subscribe(room, video, 9)
    room.step()
    assert key_frames_asked(publisher) == [1_111]
    publisher.video(key=True)
    room.step()
    assert len(later.take()) == 1


def test_only_layers_that_somebody_wants_are_piped_and_made() -> None:
    publisher = Publisher(rids=tuple(RIDS))
    video = publisher.publish_video()
    room = PipedRoom(publisher)
    room.sender.add(video)
    wanted_told: list[dict[str, bool]] = []
    publisher.half.on_wanted = lambda producer: wanted_told.append(producer.dynacast.layers())
    numbers = {"q": 60_000, "h": 30_000, "f": 65_000}
    subscriber: Subscriber | None = None
    consumer: Consumer | None = None
    sent_before = set(RIDS)

    def frames(count: int, key: bool = False) -> None:
        for _ in range(count):
            asked = key_frames_asked(publisher)
            for rid, ssrc in RIDS.items():
                if not next(iter([e.wanted for e in video.encodings if e.rid == rid]), True):
                    sent_before.discard(rid)
                else:
                    publisher.seq = numbers[rid]
                    size = 1 if rid == "q" else 3 if rid == "h" else 6
                    # As browsers do: what is begun again begins with a key frame.
                    key_frame = key or ssrc in asked or rid not in sent_before
                    publisher.video(ssrc=ssrc, rid=rid, key=key_frame, packets=size)
                    sent_before.add(rid)
                    numbers[rid] = publisher.seq
            for _ in range(4):
                room.step()
            if subscriber is not None:
                subscriber.take()

    frames(30, key=True)
    far = room.producer(video)
    assert [e.rid for e in far.encodings] == ["q", "h", "f"]
    subscriber, consumer = subscribe(room, video)
    frames(50)
    best = far.ladder(publisher.now)[-1]
    consumer.choose(best, "bandwidth", publisher.now)
    frames(330)
    assert [(e.rid, e.wanted) for e in far.encodings] == [("q", True), ("h", False), ("f", True)]
    assert wanted_told[-1] == {"q": True, "h": False, "f": True}, "the publisher stops what nobody anywhere wants"
    middle = next(r for r in far.ladder(publisher.now) if r.encoding.rid == "h")
    consumer.choose(middle, "bandwidth", publisher.now)
    frames(5)
    assert wanted_told[-1]["h"], "and begins again at once"
    frames(30)
    assert consumer.source is middle.encoding


def test_a_publisher_that_begins_anew_is_another_stream() -> None:
    publisher = Publisher()
    video = publisher.publish_video()
    room = PipedRoom(publisher)
    room.sender.add(video)
    subscriber, _ = subscribe(room, video)
    before = run(room, subscriber, 40)
    publisher.seq = (publisher.seq + 20_000) & 0xFFFF
    after = run(room, subscriber, 60)
    assert len(after) > 60
    assert after[-1].sequence_number - before[-1].sequence_number == len(after)


def test_mute_sound_and_the_end() -> None:
    publisher = Publisher()
    video, audio = publisher.publish_video(), publisher.publish_audio(red=True)
    room = PipedRoom(publisher)
    room.sender.add(video)
    room.sender.add(audio)
    subscriber, _ = subscribe(room, audio)
    publisher.audio(b"\x78one", level=20)
    room.step()
    assert [payload_of(p) for p in subscriber.take()] == [b"\x78one"]
    assert room.far.levels == [(audio.id, 20)]
    audio.set_muted(True)
    assert room.producer(audio).muted
    publisher.audio(b"\x78two")
    room.step()
    assert subscriber.take() == []
    room.sender.remove(video)
    assert set(room.far.producers) == {audio.id}
    publisher.half.remove(audio)
    room.sender.remove(audio)
    assert room.far.producers == {} and room.sender.encodings() == []


def test_a_far_end_that_is_silent_gets_nothing() -> None:
    publisher = Publisher()
    audio = publisher.publish_audio()
    room = PipedRoom(publisher)
    room.sender.add(audio)
    publisher.audio()
    room.step()
    assert room.copies == 1
    for _ in range(5):
        publisher.now += 1.0
        room.sender.tick(publisher.now, publisher.now)
    publisher.audio()
    assert room.sender.encodings()[0].is_running is False
    room.step()
    room.step()
    publisher.audio()
    room.step()
    assert room.copies == 2, "it has spoken again"


@given(st.sets(st.integers(1, (1 << 32) - 1), max_size=1_000), st.integers(1, (1 << 32) - 1))
def test_what_is_wanted_arrives_whole(wanted: set[int], ssrc: int) -> None:
    reader = WantsReader()
    found = None
    for packet in pack_wants(ssrc, wanted):
        (report,) = parse_compound(packet)
        assert isinstance(report, UnknownRtcp) and found is None and len(packet) < 1_300
        found = reader.read(report)
    assert found == wanted


@given(st.binary(max_size=40))
def test_wants_that_make_no_sense_are_passed_over(body: bytes) -> None:
    assert WantsReader().read(UnknownRtcp(204, 0, b"\0\0\0\1PLNW" + body)) in (None, set()) or len(body) >= 8
