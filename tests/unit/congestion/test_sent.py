"""SentPackets: feedback finds what it tells of, once, whatever is lost or comes late."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sfu.congestion.sent import KEEP_S, MAX_KEPT, SentPackets
from sfu.rtp.twcc import TransportFeedback


def feedback(base: int, arrivals_ms: list[float | None]) -> TransportFeedback:
    ticks = [None if at is None else round(at * 4) for at in arrivals_ms]
    return TransportFeedback(1, 2, base & 0xFFFF, 0, 0, ticks)


def packets(first: int, count: int, size: int = 100, batch: int = 1) -> SentPackets:
    sent = SentPackets()
    for i in range(0, count, batch):
        together = min(batch, count - i)
        sent.add((first + i + together - 1) & 0xFFFF, together, size * together, 1.0 + i * 0.01, None)
    return sent


@pytest.mark.parametrize("batch", [1, 2, 4])
@pytest.mark.parametrize(
    ("name", "first", "base", "arrivals", "received", "lost"),
    [
        ("all", 10, 10, [1, 2, 3], 3, 0),
        ("one lost", 10, 10, [1, None, 3], 2, 1),
        ("wraps", 65534, 65534, [1, 2, 3, None], 3, 1),
        ("unknown before", 10, 8, [1, 1, 2], 1, 0),
        ("unknown after", 10, 13, [1, 2, None], 1, 0),
        ("never sent", 10, 500, [1, None], 0, 0),
    ],
)
def test_match(
    name: str, first: int, base: int, arrivals: list[float | None], received: int, lost: int, batch: int
) -> None:
    sent = packets(first, 4, batch=batch)
    match = sent.match(feedback(base, arrivals))
    assert (match.packets, match.lost) == (received, lost)
    assert sum(run[4] for run in match.received) == received
    assert sum(run[3] for run in match.received) == 100 * received


def test_a_run_holds_times_size_and_cluster() -> None:
    sent = SentPackets()
    sent.add(9, 3, 3600, 1.5, 3)
    assert sent.match(feedback(7, [250.0, 250.0, 300.0])).received == [(1.5, 0.25, 0.3, 3600, 3, 3)]
    assert sent.match(feedback(7, [250.0])).received == []


def test_a_batch_may_be_told_of_in_parts() -> None:
    sent = packets(0, 8, batch=8)
    parts = [sent.match(feedback(base, [1.0] * count)) for base, count in ((0, 3), (3, 1), (4, 4))]
    assert [(part.packets, part.received[0][3]) for part in parts] == [(3, 300), (1, 100), (4, 400)]


def test_runs_are_in_the_order_of_arrival() -> None:
    for batch in (1, 4):
        match = packets(0, 4, batch=batch).match(feedback(0, [5, 2, None, 3]))
        assert [run[1] for run in match.received] == pytest.approx([0.002, 0.003, 0.005])
        assert match.lost == 1


def test_what_was_called_lost_can_come_after_all() -> None:
    sent = packets(0, 3)
    sent.match(feedback(0, [1, None, None]))
    match = sent.match(feedback(1, [4, None]))
    assert (match.packets, match.lost, match.returned) == (1, 0, 1)


def test_a_lost_feedback_leaves_bytes_that_nothing_is_known_of() -> None:
    sent = packets(65530, 12)
    for base in (65530, 65538):
        match = sent.match(feedback(base, [base - 65530.0] * 4))
    assert match.unreported_bytes == 400


def test_an_older_feedback_that_was_overtaken_does_not_turn_back() -> None:
    sent = packets(0, 12)
    for base in (0, 8, 4):
        match = sent.match(feedback(base, [base + 1.0] * 4))
    assert match.unreported_bytes == 0


def test_old_packets_are_forgotten() -> None:
    sent = packets(0, 300)
    sent.match(feedback(0, [None] * 10))
    sent.prune(1.0 + 2.0 + KEEP_S)
    assert sent.match(feedback(0, [1.0] * 10)).received == []
    assert sent.match(feedback(190, [1.0] * 20)).packets == 10


def test_it_is_bounded() -> None:
    sent = packets(0, MAX_KEPT + 1000)
    sent.prune(1.0)
    assert sent.match(feedback(0, [1.0] * (MAX_KEPT + 1000))).packets == MAX_KEPT


@settings(max_examples=60)
@given(
    st.integers(0, 0xFFFF),
    st.lists(st.sampled_from(["arrived", "lost", "untold"]), min_size=1, max_size=60),
    st.integers(1, 7),
)
def test_each_packet_is_counted_once(first: int, fates: list[str], batch: int) -> None:
    sent = packets(first, len(fates), batch=batch)
    received = lost = 0
    for _ in range(2):
        for i, fate in enumerate(fates):
            if fate != "untold":
                match = sent.match(feedback(first + i, [1.0 if fate == "arrived" else None]))
                received, lost = received + match.packets, lost + match.lost - match.returned
    assert (received, lost) == (fates.count("arrived"), fates.count("lost"))


def test_what_leaves_before_lower_numbers_blocks_nothing() -> None:
    sent = SentPackets()
    for seq in (1, 3, 2, 4):
        sent.add(seq, 1, 100, 0.1, None)
    match = sent.match(TransportFeedback(1, 2, 1, 0, 0, [0, 1, 2, 3]))
    assert (match.packets, len(sent)) == (4, 0)
