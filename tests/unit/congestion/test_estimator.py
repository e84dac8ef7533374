"""BandwidthEstimator's face: what comes in by which way, and what it says of itself."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sfu.congestion.changes import Reason
from sfu.congestion.estimator import MAX_BPS, MIN_BPS, START_BPS, BandwidthEstimator
from sfu.rtp.twcc import TransportFeedback


class Conversation:
    """Packets each 10 ms, feedback on ten of them at a time."""

    def __init__(self) -> None:
        self.estimator = BandwidthEstimator(1000.0)
        self.now = 1000.0
        self.seq = 65_500

    def run(self, rounds: int, *, size: int = 750, feedback: bool = True, late_s: float = 0.0) -> None:
        for _ in range(rounds):
            base = self.seq
            arrivals: list[int | None] = []
            for _ in range(10):
                self.estimator.on_sent(self.seq & 0xFFFF, size, self.now)
                arrivals.append(round((self.now + late_s - 900.0) * 4000))
                self.now += 0.01
                self.seq += 1
            if feedback:
                told = TransportFeedback(1, 2, base & 0xFFFF, 0, 0, arrivals)
                self.estimator.on_feedback(told, now=self.now + 0.04)
            self.estimator.tick(self.now + 0.04)


def test_it_begins_with_the_start_rate_and_a_probe() -> None:
    estimator = BandwidthEstimator(1000.0)
    assert (estimator.estimate_bps, estimator.reason) == (START_BPS, Reason.START)
    cluster = estimator.probe_due(1000.0)
    assert cluster is not None and cluster.rate_bps == 3 * START_BPS
    assert estimator.probe_due(1000.1) is None


def test_it_grows_while_all_is_well_and_says_so() -> None:
    talk = Conversation()
    talk.run(50)
    assert talk.estimator.estimate_bps > START_BPS
    assert talk.estimator.reason is Reason.GROWTH
    (change,) = talk.estimator.changes()
    assert (change.from_bps, change.reason) == (START_BPS, Reason.GROWTH)


@pytest.mark.parametrize(("late_s", "untried"), [(0.0, True), (0.012, True), (0.09, False)])
def test_the_time_that_a_large_picture_takes_is_no_limit(late_s: float, untried: bool) -> None:
    talk = Conversation()
    talk.run(3)
    talk.run(1, late_s=late_s)
    assert talk.estimator.is_untried is untried


def test_little_sent_is_told_as_the_limit() -> None:
    talk = Conversation()
    talk.run(50)
    talk.run(20, size=100)
    assert talk.estimator.application_limited
    assert talk.estimator.reason is Reason.APPLICATION_LIMITED


def test_silence_backs_off_within_two_seconds_and_is_explained() -> None:
    talk = Conversation()
    talk.run(20)
    before = talk.estimator.estimate_bps
    talk.run(20, feedback=False)
    assert talk.estimator.estimate_bps < 0.8 * before
    assert talk.estimator.reason is Reason.NO_FEEDBACK
    assert talk.estimator.probe_due(talk.now) is None
    talk.run(600, feedback=False)
    assert talk.estimator.estimate_bps == MIN_BPS


def test_sending_nothing_is_no_silence() -> None:
    talk = Conversation()
    talk.run(20)
    before = talk.estimator.estimate_bps
    for i in range(200):
        talk.estimator.tick(talk.now + i * 0.05)
    assert talk.estimator.estimate_bps == before


def sample(talk: Conversation, packets: int, delay_s: float, lost: int | None = None) -> TransportFeedback:
    """What the newest of several feedbacks says."""
    for _ in range(packets):
        talk.estimator.on_sent(talk.seq & 0xFFFF, 1_000, talk.now)
        talk.now += 0.01
        talk.seq += 1
    sent = [talk.now - (packets - i) * 0.01 for i in range(packets)]
    ticks = [None if i == lost else round((at + delay_s - 900.0) * 4000) for i, at in enumerate(sent)]
    half = packets // 2
    return TransportFeedback(1, 2, (talk.seq - half) & 0xFFFF, 0, 0, ticks[-half:])


@pytest.mark.parametrize(
    ("name", "delay_s", "lost", "enough"),
    [("calm", 0.0, None, True), ("a queue", 0.1, None, False), ("loss", 0.0, 8, False)],
)
def test_a_sample_is_enough_unless_it_tells_of_trouble(
    name: str, delay_s: float, lost: int | None, enough: bool
) -> None:
    talk = Conversation()
    talk.run(50)
    talk.estimator.set_wanted_bps(100_000)
    assert talk.estimator.is_at_ease
    newest = sample(talk, 10, delay_s, lost)
    assert talk.estimator.on_sample(newest, talk.now) is enough
    # What was not taken is there for those who look at all of it.
    talk.estimator.on_feedback(newest, now=talk.now)
    assert (len(talk.estimator._packets) == 0) is True


def flood(talk: Conversation, packets: int, *, path_bps: int, size: int = 5_000) -> None:
    """Packets each 10 ms, of which the path carries less: each waits for those before it. Told of at once."""
    base, arrivals, free_at = talk.seq, list[int | None](), talk.now
    for _ in range(packets):
        talk.estimator.on_sent(talk.seq & 0xFFFF, size, talk.now)
        free_at = max(free_at, talk.now) + size * 8 / path_bps
        arrivals.append(round((free_at - 900.0) * 4000))
        talk.now += 0.01
        talk.seq += 1
    talk.estimator.tick(talk.now)
    talk.estimator.on_feedback(TransportFeedback(1, 2, base & 0xFFFF, 0, 0, arrivals), now=talk.now)


@pytest.mark.parametrize("sampled_s", [0.0, 2.0])
def test_the_first_cut_after_a_fall_goes_by_what_the_queue_lets_through(sampled_s: float) -> None:
    """Also where only samples were looked at before, so that nothing is known of what arrived."""
    talk = Conversation()
    talk.estimator.set_wanted_bps(100_000)
    talk.run(200, size=5_000)
    before_bps = talk.estimator.estimate_bps
    for _ in range(round(sampled_s * 10)):
        assert talk.estimator.on_sample(sample(talk, 10, 0.0), talk.now)
    flood(talk, 6, path_bps=600_000)
    assert before_bps > 2_000_000
    assert talk.estimator.estimate_bps < 600_000


def test_memory_is_bounded_without_feedback() -> None:
    talk = Conversation()
    talk.run(600, feedback=False)
    assert len(talk.estimator._packets) < 600


def test_remb_caps_whatever_feedback_says() -> None:
    talk = Conversation()
    talk.run(20)
    talk.estimator.on_remb(200_000, talk.now)
    assert (talk.estimator.estimate_bps, talk.estimator.reason) == (200_000, Reason.REMB)
    talk.run(150)
    assert talk.estimator.estimate_bps > 200_000, "it is stale after a while"


def test_receiver_reports_serve_those_without_feedback() -> None:
    estimator = BandwidthEstimator(1000.0)
    now = 1000.0
    for i in range(100):
        now += 0.1
        estimator.on_sent_unnumbered(10_000)
        estimator.tick(now)
        if i % 10 == 9:
            estimator.on_loss_report(0.0, now)
    assert estimator.estimate_bps > START_BPS
    assert estimator.reason is Reason.RECEIVER_REPORT
    assert estimator.probe_due(now) is None
    estimator.on_loss_report(0.3, now + 0.5)
    assert estimator.reason is Reason.LOSS
    assert estimator.explain()["feedback"] == "reports"


def test_sound_without_numbers_alone_is_no_silence() -> None:
    talk = Conversation()
    talk.run(20)
    before_bps = talk.estimator.estimate_bps
    for _ in range(100):
        talk.now += 0.1
        talk.estimator.on_sent_unnumbered(1_000)
        talk.estimator.tick(talk.now)
    assert talk.estimator.estimate_bps == before_bps
    assert talk.estimator.reason is not Reason.NO_FEEDBACK


def test_receiver_reports_do_not_matter_beside_feedback() -> None:
    talk = Conversation()
    talk.run(20)
    before = talk.estimator.estimate_bps
    for _ in range(10):
        talk.estimator.on_loss_report(0.5, talk.now)
    assert talk.estimator.estimate_bps == before


def test_no_answer_at_all_backs_off_from_the_start() -> None:
    estimator = BandwidthEstimator(1000.0)
    for i in range(60):
        estimator.on_sent(i, 1000, 1000.0 + i * 0.05)
        estimator.tick(1000.0 + i * 0.05)
    assert estimator.estimate_bps < 0.6 * START_BPS


@pytest.mark.parametrize(("before", "after"), [(5_000_000, 2_500_000), (800_000, START_BPS), (300_000, 300_000)])
def test_a_route_change_begins_anew(before: int, after: int) -> None:
    estimator = BandwidthEstimator(1000.0)
    estimator.on_remb(before, 1001.0)
    assert estimator.estimate_bps == before
    estimator.on_route_change(1002.0)
    assert (estimator.estimate_bps, estimator.reason) == (after, Reason.ROUTE_CHANGE)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.integers(0, 0xFFFF), st.lists(st.one_of(st.none(), st.integers(0, 2**40)), min_size=1, max_size=20)
        ),
        max_size=30,
    )
)
def test_no_feedback_however_odd_breaks_it(messages: list[tuple[int, list[int | None]]]) -> None:
    estimator = BandwidthEstimator(1000.0)
    now = 1000.0
    for base, arrivals in messages:
        now += 0.1
        for i in range(len(arrivals)):
            estimator.on_sent((base + i) & 0xFFFF, 1000, now, 1)
        estimator.probe_due(now)
        estimator.on_feedback(TransportFeedback(1, 2, base, 0, 0, arrivals), now=now)
        estimator.tick(now)
        assert MIN_BPS <= estimator.estimate_bps <= MAX_BPS
    estimator.explain()
