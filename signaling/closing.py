"""Going down part by part, each within a time of its own: what hangs is named in the log, and holds up nothing else."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable
from typing import Any

import structlog

log = structlog.get_logger("plenum.closing")

SLOW_S = 2.0
CANCEL_S = 1.0
AGAIN_S = 0.5
MAX_TOLD = 12
MAX_DEPTH = 20


async def close_within(part: str, closing: Awaitable[object], limit_s: float) -> bool:
    """Wait for a part to close, ``limit_s`` seconds at most; then it is cancelled and left behind. False: it was.

    What it raises is logged: the parts that are still to close must not suffer from it.
    """
    task = asyncio.ensure_future(closing)
    began = time.monotonic()
    try:
        done, _ = await asyncio.wait({task}, timeout=limit_s)
    except asyncio.CancelledError:
        task.cancel()
        raise
    if not done:
        log.error("does not stop", part=part, limit_s=limit_s, at=where(task), others=_others(task))
        task.cancel()
        await asyncio.wait({task}, timeout=CANCEL_S)
        return False
    took_s = time.monotonic() - began
    if took_s > SLOW_S:
        log.info("stopped slowly", part=part, took_s=round(took_s, 1))
    if not task.cancelled() and (error := task.exception()) is not None:
        log.error("failed to stop", part=part, exc_info=error)
    return True


async def end_tasks(*tasks: asyncio.Task[Any] | None) -> None:
    """Cancel tasks and wait until they are over; what comes of them is of no interest.

    A cancellation can get lost, where a library takes it for the one of its own time-out: it is said again and again.
    """
    waiting = {task for task in tasks if task is not None}
    while waiting:
        for task in waiting:
            task.cancel()
        done, waiting = await asyncio.wait(waiting, timeout=AGAIN_S)
        for task in done:
            if not task.cancelled():
                task.exception()  # else asyncio complains that nobody asked


def where(task: asyncio.Future[Any]) -> str:
    """The place in the sources where a task waits."""
    place = "?"
    waits: Any = task.get_coro() if isinstance(task, asyncio.Task) else task
    for _ in range(MAX_DEPTH):
        frame = getattr(waits, "cr_frame", None) or getattr(waits, "gi_frame", None)
        if frame is None:
            break
        place = f"{frame.f_code.co_filename}:{frame.f_lineno} {frame.f_code.co_name}"
        waits = getattr(waits, "cr_await", None) or getattr(waits, "gi_yieldfrom", None)
    return place


def _others(task: asyncio.Future[Any]) -> list[str]:
    """What else runs: often that is what ``task`` waits for."""
    current = asyncio.current_task()
    found = [other for other in asyncio.all_tasks() if other is not task and other is not current]
    return [f"{other.get_name()} at {where(other)}" for other in found[:MAX_TOLD]]
