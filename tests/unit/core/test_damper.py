"""A layer that did not work out is not tried again at once, except on a path that has become another one."""

from __future__ import annotations

from sfu.choosing import FIRST_HOLD_S, LONGEST_HOLD_S, _Damper


def test_a_layer_that_failed_soon_after_it_was_taken_has_to_wait() -> None:
    damper = _Damper(raised_at=10.0)
    damper.on_lowered(12.0, budget_bps=500_000)
    assert damper.holds(12.0 + FIRST_HOLD_S - 0.1, 600_000)
    assert not damper.holds(12.0 + FIRST_HOLD_S + 0.1, 600_000)


def test_each_failure_lengthens_the_wait_up_to_a_limit() -> None:
    damper = _Damper()
    now = 0.0
    for _ in range(8):
        damper.raised_at = now
        damper.on_lowered(now + 1, budget_bps=500_000)
        now += 2
    assert damper.hold_s == LONGEST_HOLD_S


def test_a_path_that_carries_twice_as_much_need_not_wait() -> None:
    damper = _Damper(raised_at=10.0)
    damper.on_lowered(12.0, budget_bps=500_000)
    assert damper.holds(13.0, 990_000)
    assert not damper.holds(13.0, 1_010_000)
