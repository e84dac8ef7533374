"""Makes pictures of what the page can do, at a server of its own: small ones for docs/page.md, or all to look at.

.venv/bin/python scripts/dev/screens.py            # writes docs/images/page-*.jpg
.venv/bin/python scripts/dev/screens.py FOLDER     # each scene wide and on a phone, light and dark
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from playwright.async_api import Page, async_playwright

from scripts.dev.screenshot import FLAGS, PEOPLE, ROOT, join, server

SIZES = {"wide": {"width": 1280, "height": 720}, "phone": {"width": 390, "height": 780}}
DOCS_SIZE = {"width": 1100, "height": 640}


class Camera:
    """Takes pictures of one page under a name for each scene."""

    def __init__(self, page: Page, folder: Path | None) -> None:
        self.page = page
        self.folder = folder

    async def take(self, name: str) -> None:
        if self.folder is None:
            await self.page.screenshot(path=ROOT / "docs" / "images" / f"page-{name}.jpg", type="jpeg", quality=70)
            return
        for size, viewport in SIZES.items():
            await self.page.set_viewport_size(viewport)  # type: ignore[arg-type]
            for scheme in ("light", "dark"):
                await self.page.emulate_media(color_scheme=scheme)
                await asyncio.sleep(0.5)
                await self.page.screenshot(path=self.folder / f"{name}-{size}-{scheme}.png")
        await self.page.set_viewport_size(SIZES["wide"])  # type: ignore[arg-type]
        await self.page.emulate_media(color_scheme="light")


@contextlib.asynccontextmanager
async def meeting(link: str, browser: Any) -> AsyncIterator[list[Page]]:
    """All of PEOPLE in a room."""
    pages = [await join(browser, link, name) for name in PEOPLE]
    await asyncio.sleep(6)
    yield pages


async def play(pages: list[Page], camera: Camera) -> None:
    """The scenes, one after the other; the first page is the host's."""
    host, second, third = pages
    await second.keyboard.press("h")
    await third.keyboard.press("h")
    await host.keyboard.press("p")
    await camera.take("participants")
    await host.get_by_test_id("person-menu").nth(1).click()
    await camera.take("menu")
    await host.keyboard.press("Escape")
    await host.keyboard.press("c")
    for page, text in ((second, "Shall we start with the plan for March?"), (third, "Yes: https://example.org/plan")):
        await page.evaluate("(text) => plenum.chat.send(text)", text)
    first = host.get_by_test_id("chat-message").first
    await first.wait_for()
    await host.evaluate(
        """async () => {
            const [first] = plenum.chat.log.messages.values();
            await plenum.chat.send("Good idea, I have the figures.", { replyTo: first.id });
            await plenum.chat.react(first.id, "👍");
        }"""
    )
    await second.evaluate("plenum.react('👏')")
    await asyncio.sleep(0.8)
    await camera.take("chat")
    await host.keyboard.press("Escape")
    await host.evaluate("plenum.breakouts.create({ count: 2, name: 'Team', durationS: 900, selfAssign: true })")
    await host.get_by_test_id("more-button").click()
    await host.get_by_test_id("more-breakouts").click()
    await host.get_by_label("Where Jonas is").select_option(label="Team 1")
    await asyncio.sleep(0.5)
    await camera.take("breakouts")
    await host.get_by_test_id("breakout-close-all").click()
    await camera.take("breakouts-new")
    await host.keyboard.press("Escape")
    await host.get_by_test_id("settings-button").click()
    await host.get_by_test_id("background-picker").scroll_into_view_if_needed()
    await asyncio.sleep(0.5)
    await camera.take("settings")
    await host.keyboard.press("Escape")


async def main() -> None:
    """Take them all."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else None
    if folder:
        folder.mkdir(parents=True, exist_ok=True)
    async with server() as link, async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        async with meeting(link, browser) as pages:
            await pages[0].set_viewport_size(SIZES["wide"] if folder else DOCS_SIZE)  # type: ignore[arg-type]
            await play(pages, Camera(pages[0], folder))
        await browser.close()


if __name__ == "__main__":
    asyncio.run(main())
