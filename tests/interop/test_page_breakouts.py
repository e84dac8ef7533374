"""Breakout rooms at the page: made, filled and closed by the host, chosen and left by the others."""

from __future__ import annotations

import asyncio

from playwright.async_api import expect

from tests.interop.conftest import People
from tests.interop.test_page import joined
from tests.support.page import RoomPage


async def names(user: RoomPage) -> set[str]:
    """Whose pictures are on the stage."""
    found: list[str] = await user.page.evaluate(
        "[...document.querySelectorAll('.tile-name')].map((one) => one.textContent.replace(' (you)', ''))"
    )
    return set(found)


async def sees(user: RoomPage, *others: str) -> None:
    tiles = user.page.locator(".tile-name")
    await expect(tiles).to_have_count(len(others) + 1)
    assert await names(user) == {user.name, *others}
    await user.shows(len(others) + 1)


async def test_host_makes_fills_addresses_and_closes(people: People) -> None:
    ada, bela, carl = [await joined(people, name) for name in ("Ada", "Bela", "Carl")]
    await asyncio.gather(*(one.shows(3) for one in (ada, bela, carl)))
    await ada.page.get_by_test_id("more-button").click()
    await ada.page.get_by_test_id("more-breakouts").click()
    dialog = ada.page.get_by_test_id("breakout-dialog")
    await dialog.get_by_test_id("breakout-name").fill("Team")
    await dialog.get_by_label("By hand").check()
    await dialog.get_by_test_id("breakout-minutes").select_option("5")
    await dialog.get_by_test_id("breakout-create").click()
    await expect(dialog.get_by_test_id("breakout-room")).to_have_count(2)
    await dialog.get_by_label("Where Bela is").select_option(label="Team 1")
    await sees(bela)
    await expect(bela.page.get_by_test_id("breakout-banner")).to_contain_text("Team 1")
    await expect(bela.page.get_by_test_id("breakout-back")).to_be_hidden()
    await sees(carl, "Ada")

    await dialog.get_by_test_id("breakout-message").fill("Five more minutes")
    await dialog.get_by_role("button", name="Send").click()
    for one in (bela, carl):
        await expect(one.page.get_by_test_id("toast-to-all")).to_contain_text("Five more minutes")

    # Who may choose goes by oneself, and comes back.
    await dialog.get_by_label("Everybody may choose").check()
    await carl.page.keyboard.press("p")
    await carl.page.get_by_role("button", name="Join Team 1").click()
    await asyncio.gather(sees(carl, "Bela"), sees(bela, "Carl"), sees(ada))
    await carl.page.get_by_test_id("breakout-back").click()
    await asyncio.gather(sees(carl, "Ada"), sees(bela))

    await dialog.get_by_test_id("breakout-spread").click()
    await expect(dialog.get_by_label("Where Carl is")).not_to_have_value("")
    await dialog.get_by_test_id("breakout-close-all").click()
    await expect(dialog.get_by_test_id("breakout-form")).to_be_visible()
    await asyncio.gather(sees(ada, "Bela", "Carl"), sees(bela, "Ada", "Carl"), sees(carl, "Ada", "Bela"))
    await expect(bela.page.get_by_test_id("breakout-banner")).to_be_hidden()
