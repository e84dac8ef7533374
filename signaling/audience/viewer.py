"""A WHEP viewer who receives from another shard. Its client talks to the room's owner, which passes all of it on."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from sfu.connection import TransportState
from signaling.audience.seat import MISSING_PAUSE_S, MISSING_TIMES
from signaling.errors import ErrorCode, RoomError
from signaling.shards.peers import Unreachable

if TYPE_CHECKING:
    from signaling.audience.near import Audience, NearPipe


class RemoteViewer:
    """``signaling.whip_gate.MediaPath`` at another shard."""

    def __init__(self, pipe: NearPipe, audience: Audience) -> None:
        self.id = secrets.token_hex(8)
        self.pipe = pipe
        self.state = TransportState.NEW
        self.ice_tag = ""
        self._watcher: Callable[[TransportState], None] | None = None
        self._audience = audience

    async def play(self, sdp: str, publications: Iterable[str]) -> str:
        """Answer a client that offers to receive, with the first of these that it can decode; raises RoomError, or
        Unreachable."""
        body = {"seat": self.id, "sdp": sdp, "publications": list(publications)}
        for _ in range(MISSING_TIMES):
            played = await self.pipe.call("pipe-play", body)
            if not played["missing"]:
                self.ice_tag = str(played["ice_tag"])
                return str(played["sdp"])
            await asyncio.sleep(MISSING_PAUSE_S)  # they are on their way there
        raise RoomError(ErrorCode.UNAVAILABLE, "The tracks did not get to where you would receive.", retry_after=1)

    async def patch(self, fragment: str) -> str | None:
        """MediaPath."""
        try:
            patched = await self.pipe.call("pipe-patch", {"seat": self.id, "fragment": fragment})
        except Unreachable:
            raise RoomError(ErrorCode.UNAVAILABLE, "The shard does not answer.", retry_after=1) from None
        self.ice_tag = str(patched["ice_tag"])
        return None if patched["fragment"] is None else str(patched["fragment"])

    def watch(self, watcher: Callable[[TransportState], None]) -> None:
        """MediaPath."""
        self._watcher = watcher

    def unwatch(self) -> None:
        """MediaPath."""
        self._watcher = None

    def close(self) -> None:
        """MediaPath."""
        self.unwatch()
        self._audience.forget(self)
        self._audience.services.later(self.pipe.call("pipe-leave", {"seat": self.id}))

    # -- from the near end -----------------------------------------------------------------------------------------

    def take(self, news: Mapping[str, Any]) -> None:
        """What the far end tells."""
        with contextlib.suppress(ValueError):
            if "state" in news:
                self._tell(TransportState(news["state"]))

    def send_away(self) -> None:
        """The far end is gone, or to be emptied: the client begins anew."""
        self._tell(TransportState.FAILED)

    def end(self) -> None:
        """The room has ended at its owner."""
        self._tell(TransportState.CLOSED)

    def _tell(self, state: TransportState) -> None:
        self.state = state
        if self._watcher is not None:
            self._watcher(state)
