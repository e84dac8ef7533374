"""The layers that a subscriber gets on simulated networks: what issue and users ask for, in virtual time."""

from __future__ import annotations

from itertools import pairwise

import pytest

from sfu.congestion.estimator import MIN_BPS
from sfu.explaining import status_of
from sfu.wishes import Mode, Quality, Wish
from tests.simulation.meeting import CAMERA, FRAME_S, Camera, Meeting, Microphone, Size
from tests.simulation.network import Impairment

SMALL = (Size("q", 51, 60_000, 90), Size("h", 52, 150_000, 180), Size("f", 53, 500_000, 360))


def path(
    rate_bps: float | None = None, *, queue_s: float = 0.3, delay_s: float = 0.02, loss: float = 0.0
) -> Impairment:
    queue_bytes = 64_000 if rate_bps is None else int(rate_bps / 8 * queue_s)
    return Impairment(delay_s=delay_s, rate_bps=rate_bps, queue_bytes=queue_bytes, loss=loss)


class Call:
    """One camera and microphone, one viewer who sees it large."""

    def __init__(self, network: Impairment, *, seed: int = 1, temporal: bool = False) -> None:
        self.meeting = Meeting(network, seed)
        self.camera = self.meeting.camera(temporal=temporal)
        self.microphone = Microphone(self.meeting)
        self.video = self.meeting.consume(self.camera.producer)
        self.audio = self.meeting.consume(self.microphone.producer)
        self.consumer = self.meeting.half.consumers[self.video]
        self.shown = self.meeting.shown[self.video]

    def run(self, seconds: float) -> None:
        self.meeting.run(seconds)

    @property
    def at(self) -> float:
        return self.meeting.time.now - self.meeting.start

    @property
    def layer(self) -> str | None:
        return None if self.consumer.target is None else self.consumer.target.encoding.rid

    def assert_unbroken(self) -> None:
        """What a decoder is shown goes on without a jump: times only forward, no picture id skipped or twice."""
        steps = [(b - a) & 0xFFFFFFFF for a, b in pairwise(self.shown.timestamps)]
        assert all(0 < step < 0x80000000 for step in steps)
        assert [(b - a) & 0x7FFF for a, b in pairwise(self.shown.picture_ids)] == [1] * len(steps)


@pytest.mark.parametrize("temporal", [False, True])
@pytest.mark.parametrize("seed", [1, 2])
def test_the_path_falls_and_returns(seed: int, temporal: bool) -> None:
    call = Call(path(5_000_000), seed=seed, temporal=temporal)
    call.run(10)
    assert (call.layer, call.shown.height) == ("f", 720)
    fallen_at, frozen_s = call.at, call.shown.frozen_s
    call.meeting.change(path(600_000))
    call.run(2)
    assert call.layer != "f"
    call.run(2)
    worst_queue_s = 0.0
    for _ in range(100):
        call.run(0.1)
        worst_queue_s = max(worst_queue_s, call.meeting.queue_s)
    assert worst_queue_s < 0.15
    assert call.shown.changes[-1][0] - fallen_at < 2.5
    assert call.shown.frozen_s - frozen_s < 1.0
    returned_at, frozen_s = call.at, call.shown.frozen_s
    call.meeting.change(path(5_000_000))
    call.run(10)
    assert call.shown.height == 720
    assert call.shown.changes[-1][0] - returned_at < 10
    assert call.shown.frozen_s - frozen_s < 0.3


def test_a_switch_up_is_invisible() -> None:
    call = Call(path(900_000))
    call.run(10)
    assert call.layer == "h"
    call.meeting.change(path(8_000_000))
    call.run(10)
    assert call.shown.height == 720
    call.assert_unbroken()
    # By the sender reports, the switch lies where the pictures were taken: a frame's time apart, no more and no less.
    steps = [((b - a) & 0xFFFFFFFF) / 90_000 for a, b in pairwise(call.shown.timestamps)]
    assert max(steps) < 1.5 * FRAME_S
    # A picture that both layers hold is shown twice, one tick of the clock apart.
    assert all(step == pytest.approx(1 / 90_000) for step in steps if step < 0.9 * FRAME_S)


def test_a_constant_path_is_known_and_nothing_flaps() -> None:
    call = Call(path(1_000_000))
    call.run(12)
    changes, link = len(call.consumer.changes), call.meeting.path.forth
    sent, dropped = link.sent, link.dropped
    estimates = []
    for _ in range(180):
        call.run(1)
        estimates.append(call.meeting.downlink.estimator.estimate_bps)
    assert sum(estimates) / len(estimates) == pytest.approx(1_000_000, rel=0.15)
    assert len(call.consumer.changes) - changes <= 3
    assert (link.dropped - dropped) / (link.sent - sent) < 0.01
    assert call.shown.frozen_s < 0.5


def test_nothing_is_taken_back_at_the_start_for_want_of_a_measurement() -> None:
    single = (Size("f", 53, 1_700_000, 720),)
    for sizes in (CAMERA, single):
        meeting = Meeting(path(8_000_000))
        camera = meeting.camera(sizes, temporal=True)
        key = meeting.consume(camera.producer)
        meeting.run(10)
        consumer, shown = meeting.half.consumers[key], meeting.shown[key]
        assert shown.height == 720 and shown.frozen_s == 0.0
        assert shown.pictures > 0.95 * 10 / FRAME_S
        layers = [("qhf".index(change.to_layer[0]), change.to_layer[1:]) for change in consumer.changes]
        assert layers == sorted(layers)


def test_a_server_that_is_short_of_time_makes_no_narrow_path() -> None:
    """After each stall what has gathered leaves at once and stands in the path for a moment: that is no overuse."""
    call = Call(path(1_000_000), temporal=True)
    call.run(12)
    changes = len(call.consumer.changes)
    for stall_s in (0.1, 0.25, 0.15, 0.3, 0.2, 0.25) * 2:
        call.meeting.stalled_until = call.meeting.time.now + stall_s
        call.run(5)
        assert call.meeting.downlink.estimator.estimate_bps > 850_000
    assert len(call.consumer.changes) == changes


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_loss_alone_takes_no_layer(seed: int) -> None:
    call = Call(path(delay_s=0.05), seed=seed)
    call.run(10)
    assert call.layer == "f"
    changes = len(call.consumer.changes)
    call.meeting.change(path(delay_s=0.05, loss=0.05))
    call.run(60)
    assert call.layer == "f"
    assert len(call.consumer.changes) == changes


@pytest.mark.parametrize("seed", [1, 2])
def test_heavy_loss_leaves_sound_and_a_moving_picture(seed: int) -> None:
    call = Call(path(), seed=seed)
    call.run(10)
    call.meeting.change(path(loss=0.2))
    call.run(8)
    heard, pictures = call.meeting.heard[call.audio], call.shown.pictures
    call.run(30)
    assert call.meeting.heard[call.audio] - heard > 0.75 * 50 * 30
    assert call.shown.pictures - pictures > 0.3 * 30 / FRAME_S
    assert call.meeting.downlink.estimator.estimate_bps > 2 * MIN_BPS


def test_a_grid_of_nine_on_a_narrow_path() -> None:
    meeting = Meeting(path(2_000_000))
    cameras = [meeting.camera(SMALL) for _ in range(9)]
    microphones = [Microphone(meeting, 60) for _ in range(9)]
    videos = [meeting.consume(camera.producer) for camera in cameras]
    audios = [meeting.consume(microphone.producer) for microphone in microphones]
    for key in videos:
        meeting.half.consumers[key].set_wish(Wish(width=640, height=360))
    meeting.dominant = cameras[4].producer
    meeting.run(15)
    heard = dict(meeting.heard)
    before = {key: meeting.shown[key].pictures for key in videos}
    meeting.run(15)
    assert all(meeting.heard[key] - heard[key] > 0.97 * 50 * 15 for key in audios)
    assert all(meeting.shown[key].pictures - before[key] > 0.9 * 15 / FRAME_S for key in videos)
    heights = [meeting.shown[key].height for key in videos]
    assert heights[4] == max(heights)
    assert all(height < heights[4] for place, height in enumerate(heights) if place != 4)


def test_among_equal_tiles_the_speaker_gets_all_that_its_tile_shows() -> None:
    meeting = Meeting(path(4_000_000))
    cameras = [meeting.camera(SMALL) for _ in range(3)]
    videos = [meeting.consume(camera.producer) for camera in cameras]
    for key in videos:  # 180 lines will do for 240, but are enlarged.
        meeting.half.consumers[key].set_wish(Wish(width=432, height=240))
    for speaking in (1, 2):
        meeting.dominant = cameras[speaking].producer
        meeting.run(10)
        heights = [meeting.shown[key].height for key in videos]
        assert heights == [360 if place == speaking else 180 for place in range(3)]


def test_a_bad_path_with_loss_does_not_drown_in_resends() -> None:
    call = Call(path(5_000_000), temporal=True)
    call.run(10)
    sent = call.meeting.path.forth.sent
    call.meeting.change(path(400_000, delay_s=0.1, loss=0.05))
    call.run(5)
    arrived = call.meeting.arrived_bytes
    call.run(5)
    assert call.meeting.path.forth.sent - sent < 1_000
    assert (call.meeting.arrived_bytes - arrived) * 8 / 5 < 420_000
    assert call.layer == "q"
    assert call.camera.producer.encodings[0].wanted


def uplink_bps(camera: Camera, meeting: Meeting, seconds: float) -> dict[str, float]:
    before = dict(camera.sent_bytes)
    meeting.run(seconds)
    return {rid: (count - before.get(rid, 0)) * 8 / seconds for rid, count in camera.sent_bytes.items()}


def test_what_nobody_sees_is_not_sent_and_comes_back_at_once() -> None:
    call = Call(path(8_000_000))
    call.run(10)
    rates = uplink_bps(call.camera, call.meeting, 2)
    # The smallest is kept at hand as long as there is anything.
    assert 0 < rates["q"] < 200_000 and rates["h"] == 0 and rates["f"] > 1_500_000
    call.consumer.set_wish(Wish(quality=Quality.LOW))
    call.run(4)
    assert uplink_bps(call.camera, call.meeting, 1)["f"] == 0
    assert call.shown.height == 180
    call.consumer.set_wish(Wish(visible=False))
    call.run(4)
    assert sum(uplink_bps(call.camera, call.meeting, 1).values()) == 0
    assert status_of(call.consumer).reason == "hidden"
    call.consumer.set_wish(Wish())
    call.run(1)
    assert call.shown.height == 720
    call.assert_unbroken()


@pytest.mark.parametrize(
    ("wish", "mode", "height"),
    [
        (Wish(width=320, height=180), Mode.AUTO, 180),
        (Wish(width=480, height=270), Mode.AUTO, 360),
        (Wish(width=640, height=360), Mode.AUTO, 360),
        (Wish(width=1280, height=720), Mode.AUTO, 720),
        (Wish(quality=Quality.MEDIUM), Mode.AUTO, 360),
        (Wish(width=1280, height=720), Mode.DATA_SAVER, 180),
    ],
)
def test_no_more_than_what_is_wished(wish: Wish, mode: Mode, height: int) -> None:
    call = Call(path(8_000_000))
    call.consumer.set_wish(wish)
    call.meeting.set_mode(mode)
    call.run(10)
    assert call.shown.height == height


def test_a_layer_that_its_publisher_cannot_send_is_left_at_once_and_trusted_again_only_after_a_while() -> None:
    call = Call(path())
    call.run(10)
    assert call.layer == "f"
    frozen_s = call.shown.frozen_s
    call.camera.suspend("f")
    call.run(3)
    assert call.layer == "h"
    assert call.shown.frozen_s - frozen_s < 0.8
    for _ in range(6):  # The uplink is good for a second, and short again.
        call.camera.suspend()
        call.run(1.0)
        call.camera.suspend("f")
        call.run(4.0)
    assert call.layer == "h"
    assert call.shown.frozen_s - frozen_s < 0.8
    assert call.camera.needless_key_frames == 0
    assert call.camera.starts == {"h": 1}, "it was asked for again and again"
    call.camera.suspend()
    call.run(40)
    assert (call.layer, call.shown.height) == ("f", 720)
    call.assert_unbroken()


def test_audio_only_is_sound_alone() -> None:
    call = Call(path(8_000_000))
    call.run(5)
    call.meeting.set_mode(Mode.AUDIO_ONLY)
    call.run(1)
    pictures, heard = call.shown.pictures, call.meeting.heard[call.audio]
    call.run(5)
    assert call.shown.pictures == pictures
    assert call.meeting.heard[call.audio] - heard > 240
    assert (status_of(call.consumer).paused, status_of(call.consumer).reason) == (True, "mode")


def test_a_screen_gives_up_pictures_before_its_sharpness_and_a_camera_the_other_way_round() -> None:
    sizes = (Size("h", 52, 300_000, 360), Size("f", 53, 1_400_000, 1080))
    for source, rid in (("screen", "f"), ("camera", "h")):
        meeting = Meeting(path(1_400_000))
        camera = meeting.camera(sizes, source=source, temporal=True)
        consumer = meeting.half.consumers[meeting.consume(camera.producer)]
        meeting.run(20)
        assert consumer.target is not None
        assert consumer.target.encoding.rid == rid, source
        assert consumer.target.is_whole == (source == "camera")


def test_a_key_frame_does_not_stand_in_a_slow_path() -> None:
    """A key frame of 90 kB at once would be a second of queue on this path."""
    call = Call(path(700_000, queue_s=1.0))
    call.run(10)
    assert call.layer == "h"
    worst_queue_s = 0.0
    call.camera.layers[1].key_at = call.meeting.time.now
    for _ in range(40):
        call.run(0.05)
        worst_queue_s = max(worst_queue_s, call.meeting.queue_s)
    assert worst_queue_s < 0.12


def test_a_client_that_tells_nothing_gets_everything() -> None:
    call = Call(path(8_000_000))
    call.meeting.half.on_rtcp = lambda data, now: None  # type: ignore[method-assign]
    call.run(10)
    assert call.shown.height == 720


def test_layers_are_named_with_time_and_reason() -> None:
    call = Call(path(5_000_000))
    call.run(10)
    call.meeting.change(path(600_000))
    call.run(5)
    change = call.consumer.changes[-1]
    assert change.from_layer.startswith("f/") and change.to_layer.startswith(("q/", "h/"))
    assert change.reason == "bandwidth"
    status = status_of(call.consumer)
    assert status.preferred is not None and (status.preferred.rid, status.preferred.height) == ("f", 720)
    assert status.current is not None and status.current.rid == call.layer
    assert status.reason == "bandwidth"


def test_all_layers_are_measured() -> None:
    call = Call(path(8_000_000), temporal=True)
    call.run(6)
    ladder = call.camera.producer.ladder(call.meeting.time.now)
    top = ladder[-1]
    assert (top.width, top.height) == (1280, 720)
    assert top.bitrate_bps == pytest.approx(CAMERA[-1].bps, rel=0.25)
    assert top.frames_per_second == pytest.approx(1 / FRAME_S, rel=0.1)
    base = ladder[0]
    assert base.frames_per_second == pytest.approx(0.5 / FRAME_S, rel=0.15)
