"""A browser whose WebSocket is lost and resumed: nothing missed, no connection made anew, nobody notices."""

from __future__ import annotations

import asyncio
import re

import pytest
from playwright.async_api import expect

from tests.interop.conftest import People
from tests.interop.test_page import joined

pytestmark = pytest.mark.interop


async def test_chat_is_complete_and_media_untouched(people: People) -> None:
    ada, bela = await joined(people, "Ada"), await joined(people, "Bela")
    await asyncio.gather(ada.shows(2), bela.shows(2))
    peers = await bela.tab.probe("p.peers.length")
    await bela.tab.probe("p.refuseSockets = true")
    await bela.tab.probe("p.sockets.at(-1).close()")
    await expect(bela.page.get_by_test_id("connection-state")).to_have_attribute("data-state", "reconnecting")
    await ada.button("Chat").click()
    texts = [f"message {n}" for n in range(5)]
    for text in texts:
        await ada.page.get_by_label("Message", exact=True).fill(text)
        await ada.page.keyboard.press("Enter")
    await asyncio.sleep(1)
    # Nobody saw Bela go, and her picture still moves.
    await ada.shows(2)
    await bela.tab.probe("p.refuseSockets = false")
    await bela.connected()
    await bela.page.get_by_role("button", name=re.compile("^Chat")).click()
    messages = bela.page.get_by_role("log", name="Messages")
    for text in texts:
        await expect(messages.get_by_text(text, exact=True)).to_have_count(1)
    shown = await messages.inner_text()
    assert [shown.index(text) for text in texts] == sorted(shown.index(text) for text in texts)
    await asyncio.gather(ada.shows(2), bela.shows(2))
    assert await bela.tab.probe("p.peers.length") == peers, "the peer connections are the same"
    bela.tab.errors[:] = [error for error in bela.tab.errors if "WebSocket connection to" not in error]
