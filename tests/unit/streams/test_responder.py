"""NackResponder: no answer twice within a round trip, and bounded."""

from __future__ import annotations

import pytest

from sfu.streams.responder import KEEP_S, MAX_RESENDS, PRUNE_ABOVE, NackResponder


@pytest.mark.parametrize(
    ("rtt_s", "times", "answers"),
    [
        (0.1, [0.0, 0.05, 0.09, 0.11, 0.15, 0.22], [True, False, False, True, False, True]),
        (0.0, [0.0, 0.001, 0.006], [True, False, True]),
        (None, [0.0, 0.04, 0.06], [True, False, True]),
    ],
)
def test_repeats_within_a_round_trip_are_suppressed(
    rtt_s: float | None, times: list[float], answers: list[bool]
) -> None:
    responder = NackResponder()
    assert [responder.should_resend(7, at, rtt_s) for at in times] == answers
    assert responder.suppressed == answers.count(False)


def test_packets_are_independent() -> None:
    responder = NackResponder()
    assert responder.should_resend(1, 0.0, 0.1)
    assert responder.should_resend(2, 0.0, 0.1)


def test_a_packet_is_resent_so_often_and_no_more() -> None:
    responder = NackResponder()
    answers = [responder.should_resend(1, 0.1 * i, 0.05) for i in range(MAX_RESENDS + 5)]
    assert answers == [True] * MAX_RESENDS + [False] * 5
    assert responder.should_resend(1, 0.1 * (MAX_RESENDS - 1) + KEEP_S + 0.1, 0.05)


def test_memory_is_bounded_and_the_newest_are_remembered() -> None:
    responder = NackResponder()
    for seq in range(20 * PRUNE_ABOVE):
        assert responder.should_resend(seq, seq * 1e-5, 0.1)
    last = 20 * PRUNE_ABOVE - 1
    assert not responder.should_resend(last, last * 1e-5, 0.1)
    assert len(responder._sent) <= PRUNE_ABOVE + 1
