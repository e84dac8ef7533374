"""Probes: when, how fast, and what they find."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sfu.congestion.probe_results import ProbeCluster, ProbeMeasure, ProbeResult
from sfu.congestion.probing import (
    ANSWER_S,
    CALM_S,
    INTERVAL_S,
    LONGEST_INTERVAL_S,
    MIN_PACKETS,
    Prober,
)
from sfu.probing import Probe

START, MAX, WANTED = 600_000, 20_000_000, 5_000_000


class Party:
    """Asks each 10 ms; the path answers after a tenth of a second with what it carries."""

    def __init__(self, capacity: float = 1e12, estimate: float = START) -> None:
        self.prober = Prober(START, MAX, 0.0)
        self.estimate = estimate
        self.capacity = capacity
        self.wanted = WANTED
        self.calm = True
        self.answers = True
        self.now = 0.0
        self.sent: list[tuple[float, int]] = []
        self._answer_at = float("inf")

    def run(self, seconds: float) -> list[tuple[float, int]]:
        """(time, rate) of the clusters sent."""
        before = len(self.sent)
        for _ in range(round(seconds * 100)):
            self.now += 0.01
            if self.now >= self._answer_at and self.prober.cluster is not None:
                self._answer(self.prober.cluster)
            cluster = self.prober.due(self.estimate, self.wanted, calm=self.calm, noise_s=0.0, now=self.now)
            if cluster is not None:
                self.sent.append((round(self.now, 2), cluster.rate_bps))
                self._answer_at = self.now + 0.1 if self.answers else float("inf")
        return self.sent[before:]

    def _answer(self, cluster: ProbeCluster) -> None:
        saturated = cluster.rate_bps > self.capacity
        result = ProbeResult(cluster, 0.95 * self.capacity if saturated else cluster.rate_bps, saturated)
        self.prober.on_result(result, self.estimate, self.now)
        self.estimate = max(self.estimate, result.bps)


def test_first_probes_rise_until_the_wish_is_met() -> None:
    assert [rate for _, rate in Party().run(3)] == [1_800_000, 3_600_000, 7_000_000]


def test_first_probes_stop_at_what_the_path_carries() -> None:
    party = Party(capacity=2_000_000)
    assert [rate for _, rate in party.run(3)] == [1_800_000, 3_600_000]
    assert party.estimate == pytest.approx(1_900_000)


def test_while_more_is_wanted_probes_come_back_ever_less_often() -> None:
    times = [at for at, _ in Party(capacity=1_000_000).run(60)]
    gaps = [b - a for a, b in pairwise(times[2:])]
    assert min(gaps) > 0.9 * INTERVAL_S
    assert max(gaps) < LONGEST_INTERVAL_S + 0.5
    assert gaps[-1] == pytest.approx(LONGEST_INTERVAL_S, abs=0.5)


def test_nothing_is_probed_beyond_the_wish() -> None:
    party = Party()
    party.wanted = 500_000
    assert party.run(20) == []


def test_a_new_wish_is_probed_for_at_once() -> None:
    party = Party()
    party.wanted = 500_000
    party.run(10)
    party.wanted = 3_000_000
    ((first_at, _), *_) = party.run(1)
    assert first_at < 10.1


def test_unanswered_probes_are_given_up_and_the_first_repeated_soon() -> None:
    party = Party()
    party.answers = False
    times = [at for at, _ in party.run(10)]
    assert len(times) >= 4
    assert all(ANSWER_S <= b - a < 2.5 for a, b in pairwise(times))


def test_what_tells_nothing_is_repeated_at_once_and_then_soon() -> None:
    prober = Party().prober
    found = []
    for now in (0.0, 0.1, 0.2, 0.3, 1.25):
        cluster = prober.due(START, WANTED, calm=True, noise_s=0.0, now=now)
        found.append(cluster and cluster.rate_bps)
        prober.on_unclear(now + 0.05)
    assert found == [1_800_000, 1_800_000, None, None, 1_200_000]


def test_no_probe_amid_trouble_nor_right_after_it() -> None:
    party = Party()
    party.calm = False
    assert party.run(5) == []
    party.calm = True
    ((first_at, _), *_) = party.run(10)
    assert first_at >= 5 + CALM_S - 0.02


def test_after_a_deep_fall_a_probe_tries_what_was_before() -> None:
    party = Party(capacity=4_000_000, estimate=4_000_000)
    party.wanted = 4_000_000
    party.run(3)
    party.prober.on_overuse(party.now)
    party.prober.on_fall(4_000_000, 1_000_000, party.now)
    party.estimate = 1_000_000
    (first_at, first_rate), *_ = party.run(4)
    assert first_at == pytest.approx(3 + CALM_S, abs=0.05)
    assert first_rate == 3_000_000


@settings(max_examples=60)
@given(st.floats(50_000, 20e6), st.floats(50_000, 20e6), st.floats(0, 0.2))
def test_a_cluster_is_long_enough_and_above_the_estimate(estimate: float, wanted: float, noise_s: float) -> None:
    prober = Prober(START, MAX, 0.0)
    cluster = prober.due(estimate, wanted, calm=True, noise_s=noise_s, now=1.0)
    if cluster is not None:
        assert estimate < cluster.rate_bps + 1 <= MAX + 1
        assert cluster.packets >= MIN_PACKETS
        assert cluster.size_bytes * 8 / cluster.rate_bps >= 0.0249
        assert 100 <= cluster.packet_bytes <= 1_200


# -- measuring -----------------------------------------------------------------------------------------------------

CLUSTER = ProbeCluster(1, 2_000_000, 5, 5_000)


def measured(
    arrivals_bps: float, *, batch: int = 1, count: int = 6, skip: tuple[int, ...] = (), loss: float = 0.0
) -> ProbeResult | None:
    """Packets of 1,000 bytes, sent at the cluster's rate in batches, over a path that carries ``arrivals_bps``."""
    measure = ProbeMeasure(CLUSTER)
    free_at = 0.0
    for i in range(count):
        send = (i // batch) * batch * 8_000 / CLUSTER.rate_bps
        free_at = max(free_at, send) + 8_000 / arrivals_bps
        if i not in skip:
            measure.on_arrival(send, 70.0 + free_at, 1_000)
    return measure.result(loss) if measure.is_enough(loss) else None


@pytest.mark.parametrize("batch", [1, 2, 3])
@pytest.mark.parametrize("path_bps", [2_500_000, 10_000_000, 1e9])
def test_a_wide_path_carries_what_was_tried(path_bps: float, batch: int) -> None:
    result = measured(path_bps, batch=batch)
    assert result is not None and not result.saturated
    assert result.bps == pytest.approx(CLUSTER.rate_bps, rel=0.01)


@pytest.mark.parametrize("path_bps", [300_000, 1_000_000])
def test_a_narrow_path_is_measured(path_bps: float) -> None:
    result = measured(path_bps)
    assert result is not None and result.saturated
    assert result.bps == pytest.approx(0.95 * path_bps, rel=0.01)


@pytest.mark.parametrize(
    ("name", "count", "skip", "loss", "found"),
    [
        ("too few", 3, (), 0.0, False),
        ("one lost of six", 6, (2,), 0.0, True),
        ("three lost", 6, (1, 2, 3), 0.0, False),
        ("as many lost as always", 8, (1, 3, 5), 0.3, True),
    ],
)
def test_enough_must_arrive(name: str, count: int, skip: tuple[int, ...], loss: float, found: bool) -> None:
    assert (measured(1e9, count=count, skip=skip, loss=loss) is not None) is found


def test_what_was_held_back_and_let_go_at_once_tells_nothing() -> None:
    measure = ProbeMeasure(CLUSTER)
    for i in range(6):
        measure.on_arrival(i * 0.004, 70.0 + i * 0.001, 1_000)
    assert measure.result() is None


def test_all_sent_or_arrived_at_one_instant_tells_nothing() -> None:
    for send_step, arrival_step in ((0.0, 0.004), (0.004, 0.0)):
        measure = ProbeMeasure(CLUSTER)
        for i in range(6):
            measure.on_arrival(i * send_step, 70.0 + i * arrival_step, 1_000)
        assert measure.result() is None


def test_media_sent_along_does_not_make_it_more_than_was_tried() -> None:
    measure = ProbeMeasure(CLUSTER)
    for i in range(6):
        measure.on_arrival(i * 0.004, 70.0 + i * 0.004, 5_000)
    result = measure.result()
    assert result is not None and result.bps == pytest.approx(1.2 * CLUSTER.rate_bps)


@pytest.mark.parametrize(("path_bps", "saturated"), [(5_000_000, False), (2_100_000, False), (1_500_000, True)])
def test_a_path_that_carries_what_was_tried_is_not_full_for_what_media_added(path_bps: int, saturated: bool) -> None:
    measure = ProbeMeasure(CLUSTER)
    for i in range(6):
        measure.on_arrival(i * 0.004, 70.0 + i * 5_000 * 8 / path_bps, 5_000)
    result = measure.result()
    assert result is not None and result.saturated is saturated


# -- sending one ---------------------------------------------------------------------------------------------------


def test_a_frame_that_comes_first_is_no_probe() -> None:
    """A burst of media as large as the cluster leaves at once: it has no rate, so the probe begins behind it."""
    cluster = ProbeCluster(1, 2_000_000, 5, 6_250)
    probe = Probe(cluster, 10.0)
    probe.on_sent(8, 9_000, 10.0)
    assert not probe.is_over(10.0)
    sent, now = 0, 10.0
    while not probe.is_over(now):
        now += 0.005
        while (due := probe.due_bytes(now)) > 0:
            probe.on_sent(1, min(due, 1_200), now)
            sent += min(due, 1_200)
    assert sent == pytest.approx(6_250, abs=100)
    assert now == pytest.approx(10.025, abs=0.006)


def test_a_probe_without_media_begins_with_padding() -> None:
    probe = Probe(ProbeCluster(1, 2_000_000, 5, 6_250), 10.0)
    assert probe.due_bytes(10.0) == 1_250
    probe.on_sent(1, 1_250, 10.0)
    assert probe.due_bytes(10.005) == pytest.approx(1_250, abs=1)
    assert not probe.is_over(10.4)
    assert probe.is_over(10.6)
