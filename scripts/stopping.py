"""How long the parts of a server may take to stop, and what happens when even the end of the process hangs."""

from __future__ import annotations

import contextlib
import faulthandler
import sys
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

from signaling.closing import close_within

if TYPE_CHECKING:
    from config.settings import Settings

PART_S = 5.0
HTTP_MARGIN_S = 12.0  # after its connections come rooms, leases and webhooks, which have limits of their own
DRAIN_MARGIN_S = 5.0
JOBS_MARGIN_S = 5.0
END_S = 10.0  # all is closed, and only threads can keep the process
MARGIN_S = 15.0


def closes(stack: AsyncExitStack, part: str, close: Callable[[], Awaitable[object]], limit_s: float = PART_S) -> None:
    """Have the end of ``stack`` close a part, and go on without it when that takes longer."""

    async def within() -> None:
        await close_within(part, close(), limit_s)

    stack.push_async_callback(within)


def longest_stop_s(settings: Settings) -> float:
    """Time from SIGTERM after which a process cannot be stopping in good order any more."""
    return (
        settings.shards.drain_timeout_s
        + settings.http.shutdown_timeout_s
        + (settings.jobs.stop_timeout_s if settings.recording.enabled or settings.live.enabled else 0.0)
        + MARGIN_S
    )


_owned: list[bool] = []


def own_process() -> None:
    """Called where a process begins that is the server's alone; only such a one may be ended by force."""
    _owned.append(True)


def end_by_force(after_s: float) -> None:
    """Unless the process has ended by then: say where each thread stands, and end it, if it is the server's own.

    This needs no event loop and no interpreter lock, so that neither can keep it from happening.
    """
    if _owned and sys.__stderr__ is not None:
        with contextlib.suppress(OSError, ValueError):  # it may be closed, or no file
            faulthandler.dump_traceback_later(after_s, exit=True, file=sys.__stderr__)
