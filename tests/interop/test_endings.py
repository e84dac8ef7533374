"""How a meeting ends or does not begin, at the page: each in words, and with a way on."""

from __future__ import annotations

from pathlib import Path

from playwright.async_api import Page, expect

from tests.interop.conftest import SETTINGS, People
from tests.interop.test_page import joined, opened
from tests.support.chromium import Chromium
from tests.support.meeting.people import by, titled
from tests.support.page import RoomPage
from tests.support.server import PlenumServer
from tests.support.tokens import mint_invite, mint_token


async def reads(page: Page, title: str, *buttons: str) -> None:
    """What the page says, and what can be done there."""
    await expect(page.get_by_role("heading", name=title)).to_be_visible()
    assert len(await page.get_by_test_id("notice").inner_text()) > len(title) + 20, "it says no more than a title"
    for name in buttons:
        await expect(page.get_by_role("button", name=name, exact=True)).to_be_visible()


async def test_the_same_user_in_a_second_tab(people: People) -> None:
    link = f"{people.server.url}/?room={people.room}#token={people.server.token('ada', people.room, name='Ada')}"
    first = RoomPage(await people.open(link), "Ada")
    await first.join()
    second = RoomPage(await people.open(link), "Ada")
    await second.join()
    await reads(first.page, "Continued elsewhere", "Use this window")
    await first.button("Use this window").click()
    await first.connected()
    await reads(second.page, "Continued elsewhere", "Use this window", "Change devices")


async def test_taken_out_banned_and_locked_out(people: People) -> None:
    ada, bela = await joined(people, "Ada"), await joined(people, "Bela")
    user_id = await bela.page.evaluate("plenum.userId")
    await ada.page.evaluate("(id) => plenum.room.kick(id, 'Too loud')", user_id)
    await reads(bela.page, "You were taken out of the room", "Join again", "Change devices")
    await expect(bela.page.get_by_text("Too loud")).to_be_visible()
    await ada.page.evaluate("plenum.room.changeSettings({ lock_room: true })")
    await bela.button("Join again").click()
    await reads(bela.page, "The room is locked", "Try again", "Back to the door")
    await ada.page.evaluate("plenum.room.changeSettings({ lock_room: false })")
    await bela.button("Try again").click()
    await bela.connected()
    await ada.page.evaluate("(id) => plenum.room.ban(id)", user_id)
    await reads(bela.page, "You are banned from this room", "Back to the door")
    await expect(bela.button("Join again")).to_have_count(0)
    await bela.button("Back to the door").click()
    await bela.button("Join").click()
    await titled(bela, "You are banned from this room")


async def test_links_that_open_nothing(people: People) -> None:
    expired = mint_token("ada", people.room, lifetime_s=-60)
    tab = await people.open(f"{people.server.url}/?room={people.room}#token={expired}")
    await expect(tab.page.get_by_role("heading", name="Your invitation has ended")).to_be_visible()
    tab = await people.open(f"{people.server.url}/?room={people.room}")
    await expect(tab.page.get_by_role("heading", name="You need an invite")).to_be_visible()
    # A link of another server opens nothing here, and says so.
    await tab.page.get_by_label("Invite link").fill("https://elsewhere.example/?room=x#invite=y")
    await tab.page.get_by_role("button", name="Open").click()
    await expect(tab.page.get_by_role("alert")).to_have_text("This is not an invite link of this server.")
    invite = mint_invite(people.room, lifetime_s=-60)
    late = RoomPage(await people.open(f"{people.server.url}/?room={people.room}#invite={invite}"), "Ada")
    await late.page.get_by_label("Your name").fill("Ada")
    await late.button("Join").click()
    await expect(late.page.get_by_role("alert")).to_contain_text("invitation")
    late.tab.errors.clear()  # browsers write every refused request into the console
    other = mint_token("ada", "another-room", name="Ada")
    tab = await people.open(f"{people.server.url}/?room={people.room}#token={other}")
    await tab.page.get_by_role("button", name="Join").click()
    await reads(tab.page, "You may not enter", "Back to the door")


async def test_a_full_room_turns_away_where_there_is_no_queue(people: People) -> None:
    ada = await joined(people, "Ada")
    await ada.page.evaluate("plenum.room.changeSettings({ max_participants: 1 })")
    bela = await opened(people, "Bela")
    await bela.button("Join").click()
    await reads(bela.page, "The room is full", "Try again", "Back to the door")
    await ada.button("Leave").click()
    await bela.button("Try again").click()
    await bela.connected()


async def test_queue_second_tab_refused_and_a_server_that_is_away(chromium: Chromium, tmp_path: Path) -> None:
    settings = {**SETTINGS, "PLENUM_ROOMS__DUPLICATE_SESSION": "refuse", "PLENUM_ROOMS__QUEUE_WHEN_FULL": "true"}
    async with PlenumServer(tmp_path, settings) as server:
        link = f"{server.url}/?room=r#token={server.token('ada', 'r', name='Ada')}"
        ada, second = [RoomPage(await chromium.open(link), "Ada") for _ in range(2)]
        await ada.join()
        await second.button("Join").click()
        await reads(second.page, "You are here already", "Try again", "Back to the door")

        await ada.page.evaluate("plenum.room.changeSettings({ max_participants: 1 })")
        bela, carl = [await RoomPage.open(chromium, server, "r", name) for name in ("Bela", "Carl")]
        for place, user in enumerate((bela, carl), 1):
            await user.button("Join").click()
            await expect(by(user, "waiting-position")).to_have_attribute("data-position", str(place))
            await expect(by(user, "waiting-screen")).to_contain_text("The room is full")
        await by(bela, "waiting-leave").click()
        await reads(bela.page, "You left the waiting room", "Wait again", "Back to the door")
        await expect(by(carl, "waiting-position")).to_have_text("You are next.")
        await ada.button("Leave").click()
        await carl.connected()
        await carl.button("Leave").click()

        await server.stop()
        await bela.button("Wait again").click()
        await reads(bela.page, "The server cannot be reached", "Try again", "Back to the door")
        await server.start()
        await bela.button("Try again").click()
        await bela.connected()
        for user in (ada, second, bela, carl):
            await user.tab.close()
