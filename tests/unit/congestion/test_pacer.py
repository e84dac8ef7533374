"""Pacer: audio first, bursts spread, nothing lost but padding, and nothing kept for long."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sfu.congestion.pacer import (
    BURST_S,
    DIRECT_BURST_S,
    MAX_PADDING_BYTES,
    MAX_QUEUE_S,
    PACING_FACTOR,
    Pacer,
    Priority,
)

Packet = tuple[Priority, int]


def play(pacer: Pacer[Packet], start: float, seconds: float, step_s: float = 0.005) -> list[tuple[float, Packet]]:
    sent = []
    for i in range(round(seconds / step_s)):
        now = start + i * step_s
        sent += [(now - start, packet) for packet in pacer.due(now)]
    return sent


def fill(pacer: Pacer[Packet], priority: Priority, count: int, now: float, size: int = 1_200) -> None:
    for i in range(count):
        assert pacer.enqueue((priority, i), size, priority, now)


def test_a_key_frame_is_spread_at_the_pacing_rate() -> None:
    pacer: Pacer[Packet] = Pacer(1_000_000, 10.0)
    fill(pacer, Priority.VIDEO, 50, 10.0)
    sent = play(pacer, 10.0, 1.0)
    assert [packet[1] for _, packet in sent] == list(range(50))
    assert sent[-1][0] == pytest.approx(50 * 1_200 * 8 / (PACING_FACTOR * 1_000_000) - BURST_S, abs=0.02)
    first = [packet for at, packet in sent if at == 0.0]
    assert len(first) == pytest.approx(PACING_FACTOR * 1_000_000 / 8 * BURST_S / 1_200, abs=1)


def test_order_of_importance() -> None:
    pacer: Pacer[Packet] = Pacer(1_000_000, 10.0)
    for priority in (Priority.PADDING, Priority.VIDEO, Priority.RETRANSMISSION, Priority.AUDIO):
        fill(pacer, priority, 5, 10.0)
    order = [packet[0] for _, packet in play(pacer, 10.0, 1.0)]
    assert order == sorted(order)
    assert len(order) == 20


def test_audio_leaves_at_once_whatever_waits() -> None:
    pacer: Pacer[Packet] = Pacer(100_000, 10.0)
    fill(pacer, Priority.VIDEO, 50, 10.0)
    pacer.due(10.0)
    fill(pacer, Priority.AUDIO, 1, 10.001, 100)
    assert (Priority.AUDIO, 0) in pacer.due(10.001)


def test_nothing_waits_longer_than_allowed() -> None:
    pacer: Pacer[Packet] = Pacer(100_000, 10.0)
    fill(pacer, Priority.VIDEO, 200, 10.0)
    assert play(pacer, 10.0, 2.0)[-1][0] <= MAX_QUEUE_S + 0.02


def test_padding_is_bounded() -> None:
    pacer: Pacer[Packet] = Pacer(100_000, 10.0)
    accepted = sum(pacer.enqueue((Priority.PADDING, i), 1_000, Priority.PADDING, 10.0) for i in range(100))
    assert accepted == MAX_PADDING_BYTES // 1_000
    assert pacer.queue_s(11.0) == 0.0


def test_what_fits_passes_without_a_queue() -> None:
    pacer: Pacer[Packet] = Pacer(1_000_000, 10.0)
    room = int(PACING_FACTOR * 1_000_000 / 8 * DIRECT_BURST_S)
    assert pacer.admits(room - 100, 10.0)
    assert not pacer.admits(200, 10.0)
    assert pacer.admits(200, 10.01)
    assert pacer.queued_bytes == 0 and pacer.next_due(10.0) is None


def test_nothing_overtakes_the_queue() -> None:
    pacer: Pacer[Packet] = Pacer(1_000_000, 10.0)
    fill(pacer, Priority.VIDEO, 1, 10.0)
    assert not pacer.admits(10, 10.0)
    pacer.due(10.0)
    assert pacer.admits(10, 10.0)


def test_next_due_is_when_something_leaves() -> None:
    pacer: Pacer[Packet] = Pacer(1_000_000, 10.0)
    fill(pacer, Priority.VIDEO, 50, 10.0)
    now = 10.0
    while pacer.queued_bytes:
        pacer.due(now)
        due = pacer.next_due(now)
        if due is not None:
            assert now <= due < now + 0.1
            assert pacer.due(due - 1e-4) == []
            assert pacer.due(due + 1e-6)
            now = due + 1e-6


def test_direct_when_the_path_is_far_wider_than_what_is_sent() -> None:
    pacer: Pacer[Packet] = Pacer(4_000_000, 10.0)
    sent, now = 0, 10.0
    for _ in range(30):
        now, sent = now + 0.05, sent + 3_000  # 480 kbit/s
        pacer.review(sent, now)
    assert pacer.direct
    pacer.review(sent + 20_000, now + 0.05)
    assert not pacer.direct


@settings(max_examples=50)
@given(
    st.lists(st.tuples(st.sampled_from(list(Priority)[:3]), st.integers(50, 1_300), st.floats(0, 0.05)), max_size=120),
    st.floats(50_000, 10e6),
)
def test_all_media_leaves_once_in_order_and_in_time(steps: list[tuple[Priority, int, float]], estimate: float) -> None:
    pacer: Pacer[tuple[Priority, int, float]] = Pacer(estimate, 1.0)
    now, left = 1.0, []
    for i, (priority, size, gap) in enumerate(steps):
        now += gap
        pacer.enqueue((priority, i, now), size, priority, now)
        left += [(packet, now) for packet in pacer.due(now)]
    for _ in range(200):
        now += 0.005
        left += [(packet, now) for packet in pacer.due(now)]
    assert sorted(packet[1] for packet, _ in left) == list(range(len(steps)))
    for priority in Priority:
        mine = [packet[1] for packet, _ in left if packet[0] is priority]
        assert mine == sorted(mine)
    assert all(at - packet[2] <= MAX_QUEUE_S + 0.06 for packet, at in left)
    assert pacer.queued_bytes == 0
