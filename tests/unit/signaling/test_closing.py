"""Closing within a time: what hangs is named and left behind, what fails stops nothing else."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from structlog.testing import capture_logs

from signaling.closing import close_within, end_tasks


async def _quick() -> None:
    await asyncio.sleep(0)


async def _for_ever() -> None:
    await asyncio.Event().wait()


async def _stubborn() -> None:
    while True:
        try:
            await _for_ever()
        except asyncio.CancelledError:
            if _let_go:
                raise


async def _broken() -> None:
    raise ValueError("broken")


_let_go: list[bool] = []


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("signaling.closing.CANCEL_S", 0.02)


async def _closed(closing: Any, limit_s: float = 0.05) -> tuple[bool, list[Any]]:
    with capture_logs() as logs:
        return await close_within("part", closing, limit_s), list(logs)


async def test_what_closes_in_time_says_nothing() -> None:
    assert await _closed(_quick(), 5) == (True, [])


async def test_what_hangs_is_named_with_its_place_and_cancelled() -> None:
    waiting = asyncio.create_task(_for_ever(), name="somebody else")
    closed, (line,) = await _closed(_for_ever())
    assert not closed and line["part"] == "part" and line["log_level"] == "error"
    assert "locks.py" in line["at"] and "wait" in line["at"]
    assert any(other.startswith("somebody else at ") for other in line["others"])
    waiting.cancel()


async def test_what_does_not_even_let_itself_be_cancelled_is_left_behind() -> None:
    stubborn = asyncio.ensure_future(_stubborn())
    closed, lines = await asyncio.wait_for(_closed(stubborn), 5)
    assert not closed and not stubborn.done() and lines
    _let_go.append(True)
    stubborn.cancel()
    await asyncio.gather(stubborn, return_exceptions=True)


async def test_what_fails_is_logged_and_stops_nothing_else() -> None:
    closed, (line,) = await _closed(_broken())
    assert closed and line["event"] == "failed to stop" and isinstance(line["exc_info"], ValueError)


async def test_a_task_that_misses_a_cancellation_ends_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("signaling.closing.AGAIN_S", 0.01)
    missed = 0

    async def deaf() -> None:
        nonlocal missed
        while missed < 2:
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                missed += 1
        await asyncio.sleep(60)

    async def broken() -> None:
        raise ValueError

    tasks = [asyncio.create_task(deaf()), asyncio.create_task(broken())]
    await asyncio.sleep(0)
    async with asyncio.timeout(5):
        await end_tasks(None, *tasks)
    assert missed == 2 and all(task.done() for task in tasks)
