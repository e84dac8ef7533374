"""Whether an Encoding that comes and goes by itself is relied upon."""

from __future__ import annotations

from sfu.streams.steadiness import BEHIND_S, FIRST_HOLD_S, LONGEST_HOLD_S, STEADY_S, Steadiness

GONE, HERE = BEHIND_S + 0.1, 0.0


def stop_and_return(steadiness: Steadiness, now: float) -> None:
    assert steadiness.review(GONE, now)
    assert not steadiness.is_trusted(now)
    assert steadiness.review(HERE, now + 1)


def held_s(steadiness: Steadiness, returned_at: float) -> float:
    return next(wait / 10 for wait in range(1_000) if steadiness.is_trusted(returned_at + wait / 10))


def test_what_was_never_away_is_trusted() -> None:
    steadiness = Steadiness()
    assert not steadiness.review(BEHIND_S, 0.0)
    assert steadiness.is_trusted(0.0)


def test_each_stop_soon_after_a_return_makes_the_wait_longer() -> None:
    steadiness, waits = Steadiness(), []
    for at in range(0, 60, 6):
        stop_and_return(steadiness, float(at))
        waits.append(held_s(steadiness, at + 1.0))
    assert waits[:4] == [FIRST_HOLD_S, 2 * FIRST_HOLD_S, 4 * FIRST_HOLD_S, 8 * FIRST_HOLD_S]
    assert waits[-1] == LONGEST_HOLD_S


def test_after_a_long_while_it_is_as_if_it_were_the_first_time() -> None:
    steadiness = Steadiness()
    for at in (0.0, 5.0, 10.0):
        stop_and_return(steadiness, at)
    stop_and_return(steadiness, 11.0 + STEADY_S)
    assert held_s(steadiness, 12.0 + STEADY_S) == FIRST_HOLD_S


def test_what_was_stopped_at_our_wish_is_not_held_against_it() -> None:
    steadiness = Steadiness()
    steadiness.review(GONE, 0.0)
    steadiness.expect()
    assert steadiness.is_trusted(0.0)
