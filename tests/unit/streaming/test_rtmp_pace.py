"""What happens when the uplink is slow: what is dropped, which bitrate follows, when to try again."""

from __future__ import annotations

import pytest

from streaming.encoded import VIDEO_TIMESCALE, AudioPacket, VideoPacket
from streaming.rtmp.backoff import Backoff
from streaming.rtmp.queue import Item, SendQueue, Timestamps
from streaming.rtmp.uplink import UplinkControl

TICKS = VIDEO_TIMESCALE // 10  # ten frames a second make round numbers


def feed(queue: SendQueue, first: int, last: int, *, gop: int = 20) -> None:
    """Frames ``first`` to ``last`` with sound, 100 ms each; key frames every two seconds."""
    for n in range(first, last):
        queue.add_video(VideoPacket(n * TICKS, n * TICKS, TICKS, n % gop == 0, b"v"))
        queue.add_audio(AudioPacket(n * 4_800, 4_800, b"a"), 48_000)


def drain(queue: SendQueue) -> list[str]:
    """What comes out: ``K20`` a key frame at 2 s, ``V`` another frame, ``A`` sound."""
    found = []
    while (item := queue.pop()) is not None:
        kind = "A" if isinstance(item.packet, AudioPacket) else "K" if item.packet.key else "V"
        found.append(f"{kind}{item.ms // 100}")
    return found


def test_what_is_in_time_comes_in_order() -> None:
    queue = SendQueue()
    feed(queue, 0, 3)
    assert drain(queue) == ["K0", "A0", "V1", "A1", "V2", "A2"]
    assert queue.dropped_frames == 0


def test_it_begins_with_a_key_frame() -> None:
    queue = SendQueue()
    feed(queue, 15, 22)
    assert drain(queue) == ["K20", "A20", "V21", "A21"]
    assert queue.dropped_frames == 0  # what was never to be sent is not lost


def test_video_goes_before_sound_and_back_to_a_key_frame() -> None:
    queue = SendQueue(limit_ms=3_000)
    feed(queue, 0, 32)
    left = drain(queue)
    assert left[:20] == [f"A{n}" for n in range(20)]
    assert left[20:23] == ["K20", "A20", "V21"] and left[-1] == "A31"
    assert queue.dropped_frames == 20


def test_without_a_key_frame_nothing_until_the_next() -> None:
    queue = SendQueue(limit_ms=1_000)
    feed(queue, 0, 21)
    left = drain(queue)
    assert [name for name in left if name[0] != "A"] == ["K20"]
    assert [name for name in left if name[0] == "A"] == [f"A{n}" for n in range(21)]


def test_memory_is_bounded_when_nothing_is_sent() -> None:
    queue = SendQueue(limit_ms=3_000)
    feed(queue, 0, 3_000)
    assert queue.span_ms <= 6_000 and len(queue) < 130
    assert queue.dropped_frames > 2_900 and queue.dropped_audio > 2_900


def test_a_new_connection_begins_with_a_key_frame() -> None:
    queue = SendQueue()
    feed(queue, 0, 5)
    queue.restart()
    feed(queue, 5, 22)
    assert drain(queue)[0] == "K20"
    assert queue.dropped_frames == 5


def test_times_begin_at_zero_and_only_grow() -> None:
    stamps = Timestamps()

    def video(ms: int) -> int | None:
        return stamps.of(Item(VideoPacket(0, 0, 0, True, b""), ms))

    def audio(ms: int) -> int | None:
        return stamps.of(Item(AudioPacket(0, 0, b""), ms))

    assert audio(990) is None  # before the first picture
    assert [video(1_000), audio(990), audio(1_000), video(1_000), video(1_033), audio(1_021)] == [0, None, 0, 1, 33, 21]
    assert [video(900), video(1_010)] == [None, 34]


# -- bitrate -----------------------------------------------------------------------------------------------------------


class Path:
    """An uplink of ``rate_bps`` with a queue, in one-second steps."""

    def __init__(self, control: UplinkControl) -> None:
        self.control = control
        self.now = 0.0
        self.waiting_bits = 0.0

    def run(self, seconds: int, rate_bps: int) -> None:
        for _ in range(seconds):
            made = self.control.target_bps + 128_000
            total = self.waiting_bits + made
            sent = min(total, rate_bps)
            self.waiting_bits = min(total - sent, 3.0 * made)  # the queue drops what is older
            self.now += 1
            self.control.update(self.now, round(self.waiting_bits * 1000 / made), sent)


def test_half_the_uplink_is_found_and_left_again() -> None:
    path = Path(UplinkControl(3_000_000, 128_000))
    path.run(20, 10_000_000)
    assert path.control.target_bps == 3_000_000
    path.run(60, 1_500_000)
    assert 700_000 < path.control.target_bps <= 1_500_000
    assert path.waiting_bits * 1000 / path.control.target_bps < 1_500
    path.run(150, 10_000_000)
    assert path.control.target_bps == 3_000_000


def test_a_socket_that_takes_in_lumps_is_not_taken_for_a_dead_one() -> None:
    control, now, targets = UplinkControl(1_300_000, 96_000), 0.0, list[int]()
    for sent_bps in (1_400_000, 1_400_000, 1_400_000, 0, 1_400_000, 0, 1_400_000, 0, 1_400_000):
        now += 1
        targets.append(control.update(now, 900 if now > 3 else 0, sent_bps))
    assert targets[3:6] == [targets[3]] * 3 and targets[3] >= 650_000
    assert targets[-1] >= 325_000, "each step halves at the most"


def test_the_bitrate_has_a_floor() -> None:
    path = Path(UplinkControl(3_000_000, 128_000))
    path.run(120, 50_000)
    assert path.control.target_bps == 600_000


# -- trying again ------------------------------------------------------------------------------------------------------


def test_waits_double_up_to_a_bound() -> None:
    backoff = Backoff()
    assert [backoff.failed(refused=False, lasted_s=0) for _ in range(7)] == [0.5, 1, 2, 4, 8, 10, 10]
    assert backoff.failed(refused=False, lasted_s=60) == 0.5


@pytest.mark.parametrize(("refused", "gives_up"), [(True, True), (False, False)])
def test_only_refusals_are_an_end(*, refused: bool, gives_up: bool) -> None:
    backoff = Backoff()
    waits = [backoff.failed(refused=refused, lasted_s=0) for _ in range(50)]
    assert (None in waits) is gives_up
    assert None not in waits[:5]
