"""What people say and show each other: chat, hands, reactions, files."""

from __future__ import annotations

import asyncio
import base64
import time

from playwright.async_api import expect

from tests.support.meeting.people import Meeting, ask, by, escape, panel, told

_PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAoAAAAKCAIAAAACUFjqAAAAEklEQVR42mNk+M+AFzDhlx6VBgAXXgEKbG2EmwAAAABJRU5ErkJggg=="
)
_FILE_BYTES = 3_000_000


async def chat(meeting: Meeting) -> None:
    """Messages, an answer in a thread, a reaction, an edit, search and delete."""
    ada, bela = meeting.ada, meeting.bela
    stamp = str(time.monotonic_ns())
    await asyncio.gather(panel(ada, "chat"), panel(bela, "chat"))
    await by(ada, "chat-input").fill(f"Plan {stamp} https://example.org/plan")
    await by(ada, "chat-send").click()
    message = by(bela, "chat-message").filter(has_text=f"Plan {stamp}").first
    await message.hover()
    await message.get_by_test_id("message-reply").click()
    await by(bela, "chat-input").press_sequentially(f"Answer {stamp}"[:12])
    await expect(by(ada, "chat-typing")).to_contain_text("Bela")
    await by(bela, "chat-input").fill(f"Answer {stamp}")
    await by(bela, "chat-send").click()
    await message.hover()
    await message.get_by_test_id("message-react").click()
    await by(bela, "emoji-picker").get_by_role("menuitem").first.click()
    own = by(ada, "chat-message").filter(has_text=f"Plan {stamp}").first
    await expect(own.get_by_test_id("chat-reaction")).to_be_visible()
    await own.get_by_test_id("open-thread").click()
    await expect(by(ada, "chat-message").filter(has_text=f"Answer {stamp}").last).to_be_visible()
    await by(ada, "thread-back").click()
    await own.hover()
    await own.get_by_test_id("message-edit").click()
    await by(ada, "chat-input").fill(f"Better plan {stamp}")
    await by(ada, "chat-send").click()
    await expect(by(bela, "chat-message").filter(has_text=f"Better plan {stamp}").first).to_be_visible()
    await by(bela, "chat-search-button").click()
    await by(bela, "chat-search").fill(stamp)
    await expect(by(bela, "chat-result").first).to_be_visible()
    await escape(bela)
    await own.hover()
    await own.get_by_test_id("message-delete").click()
    await ask(ada)
    await expect(by(bela, "chat-message").filter(has_text=f"Better plan {stamp}")).to_have_count(0)


async def images_and_whispers(meeting: Meeting) -> None:
    """An image for all, and a message that only one of them reads."""
    ada, bela, carl = meeting.ada, meeting.bela, meeting.carl
    stamp = str(time.monotonic_ns())
    await asyncio.gather(*(panel(one, "chat") for one in (ada, bela, carl)))
    before = await by(bela, "chat-image").count()
    await by(ada, "chat-file").set_input_files({"name": "a.png", "mimeType": "image/png", "buffer": _PNG})
    await by(ada, "chat-send").click()
    await expect(by(bela, "chat-image")).to_have_count(before + 1)
    await by(ada, "chat-to").select_option(label="Bela")
    await by(ada, "chat-input").fill(f"Only for Bela {stamp}")
    await by(ada, "chat-send").click()
    await expect(by(bela, "chat-message").filter(has_text=stamp).first).to_be_visible()
    await by(ada, "chat-to").select_option(label="Everyone")
    await by(ada, "emoji-button").click()
    await by(ada, "emoji-picker").get_by_role("menuitem").first.click()
    await by(ada, "chat-send").click()
    await expect(by(carl, "chat-message").filter(has_text=stamp)).to_have_count(0)


async def hands_and_reactions(meeting: Meeting) -> None:
    """Two hands in order, one lowered by the host; an emoji over a tile."""
    ada, carl, dora = meeting.ada, meeting.carl, meeting.dora
    await by(carl, "raise-hand").click()
    await expect(by(ada, "tile-hand").locator("visible=true")).to_have_count(1)
    await by(dora, "raise-hand").click()
    await panel(ada, "people")
    await expect(by(ada, "hand")).to_have_count(2)
    assert "Carl" in (await by(ada, "hand").first.inner_text())
    await by(ada, "hand").first.get_by_test_id("lower-hand").click()
    await by(dora, "raise-hand").click()
    await expect(by(ada, "hand")).to_have_count(0)
    await by(carl, "react-button").click()
    await by(carl, "reactions-choice").get_by_role("button", name="Applause").click()
    await expect(by(dora, "reaction").first).to_be_attached()


async def files(meeting: Meeting) -> None:
    """One file is taken, another is declined; the cards tell it to both."""
    bela, carl = meeting.bela, meeting.carl
    for name, taken in (("report.pdf", True), ("notes.pdf", False)):
        await by(bela, "send-file").click()
        await by(bela, "file-receiver").select_option(label="Carl")
        content = {"name": name, "mimeType": "application/pdf", "buffer": bytes(_FILE_BYTES)}
        await by(bela, "file-input").set_input_files(content)  # type: ignore[arg-type]
        await by(bela, "file-send").click()
        card = by(carl, "file-card").last
        await card.get_by_role("button", name="Accept" if taken else "Decline").click()
        if taken:
            await expect(card.get_by_test_id("save-file")).to_be_visible(timeout=60_000)
        else:
            await told(bela, "declined")
        for one in (bela, carl):
            await by(one, "file-card").last.get_by_role("button", name=f"Dismiss {name}").click()
