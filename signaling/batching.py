"""Scripts of many callers in one round trip: who asks while an answer is under way is asked for with the next."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any

from signaling.shards import scripts
from signaling.shards.scripts import Call

MAX_AT_ONCE = 256


class ScriptBatch:
    """Runs scripts that are independent of each other. A single caller waits no longer than without it."""

    def __init__(self, redis: Any) -> None:
        self._redis = redis
        self._waiting: deque[tuple[Call, asyncio.Future[Any]]] = deque()
        self._task: asyncio.Task[None] | None = None

    async def run(self, call: Call) -> Any:
        """The answer of one script; raises what redis-py raises. Given up by its caller, it may still be run."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Any] = loop.create_future()
        self._waiting.append((call, future))
        if self._task is None:
            self._task = loop.create_task(self._send(), name="batch of scripts")
        return await future

    async def _send(self) -> None:
        try:
            while self._waiting:
                batch = [self._waiting.popleft() for _ in range(min(MAX_AT_ONCE, len(self._waiting)))]
                batch = [(call, future) for call, future in batch if not future.done()]
                try:
                    answers = await scripts.run_many(self._redis, [call for call, _ in batch])
                except Exception as error:
                    answers = [error] * len(batch)
                for (_, future), answer in zip(batch, answers, strict=True):
                    if future.done():
                        continue
                    if isinstance(answer, Exception):
                        future.set_exception(answer)
                    else:
                        future.set_result(answer)
        finally:
            self._task = None
            for _, future in self._waiting:
                future.cancel()
