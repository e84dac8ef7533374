"""The conference page in Chromium: joining, the controls, the keyboard, and finding its way back."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest
from playwright.async_api import expect

from tests.interop.conftest import SETTINGS, People
from tests.support.chromium import Chromium
from tests.support.page import RoomPage
from tests.support.participant import eventually
from tests.support.server import PlenumServer


async def opened(people: People, name: str, **options: object) -> RoomPage:
    user = await RoomPage.open(people.chromium, people.server, people.room, name, **options)  # type: ignore[arg-type]
    people.tabs.append(user.tab)
    return user


async def joined(people: People, name: str, **options: object) -> RoomPage:
    user = await opened(people, name, **options)
    await user.join()
    return user


async def test_joining_is_fast(people: People) -> None:
    ada = await joined(people, "Ada")
    times = []
    for index in range(3):
        bela = await opened(people, f"Bela {index}")
        await bela.join()
        times.append(await bela.first_frame_ms())
        await bela.button("Leave").click()
    # The exact figures are measured by tests/bench/join_time.py on a quiet machine; this holds the order of magnitude.
    assert min(times) < 1500, times
    await ada.shows(1)


async def test_two_users_meet_talk_and_share(people: People) -> None:
    ada, bela = await joined(people, "Ada"), await joined(people, "Bela")
    await asyncio.gather(ada.shows(2), bela.shows(2))

    await ada.button("Chat").click()
    await ada.page.get_by_label("Message", exact=True).fill("Hello Bela, see https://example.org/plan <b>")
    await ada.page.keyboard.press("Enter")
    await bela.page.get_by_role("button", name=re.compile("^Chat")).click()
    message = bela.page.get_by_role("log", name="Messages")
    await expect(message).to_contain_text("Hello Bela, see https://example.org/plan <b>")
    await expect(message.get_by_role("link")).to_have_attribute("href", "https://example.org/plan")

    # The second time browsers name nothing of the track any more.
    for _ in range(2):
        await bela.button("Share your screen").click()
        await ada.shows(3)
        await bela.page.get_by_test_id("toggle-screen").click()
        await ada.shows(2)

    await bela.button("Leave").click()
    await expect(bela.page.get_by_role("heading", name="You left the room")).to_be_visible()
    await ada.shows(1)
    await bela.button("Join again").click()
    await bela.connected()
    await asyncio.gather(ada.shows(2), bela.shows(2))


async def test_microphone_and_camera_go_off_and_on(people: People) -> None:
    ada, bela = await joined(people, "Ada"), await joined(people, "Bela")
    await bela.shows(2)
    await ada.button("Turn off camera").click()
    await bela.shows(1)
    await ada.button("Turn on camera").click()
    await bela.shows(2)
    await ada.button("Turn off microphone").click()

    async def muted() -> bool:
        told = await bela.tab.probe("p.messages.filter((m) => m.type === 'media-control').at(-1)?.payload ?? null")
        return bool(told) and told["audio_enabled"] is False

    await eventually(muted, 5, "Bela is not told that Ada is muted")
    await expect(ada.button("Turn on microphone")).to_be_visible()


async def test_the_keyboard_is_enough(people: People) -> None:
    ada = await opened(people, "Ada")
    await ada.page.get_by_label("Your name").focus()
    await ada.page.keyboard.press("Enter")
    await ada.connected()
    keys = ada.page.keyboard
    await keys.press("m")
    await expect(ada.button("Turn on microphone")).to_be_visible()
    await keys.press("v")
    await expect(ada.button("Turn on camera")).to_be_visible()
    await keys.press("c")
    await expect(ada.page.get_by_label("Message", exact=True)).to_be_focused()
    await keys.type("m is only a letter here")
    await expect(ada.button("Turn on microphone")).to_be_visible()
    await keys.press("Escape")
    await expect(ada.page.get_by_test_id("toggle-chat")).to_be_focused()

    reached = set()
    for _ in range(40):
        await keys.press("Tab")
        focus = await ada.page.evaluate(
            """() => {
                const one = document.activeElement;
                const style = getComputedStyle(one);
                const outlined = style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) > 0;
                const ring = outlined || style.boxShadow !== 'none';
                return { name: one.getAttribute('aria-label') ?? one.textContent.trim(), tag: one.tagName, ring };
            }"""
        )
        reached.add(focus["name"])
        assert focus["ring"] or focus["tag"] == "BODY", f"no visible focus on {focus}"
    assert {"Turn on microphone", "Turn on camera", "Share your screen", "Participants", "Leave", "Settings"} <= reached
    await ada.button("Leave").focus()
    await keys.press("Enter")
    await expect(ada.page.get_by_role("heading", name="You left the room")).to_be_visible()


@pytest.mark.parametrize("screen", ["join", "conference"])
async def test_every_control_has_a_name(people: People, screen: str) -> None:
    ada = await opened(people, "Ada")
    if screen == "conference":
        await ada.join()
        await ada.button("Chat").click()
    nameless = await ada.page.evaluate(
        """() => [...document.querySelectorAll('button, a[href], input, select, textarea, video, img, [role]')]
            .filter((one) => one.checkVisibility() && !one.closest('[aria-hidden=true]'))
            .filter((one) => !['presentation', 'none', 'status', 'alert'].includes(one.getAttribute('role')))
            .filter((one) => !(one.matches('img') && one.getAttribute('alt') === ''))  // decoration, said to be so
            .filter((one) => !(one.getAttribute('aria-label') || one.getAttribute('alt') || one.labels?.length
                || one.getAttribute('aria-labelledby') || one.textContent.trim() || one.title))
            .map((one) => one.outerHTML.slice(0, 120))"""
    )
    assert nameless == []
    snapshot = await ada.page.locator("body").aria_snapshot()
    expected = ['button "Join"'] if screen == "join" else ['button "Leave"', "heading", 'log "Messages"']
    for part in expected:
        assert part in snapshot, snapshot


async def test_a_lost_websocket_is_replaced_while_media_flows(people: People) -> None:
    ada, bela = await joined(people, "Ada"), await joined(people, "Bela")
    await asyncio.gather(ada.shows(2), bela.shows(2))
    await bela.tab.probe("p.refuseSockets = true")
    await bela.tab.probe("p.sockets.at(-1).close()")
    state = bela.page.get_by_test_id("connection-state")
    await expect(state).to_have_attribute("data-state", "reconnecting")
    await expect(state).to_have_text(re.compile("[Rr]econnect"))
    await asyncio.sleep(2)
    await bela.tab.probe("p.refuseSockets = false")
    await bela.connected()
    await asyncio.gather(ada.shows(2), bela.shows(2))
    # The browser itself complains about the refused connections; that is no fault of the page.
    bela.tab.errors[:] = [error for error in bela.tab.errors if "WebSocket connection to" not in error]


async def test_pages_come_back_after_the_server_was_restarted(chromium: Chromium, tmp_path: Path) -> None:
    server = PlenumServer(tmp_path, SETTINGS)
    await server.start()
    try:
        ada = await RoomPage.open(chromium, server, "restart", "Ada")
        bela = await RoomPage.open(chromium, server, "restart", "Bela")
        await ada.join()
        await bela.join()
        await asyncio.gather(ada.shows(2), bela.shows(2))
        await server.stop()
        await expect(ada.page.get_by_test_id("connection-state")).to_have_attribute("data-state", "reconnecting")
        await asyncio.sleep(1)
        await server.start()
        await asyncio.gather(ada.connected(), bela.connected())
        await asyncio.gather(ada.shows(2), bela.shows(2))
        for user in (ada, bela):
            await user.tab.close()
    finally:
        await server.stop()


@pytest.mark.parametrize(("width", "height"), [(360, 740), (820, 1180), (1600, 900)])
async def test_the_page_fits_any_window(people: People, width: int, height: int) -> None:
    ada = await joined(people, "Ada", viewport={"width": width, "height": height})
    await joined(people, "Bela")
    await ada.shows(2)
    overflow = await ada.page.evaluate(
        "[document.documentElement.scrollWidth - innerWidth, document.documentElement.scrollHeight - innerHeight]"
    )
    assert overflow[0] <= 0
    assert overflow[1] <= 0
    for name in ("Turn off microphone", "Turn off camera", "Leave"):
        box = await ada.button(name).bounding_box()
        assert box is not None
        assert 0 <= box["x"] <= box["x"] + box["width"] <= width
        assert 0 <= box["y"] <= box["y"] + box["height"] <= height
        assert min(box["width"], box["height"]) >= 40, f"{name} is too small for a finger"
