"""The conference page as a user meets it: by the names of its controls."""

from __future__ import annotations

from typing import Any

from playwright.async_api import Locator, Page, expect

from tests.support.chromium import Chromium, Tab
from tests.support.participant import eventually
from tests.support.server import PlenumServer


class RoomPage:
    """One user at the conference page."""

    def __init__(self, tab: Tab, name: str) -> None:
        self.tab = tab
        self.name = name

    @property
    def page(self) -> Page:
        return self.tab.page

    @classmethod
    async def open(
        cls,
        chromium: Chromium,
        server: PlenumServer,
        room: str,
        name: str,
        *,
        setup: dict[str, Any] | None = None,
        query: str = "",
        **context: Any,
    ) -> RoomPage:
        """The join screen, with the name filled in and the camera running. ``query`` goes to the page's address."""
        settings = {"pollFirstFrames": True, **(setup or {})}
        address = server.join_url(room).replace("#", f"&{query}#")
        tab = await chromium.open(address, setup=settings, **context)
        user = cls(tab, name)
        await user.page.get_by_label("Your name").fill(name)
        await expect(user.page.get_by_label("Your camera")).to_be_visible()
        return user

    async def join(self) -> None:
        """Press Join and wait until the page says that it is in the room."""
        await self.button("Join").click()
        await self.connected()

    async def connected(self, timeout_s: float = 15) -> None:
        state = self.page.get_by_test_id("connection-state")
        await expect(state).to_have_attribute("data-state", "connected", timeout=timeout_s * 1000)

    def button(self, name: str) -> Locator:
        return self.page.get_by_role("button", name=name, exact=True)

    async def first_frame_ms(self, timeout_s: float = 10) -> float:
        """From the click on Join to the first decoded frame of anybody else."""

        async def seen() -> bool:
            return bool(await self.tab.probe("p.firstFrames.some((f) => f.kind === 'video')"))

        await eventually(seen, timeout_s, f"{self.name} sees no frame")
        at: float = await self.tab.probe("p.firstFrames.find((f) => f.kind === 'video').at")
        clicked: float = await self.tab.probe("p.clicks.find((c) => c.label === 'Join').at")
        return at - clicked

    async def pictures(self) -> int:
        """How many videos of others move: their element has shown frames within the last moments."""
        count: int = await self.page.evaluate(
            """async () => {
                const all = [...document.querySelectorAll('video')];
                const visible = all.filter((one) => one.srcObject && one.checkVisibility());
                const frames = (one) => one.getVideoPlaybackQuality().totalVideoFrames;
                const before = visible.map(frames);
                await new Promise((resolve) => setTimeout(resolve, 700));
                return visible.filter((one, index) => frames(one) > before[index]).length;
            }"""
        )
        return count

    async def shows(self, count: int, timeout_s: float = 12) -> None:
        """Wait until that many pictures move, one's own included."""
        seen: list[int] = []

        async def enough() -> bool:
            seen.append(await self.pictures())
            return seen[-1] == count

        try:
            await eventually(enough, timeout_s)
        except AssertionError:
            raise AssertionError(f"{self.name} shows {seen[-1]} moving pictures instead of {count}") from None
