"""The simulator itself: what it promises to the simulations."""

from __future__ import annotations

import itertools
from functools import partial
from random import Random

import pytest

from tests.simulation.network import Impairment, Link, VirtualTime

INTERVAL_S, SIZE_BYTES = 0.01, 1000


def carry(impairment: Impairment, count: int = 5000) -> list[tuple[float, int]]:
    """(arrival, number) in the order of arrival, of packets sent each 10 ms."""
    time = VirtualTime(0.0)
    link = Link(time, Random(1), impairment)
    arrivals: list[tuple[float, int]] = []

    def arrive(number: int) -> None:
        arrivals.append((time.now, number))

    for i in range(count):
        time.at(i * INTERVAL_S, partial(link.send, i, SIZE_BYTES, arrive))
    time.run(count * INTERVAL_S + 60)
    return arrivals


def test_a_plain_link_only_delays() -> None:
    arrivals = carry(Impairment(delay_s=0.04), 50)
    assert [number for _, number in arrivals] == list(range(50))
    assert [at for at, _ in arrivals] == pytest.approx([i * 0.01 + 0.04 for i in range(50)])


def test_loss() -> None:
    assert len(carry(Impairment(loss=0.1))) == pytest.approx(4500, rel=0.02)


def test_bursts() -> None:
    numbers = [n for _, n in carry(Impairment(burst_start=0.01, burst_end=0.2))]
    gaps = [b - a - 1 for a, b in itertools.pairwise(numbers) if b - a > 1]
    assert sum(gaps) / len(gaps) == pytest.approx(5, rel=0.3)


def test_jitter_keeps_the_order() -> None:
    arrivals = carry(Impairment(jitter_s=0.02))
    assert [n for _, n in arrivals] == list(range(5000))
    assert max(at - n * 0.01 for at, n in arrivals) > 0.06


def test_reordering() -> None:
    numbers = [n for _, n in carry(Impairment(reordering=0.1, reordering_s=0.015))]
    assert sorted(numbers) == list(range(5000))
    late = sum(b < a for a, b in itertools.pairwise(numbers))
    assert late == pytest.approx(500, rel=0.2)


def test_a_rate_delays_and_then_drops() -> None:
    # 100 packets of 1000 bytes a second are 800 kbit/s; half of that gets through, after a full queue.
    arrivals = carry(Impairment(delay_s=0.0, rate_bps=400_000, queue_bytes=10_000), 1000)
    assert len(arrivals) == pytest.approx(510, rel=0.02)
    assert max(at - n * 0.01 for at, n in arrivals) == pytest.approx(0.2, rel=0.1)


def test_the_same_seed_gives_the_same_network() -> None:
    impairment = Impairment(loss=0.1, jitter_s=0.02, reordering=0.1)
    assert carry(impairment, 300) == carry(impairment, 300)


def test_every_does_not_drift() -> None:
    time = VirtualTime(5.0)
    times: list[float] = []
    time.every(0.1, lambda: times.append(time.now))
    time.run(100.0)
    assert len(times) in (1000, 1001)
    assert times[-1] == pytest.approx(105.0, abs=0.11)
    assert time.now == 105.0
