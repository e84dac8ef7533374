"""SenderClock: sound and picture of one publisher stay together, whatever the network does to its reports."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sfu.streams.clock_map import FALLBACK_AFTER_S, SLEW, PublisherClock, SenderClock

AUDIO_HZ, VIDEO_HZ = 48_000, 90_000
NTP_BASE_S = 3_900_000_000.0


@dataclass
class Publisher:
    """A publisher whose clock has an offset and a drift to ours, with two streams on that one clock."""

    seed: int
    jitter_s: float = 0.0
    drift_ppm: float = 0.0
    delay_s: float = 0.02
    audio_start: int = 0xFFFFF000
    video_start: int = 12345
    stepped_s: float = 0.0
    shared: PublisherClock = field(default_factory=PublisherClock)

    def __post_init__(self) -> None:
        self.random = Random(self.seed)
        self.audio = SenderClock(self.shared, AUDIO_HZ)
        self.video = SenderClock(self.shared, VIDEO_HZ)

    def elapsed(self, now: float) -> float:
        """The publisher's own seconds since our moment 0."""
        return now * (1 + self.drift_ppm * 1e-6)

    def timestamp(self, clock: SenderClock, at: float) -> int:
        start, rate = (self.audio_start, AUDIO_HZ) if clock is self.audio else (self.video_start, VIDEO_HZ)
        return (start + round(self.elapsed(at) * rate)) & 0xFFFFFFFF

    def report(self, clock: SenderClock, at: float) -> None:
        """A report sent at our moment ``at``; arrives after delay and jitter."""
        ntp = int((NTP_BASE_S + self.stepped_s + self.elapsed(at)) * 2**32)
        arrival = at + self.delay_s + self.random.expovariate(1 / self.jitter_s) if self.jitter_s else at + self.delay_s
        clock.on_sender_report(ntp, self.timestamp(clock, at), arrival, arrival + 1.7e9)

    def capture_times(self, now: float) -> tuple[float, float]:
        """Of what the mapping says is captured now: the seconds since moment 0, by the audio and by the video."""
        audio, video = self.audio.rtp_at(now), self.video.rtp_at(now)
        assert audio is not None
        assert video is not None
        return (
            self._nearest(audio - self.audio_start, AUDIO_HZ, now),
            self._nearest(video - self.video_start, VIDEO_HZ, now),
        )

    @staticmethod
    def _nearest(units: float, rate: int, now: float) -> float:
        turns = round((now * rate - units) / 2**32)
        return (units + turns * 2**32) / rate

    def skew_s(self, now: float) -> float:
        audio, video = self.capture_times(now)
        return abs(audio - video)


def play(publisher: Publisher, seconds: float, begin: float = 0.0) -> list[float]:
    """Reports as Chromium sends them (video each second, audio each five); the skew at our own reports each second."""
    skews = []
    for second in range(int(seconds)):
        at = begin + second
        publisher.report(publisher.video, at + publisher.random.random() * 0.3)
        if second % 5 == 0:
            publisher.report(publisher.audio, at + 0.4 + publisher.random.random() * 0.3)
        skews.append(publisher.skew_s(at + 1.5))
    return skews


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from([0.0, 0.005, 0.05, 0.3]), st.floats(-100, 100))
def test_lips_stay_in_sync_under_jittery_reports(seed: int, jitter_s: float, drift_ppm: float) -> None:
    publisher = Publisher(seed, jitter_s=jitter_s, drift_ppm=drift_ppm)
    assert max(play(publisher, 60)) < 0.001


def test_reports_at_different_moments_hardly_move_the_mapping() -> None:
    publisher = Publisher(1, jitter_s=0.1)
    play(publisher, 30)
    for second in range(30, 60):
        publisher.report(publisher.video, float(second))
        before = publisher.capture_times(second + 1.0)[0] - 1.0
        publisher.report(publisher.video, second + 0.9)
        after = publisher.capture_times(second + 2.0)[1] - 2.0
        assert abs(after - before) < 0.001 + 2 * SLEW


def test_the_offset_follows_a_drifting_clock_for_hours() -> None:
    publisher = Publisher(3, jitter_s=0.01, drift_ppm=150)
    play(publisher, 3600)
    captured, _ = publisher.capture_times(3600.0)
    # What is captured "now" by the mapping is what left the publisher one delay ago.
    assert abs(captured - publisher.elapsed(3600.0 - publisher.delay_s)) < 0.03


def test_a_first_report_that_was_late_is_made_good_slowly() -> None:
    publisher = Publisher(4)
    publisher.delay_s = 0.5
    publisher.report(publisher.video, 0.0)
    publisher.report(publisher.audio, 0.1)
    publisher.delay_s = 0.02
    skews = play(publisher, 1200, begin=1.0)
    assert max(skews) < 0.001
    assert publisher.capture_times(1201.0)[1] == pytest.approx(1201.0 - 0.02, abs=0.005)


def test_timestamps_wrap_while_it_runs_for_ten_hours() -> None:
    publisher = Publisher(5, video_start=0xFFFFFF00)
    for at in range(0, 36_000, 5):
        publisher.report(publisher.video, float(at))
        publisher.report(publisher.audio, at + 0.5)
        assert publisher.skew_s(at + 1.0) < 0.001
    mapped = publisher.video.rtp_at(36_000.0)
    assert mapped is not None
    assert mapped == pytest.approx(0xFFFFFF00 + (36_000 - publisher.delay_s) * VIDEO_HZ, abs=100)


@pytest.mark.parametrize("step_s", [3600.0, -3600.0, 2.0, -2.0])
@pytest.mark.parametrize("jitter_s", [0.0, 0.03])
def test_a_publisher_that_sets_its_wall_clock(step_s: float, jitter_s: float) -> None:
    publisher = Publisher(6, jitter_s=jitter_s)
    play(publisher, 12)
    publisher.stepped_s = step_s
    assert max(play(publisher, 30, begin=12.0)) < 0.001
    assert publisher.shared.steps == 1


def test_a_media_clock_that_begins_anew_is_followed() -> None:
    publisher = Publisher(7)
    play(publisher, 10)
    publisher.video_start = (publisher.video_start + 0x50000000) & 0xFFFFFFFF
    publisher.report(publisher.video, 10.2)
    assert publisher.skew_s(11.0) < 0.001
    assert publisher.shared.steps == 0


def test_streams_on_unlike_clocks_go_each_by_its_own() -> None:
    publisher = Publisher(8)
    publisher.report(publisher.video, 0.0)
    publisher.stepped_s = -NTP_BASE_S + 100
    publisher.report(publisher.audio, 0.1)
    assert publisher.skew_s(1.0) < 0.001


@pytest.mark.parametrize("again", [0.0, -0.3])
def test_an_old_report_is_of_no_use(again: float) -> None:
    publisher = Publisher(9)
    play(publisher, 5)
    publisher.report(publisher.video, 6.0)
    before, reports = publisher.video.rtp_at(8.0), publisher.video.reports
    publisher.report(publisher.video, 6.0 + again)
    assert (publisher.video.rtp_at(8.0), publisher.video.reports) == (before, reports)


def test_a_report_without_wall_clock_is_of_no_use() -> None:
    clock = SenderClock(PublisherClock(), VIDEO_HZ)
    clock.on_sender_report(0, 1000, 5.0, 1.7e9)
    assert clock.rtp_at(6.0) is None


def test_nothing_is_mapped_before_anything_is_known() -> None:
    clock = SenderClock(PublisherClock(), VIDEO_HZ)
    assert clock.rtp_at(1.0) is None
    clock.on_packet(1000, 1.0)
    assert clock.rtp_at(1.0 + FALLBACK_AFTER_S - 0.1) is None


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32), st.floats(-100, 100))
def test_without_reports_the_least_delayed_packets_count(seed: int, drift_ppm: float) -> None:
    publisher = Publisher(seed, drift_ppm=drift_ppm, video_start=0xFFFFFFFF - 200_000)
    for frame in range(60 * 25):
        at = frame / 25
        for clock, spread in ((publisher.audio, 0.03), (publisher.video, 0.06)):
            late = publisher.random.random() ** 2 * spread
            clock.on_packet(publisher.timestamp(clock, at), at + publisher.delay_s + late)
    assert publisher.skew_s(60.0) < 0.02
    assert publisher.capture_times(60.0)[1] == pytest.approx(publisher.elapsed(60.0), abs=0.05)


def test_the_first_report_ends_the_fallback_in_one_step() -> None:
    publisher = Publisher(10)
    for frame in range(250):
        for clock in (publisher.audio, publisher.video):
            clock.on_packet(publisher.timestamp(clock, frame / 25), frame / 25 + 0.08)
    assert publisher.skew_s(10.0) < 0.001
    assert publisher.capture_times(10.0)[1] == pytest.approx(10.0 - 0.08, abs=0.001)
    publisher.report(publisher.video, 10.0)
    publisher.report(publisher.audio, 10.0)
    assert publisher.capture_times(11.0)[1] == pytest.approx(11.0 - 0.02, abs=0.001)
    assert publisher.skew_s(11.0) < 0.001


@settings(max_examples=60)
@given(
    st.lists(
        st.tuples(st.integers(0, 2**64 - 1), st.integers(0, 2**32 - 1), st.floats(0, 5), st.booleans()), max_size=30
    )
)
def test_no_report_can_break_it(reports: list[tuple[int, int, float, bool]]) -> None:
    shared = PublisherClock()
    clocks = (SenderClock(shared, AUDIO_HZ), SenderClock(shared, VIDEO_HZ))
    now = 1000.0
    for ntp, timestamp, wait, which in reports:
        now += wait
        clocks[which].on_packet(timestamp, now)
        clocks[which].on_sender_report(ntp, timestamp, now, now)
        for clock in clocks:
            mapped = clock.rtp_at(now)
            assert mapped is None or isinstance(round(mapped), int)
