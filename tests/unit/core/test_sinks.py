"""What a MediaSink is given: each Producer's best Encoding, clocks, mutes, comings and goings."""

from __future__ import annotations

from sfu.groups import Group
from sfu.producer import Producer
from sfu.rtp.packet import RtpPacket
from sfu.rtp.rtcp import Pli, SenderReport, parse_compound
from sfu.sinks import SinkBook, SinkTrack
from tests.support.plain_media import Publisher


class Probe:
    """A sink that keeps what it is given."""

    def __init__(self) -> None:
        self.packets: list[tuple[SinkTrack, RtpPacket]] = []
        self.taken: list[tuple[int, int, int]] = []
        self.told: list[tuple[object, ...]] = []
        self.clocks: list[tuple[int, int, int, float]] = []

    def on_track_added(self, track: SinkTrack) -> None:
        self.told.append(("added", track.number, track.producer.source))

    def on_track_removed(self, track: SinkTrack) -> None:
        self.told.append(("removed", track.number))

    def on_track_muted(self, track: SinkTrack, muted: bool) -> None:
        self.told.append(("muted", track.number, muted))

    def on_clock(self, track: SinkTrack, ssrc: int, rtp_timestamp: int, at: float) -> None:
        self.clocks.append((track.number, ssrc, rtp_timestamp, at))

    def flush(self, now: float) -> None:
        self.taken += [(track.number, packet.ssrc, packet.sequence_number) for track, packet in self.packets]
        self.packets.clear()


class Stage:
    """A publisher, a sink and the book between them, in virtual time."""

    def __init__(self, publisher: Publisher) -> None:
        self.publisher = publisher
        self.groups: dict[str, Group] = {}
        self.book = SinkBook(self.groups.get, lambda: publisher.now)
        self.probe = Probe()

    def add(self, *producers: Producer) -> None:
        self.book.add(self.probe, producers, None)

    def turn(self, seconds: float = 0.02) -> list[tuple[int, int, int]]:
        self.publisher.now += seconds
        self.book.turn(self.publisher.now)
        taken, self.probe.taken = self.probe.taken, []
        return taken

    def key_frame_requests(self) -> int:
        reports = [r for data in self.publisher.rtcp for r in parse_compound(data)]
        self.publisher.rtcp.clear()
        return sum(isinstance(r, Pli) for r in reports)


def test_packets_of_all_producers_come_once_in_order() -> None:
    publisher = Publisher(first_seq=65_534)
    stage = Stage(publisher)
    video, audio = publisher.publish_video(), publisher.publish_audio()
    publisher.video(key=True)
    stage.add(video, audio)
    assert stage.probe.told == [("added", 1, "camera"), ("added", 2, "microphone")]
    assert stage.key_frame_requests() == 1
    publisher.video(key=True, packets=2)
    publisher.audio()
    assert stage.turn() == [(1, 1_111, 65_535), (1, 1_111, 0), (2, 2_222, 1)]
    assert stage.turn() == []


def test_a_producer_without_sinks_appends_nothing() -> None:
    publisher = Publisher()
    stage = Stage(publisher)
    video = publisher.publish_video()
    stage.add(video)
    stage.book.remove(stage.probe)
    stage.book.remove(stage.probe)
    publisher.video(key=True)
    assert stage.probe.packets == [] and video.sink_tracks == [] and video.encodings[0].sink_tracks == []
    assert stage.probe.told[-1] == ("removed", 1)


def test_mute_is_told_and_ends_by_a_key_frame_request() -> None:
    publisher = Publisher()
    stage = Stage(publisher)
    video = publisher.publish_video()
    publisher.video(key=True)
    stage.add(video)
    stage.turn(1.0)
    video.set_muted(True)
    publisher.video()
    assert stage.turn(1.0) == []
    stage.key_frame_requests()
    video.set_muted(False)
    assert stage.probe.told[1:] == [("muted", 1, True), ("muted", 1, False)]
    assert stage.key_frame_requests() == 1


def test_a_better_layer_is_taken_from_its_key_frame_on() -> None:
    publisher = Publisher(rids=("l", "h"))
    stage = Stage(publisher)
    video = publisher.publish_video()
    stage.add(video)
    publisher.video(key=True, ssrc=10, rid="l")
    assert {ssrc for _, ssrc, _ in stage.turn()} == {10}
    for _ in range(50):
        publisher.video(ssrc=10)
        publisher.video(ssrc=20, rid="h", packets=3)
        assert {ssrc for _, ssrc, _ in stage.turn()} == {10}
    assert stage.key_frame_requests() >= 1
    publisher.video(key=True, ssrc=20, packets=3)
    publisher.video(ssrc=10)
    assert [ssrc for _, ssrc, _ in stage.turn()] == [20, 20, 20]
    # The layer ends: what still arrives is taken, from a key frame on.
    for _ in range(80):
        publisher.video(ssrc=10)
        assert stage.turn() == []
    publisher.video(ssrc=10, key=True)
    assert [ssrc for _, ssrc, _ in stage.turn()] == [10]


def test_who_shows_it_small_gets_the_smaller_one_after_a_while_and_the_large_one_again() -> None:
    publisher = Publisher(rids=("l", "h"))
    stage = Stage(publisher)
    video = publisher.publish_video()
    stage.add(video)
    (track,) = video.sink_tracks

    def run(turns: int, *, key: bool = False) -> set[int]:
        taken: set[int] = set()
        for _ in range(turns):
            publisher.video(ssrc=10, rid="l", key=key, picture=(320, 180))
            publisher.video(ssrc=20, rid="h", key=key, picture=(1280, 720), packets=3)
            taken = {ssrc for _, ssrc, _ in stage.turn()}
        return taken

    run(1, key=True)
    run(60)
    run(1, key=True)
    assert run(1) == {20}, "the best one, as long as nothing is said"
    track.want_size(320, 180)
    run(100)
    run(1, key=True)
    assert run(1) == {20}, "not yet: it might be large again in a moment"
    run(100)
    run(1, key=True)
    assert run(1) == {10}
    track.want_size(640, 360)
    run(20)
    run(1, key=True)
    assert run(1) == {20}, "at once"


def test_a_restarted_publisher_is_followed_at_once() -> None:
    publisher = Publisher(rids=("h",))
    stage = Stage(publisher)
    video = publisher.publish_video()
    stage.add(video)
    publisher.video(key=True, ssrc=10, rid="h")
    publisher.video(key=True, ssrc=11, rid="h")
    assert [ssrc for _, ssrc, _ in stage.turn()] == [10, 11]
    publisher.video(ssrc=11)
    assert [ssrc for _, ssrc, _ in stage.turn()] == [11]


def test_clocks_follow_the_sender_reports() -> None:
    publisher = Publisher()
    stage = Stage(publisher)
    video = publisher.publish_video()
    publisher.video(key=True)
    stage.add(video)
    stage.turn(1.0)
    assert stage.probe.clocks == []
    report = SenderReport(1_111, ntp=5_000 << 32, rtp_timestamp=0xFFFFFF00, packet_count=1, octet_count=1)
    publisher.half.on_rtcp(report.pack(), publisher.now, 0.0)
    stage.turn(1.0)
    assert stage.probe.clocks == [(1, 1_111, (0xFFFFFF00 + 90_000) & 0xFFFFFFFF, publisher.now)]


def test_groups_are_kept_apart() -> None:
    publisher = Publisher()
    stage = Stage(publisher)
    audio = publisher.publish_audio()
    stage.groups["ann"] = "breakout"
    stage.add(audio)
    publisher.audio()
    assert stage.turn() == [] and stage.probe.told == []
    del stage.groups["ann"]
    stage.book.on_producer(audio)
    publisher.audio()
    assert len(stage.turn()) == 1
    stage.groups["ann"] = "breakout"
    stage.book.on_producer(audio)
    publisher.audio()
    assert stage.turn() == []
    assert stage.probe.told == [("added", 1, "microphone"), ("removed", 1)]


def test_a_producer_that_ends_is_forgotten() -> None:
    publisher = Publisher()
    stage = Stage(publisher)
    audio = publisher.publish_audio()
    stage.add(audio)
    stage.book.forget(audio)
    stage.book.forget(audio)
    stage.book.close()
    assert stage.probe.told == [("added", 1, "microphone"), ("removed", 1)]
