"""What a subscriber gets of what a publisher sends: no gap, no jump, no lost beginning."""

from __future__ import annotations

import itertools

import pytest

from sfu.codecs.info import describe
from sfu.rtp.clock import ntp_from_unix
from sfu.rtp.extensions import read_extensions
from sfu.rtp.packet import RtpPacket, build_rtp
from sfu.rtp.rtcp import Fir, Nack, Pli, SenderReport, parse_compound
from tests.support.plain_media import OPUS_PT, RED_PT, RTX_PT, Publisher, Subscriber, payload_of


def assert_continuous(packets: list[RtpPacket]) -> None:
    numbers = [p.sequence_number for p in packets]
    assert numbers == [(numbers[0] + i) & 0xFFFF for i in range(len(numbers))]


def picture_ids(packets: list[RtpPacket]) -> list[int | None]:
    return [describe("VP8", p.data, p.payload_offset, p.payload_end, p.marker).picture_id for p in packets]


def test_video_begins_at_a_key_frame_which_is_asked_for() -> None:
    publisher = Publisher()
    producer = publisher.publish_video()
    subscriber = Subscriber(publisher)
    publisher.video()
    subscriber.consume(producer)
    assert [type(r) for data in publisher.rtcp for r in parse_compound(data)] == [Pli]
    publisher.video()
    assert subscriber.take() == []
    publisher.video(key=True, packets=3)
    publisher.video()
    packets = subscriber.take()
    assert len(packets) == 4
    assert_continuous(packets)
    assert packets[0].sequence_number < 0x8000


def test_packets_are_rewritten_for_the_subscriber() -> None:
    publisher = Publisher()
    producer = publisher.publish_video()
    subscriber = Subscriber(publisher)
    consumer = subscriber.consume(producer)
    publisher.video(key=True)
    (packet,) = subscriber.take()
    assert packet.ssrc == consumer.ssrc
    assert packet.payload_type == 120
    assert packet.marker
    assert packet.timestamp == publisher.timestamp
    assert read_extensions(packet) == {5: b"\x00\x01", 1: b"1"}


def test_transport_wide_numbers_count_all_packets_of_the_transport() -> None:
    publisher = Publisher()
    video, audio = publisher.publish_video(), publisher.publish_audio()
    subscriber = Subscriber(publisher)
    subscriber.consume(video)
    subscriber.consume(audio)
    publisher.video(key=True)
    publisher.audio()
    publisher.video()
    assert [int.from_bytes(read_extensions(p)[5], "big") for p in subscriber.take()] == [1, 2, 3]


def test_audio_level_is_passed_on_and_noticed() -> None:
    publisher = Publisher()
    producer = publisher.publish_audio()
    subscriber = Subscriber(publisher)
    subscriber.consume(producer)
    publisher.audio(level=42)
    (packet,) = subscriber.take()
    assert read_extensions(packet)[2] == bytes((0x80 | 42,))
    assert publisher.levels == [(producer.id, 42)]


def test_a_pause_leaves_no_gap_and_ends_at_a_key_frame() -> None:
    publisher = Publisher()
    producer = publisher.publish_video()
    subscriber = Subscriber(publisher)
    consumer = subscriber.consume(producer)
    publisher.video(key=True)
    publisher.video()
    consumer.set_paused(True)
    for _ in range(10):
        publisher.video()
    publisher.now += 1
    consumer.set_paused(False)
    publisher.video()
    publisher.video(key=True)
    publisher.video()
    packets = subscriber.take()
    assert len(packets) == 4
    assert_continuous(packets)
    ids = picture_ids(packets)
    assert ids == [ids[0], ids[0] + 1, ids[0] + 2, ids[0] + 3]  # type: ignore[operator]


def test_mute_at_the_server_stops_all_and_unmute_goes_on() -> None:
    publisher = Publisher()
    video, audio = publisher.publish_video(), publisher.publish_audio()
    subscriber = Subscriber(publisher)
    subscriber.consume(video)
    subscriber.consume(audio)
    publisher.video(key=True)
    publisher.audio()
    subscriber.take()
    video.set_muted(True)
    audio.set_muted(True)
    publisher.video(key=True)
    publisher.audio()
    assert subscriber.take() == []
    assert publisher.levels[-1] == (audio.id, 127)
    publisher.now += 1
    publisher.rtcp.clear()
    video.set_muted(False)
    audio.set_muted(False)
    assert any(isinstance(r, Pli) for data in publisher.rtcp for r in parse_compound(data))
    publisher.audio()
    publisher.video()
    publisher.video(key=True)
    assert [p.payload_type for p in subscriber.take()] == [109, 120]


def test_a_lost_packet_is_resent_by_rtx_under_its_own_numbers() -> None:
    publisher = Publisher()
    producer = publisher.publish_video()
    subscriber = Subscriber(publisher)
    consumer = subscriber.consume(producer)
    publisher.video(key=True, packets=5)
    sent = subscriber.take()
    subscriber.half.on_rtcp(Nack(1, consumer.ssrc, (sent[1].sequence_number, sent[3].sequence_number)).pack(), 1001.0)
    resent = subscriber.take()
    assert [(p.ssrc, p.payload_type) for p in resent] == [(consumer.rtx_ssrc, 121)] * 2
    assert_continuous(resent)
    for packet, original in zip(resent, (sent[1], sent[3]), strict=True):
        assert payload_of(packet) == original.sequence_number.to_bytes(2, "big") + payload_of(original)
        assert packet.timestamp == original.timestamp
        assert packet.marker == original.marker
    subscriber.half.on_rtcp(Nack(1, consumer.ssrc, (sent[1].sequence_number,)).pack(), 1001.01)
    assert subscriber.take() == [], "asked again before the first answer can have arrived"


def test_without_rtx_the_same_bytes_are_sent_again() -> None:
    publisher = Publisher()
    producer = publisher.publish_video()
    subscriber = Subscriber(publisher)
    consumer = subscriber.consume(producer, rtx=False)
    publisher.video(key=True, packets=2)
    publisher.now += 0.2
    first = [p.data for p in subscriber.take()]
    seq = int.from_bytes(first[1][2:4], "big")
    subscriber.half.on_rtcp(Nack(1, consumer.ssrc, (seq,)).pack(), publisher.now)
    assert [p.data for p in subscriber.take()] == [first[1]]


def test_sound_that_is_asked_for_again_is_the_same_packet() -> None:
    """AES-GCM seals a number with one content only; and what has another header cannot be opened."""
    publisher = Publisher()
    producer = publisher.publish_audio()
    subscriber = Subscriber(publisher)
    consumer = subscriber.consume(producer, nack=True)
    publisher.audio()
    publisher.audio()
    publisher.now += 0.2
    first = [p.data for p in subscriber.take()]
    seq = int.from_bytes(first[0][2:4], "big")
    subscriber.half.on_rtcp(Nack(1, consumer.ssrc, (seq,)).pack(), publisher.now)
    assert [p.data for p in subscriber.take()] == [first[0]]


def test_numbered_sound_is_not_resent_unasked() -> None:
    """Chromium asks for sound again though it did not accept NACK: another number would be other content."""
    publisher = Publisher()
    producer = publisher.publish_audio()
    subscriber = Subscriber(publisher)
    consumer = subscriber.consume(producer)
    publisher.audio()
    publisher.audio()
    publisher.now += 0.2
    seq = int.from_bytes(subscriber.take()[0].data[2:4], "big")
    subscriber.half.on_rtcp(Nack(1, consumer.ssrc, (seq,)).pack(), publisher.now)
    assert not subscriber.take()


def test_a_packet_of_before_a_pause_is_resent_as_it_was_then() -> None:
    publisher = Publisher()
    producer = publisher.publish_video()
    subscriber = Subscriber(publisher)
    consumer = subscriber.consume(producer)
    publisher.video(key=True)
    publisher.video()
    before = subscriber.take()
    consumer.set_paused(True)
    publisher.video()
    publisher.now += 1
    consumer.set_paused(False)
    publisher.video(key=True)
    after = subscriber.take()
    wanted = tuple(p.sequence_number for p in (*before, *after))
    subscriber.half.on_rtcp(Nack(1, consumer.ssrc, wanted).pack(), publisher.now)
    assert [payload_of(p)[2:] for p in subscriber.take()] == [payload_of(p) for p in (*before, *after)]


def test_the_publisher_is_asked_for_what_is_missing_and_rtx_fills_the_gap() -> None:
    publisher = Publisher()
    producer = publisher.publish_video()
    subscriber = Subscriber(publisher)
    subscriber.consume(producer)
    publisher.video(key=True)
    (lost,) = publisher.video(deliver=False)
    publisher.rtcp.clear()
    publisher.video()
    publisher.now += 0.02
    publisher.half.tick(publisher.now)
    asked = [r for data in publisher.rtcp for r in parse_compound(data) if isinstance(r, Nack)]
    lost_seq = int.from_bytes(lost[2:4], "big")
    assert [r.lost for r in asked] == [(lost_seq,)]
    rtx = build_rtp(
        payload_type=RTX_PT,
        sequence_number=7,
        timestamp=int.from_bytes(lost[4:8], "big"),
        ssrc=1_112,
        marker=True,
        payload=lost[2:4] + lost[20:],
    )
    publisher.half.on_rtp(rtx, publisher.now)
    packets = subscriber.take()
    assert [p.sequence_number - packets[0].sequence_number for p in packets] == [0, 2, 1]
    assert payload_of(packets[2]) == lost[20:]


def test_who_waits_for_nothing_needs_few_turns_until_packets_come() -> None:
    publisher = Publisher()
    publisher.publish_video()
    assert not publisher.half.tick(publisher.now)
    publisher.video(key=True)
    publisher.video(deliver=False)
    publisher.video()
    assert publisher.awakened == [publisher.now], "once, not for each packet"
    publisher.now += 0.02
    assert publisher.half.tick(publisher.now), "a packet is missing"
    publisher.now += 10
    publisher.half.tick(publisher.now)
    assert not publisher.half.tick(publisher.now), "and given up"
    publisher.video()
    assert len(publisher.awakened) == 2


def test_who_waits_for_what_runs_already_gets_each_packet_once() -> None:
    """Two entries would seal two packets under one number, which AES-GCM does not survive."""
    publisher = Publisher()
    producer = publisher.publish_video()
    subscriber = Subscriber(publisher)
    consumer = subscriber.consume(producer)
    publisher.video(key=True)
    consumer.aim_at(producer.encodings[0])
    publisher.video(key=True)
    publisher.video()
    numbers = [packet.sequence_number for packet in subscriber.take()]
    assert numbers == [numbers[0] + n for n in range(3)]


def test_a_subscriber_asks_for_a_key_frame() -> None:
    publisher = Publisher()
    producer = publisher.publish_video()
    subscriber = Subscriber(publisher)
    consumer = subscriber.consume(producer)
    publisher.video(key=True)
    publisher.now += 1
    publisher.rtcp.clear()
    for request in (Pli(1, consumer.ssrc), Fir(1, ((consumer.ssrc, 1),))):
        subscriber.half.on_rtcp(request.pack(), publisher.now)
    assert [type(r) for data in publisher.rtcp for r in parse_compound(data)] == [Pli], "one is enough"


def test_a_publisher_that_only_knows_fir_gets_fir() -> None:
    publisher = Publisher()
    producer = publisher.publish_video(feedback=frozenset({"nack", "ccm fir"}))
    Subscriber(publisher).consume(producer)
    publisher.video()
    publisher.now += 1
    publisher.half.tick(publisher.now)
    kinds = {type(r) for data in publisher.rtcp for r in parse_compound(data)}
    assert Fir in kinds
    assert Pli not in kinds


@pytest.mark.parametrize(
    ("subscriber_red", "sent_type", "sent", "expected_type", "expected"),
    [
        (True, RED_PT, b"\x6fabc", 63, b"\x6dabc"),  # the subscriber numbers Opus 109, the publisher 111
        (True, OPUS_PT, b"abc", 63, b"\x6dabc"),
        (False, RED_PT, b"\xef\x00\x00\x02\x6fxxabc", 109, b"abc"),
        (False, OPUS_PT, b"abc", 109, b"abc"),
    ],
)
def test_redundant_audio_suits_each_subscriber(
    subscriber_red: bool, sent_type: int, sent: bytes, expected_type: int, expected: bytes
) -> None:
    publisher = Publisher()
    producer = publisher.publish_audio(red=True)
    subscriber = Subscriber(publisher)
    subscriber.consume(producer, red=subscriber_red)
    publisher.audio(sent, payload_type=sent_type)
    (packet,) = subscriber.take()
    assert (packet.payload_type, payload_of(packet)) == (expected_type, expected)


def test_simulcast_encodings_are_learned_by_rid_and_the_best_is_sent() -> None:
    publisher = Publisher(rids=("q", "h"))
    producer = publisher.publish_video()
    for ssrc, rid in ((51, "q"), (52, "h")):
        publisher.video(key=True, ssrc=ssrc, rid=rid, packets=1 if rid == "q" else 4)
    assert [(e.rid, e.ssrc) for e in producer.encodings] == [("q", 51), ("h", 52)]
    subscriber = Subscriber(publisher)
    subscriber.consume(producer)
    publisher.video(key=True, ssrc=51, rid="q")
    publisher.video(key=True, ssrc=52, rid="h")
    (packet,) = subscriber.take()
    best = producer.encodings[1].history.get(producer.encodings[1].stream.max_ext_seq)
    assert best is not None
    assert payload_of(packet) == payload_of(best)


def test_a_track_that_comes_again_is_known_though_its_browser_names_it_no_more() -> None:
    """As a screen that is shared a second time: the same m-line and SSRCs, and no MID or RID in any packet."""
    publisher = Publisher(rids=("q", "h"))
    publisher.publish_audio()
    publisher.publish_video()
    for ssrc, rid in ((51, "q"), (52, "h")):
        publisher.video(key=True, ssrc=ssrc, rid=rid)
    audio, video = publisher.sections
    assert publisher.half.apply([audio], {})[1]
    publisher.video(ssrc=51, mid=False)
    assert publisher.counters["rtp_unknown_ssrc"] == 1
    (again,), _ = publisher.half.apply([audio, video], {})
    for ssrc in (51, 52):
        publisher.video(key=True, ssrc=ssrc, mid=False)
    assert [(e.rid, e.ssrc) for e in again.encodings] == [("q", 51), ("h", 52)]
    assert publisher.counters["rtp_unknown_ssrc"] == 1


def test_a_switch_between_encodings_is_invisible() -> None:
    publisher = Publisher(rids=("q", "h"))
    producer = publisher.publish_video()
    for ssrc, rid in ((51, "q"), (52, "h")):
        publisher.video(key=True, ssrc=ssrc, rid=rid, packets=1 if rid == "q" else 4)
    subscriber = Subscriber(publisher)
    consumer = subscriber.consume(producer)
    publisher.video(key=True, ssrc=52, rid="h")
    for _ in range(5):
        publisher.now += 0.033
        publisher.video(ssrc=52, rid="h")
    publisher.now += 2  # the better one stops, as browsers do when their uplink is narrow
    publisher.video(ssrc=51, rid="q")
    consumer.review(publisher.now)
    publisher.video(ssrc=51, rid="q")
    publisher.video(key=True, ssrc=51, rid="q")
    publisher.video(ssrc=51, rid="q")
    packets = subscriber.take()
    assert len(packets) == 8
    assert_continuous(packets)
    steps = [(b.timestamp - a.timestamp) & 0xFFFFFFFF for a, b in itertools.pairwise(packets)]
    assert all(0 < step < 4 * 90_000 for step in steps)
    ids = picture_ids(packets)
    assert [(b - a) & 0x7FFF for a, b in itertools.pairwise(ids)] == [1] * 7  # type: ignore[operator]


def test_a_closed_producer_sends_nothing_more() -> None:
    publisher = Publisher()
    producer = publisher.publish_video()
    subscriber = Subscriber(publisher)
    subscriber.consume(producer)
    publisher.video(key=True)
    publisher.half.remove(producer)
    publisher.video(key=True)
    assert len(subscriber.take()) == 1
    assert publisher.counters["rtp_unknown_ssrc"] == 1


@pytest.mark.parametrize("jump", [5_000, 20_000, 40_000, 60_000])
def test_a_publisher_whose_numbers_begin_anew_leaves_no_gap(jump: int) -> None:
    publisher = Publisher()
    producer = publisher.publish_video()
    subscriber = Subscriber(publisher)
    subscriber.consume(producer)
    publisher.video(key=True)
    publisher.video()
    publisher.seq = (publisher.seq + jump) & 0xFFFF
    publisher.timestamp = (publisher.timestamp + 1_000_000_000) & 0xFFFFFFFF
    publisher.now += 0.1
    for _ in range(3):
        publisher.video()
    publisher.video(key=True)
    publisher.video()
    packets = subscriber.take()
    assert len(packets) == 4
    assert_continuous(packets)
    step = (packets[2].timestamp - packets[1].timestamp) & 0xFFFFFFFF
    assert 0 < step < 90_000


def test_audio_goes_on_at_once_when_its_numbers_begin_anew() -> None:
    publisher = Publisher()
    producer = publisher.publish_audio()
    subscriber = Subscriber(publisher)
    subscriber.consume(producer)
    publisher.audio()
    publisher.seq = (publisher.seq + 40_000) & 0xFFFF
    for _ in range(4):
        publisher.audio()
    packets = subscriber.take()
    assert len(packets) == 4, "one packet is spent on making sure"
    assert_continuous(packets)


def test_a_packet_of_an_encoder_that_was_replaced_is_not_mixed_up_with_one_of_its_successor() -> None:
    publisher = Publisher(rids=("h",), first_seq=500)
    producer = publisher.publish_video()
    publisher.video(key=True, ssrc=51, rid="h")
    subscriber = Subscriber(publisher)
    consumer = subscriber.consume(producer)
    publisher.video(key=True, ssrc=51, rid="h")
    (before,) = subscriber.take()
    publisher.seq = 500  # the successor happens to count through the same numbers
    for _ in range(3):
        publisher.video(key=True, ssrc=52, rid="h")
    subscriber.take()
    subscriber.half.on_rtcp(Nack(1, consumer.ssrc, (before.sequence_number,)).pack(), publisher.now)
    assert subscriber.take() == []


@pytest.mark.parametrize(
    ("kind", "reported"), [("video", list(range(1, 13))), ("audio", [1, 2, 3, 5, 10])], ids=["video", "audio"]
)
def test_sound_is_reported_at_once_and_then_seldom(kind: str, reported: list[int]) -> None:
    publisher = Publisher()
    producer = publisher.publish_video() if kind == "video" else publisher.publish_audio()
    subscriber = Subscriber(publisher)
    consumer = subscriber.consume(producer)
    assert consumer.answerer.sender_report(0.0, 1e9) is None, "nothing was sent yet"
    if kind == "video":
        publisher.video(key=True)
    else:
        publisher.audio()
    assert subscriber.take()
    ssrc = producer.encodings[0].ssrc
    said = SenderReport(ssrc, ntp_from_unix(1e9), publisher.timestamp, 1, 1, ())
    publisher.half.on_rtcp(said.pack(), publisher.now, 1e9)
    turns = [turn for turn in range(1, 13) if consumer.answerer.sender_report(float(turn), 1e9 + turn)]
    assert turns == reported
