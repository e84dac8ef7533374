"""The impairment line in virtual time: what the scenarios' verdicts rest on."""

from __future__ import annotations

from itertools import pairwise

import pytest

from tests.support.impairment import Impairment, Line

SIZE_BYTES = 1250  # 10 kbit


def travel(path: Impairment, count: int, every_ms: float, seed: str = "a") -> dict[int, float]:
    """Packet number → its delay in ms, of those that arrive."""
    line: Line[int] = Line(seed, path)
    arrivals: dict[int, float] = {}
    run(line, [(n * every_ms / 1000, n) for n in range(count)], arrivals)
    return {n: (at - n * every_ms / 1000) * 1000 for n, at in arrivals.items()}


def run(line: Line[int], sends: list[tuple[float, int]], arrivals: dict[int, float]) -> None:
    """Play packets through, waking exactly when the line says so."""
    pending = list(sends)
    while pending or line.next_time() is not None:
        due = line.next_time()
        if pending and (due is None or pending[0][0] <= due):
            at, number = pending.pop(0)
            line.push(at, number, SIZE_BYTES)
        else:
            assert due is not None
            at = due
        for number in line.poll(at):
            arrivals[number] = at


def test_a_clean_line_changes_nothing() -> None:
    assert travel(Impairment(), 50, 10) == dict.fromkeys(range(50), 0.0)


def test_delay_alone() -> None:
    assert list(travel(Impairment(delay_ms=40), 20, 10).values()) == pytest.approx([40.0] * 20)


def test_a_rate_above_the_load_adds_only_the_time_on_the_wire() -> None:
    # 10 kbit each 10 ms are 1 Mbit/s; at 2 Mbit/s each takes 5 ms.
    delays = travel(Impairment(rate_bps=2_000_000), 100, 10)
    assert all(delay == pytest.approx(5.0) for delay in delays.values())


def test_a_rate_below_the_load_fills_the_queue_and_drops_the_rest() -> None:
    delays = travel(Impairment(rate_bps=500_000, queue_ms=200), 400, 10)
    assert max(delays.values()) == pytest.approx(200, abs=21)
    # Half of what comes in the long run passes.
    assert len(delays) == pytest.approx(200, abs=20)


def test_a_queue_in_bytes() -> None:
    delays = travel(Impairment(rate_bps=1_000_000, queue_bytes=5 * SIZE_BYTES), 40, 0)
    assert len(delays) == 5
    assert max(delays.values()) == pytest.approx(50)


def test_what_waits_leaves_at_the_new_rate() -> None:
    line: Line[int] = Line("a", Impairment(rate_bps=1_000_000))
    for number in range(4):
        line.push(0.0, number, SIZE_BYTES)
    assert line.waiting_ms == pytest.approx(40)
    line.change(0.005, Impairment(rate_bps=100_000))
    assert line.waiting_ms == pytest.approx(350)
    assert [number for ms in range(340) for number in line.poll(0.005 + ms / 1000)] == [0, 1, 2]
    line.change(0.345, Impairment())
    assert line.poll(0.345) == [3]


def test_loss_is_the_share_that_was_asked_for() -> None:
    lost = 1 - len(travel(Impairment(loss=0.05), 20_000, 1)) / 20_000
    assert lost == pytest.approx(0.05, abs=0.006)


def test_bursts_have_the_length_and_the_share_of_the_model() -> None:
    path = Impairment(burst_start=0.01, burst_end=0.25)
    arrived = travel(path, 40_000, 1)
    gaps = [later - earlier - 1 for earlier, later in pairwise(sorted(arrived)) if later - earlier > 1]
    # The mean stay in the bad state is 1 / burst_end packets, its share start / (start + end).
    assert sum(gaps) / len(gaps) == pytest.approx(4, rel=0.1)
    assert 1 - len(arrived) / 40_000 == pytest.approx(0.01 / 0.26, rel=0.15)


def test_a_bad_time_may_lose_only_some() -> None:
    path = Impairment(burst_start=1.0, burst_end=0.0, burst_loss=0.5)
    assert len(travel(path, 10_000, 1)) == pytest.approx(5_000, rel=0.06)


def test_jitter_is_within_its_bounds_and_keeps_the_order() -> None:
    line: Line[int] = Line("a", Impairment(delay_ms=10, jitter_ms=30))
    arrivals: dict[int, float] = {}
    run(line, [(n / 100, n) for n in range(500)], arrivals)
    assert list(arrivals) == sorted(arrivals)
    delays = [(at - n / 100) * 1000 for n, at in arrivals.items()]
    assert min(delays) >= 10 and max(delays) <= 40 + 1e-6
    assert max(delays) - min(delays) > 20


def test_reordering_holds_some_back_and_loses_none() -> None:
    line: Line[int] = Line("a", Impairment(reorder=0.05, reorder_ms=25))
    arrivals: dict[int, float] = {}
    run(line, [(n / 100, n) for n in range(1000)], arrivals)
    held = [n for n, at in arrivals.items() if at - n / 100 > 0.02]
    assert len(arrivals) == 1000
    assert len(held) == pytest.approx(50, abs=20)
    assert list(arrivals) != sorted(arrivals)


def test_a_blocked_line_lets_nothing_through() -> None:
    assert travel(Impairment(blocked=True), 10, 1) == {}


def test_the_same_seed_is_the_same_fate() -> None:
    path = Impairment(loss=0.2, jitter_ms=20, reorder=0.1)
    assert travel(path, 200, 5, "one") == travel(path, 200, 5, "one")
    assert travel(path, 200, 5, "one") != travel(path, 200, 5, "two")


def test_counters_tell_what_became_of_each_packet() -> None:
    line: Line[int] = Line("a", Impairment(loss=0.3, rate_bps=200_000, queue_ms=100))
    run(line, [(n / 100, n) for n in range(300)], {})
    count = line.count
    assert count.received == 300 == count.sent + count.lost + count.queue_full
    assert count.sent_bytes == count.sent * SIZE_BYTES
    assert count.queue_full > 0
    assert count.take()["longest_wait_ms"] == pytest.approx(100, abs=51)
    assert count.take()["longest_wait_ms"] == 0


def test_an_impairment_survives_json() -> None:
    path = Impairment(loss=0.1, rate_bps=1e6, queue_bytes=3000, blocked=True)
    assert Impairment.from_dict(path.to_dict()) == path
