"""When Redis is asked, and when it is left alone."""

from __future__ import annotations

from random import Random

from signaling.breaker import Breaker, Circuit


def _breaker(max_failures: int = 3, longest_pause_s: float = 1.0) -> Breaker:
    return Breaker(max_failures, longest_pause_s, Random(7))


def _open(breaker: Breaker) -> None:
    for number in range(3):
        breaker.failed(10.0 + number, 10.5 + number, "TimeoutError")


def test_failures_in_a_row_open_it_and_one_answer_between_them_does_not() -> None:
    breaker = _breaker()
    assert not breaker.failed(1.0, 1.1, "a")
    assert not breaker.failed(2.0, 2.1, "b")
    breaker.succeeded()
    assert not breaker.failed(3.0, 3.1, "c")
    assert not breaker.failed(4.0, 4.1, "d") and breaker.admits
    assert breaker.failed(5.0, 5.1, "e") and not breaker.admits
    assert (breaker.state, breaker.cause, breaker.since, breaker.opened) == (Circuit.OPEN, "e", 5.1, 1)


def test_a_hundred_who_wait_in_one_moment_of_silence_are_one_failure() -> None:
    breaker = _breaker()
    assert not any(breaker.failed(1.0, 3.0 + number / 1000, "TimeoutError") for number in range(100))
    assert breaker.admits


def test_it_stays_open_until_a_probe_is_answered() -> None:
    breaker = _breaker()
    _open(breaker)
    breaker.succeeded()  # an answer that was under way for long says nothing of now
    assert not breaker.admits
    breaker.probes()
    assert breaker.state is Circuit.HALF_OPEN and not breaker.admits
    breaker.probed(14.0, "ConnectionError")
    assert breaker.state is Circuit.OPEN and breaker.cause == "ConnectionError"
    breaker.probes()
    breaker.probed(15.0, None)
    assert breaker.admits and (breaker.cause, breaker.since) == ("", 15.0)
    assert not breaker.failed(16.0, 16.1, "a"), "it counts from the beginning again"


def test_pauses_grow_to_their_bound_and_are_random_by_half() -> None:
    breaker = _breaker(longest_pause_s=1.0)
    _open(breaker)
    pauses = []
    for _ in range(40):
        pauses.append(breaker.pause_s())
        breaker.probes()
    assert 0.1 <= pauses[0] <= 0.2 and 0.2 <= pauses[1] <= 0.4
    assert all(0.5 <= pause <= 1.0 for pause in pauses[4:])
    assert len(set(pauses)) == len(pauses)
