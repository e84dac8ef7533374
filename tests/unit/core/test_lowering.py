"""Down to a smaller Encoding: what still goes out of the larger one until the smaller one's key frame is there."""

from __future__ import annotations

import pytest

from sfu.choosing import Chooser
from sfu.congestion.estimator import BandwidthEstimator
from sfu.consumer import Consumer, ConsumerState
from sfu.downlink import Downlink
from sfu.pacing import PacedSender
from sfu.rtp.rtcp import Nack
from sfu.rtp.twcc import TransportFeedback
from sfu.wishes import Mode
from tests.support.plain_media import Publisher, Subscriber

FRAME_S = 1 / 30
SSRCS = {"q": 51, "f": 52}


class Camera:
    """A small and a large Encoding, each with ``layers`` temporal layers; a subscriber gets the large one."""

    def __init__(self, layers: int) -> None:
        self.layers = layers
        self.publisher = Publisher(rids=("q", "f"))
        self.producer = self.publisher.publish_video()
        self.subscriber = Subscriber(self.publisher)
        self.consumer: Consumer = self.subscriber.consume(self.producer)
        self.seqs = {"q": 100, "f": 40_000}
        self.frames = {"q": 0, "f": 0}
        self.frame("q", key=True)
        self.frame("f", key=True)
        self.take_best()
        self.frame("f", key=True)
        for _ in range(40):
            self.frame("q")
            self.frame("f")
        self.take_best()

    def take_best(self) -> None:
        """Choose what is best by what is known by now."""
        now = self.publisher.now
        self.consumer.choose(self.producer.ladder(now)[-1], None, now)

    def frame(self, rid: str, *, key: bool = False, weight: int = 1) -> int | None:
        """One frame; returns its temporal layer. ``weight``: how many times as much as usual it takes."""
        number = 0 if key else self.frames[rid] + 1
        self.frames[rid] = number
        temporal = number % self.layers if self.layers > 1 else None
        publisher = self.publisher
        publisher.now += FRAME_S / 2
        publisher.seq = self.seqs[rid]
        packets, picture = (weight, (320, 180)) if rid == "q" else (4 * weight, (1280, 720))
        publisher.video(key=key, rid=rid, ssrc=SSRCS[rid], packets=packets, picture=picture, temporal=temporal)
        self.seqs[rid] = publisher.seq
        return temporal

    def base_bps(self) -> int:
        """What the lowest temporal layer of the large Encoding takes."""
        return self.producer.encodings[1].meter.rates[0].bitrate_bps

    def lower(self, room_bps: float | None) -> list[int]:
        """Choose the small one; returns how many packets each of the four frames of the large one after it gave."""
        now = self.publisher.now
        assert self.consumer.source is self.producer.encodings[1]
        self.consumer.choose(self.producer.ladder(now)[0], "bandwidth", now, room_bps=room_bps)
        self.subscriber.take()
        given = []
        for _ in range(4):
            self.frame("f")
            given.append(len(self.subscriber.take()))
        return given


@pytest.mark.parametrize(
    ("layers", "room", "given"),
    [
        (1, None, [4, 4, 4, 4]),
        (1, 0.9, [0, 0, 0, 0]),
        (2, None, [0, 4, 0, 4]),
        (2, 1.1, [0, 4, 0, 4]),
        (2, 0.9, [0, 0, 0, 0]),
    ],
)
def test_what_goes_on_until_the_smaller_one_begins(layers: int, room: float | None, given: list[int]) -> None:
    """``room``: as a share of what the base layer takes; None where the path has not fallen far."""
    camera = Camera(layers)
    assert camera.lower(None if room is None else room * camera.base_bps()) == given
    consumer = camera.consumer
    is_cut_off = not any(given)
    assert consumer.is_cut_off is is_cut_off
    assert consumer.state is (ConsumerState.WAITING if is_cut_off else ConsumerState.FORWARDING)
    camera.frame("q", key=True)
    camera.frame("q")
    assert len(camera.subscriber.take()) == (2 if layers == 1 else 1)
    assert consumer.source is camera.producer.encodings[0]
    assert not consumer.is_cut_off


def test_its_numbers_go_on_after_it_was_cut_off() -> None:
    camera = Camera(2)
    camera.subscriber.take()
    camera.frame("f")
    camera.frame("f")
    last = camera.subscriber.take()[-1].sequence_number
    assert camera.lower(0.9 * camera.base_bps()) == [0, 0, 0, 0]
    camera.frame("q", key=True)
    assert camera.subscriber.take()[0].sequence_number == (last + 1) & 0xFFFF


@pytest.mark.parametrize(
    ("share", "urgent", "target", "is_cut_off"),
    [
        (1.1, False, "f/0/1", False),
        (1.1, True, "q/0/1", False),
        (0.4, False, "q/0/1", False),
        (0.4, True, "q/0/1", True),
    ],
)
def test_after_a_deep_fall_it_lands_low_enough(share: float, urgent: bool, target: str, is_cut_off: bool) -> None:
    """``share``: the estimate as a share of what the large one takes, of which its base layer is the half."""
    camera = Camera(2)
    consumer, now = camera.consumer, camera.publisher.now
    chooser = Chooser({consumer.id: consumer}, lambda _: False)
    estimate_bps = round(share * camera.producer.ladder(now)[-1].bitrate_bps)
    chooser.choose(estimate_bps, Mode.AUTO, now, is_limit_known=True, urgent=urgent)
    assert consumer.target is not None and consumer.target.name == target
    assert consumer.is_cut_off is is_cut_off


@pytest.mark.parametrize(("room", "resent"), [(None, 1), (0.9, 0)])
def test_what_was_cut_off_is_not_resent_into_the_full_path(room: float | None, resent: int) -> None:
    """A switch without haste repairs the last pictures of the larger one."""
    camera = Camera(2)
    camera.subscriber.take()
    camera.frame("f")
    camera.frame("f")
    lost = camera.subscriber.take()[0].sequence_number
    camera.lower(None if room is None else room * camera.base_bps())
    camera.frame("q", key=True)
    camera.subscriber.take()
    camera.subscriber.half.on_rtcp(Nack(1, camera.consumer.ssrc, (lost,)).pack(), camera.publisher.now)
    assert len(camera.subscriber.take()) == resent


class Wire:
    """A connection on which nothing is held back."""

    watcher: PacedSender | None = None

    def send_paced(self, packets: object) -> None:
        raise AssertionError("nothing waits here")


def test_an_encoder_that_rises_keeps_its_place_as_long_as_the_path_shows_no_limit() -> None:
    camera = Camera(2)
    consumer, half = camera.consumer, camera.subscriber.half
    started = camera.publisher.now
    downlink = Downlink(camera.subscriber.outlet, Wire(), half.consumers, set(), lambda _: False, started)
    downlink.estimator = BandwidthEstimator(started, start_bps=100_000)
    downlink.on_feedback(TransportFeedback(1, 2, 0, 0, 0, []), started)
    downlink.choose(started)
    assert consumer.target is not None and consumer.target.name == "f/0/1"
    for _ in range(60):
        camera.frame("f", weight=3)
    now = camera.publisher.now
    downlink.choose(now)
    assert downlink.estimate_bps is not None and downlink.estimate_bps < downlink.chooser.chosen_bps
    assert consumer.target.name == "f/0/1"
    consumer.set_paused(True)
    downlink.chooser.remeasure(now)
    assert downlink.chooser.chosen_bps == 0, "what is held takes nothing"
