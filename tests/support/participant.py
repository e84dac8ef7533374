"""A participant of the tests' own in a browser tab: the Python side of participant.js."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

from tests.support.chromium import Chromium, Tab, read_script
from tests.support.server import PlenumServer


class Participant:
    """Joins a room over the protocol alone; needs no page of the server."""

    def __init__(self, tab: Tab, username: str, room: str) -> None:
        self.tab = tab
        self.username = username
        self.room = room

    @classmethod
    async def open(
        cls,
        chromium: Chromium,
        server: PlenumServer,
        room: str,
        username: str,
        *,
        setup: dict[str, Any] | None = None,
        options: dict[str, Any] | None = None,
        **claims: Any,
    ) -> Participant:
        """Open a tab and join. Raises playwright's Error with the reason when the server refuses.

        The tab shows the server's page without an invite, which does nothing by itself: it lends its origin.
        """
        tab = await chromium.open(f"{server.url}/", setup=setup, scripts=[read_script("participant.js")])
        participant = cls(tab, username, room)
        await tab.page.evaluate("(options) => { window.me = new __Participant(options); }", options or {})
        await participant.join(server.token(username, room, **claims))
        return participant

    async def join(self, token: str) -> dict[str, Any]:
        state: dict[str, Any] = await self.tab.page.evaluate(
            "([room, token]) => me.join(room, token)", [self.room, token]
        )
        return state

    async def call(self, method: str, *arguments: Any) -> Any:
        """A method of participant.js."""
        return await self.tab.page.evaluate("([name, given]) => me[name](...given)", [method, list(arguments)])

    async def publish(self, source: str, **options: Any) -> str:
        """The id of the new publication."""
        identifier: str = await self.call("publish", source, options)
        return identifier

    async def unpublish(self, source: str) -> None:
        await self.call("unpublish", source)

    async def received(self) -> list[dict[str, Any]]:
        """The publications that arrive, see receivedList of participant.js."""
        found: list[dict[str, Any]] = await self.call("receivedList")
        return found

    async def inbox(self, kind: str) -> list[dict[str, Any]]:
        """All messages of a type that came so far."""
        frames: list[dict[str, Any]] = await self.tab.page.evaluate(
            "(kind) => me.inbox.filter(({type}) => type === kind)", kind
        )
        return frames

    async def frames_of(self, publication_id: str) -> int:
        """Frames of a publication decoded so far; 0 when it does not arrive."""
        sample = await self.tab.sample()
        return sum(
            entry["framesDecoded"] or 0
            for entry in sample["inbound"]
            if entry["kind"] == "video" and (entry["publication"] or {}).get("publication_id") == publication_id
        )

    async def packets_of(self, publication_id: str) -> int:
        """Packets of a publication received so far."""
        sample = await self.tab.sample()
        return sum(
            entry["packetsReceived"] or 0
            for entry in sample["inbound"]
            if (entry["publication"] or {}).get("publication_id") == publication_id
        )

    async def wait_for_frames(self, publication_id: str, count: int = 3, timeout_s: float = 10.0) -> float:
        """Until ``count`` more frames are decoded; the seconds that took."""
        before = await self.frames_of(publication_id)
        started = time.monotonic()

        async def arrived() -> bool:
            return await self.frames_of(publication_id) >= before + count

        await eventually(arrived, timeout_s, f"{self.username} decodes no frames of {publication_id}")
        return time.monotonic() - started

    async def wait_for_sound(self, publication_id: str, count: int = 10, timeout_s: float = 10.0) -> None:
        before = await self.packets_of(publication_id)

        async def arrived() -> bool:
            return await self.packets_of(publication_id) >= before + count

        await eventually(arrived, timeout_s, f"{self.username} hears no packets of {publication_id}")

    async def leave(self) -> None:
        await self.call("leave")

    async def close(self) -> None:
        await self.tab.close()


async def eventually(
    condition: Callable[[], Any], timeout_s: float = 10.0, complaint: str = "it never came true"
) -> None:
    """Wait until the condition (it may be a coroutine function) holds; AssertionError with the complaint otherwise."""
    deadline = time.monotonic() + timeout_s
    while True:
        result = condition()
        if asyncio.iscoroutine(result):
            result = await result
        if result:
            return
        if time.monotonic() > deadline:
            raise AssertionError(f"{complaint} (waited {timeout_s:.0f} s)")
        await asyncio.sleep(0.05)


async def sample_while(tabs: list[Tab], seconds: float, every_ms: float = 250) -> list[list[dict[str, Any]]]:
    """Statistics of each tab, sampled side by side for a while: one list a tab."""
    taken: list[list[dict[str, Any]]] = [[] for _ in tabs]
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        started = time.monotonic()
        for store, sample in zip(taken, await asyncio.gather(*(tab.sample() for tab in tabs)), strict=True):
            store.append(sample)
        await asyncio.sleep(max(0.0, every_ms / 1000 - (time.monotonic() - started)))
    return taken
