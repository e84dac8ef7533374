"""What the host does: muting, roles, permissions, the door, breakout rooms."""

from __future__ import annotations

import asyncio

from playwright.async_api import expect

from tests.support.meeting.people import Meeting, ask, by, escape, more, panel, person_menu, titled, told
from tests.support.page import RoomPage


async def moderation(meeting: Meeting) -> None:
    """Mute, ask to unmute, rename, a role and back, a permission and back."""
    ada, bela = meeting.ada, meeting.bela
    await person_menu(ada, "Bela", "person-mute")
    await expect(bela.button("Turn on microphone")).to_be_visible()
    await person_menu(ada, "Bela", "person-ask-unmute")
    await by(bela, "unmute-accept").last.click()
    await expect(bela.button("Turn off microphone")).to_be_visible()
    await person_menu(ada, "Bela", "person-rename")
    await ask(ada, "Bela B.")
    await expect(meeting.carl.page.locator(".tile-name", has_text="Bela B.")).to_be_visible()
    await person_menu(ada, "Bela B.", "person-role-moderator")
    await told(bela, "moderator")
    await person_menu(ada, "Bela B.", "person-role-participant")
    await person_menu(ada, "Bela B.", "person-permissions")
    video = by(ada, "permissions-dialog").get_by_label("Use the camera")
    await video.uncheck()
    await expect(by(bela, "toggle-camera")).to_be_disabled()
    await video.check()
    await escape(ada)
    await expect(by(bela, "toggle-camera")).to_be_enabled()
    await by(bela, "toggle-camera").click()
    await person_menu(ada, "Bela B.", "person-rename")
    await ask(ada, "Bela")
    await meeting.carl.shows(4)


async def mute_all(meeting: Meeting) -> None:
    """Everybody is silent; each speaks again."""
    ada = meeting.ada
    others = meeting.people[1:]
    await panel(ada, "people")
    await by(ada, "mute-all").click()
    await asyncio.gather(*(expect(one.button("Turn on microphone")).to_be_visible() for one in others))
    for one in others:
        await by(one, "toggle-mic").click()
    await asyncio.gather(*(expect(one.button("Turn off microphone")).to_be_visible() for one in others))
    await person_menu(ada, "Dora", "person-stop-video")
    await expect(meeting.dora.button("Turn on camera")).to_be_visible()
    await by(meeting.dora, "toggle-camera").click()
    await ada.shows(4)


async def hand_over(meeting: Meeting) -> None:
    """Another is host for a while."""
    ada, bela = meeting.ada, meeting.bela
    await person_menu(ada, "Bela", "person-role-host")
    await ask(ada)
    await told(bela, "host")
    await person_menu(bela, "Ada", "person-role-host")
    await ask(bela)
    await told(ada, "host")
    await person_menu(ada, "Bela", "person-role-participant")


async def setting(user: RoomPage, name: str, on: bool) -> None:
    """One of the settings of the room."""
    await panel(user, "people")
    await by(user, "room-settings-button").click()
    await by(user, f"setting-{name}").set_checked(on)
    await escape(user)


async def door(meeting: Meeting) -> None:
    """One is taken out, waits, is turned away, asks again and is let in."""
    ada, dora = meeting.ada, meeting.dora
    await setting(ada, "enable_waiting_room", True)
    await person_menu(ada, "Dora", "person-kick")
    await ask(ada, "A try")
    await titled(dora, "You were taken out of the room")
    await dora.button("Join again").click()
    await expect(by(dora, "waiting-screen")).to_be_visible()
    await by(ada, "reject").click()
    await ask(ada, "Not yet")
    await titled(dora, "You were not let in")
    await dora.button("Ask again").click()
    await by(ada, "admit").click()
    await dora.connected()
    await setting(ada, "enable_waiting_room", False)
    await asyncio.gather(ada.shows(4), dora.shows(4))


async def ban_and_lock(meeting: Meeting) -> None:
    """One is banned and let in again, meets a locked room, and comes in."""
    ada, dora = meeting.ada, meeting.dora
    await person_menu(ada, "Dora", "person-ban")
    await ask(ada, "A try")
    await titled(dora, "You are banned from this room")
    await dora.button("Back to the door").click()
    await dora.button("Join").click()
    await titled(dora, "You are banned from this room")
    await setting(ada, "lock_room", True)
    await by(ada, "room-settings-button").click()
    await by(ada, "unban").click()
    await expect(by(ada, "unban")).to_have_count(0)
    await escape(ada)
    await dora.button("Back to the door").click()
    await dora.button("Join").click()
    await titled(dora, "The room is locked")
    await setting(ada, "lock_room", False)
    await dora.button("Try again").click()
    await dora.connected()
    await asyncio.gather(ada.shows(4), dora.shows(4))


async def breakouts(meeting: Meeting) -> None:
    """Two breakout rooms for all but the host, a message to all, and back."""
    ada, bela = meeting.ada, meeting.bela
    await more(ada, "more-breakouts")
    await by(ada, "breakout-create").click()
    await expect(by(bela, "breakout-banner")).to_be_visible()
    await by(ada, "breakout-message").fill("Two more minutes")
    await ada.page.keyboard.press("Enter")
    await expect(by(bela, "toast-to-all").last).to_be_visible()
    await by(ada, "breakout-close-all").click()
    await expect(by(ada, "breakout-form")).to_be_visible()
    await escape(ada)
    await asyncio.gather(*(one.shows(4, 20) for one in meeting.people))
