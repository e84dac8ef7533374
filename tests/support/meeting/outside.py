"""What leaves the room: recordings and live streams."""

from __future__ import annotations

import asyncio

from playwright.async_api import expect

from tests.support.meeting.people import Meeting, ask, by, escape, more, told
from tests.support.participant import eventually

_ENCODERS_START_MS = 60_000


async def recording(meeting: Meeting) -> None:
    """The meeting is recorded, everybody is told and agrees, and the film can be played."""
    ada = meeting.ada
    others = meeting.people[1:]
    await more(ada, "more-record")
    await by(ada, "recording-quality").select_option("480p")
    await by(ada, "recording-start").click()
    await asyncio.gather(*(expect(by(one, "recording-notice")).to_be_visible() for one in others))
    for one in others:
        await by(one, "recording-agree").click()
    await asyncio.gather(*(expect(by(one, "recording-mark")).to_be_visible() for one in meeting.people))
    await asyncio.sleep(6)
    await more(ada, "more-record")
    await asyncio.gather(
        *(expect(by(one, "recording-mark")).to_be_hidden(timeout=_ENCODERS_START_MS) for one in meeting.people)
    )
    await expect(by(ada, "toast-recorded").last).to_be_visible(timeout=_ENCODERS_START_MS)
    await more(ada, "more-recordings")
    await by(ada, "play-recording").first.click()
    playing = "document.querySelector('.recording-player video')?.currentTime > 0.5"
    await eventually(lambda: ada.page.evaluate(playing), 30, "the film does not play")
    await escape(ada)


async def live(meeting: Meeting) -> None:
    """The meeting goes live on this server's watch page, and off again."""
    ada, dora = meeting.ada, meeting.dora
    await more(ada, "more-live")
    await by(ada, "live-quality").select_option("480p")
    await by(ada, "live-title").fill("Our meeting")
    await by(ada, "live-go").click()
    await told(dora, "is live on")
    await expect(by(dora, "live-mark")).to_be_visible()
    await expect(by(ada, "live-watch")).to_be_visible()
    await by(ada, "live-layout").select_option("speaker")
    await by(ada, "live-stop").click()
    await ask(ada)
    await expect(by(dora, "live-mark")).to_be_hidden(timeout=_ENCODERS_START_MS)
    await escape(ada)
