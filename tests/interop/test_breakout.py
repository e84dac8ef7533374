"""Breakout rooms in real browsers: two go out and see each other only, then come back, at once each time."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from tests.interop.conftest import People
from tests.support.participant import Participant, eventually

LIVE_WITHIN_S = 2.0


async def cameras(one: Participant) -> dict[str, str]:
    """Whose cameras arrive, and under which publication."""
    return {p["userId"]: p["id"] for p in await one.received() if p["source"] == "camera"}


async def live(one: Participant, *users: str) -> float:
    """Wait until exactly the cameras of ``users`` arrive, and all of them move; the seconds that took."""
    started = time.monotonic()

    async def complete() -> bool:
        return set(await cameras(one)) == set(users)

    await eventually(complete, 8, f"{one.username} does not get the cameras of {users} alone")
    await asyncio.gather(*(one.wait_for_frames(i, count=2) for i in (await cameras(one)).values()))
    return time.monotonic() - started


async def data_of(one: Participant) -> list[str]:
    texts: list[str] = await one.tab.page.evaluate("me.data.map(({text}) => text)")
    return texts


async def test_two_go_out_and_come_back(people: People) -> None:
    ada, bela, carl = everybody = [await people.publishing(name) for name in ("ada", "bela", "carl")]
    names = {one.username for one in everybody}

    async def all_together() -> None:
        took = await asyncio.gather(*(live(one, *(names - {one.username})) for one in everybody))
        assert max(took) < LIVE_WITHIN_S, took

    async def ask(message_type: str, payload: dict[str, Any]) -> dict[str, Any]:
        reply: dict[str, Any] = (await ada.call("request", message_type, payload))["payload"]
        return reply

    await asyncio.gather(*(live(one, *(names - {one.username})) for one in everybody))
    for one in everybody:
        await one.call("openData")
    blue = (await ask("breakout-room-create", {"name": "Blue"}))["breakout_room_id"]
    sections: list[int] = []
    for _ in range(2):
        # One after the other: for a moment bela is alone.
        await ask("breakout-room-assign", {"breakout_room_id": blue, "participant_ids": ["bela"]})
        took = await asyncio.gather(live(ada, "carl"), live(bela), live(carl, "ada"))
        assert max(took) < LIVE_WITHIN_S, took
        await ask("breakout-room-assign", {"breakout_room_id": blue, "participant_ids": ["carl"]})
        took = await asyncio.gather(live(ada), live(bela, "carl"), live(carl, "bela"))
        assert max(took) < LIVE_WITHIN_S, took
        assert {p["userId"] for p in await bela.received()} == {"carl"}, "sound as well"

        await bela.call("send", "chat-message", {"message": "among us"})
        await bela.call("sendData", "reliable", "between us")
        await ada.call("sendData", "reliable", "alone", {"to": ["bela"]})
        await eventually(lambda: arrived(carl, "between us"))

        await ask("breakout-room-assign", {"breakout_room_id": None, "participant_ids": ["bela", "carl"]})
        await all_together()
        sections.append(await ada.tab.page.evaluate("me.subscribing.getTransceivers().length"))
    assert sections[0] == sections[1], "moves to and fro use the same sections"
    assert await data_of(ada) == []
    assert "alone" not in await data_of(bela)
    assert not await ada.inbox("chat-message")
    assert len(await carl.inbox("chat-message")) == 2

    await ask("breakout-room-assign", {"breakout_room_id": blue, "participant_ids": ["bela", "carl"]})
    took = await asyncio.gather(live(ada), live(bela, "carl"), live(carl, "bela"))
    assert max(took) < LIVE_WITHIN_S, took
    await ask("breakout-room-close", {"all": True})
    await all_together()


async def arrived(one: Participant, text: str) -> bool:
    return text in await data_of(one)
