"""The admin page: shards, rooms, participants and events live, for who has the grant and nobody else."""

from __future__ import annotations

from typing import Any

from tests.interop.conftest import People
from tests.interop.test_accessibility import check
from tests.support.tokens import mint_token


async def test_an_admin_sees_the_service(people: People) -> None:
    ada = await people.join("ada")
    await ada.publish("camera")
    await ada.publish("microphone")
    bela = await people.join("bela")
    token = mint_token("root", admin=True)
    tab = await people.chromium.open(f"{people.server.url}/admin#token={token}")
    page = tab.page
    row = page.get_by_test_id("rooms").get_by_role("row").filter(has_text=ada.room)
    await row.wait_for()
    assert "token" not in page.url, "it must not stay in the address bar"
    await page.get_by_test_id("shards").get_by_text("active").wait_for()
    await page.get_by_test_id("events").get_by_text(ada.room).first.wait_for()
    await row.get_by_role("button").click()
    await page.get_by_test_id("people").get_by_role("row").filter(has_text="bela").wait_for()
    # The figures move: packets are forwarded, and the participant that sends them is measured.
    await page.wait_for_function(
        """() => [...document.querySelectorAll("[data-testid=sums] div")]
            .some((box) => box.innerText.startsWith("Packets/s out") && /[1-9]/.test(box.innerText.split("\\n")[1]))"""
    )
    await page.wait_for_function(
        """() => [...document.querySelectorAll("[data-testid=people] tbody tr")]
            .some((row) => row.innerText.includes("ada") && /[1-9]\\d* kbit|Mbit/.test(row.innerText))"""
    )
    found: dict[str, Any] = {}
    await check(page, found, "admin")
    await bela.leave()
    await page.get_by_test_id("people").get_by_role("row").filter(has_text="bela").wait_for(state="detached")
    assert not found, found
    assert not tab.errors, tab.errors
    await tab.close()


async def test_nobody_else_does(people: People) -> None:
    for claims in ({}, {"role": "host"}, {"admin": False}):
        tab = await people.chromium.open(f"{people.server.url}/admin#token={mint_token('eve', **claims)}")
        await tab.page.get_by_text("This token has no admin grant.").wait_for()
        assert await tab.page.get_by_test_id("rooms").count() == 0
        await tab.close()
    tab = await people.chromium.open(f"{people.server.url}/admin")
    await tab.page.get_by_label("Admin token").fill("nonsense")
    found: dict[str, Any] = {}
    await check(tab.page, found, "door")
    await tab.page.get_by_role("button", name="Open").click()
    await tab.page.get_by_text("not valid any more").wait_for()
    assert not found, found
    await tab.close()
