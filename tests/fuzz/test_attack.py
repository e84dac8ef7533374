"""A short attack; tests/fuzz/run.py makes the long one."""

from __future__ import annotations

from tests.fuzz.attack import attack
from tests.fuzz.run import verdict

COUNT = 50_000


async def test_bad_datagrams_disturb_nobody() -> None:
    report = await attack(COUNT)
    assert verdict(report) == [], "\n".join(report.lines())
