"""What axe finds on the page: nothing serious, on any screen, in the light and in the dark."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page

from tests.interop.conftest import People
from tests.interop.test_page import joined, opened
from tests.support.meeting.people import more, person_menu

_AXE = Path(__file__).resolve().parents[2] / "web" / "node_modules" / "axe-core" / "axe.min.js"
_RUN = """async () => {
    // Wait for what changes colour or fades in: contrast is judged by what is on the screen.
    await new Promise((resolve) => setTimeout(resolve, 150));
    await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
    await Promise.all(document.getAnimations().filter((one) => one.effect?.getTiming().iterations !== Infinity)
        .map((one) => one.finished.catch(() => 0)));
    const { violations } = await axe.run(document, { resultTypes: ["violations"] });
    return violations.filter(({ impact }) => impact === "serious" || impact === "critical")
        .map(({ id, nodes }) => `${id}: ` + nodes.slice(0, 4).map(({ target, failureSummary, html }) =>
            `${target.join(" ")} ${html.slice(0, 120)} | ${failureSummary.split("\\n").slice(1, 2)}`).join("\\n    "));
}"""

pytestmark = pytest.mark.skipif(not _AXE.is_file(), reason="npm ci was not run in web/")


WIDE, PHONE = {"width": 1280, "height": 720}, {"width": 390, "height": 780}


async def check(page: Page, found: dict[str, Any], name: str, *, phone: bool = False) -> None:
    """Light and dark; with ``phone`` the dark one on a phone."""
    for scheme in ("light", "dark"):
        if phone:
            await page.set_viewport_size(WIDE if scheme == "light" else PHONE)  # type: ignore[arg-type]
        await page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        # The page's policy lets in no foreign script, so that it comes by the developer tools.
        if not await page.evaluate("'axe' in window"):
            await page.evaluate(_AXE.read_text())
        if problems := await page.evaluate(_RUN):
            found[f"{name}, {scheme}"] = problems
        if folder := os.environ.get("PLENUM_SCREENS"):
            await page.screenshot(path=Path(folder) / f"{name}-{scheme}.png".replace(" ", "-"))
    if phone:
        await page.set_viewport_size(WIDE)  # type: ignore[arg-type]


def tell(found: dict[str, Any]) -> str:
    return "\n".join(f"{where}\n  " + "\n  ".join(what) for where, what in found.items())


async def test_no_serious_finding_anywhere(people: People) -> None:
    found: dict[str, Any] = {}
    ada = await opened(people, "Ada")
    page = ada.page
    await check(page, found, "join")
    await ada.join()
    bela = await joined(people, "Bela")
    await ada.shows(2)
    await check(page, found, "conference")
    await bela.page.evaluate("plenum.chat.send('see https://example.org/plan')")
    await bela.page.keyboard.press("h")
    await page.keyboard.press("c")
    await page.get_by_label("Message", exact=True).fill("Hello")
    await page.keyboard.press("Enter")
    await page.get_by_text("Hello", exact=True).wait_for()
    await check(page, found, "chat")
    await page.keyboard.press("Escape")
    await page.evaluate("plenum.breakouts.create({ count: 2, durationS: 600, selfAssign: true })")
    await page.keyboard.press("p")
    await check(page, found, "participants")
    await page.get_by_test_id("person").nth(1).get_by_test_id("person-menu").click()
    await check(page, found, "menu")
    await page.keyboard.press("Escape")
    await page.get_by_test_id("breakout-manage").click()
    await check(page, found, "breakout rooms")
    await page.get_by_test_id("breakout-close-all").click()
    await page.get_by_test_id("breakout-form").wait_for()
    await check(page, found, "new breakout rooms")
    await page.keyboard.press("Escape")
    for button, dialog in (("room-settings-button", "room-dialog"), ("settings-button", "settings-dialog")):
        await page.get_by_test_id(button).click()
        await page.get_by_test_id(dialog).wait_for()
        await check(page, found, dialog)
        await page.keyboard.press("Escape")
    await page.keyboard.press("?")
    await check(page, found, "help")
    await page.keyboard.press("Escape")
    await ada.button("Leave").click()
    await check(page, found, "left")
    assert found == {}, tell(found)


async def test_no_serious_finding_in_what_a_host_opens(people: People) -> None:
    found: dict[str, Any] = {}
    ada = await joined(people, "Ada")
    page = ada.page
    await page.evaluate("plenum.room.changeSettings({ enable_waiting_room: true })")
    bela = await opened(people, "Bela")
    await bela.button("Join").click()
    await bela.page.get_by_test_id("waiting-screen").wait_for()
    await check(bela.page, found, "waiting", phone=True)
    await page.keyboard.press("p")
    await page.get_by_test_id("admit").wait_for()
    await check(page, found, "who waits", phone=True)
    await page.get_by_test_id("reject").click()
    await check(page, found, "turn away", phone=True)
    await page.keyboard.press("Escape")
    await page.get_by_test_id("admit").click()
    await bela.connected()
    await more(ada, "more-record")
    await check(page, found, "record", phone=True)
    await page.keyboard.press("Escape")
    await more(ada, "more-recordings")
    await page.get_by_test_id("recordings").get_by_role("listitem").wait_for()
    await check(page, found, "recordings", phone=True)
    await page.keyboard.press("Escape")
    await more(ada, "more-live")
    await page.get_by_test_id("live-platform").select_option("custom")
    await check(page, found, "go live", phone=True)
    await page.keyboard.press("Escape")
    await more(ada, "more-why")
    await page.get_by_test_id("why-section").first.wait_for()
    await check(page, found, "why", phone=True)
    await page.get_by_test_id("more-button").click()
    await check(page, found, "more", phone=True)
    await page.keyboard.press("Escape")
    await page.get_by_test_id("send-file").click()
    await check(page, found, "send a file", phone=True)
    file = {"name": "notes.pdf", "mimeType": "application/pdf", "buffer": bytes(1_000)}
    await page.get_by_test_id("file-input").set_input_files(file)  # type: ignore[arg-type]
    await page.get_by_test_id("file-send").click()
    await bela.page.get_by_test_id("file-card").wait_for()
    await check(bela.page, found, "a file comes", phone=True)
    await person_menu(ada, "Bela", "person-permissions")
    await check(page, found, "permissions", phone=True)
    await page.keyboard.press("Escape")
    await person_menu(ada, "Bela", "person-kick")
    await page.get_by_test_id("ask-confirm").click()
    await bela.page.get_by_test_id("notice").wait_for()
    await check(bela.page, found, "taken out", phone=True)
    assert found == {}, tell(found)
