"""The kernel's word about its clock."""

from __future__ import annotations

import sys

import pytest

from scripts.doctor.clock import KernelClock, check_clock, judge_clock, kernel_clock
from scripts.doctor.findings import Verdict


@pytest.mark.parametrize(
    ("clock", "verdict"),
    [
        (None, Verdict.OK),
        (KernelClock(True, 0.02), Verdict.OK),
        (KernelClock(True, 3.0), Verdict.WARN),
        (KernelClock(False, 16.0), Verdict.WARN),
    ],
)
def test_clocks(clock: KernelClock | None, verdict: Verdict) -> None:
    finding = judge_clock(clock)
    assert finding.verdict is verdict
    assert ("timedatectl" in finding.change) is (verdict is Verdict.WARN)


def test_this_machine() -> None:
    clock = kernel_clock()
    assert check_clock().check == "clock"
    if clock is not None:
        assert sys.platform == "linux"
        # The kernel counts up to 16 s, then it has no idea.
        assert 0 <= clock.error_s <= 60
