"""What people do with pictures: devices, screens, views, quality, backgrounds, settings."""

from __future__ import annotations

import asyncio
import time

from playwright.async_api import expect

from tests.support.meeting.people import Meeting, by, escape, more, person_menu
from tests.support.page import RoomPage
from tests.support.participant import eventually

# A page that does not answer for so long hangs.
_HANGS_AFTER_S = 15.0
_SLOW = "has not the time for a background"


async def devices(meeting: Meeting) -> None:
    """Camera and microphone off and on again, and chosen anew."""
    bela, carl = meeting.bela, meeting.carl
    await by(bela, "toggle-camera").click()
    await carl.shows(3)
    await by(bela, "toggle-mic").click()
    await expect(bela.button("Turn on microphone")).to_be_visible()
    await by(bela, "toggle-mic").click()
    await by(bela, "toggle-camera").click()
    await carl.shows(4)
    await by(bela, "settings-button").click()
    for name in ("Camera", "Microphone"):
        choice = bela.page.get_by_role("combobox", name=name, exact=True)
        values = await choice.locator("option").evaluate_all("(all) => all.map((one) => one.value)")
        for value in reversed(values):
            await choice.select_option(value)
    await escape(bela)
    await carl.shows(4)


async def screen(meeting: Meeting) -> None:
    """A shared screen, the views, a pin, and the end of it by the host."""
    ada, carl, dora = meeting.ada, meeting.carl, meeting.dora
    await by(carl, "toggle-screen").click()
    await dora.shows(5)
    for key in ("g", "g"):
        await dora.page.keyboard.press(key)
    tile = by(dora, "tile").filter(has_text="Ada").first
    await tile.dblclick()
    await tile.dblclick()
    await by(carl, "stop-sharing").click()
    await dora.shows(4)
    await by(carl, "toggle-screen").click()
    await dora.shows(5)
    await person_menu(ada, "Carl", "person-stop-screen")
    await dora.shows(4)


async def quality(meeting: Meeting) -> None:
    """The server has measured everybody; a picture is chosen smaller; the reasons are told."""
    ada, dora = meeting.ada, meeting.dora

    async def measured() -> bool:
        return bool(await ada.page.evaluate("plenum.participants.every((one) => one.connectionQuality)"))

    await eventually(measured, 30, "somebody's connection is not measured")
    for value in ("low", "auto"):
        tile = by(dora, "tile").filter(has_text="Ada").first
        await tile.hover()
        await tile.get_by_test_id("tile-menu").click()
        await by(dora, f"quality-{value}").click()
    await more(dora, "more-why")
    await expect(by(dora, "why-section").first).to_be_visible()
    await expect(by(dora, "why-panel")).to_contain_text("Ada")
    await escape(dora)


async def settings(meeting: Meeting) -> None:
    """Another theme, a smaller camera, less to receive, a mirror, and the list of keys."""
    dora = meeting.dora
    await by(dora, "settings-button").click()
    for name, values in (
        ("Theme", ("light", "dark", "system")),
        ("Quality of your camera", ("180p", "360p", "720p")),
        ("What you receive", ("audio-only", "data-saver", "auto")),
    ):
        for value in values:
            await dora.page.get_by_role("combobox", name=name, exact=True).select_option(value)
    for label in ("Mirror my own picture", "Remove echo and noise"):
        for _ in range(2):
            await dora.page.get_by_role("switch", name=label).click()
    await dora.button("Test").click()
    await escape(dora)
    await dora.page.keyboard.press("?")
    await expect(by(dora, "help-dialog")).to_be_visible()
    await escape(dora)
    await dora.shows(4, 20)


async def backgrounds(meeting: Meeting) -> None:
    """An image, then Blur for all four at once: who has no time for it is told so, and no page hangs."""
    await asyncio.gather(*(choose_background(one, "slate") for one in meeting.people[:1]))
    await asyncio.gather(*(choose_background(one, "blur") for one in meeting.people))
    for _ in range(5):
        started = time.monotonic()
        await asyncio.gather(
            *(one.page.evaluate("new Promise((done) => setTimeout(done, 0))") for one in meeting.people)
        )
        took = time.monotonic() - started
        assert took < _HANGS_AFTER_S, f"a page did not answer for {took:.0f} s"
        await asyncio.sleep(1)
    await asyncio.gather(*(choose_background(one, "none") for one in meeting.people))
    for one in meeting.people:
        if await one.button("Turn on camera").is_visible():
            await by(one, "toggle-camera").click()
    await asyncio.gather(*(one.shows(4, 30) for one in meeting.people))


async def choose_background(user: RoomPage, name: str) -> str:
    """``works``, or ``slow`` where the page says that it has no time for it."""
    await more(user, "more-background")
    await by(user, f"background-{name}").check()
    found: list[str] = []

    async def settled() -> bool:
        state = await user.page.evaluate(
            "[document.querySelector('.backgrounds').hasAttribute('data-busy'), document.body.innerText]"
        )
        found[:] = ["slow" if _SLOW in state[1] else "works"]
        return not state[0]

    await eventually(settled, 40, f"{user.name}'s page never decides about {name}")
    await escape(user)
    return found[0]
