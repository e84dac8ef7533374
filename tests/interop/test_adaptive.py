"""Simulcast and wishes with the real page: what is chosen arrives, and what nobody wants is not sent."""

from __future__ import annotations

from typing import Any

from playwright.async_api import expect

from tests.interop.conftest import People
from tests.support.page import RoomPage
from tests.support.participant import eventually


async def pair(people: People) -> tuple[RoomPage, RoomPage]:
    """Ada and Bela see each other."""
    users = []
    for name in ("Ada", "Bela"):
        user = await RoomPage.open(people.chromium, people.server, people.room, name)
        people.tabs.append(user.tab)
        await user.join()
        users.append(user)
    ada, bela = users
    await ada.shows(2)
    await bela.shows(2)
    return ada, bela


async def height_at(user: RoomPage) -> int:
    """Lines of the picture that is decoded."""
    inbound = (await user.tab.sample())["inbound"]
    return max((entry["frameHeight"] or 0 for entry in inbound if entry["kind"] == "video"), default=0)


async def encodings_of(user: RoomPage) -> dict[str, Any]:
    """RID → what the browser says of that encoding."""
    outbound = (await user.tab.sample())["outbound"]
    return {entry["rid"] or "": entry for entry in outbound if entry["kind"] == "video"}


async def active_of(user: RoomPage) -> set[str]:
    return {rid for rid, entry in (await encodings_of(user)).items() if entry["active"]}


async def choose(user: RoomPage, quality: str) -> None:
    """In the menu of the other's tile."""
    tile = user.page.locator(".tile[data-source=camera]:not(.tile-local)")
    await tile.hover()
    await tile.get_by_test_id("tile-menu").click()
    await user.page.get_by_test_id(f"quality-{quality}").click()


async def test_a_quality_that_is_chosen_arrives_and_the_rest_is_not_sent(people: People) -> None:
    ada, bela = await pair(people)

    async def shows(lines: int) -> bool:
        return await height_at(bela) == lines

    async def sends(rids: set[str]) -> bool:
        return await active_of(ada) == rids

    await eventually(lambda: shows(360), 20, "the full picture does not arrive")
    await choose(bela, "low")
    # Of 640 by 360 Chromium makes two sizes.
    await eventually(lambda: shows(180), 8, "the small picture does not arrive")
    await eventually(lambda: sends({"q"}), 10, "encodings that nobody wants are still sent")
    negotiated = len(await ada.tab.probe("p.messages.filter((m) => m.type === 'answer')"))
    await choose(bela, "auto")
    await eventually(lambda: shows(360), 10, "the full picture does not come back")
    assert len(await ada.tab.probe("p.messages.filter((m) => m.type === 'answer')")) == negotiated
    # Nobody watches Ada at all.
    await choose(bela, "off")
    await eventually(lambda: sends(set()), 10, "a picture that nobody wants is still sent")
    await expect(bela.page.locator(".tile[data-source=camera]:not(.tile-local) .tile-note")).to_have_text(
        "You have turned this picture off"
    )


async def test_sound_only_brings_no_pictures(people: People) -> None:
    ada, bela = await pair(people)
    await bela.page.get_by_test_id("settings-button").click()
    await bela.page.get_by_test_id("receive-mode").select_option("audio-only")
    await bela.page.keyboard.press("Escape")
    await expect(bela.page.locator(".tile[data-source=camera]:not(.tile-local) .tile-note")).to_contain_text(
        "Sound only"
    )

    async def quiet() -> bool:
        before = await bela.tab.sample()
        await bela.page.wait_for_timeout(700)
        after = await bela.tab.sample()

        def packets(sample: dict[str, Any], kind: str) -> int:
            return sum(entry["packetsReceived"] or 0 for entry in sample["inbound"] if entry["kind"] == kind)

        # A probe of the path may pass as padding of the picture's stream.
        assert packets(after, "audio") > packets(before, "audio") + 10
        return packets(after, "video") - packets(before, "video") < 5

    await eventually(quiet, 10, "pictures still arrive")
    await ada.shows(2)
