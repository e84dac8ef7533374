"""A layer that did not work out is not tried again at once, except on a path that has become another one."""

from __future__ import annotations

from typing import Any

from sfu.choosing import FIRST_HOLD_S, LONGEST_HOLD_S, _Damper
from sfu.ladder import Ladder, Rung

ENCODING: Any = object()
LADDER: Ladder = tuple(Rung(ENCODING, 0, layer, 0, 100_000 * layer, 30.0, 320, 180, layer == 3) for layer in range(4))


def failed(at: float, place: int, *, budget_bps: float = 500_000) -> _Damper:
    """One that raised a layer, and had to give it up two seconds later."""
    damper = _Damper()
    damper.on_raised(LADDER[place], at - 2)
    damper.on_lowered(LADDER[place], at, budget_bps)
    return damper


def test_a_layer_that_failed_soon_after_it_was_taken_has_to_wait() -> None:
    damper = failed(12.0, 3)
    assert damper.most(LADDER, 12.0 + FIRST_HOLD_S - 0.1, 600_000) == 2
    assert damper.most(LADDER, 12.0 + FIRST_HOLD_S + 0.1, 600_000) == 3


def test_those_below_it_need_not_wait_however_far_down_it_went() -> None:
    damper = failed(12.0, 3)
    damper.on_raised(LADDER[1], 12.5)
    assert damper.most(LADDER, 13.0, 600_000) == 2
    assert damper.most(LADDER[:3], 13.0, 600_000) == 2, "it is not there any more"


def test_what_falls_from_where_it_has_long_been_has_not_failed() -> None:
    damper = _Damper()
    damper.on_raised(LADDER[3], 10.0)
    damper.on_lowered(LADDER[2], 11.0, 500_000)
    damper.on_lowered(LADDER[3], 60.0, 500_000)
    assert damper.most(LADDER, 60.0, 500_000) == 3


def test_each_failure_lengthens_the_wait_up_to_a_limit() -> None:
    damper = _Damper()
    now = 0.0
    for _ in range(8):
        damper.on_raised(LADDER[3], now)
        damper.on_lowered(LADDER[3], now + 1, 500_000)
        now += 2
    assert damper.hold_s == LONGEST_HOLD_S


def test_a_path_that_carries_twice_as_much_need_not_wait() -> None:
    damper = failed(12.0, 3)
    assert damper.most(LADDER, 13.0, 990_000) == 2
    assert damper.most(LADDER, 13.0, 1_010_000) == 3
