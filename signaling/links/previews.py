"""Fetches previews beside the rooms: few at a time, each link once in a while, failures counted by name."""

from __future__ import annotations

import asyncio
import time
from collections import Counter, OrderedDict
from collections.abc import Awaitable, Callable

import structlog

from signaling.closing import end_tasks
from signaling.links.addresses import RefusedLink
from signaling.messages.chat import LinkPreview

log = structlog.get_logger("plenum.links")

MAX_AT_ONCE = 8
MAX_WAITING = 100
MAX_REMEMBERED = 500
REMEMBER_S = 600.0

Fetch = Callable[[str], Awaitable[LinkPreview | None]]


class Previews:
    """Answers ``want`` by a call of ``on_found``, later or, without a preview, never."""

    def __init__(self, fetch: Fetch, counters: Counter[str]) -> None:
        self._fetch = fetch
        self._counters = counters
        self._at_once = asyncio.Semaphore(MAX_AT_ONCE)
        self._tasks: set[asyncio.Task[None]] = set()
        self._known: OrderedDict[str, tuple[float, LinkPreview | None]] = OrderedDict()

    def want(self, link: str, on_found: Callable[[LinkPreview], None]) -> None:
        """Fetch the preview of ``link``, unless too many wait already."""
        if len(self._tasks) >= MAX_WAITING:
            self._counters["link_previews_dropped"] += 1
            return
        task = asyncio.get_running_loop().create_task(self._serve(link, on_found), name="link preview")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Give up what is under way."""
        await end_tasks(*self._tasks)

    async def _serve(self, link: str, on_found: Callable[[LinkPreview], None]) -> None:
        try:
            preview = await self._preview(link)
            if preview is not None:
                on_found(preview)
        except Exception:
            log.exception("link preview failed")

    async def _preview(self, link: str) -> LinkPreview | None:
        async with self._at_once:
            found, preview = self._remembered(link)
            if found:
                return preview
            try:
                preview = await self._fetch(link)
                self._counters["link_previews"] += 1
            except RefusedLink as refused:
                self._counters[f"link_refused_{refused.reason}"] += 1
            self._known[link] = (time.monotonic() + REMEMBER_S, preview)
            if len(self._known) > MAX_REMEMBERED:
                self._known.popitem(last=False)
            return preview

    def _remembered(self, link: str) -> tuple[bool, LinkPreview | None]:
        until, preview = self._known.get(link, (0.0, None))
        return time.monotonic() < until, preview
