"""Four people at the page in one room, and what their acts are made of."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from playwright.async_api import Locator, expect

from tests.support.chromium import Chromium
from tests.support.page import RoomPage
from tests.support.server import PlenumServer

NAMES = ("Ada", "Bela", "Carl", "Dora")
# Small pictures: it is about what the page can do, and four browsers shall have time for it on two cores.
_QUERY = "quality=180&fps=10"


@dataclass
class Meeting:
    """Four in a room; Ada is the host."""

    chromium: Chromium
    server: PlenumServer
    room: str
    people: list[RoomPage] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    shots: Path | None = None
    """Where pictures of all pages go when an act fails."""

    async def begin(self) -> None:
        """Everybody joins and sees everybody."""
        for name in NAMES:
            user = await RoomPage.open(self.chromium, self.server, self.room, name, query=_QUERY)
            self.people.append(user)
            await user.join()
        await asyncio.gather(*(one.shows(len(NAMES), 20) for one in self.people))

    @property
    def ada(self) -> RoomPage:
        return self.people[0]

    @property
    def bela(self) -> RoomPage:
        return self.people[1]

    @property
    def carl(self) -> RoomPage:
        return self.people[2]

    @property
    def dora(self) -> RoomPage:
        return self.people[3]

    def errors(self) -> list[str]:
        """What the consoles of all four hold."""
        return [f"{one.name}: {error}" for one in self.people for error in one.tab.errors]

    async def play(
        self, acts: Sequence[Act], until: float, tell: Callable[[str], None] = lambda line: None
    ) -> list[tuple[str, float]]:
        """Act after act until that time (monotonic), each at least once; what took how long.

        What fails is written down, and the others are played all the same. ``tell`` hears of each when it is over.
        """
        log: list[tuple[str, float]] = []
        for turn, act in enumerate(itertools.cycle(acts)):
            if turn >= len(acts) and time.monotonic() >= until:
                return log
            started = time.monotonic()
            try:
                await act(self)
            except Exception as error:
                self.failures.append(f"{act.__name__}: {str(error)[:400]}")
                tell(f"FAILED {self.failures[-1]}")
                for one in self.people:
                    if self.shots is not None:
                        await one.page.screenshot(path=self.shots / f"{turn}-{act.__name__}-{one.name}.png")
                    await one.page.keyboard.press("Escape")
            log.append((act.__name__, time.monotonic() - started))
            tell(f"{act.__name__} {log[-1][1]:.1f} s")
        return log

    async def end(self) -> None:
        """All leave, and are told so."""
        for one in self.people:
            await one.button("Leave").click()
            await expect(one.page.get_by_role("heading", name="You left the room")).to_be_visible()


Act = Callable[[Meeting], Awaitable[None]]


def by(user: RoomPage, testid: str) -> Locator:
    """An element of somebody's page."""
    return user.page.get_by_test_id(testid)


async def panel(user: RoomPage, which: str) -> None:
    """Open a panel: ``chat`` or ``people``."""
    if not await by(user, f"{which}-panel").is_visible():
        await by(user, "toggle-chat" if which == "chat" else "participants-button").click()
    await expect(by(user, f"{which}-panel")).to_be_visible()


async def person_menu(user: RoomPage, name: str, entry: str) -> None:
    """Something of the menu of a participant."""
    await panel(user, "people")
    await user.page.get_by_role("button", name=f"More about {name}", exact=True).click()
    await by(user, entry).click()


async def more(user: RoomPage, entry: str) -> None:
    """Something of the menu of what is needed less often."""
    await by(user, "more-button").click()
    await by(user, entry).click()


async def ask(user: RoomPage, text: str | None = None) -> None:
    """Answer the question that is on the screen."""
    if text is not None:
        await by(user, "ask-input").fill(text)
    await by(user, "ask-confirm").click()


async def titled(user: RoomPage, title: str) -> None:
    """A page that tells how it ended."""
    await expect(user.page.get_by_role("heading", name=title)).to_be_visible()


async def told(user: RoomPage, text: str, timeout_s: float = 5.0) -> None:
    """A short message on the screen. It goes by itself: look for it before all else."""
    await expect(user.page.locator(".toast").filter(has_text=text).first).to_be_visible(timeout=timeout_s * 1000)


async def escape(user: RoomPage) -> None:
    """Close what is open."""
    await user.page.keyboard.press("Escape")
