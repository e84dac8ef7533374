"""A load test: rooms full of participants, for a while."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from scripts.load.clip import Clip
from scripts.load.figures import Outcome, mark, outcome
from scripts.load.participant import Participant, Wish
from sfu.io.certificate import Certificate

LEAVE_TIMEOUT_S = 15.0


@dataclass(frozen=True)
class Plan:
    """``publishers`` and ``receivers`` are those of each room; ``settle_s`` passes before figures count."""

    url: str
    rooms: int
    publishers: int
    receivers: int
    seconds: float
    joins_per_s: float
    clip: Clip
    prefix: str = "load"
    settle_s: float = 2.0
    feedback: bool = True
    probes_per_room: int = 1
    tls: ssl.SSLContext | None = None

    @property
    def participants(self) -> int:
        """Of all rooms."""
        return self.rooms * (self.publishers + self.receivers)

    @property
    def tracks(self) -> int:
        """What all receive together: everybody gets what the other publishers of its room send."""
        each = 2 if self.clip.frames else 1
        of_room = self.publishers * (self.publishers - 1) + self.receivers * self.publishers
        return self.rooms * of_room * each


Progress = Callable[[str, float, float], None]


async def run(
    plan: Plan,
    mint: Callable[[str, str], str],
    progress: Progress,
    note: Callable[[], Awaitable[None]] | None = None,
    enough: asyncio.Event | None = None,
) -> Outcome:
    """``mint(user, room)`` makes tokens; ``progress(phase, done, total)`` is told how far it is.

    ``note`` is awaited where the time that counts begins, and where it ends; ``enough`` ends it early.
    """
    certificate = Certificate()
    people = [Participant(wish, certificate) for wish in _wishes(plan, mint)]
    joins: list[asyncio.Task[None]] = []
    try:
        for count, one in enumerate(people, 1):
            joins.append(asyncio.create_task(one.join()))
            progress("joining", count, len(people))
            await asyncio.sleep(1 / plan.joins_per_s)
        await asyncio.gather(*joins)
        anybody = any(one.story.joined_s is not None for one in people)
        await asyncio.sleep(plan.settle_s if anybody else 0)
        if note is not None:
            await note()
        begin = mark(people, time.monotonic())
        while anybody and (passed := time.monotonic() - begin.at) < plan.seconds:
            progress("running", passed, plan.seconds)
            if await _is_enough(enough, min(0.5, plan.seconds - passed)):
                break
        end = mark(people, time.monotonic())
        if note is not None:
            await note()
    finally:
        for join in joins:
            join.cancel()
        progress("leaving", 0, len(people))
        async with asyncio.timeout(LEAVE_TIMEOUT_S):
            await asyncio.gather(*(one.leave() for one in people), return_exceptions=True)
    return outcome(people, begin, end, plan.tracks)


async def _is_enough(enough: asyncio.Event | None, wait_s: float) -> bool:
    """Wait, but not longer than until it is enough."""
    if enough is None:
        await asyncio.sleep(wait_s)
        return False
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(enough.wait(), wait_s)
    return enough.is_set()


def _wishes(plan: Plan, mint: Callable[[str, str], str]) -> list[Wish]:
    wishes = []
    for number in range(plan.rooms):
        room = f"{plan.prefix}-{number}"
        for place in range(plan.publishers + plan.receivers):
            publishes = place < plan.publishers
            user = f"{room}-{'pub' if publishes else 'sub'}{place}"
            wishes.append(
                Wish(
                    url=plan.url.rstrip("/").replace("http", "ws", 1),
                    room=room,
                    user=user,
                    token=mint(user, room),
                    clip=plan.clip if publishes else None,
                    is_probe=place >= plan.publishers + plan.receivers - plan.probes_per_room,
                    feedback=plan.feedback,
                    tls=plan.tls,
                )
            )
    return wishes
