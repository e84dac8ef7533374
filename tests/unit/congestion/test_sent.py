"""SentPackets: feedback finds what it tells of, once, whatever is lost or comes late."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sfu.congestion.sent import KEEP_S, MAX_KEPT, SentPackets
from sfu.rtp.twcc import TransportFeedback


def feedback(base: int, arrivals_ms: list[float | None]) -> TransportFeedback:
    told = [((base + i) & 0xFFFF, None if at is None else round(at * 1000)) for i, at in enumerate(arrivals_ms)]
    return TransportFeedback(1, 2, base & 0xFFFF, 0, 0, tuple(told))


def packets(first: int, count: int, size: int = 100) -> SentPackets:
    sent = SentPackets()
    for i in range(count):
        sent.in_flight[(first + i) & 0xFFFF] = (1.0 + i * 0.01, size, None)
    return sent


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
def test_match(name: str, first: int, base: int, arrivals: list[float | None], received: int, lost: int) -> None:
    sent = packets(first, 4)
    match = sent.match(feedback(base, arrivals))
    assert (len(match.received), match.lost) == (received, lost)
    assert match.lost_bytes == 100 * lost


def test_a_result_holds_both_times_size_and_cluster() -> None:
    sent = SentPackets()
    sent.in_flight[7] = (1.5, 1200, 3)
    assert sent.match(feedback(7, [250.0])).received == [(1.5, 0.25, 1200, 3)]
    assert sent.match(feedback(7, [250.0])).received == []


def test_results_are_in_the_order_of_arrival() -> None:
    match = packets(0, 4).match(feedback(0, [5, 2, None, 3]))
    assert [result[1] for result in match.received] == pytest.approx([0.002, 0.003, 0.005])


def test_what_was_called_lost_can_come_after_all() -> None:
    sent = packets(0, 3)
    sent.match(feedback(0, [1, None, None]))
    match = sent.match(feedback(1, [4, None]))
    assert (len(match.received), match.lost, match.returned) == (1, 0, 1)


def test_a_lost_feedback_leaves_bytes_that_nothing_is_known_of() -> None:
    sent = packets(65530, 12)
    for base in (65530, 65538):
        message = feedback(base, [base - 65530.0] * 4)
        match = sent.match(message)
        sent.follow(message)
    assert match.unreported_bytes == 400
    assert not sent.in_flight


def test_an_older_feedback_that_was_overtaken_does_not_turn_back() -> None:
    sent = packets(0, 12)
    for base in (0, 8, 4):
        message = feedback(base, [base + 1.0] * 4)
        match = sent.match(message)
        sent.follow(message)
    assert match.unreported_bytes == 0


def test_old_packets_are_forgotten() -> None:
    sent = packets(0, 300)
    sent.match(feedback(0, [None] * 10))
    sent.prune(1.0 + 2.0 + KEEP_S)
    assert min(sent.in_flight) == 200
    assert sent.match(feedback(0, [1.0] * 10)).received == []


def test_it_is_bounded() -> None:
    sent = SentPackets()
    for seq in range(MAX_KEPT + 1000):
        sent.in_flight[seq] = (1.0, 100, None)
    sent.prune(1.0)
    assert len(sent.in_flight) == MAX_KEPT
    assert min(sent.in_flight) == 1000


@settings(max_examples=60)
@given(st.integers(0, 0xFFFF), st.lists(st.sampled_from(["arrived", "lost", "untold"]), min_size=1, max_size=60))
def test_each_packet_is_counted_once(first: int, fates: list[str]) -> None:
    sent = packets(first, len(fates))
    received = lost = 0
    for _ in range(2):
        for i, fate in enumerate(fates):
            if fate != "untold":
                match = sent.match(feedback(first + i, [1.0 if fate == "arrived" else None]))
                received, lost = received + len(match.received), lost + match.lost - match.returned
    assert (received, lost) == (fates.count("arrived"), fates.count("lost"))
