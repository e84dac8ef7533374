"""Who waits for what comes next. When it comes for hundreds at once, they are let go a few in a turn of the loop."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

AT_ONCE = 4
"""Let go in one turn: an answer takes some 70 us and brings the next request, and meanwhile packets of
calls in the same process wait."""


class Waiters:
    """Each waits until its own condition holds; ``ring`` says that it may hold now."""

    def __init__(self) -> None:
        self._waiting: dict[asyncio.Future[None], Callable[[], bool]] = {}
        self._released: deque[asyncio.Future[None]] = deque()
        self._is_letting_go = False

    async def wait(self, wanted: Callable[[], bool], timeout_s: float) -> bool:
        """Until ``wanted`` holds, for at most ``timeout_s``; whether it does."""
        if wanted():
            return True
        loop = asyncio.get_running_loop()
        waiter = loop.create_future()
        self._waiting[waiter] = wanted
        timer = loop.call_later(timeout_s, self._release, waiter)
        try:
            await waiter
        finally:
            timer.cancel()
            self._waiting.pop(waiter, None)
        return wanted()

    def ring(self, *, all_of_them: bool = False) -> None:
        """Something has changed; let go those for whom it was that, or all."""
        for waiter in [w for w, wanted in self._waiting.items() if all_of_them or wanted()]:
            self._release(waiter)

    def _release(self, waiter: asyncio.Future[None]) -> None:
        if self._waiting.pop(waiter, None) is not None:
            self._released.append(waiter)
            if not self._is_letting_go:
                self._is_letting_go = True
                waiter.get_loop().call_soon(self._let_go)

    def _let_go(self) -> None:
        for _ in range(min(AT_ONCE, len(self._released))):
            waiter = self._released.popleft()
            if not waiter.done():  # whoever gave up has cancelled it
                waiter.set_result(None)
        self._is_letting_go = bool(self._released)
        if self._released:
            self._released[0].get_loop().call_soon(self._let_go)
