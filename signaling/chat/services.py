"""What the chat of all rooms needs beside the rooms: the images on disk and the previews of links."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from signaling.chat.images import ImageStore
from signaling.chat.options import ChatOptions
from signaling.handlers.chat_reading import preview_found
from signaling.links.fetch import LinkFetcher
from signaling.links.previews import Previews
from signaling.messages.chat import LinkPreview

if TYPE_CHECKING:
    from signaling.live_room import LiveRoom


class ChatServices:
    """Serves live rooms; ``rooms`` are those of the Hub."""

    def __init__(
        self,
        options: ChatOptions,
        rooms: Mapping[str, LiveRoom],
        counters: Counter[str],
        unix: Callable[[], float],
        fetcher: LinkFetcher | None = None,
    ) -> None:
        self.images = ImageStore(options)
        self._rooms = rooms
        self._unix = unix
        self._fetcher = fetcher or LinkFetcher()
        self._previews = Previews(self._fetcher.fetch, counters)

    def fetch_preview(self, live: LiveRoom, message_id: str, link: str) -> None:
        """Read a linked page, and tell those who see the message."""

        def tell(preview: LinkPreview) -> None:
            if not live.closed:
                live.apply(preview_found(live.room, message_id, preview))

        self._previews.want(link, tell)

    def sweep(self, now: float) -> None:
        """Remove images that nobody used in time, and those of rooms that nobody ended."""
        for room_id, live in self._rooms.items():
            stale = live.room.chat.take_stale_uploads(self._unix())
            if stale:
                self.images.remove(room_id, stale)
        self.images.sweep(now, self._rooms.keys())

    async def close(self) -> None:
        """Give up previews, and remove images that were only for this process."""
        await self._previews.close()
        self._fetcher.close()
        await self.images.close()
