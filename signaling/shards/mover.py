"""Moves rooms to other shards without ending them: one on an operator's wish, all when the shard is to be emptied.

The room stands still for the moment between the last write here and the adoption there. Then its clients are told, and
connect anew there, while media flows on here until they have changed over.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import structlog

from signaling import effects as fx
from signaling.errors import ErrorCode, RoomError
from signaling.messages.session import RoomMoved
from signaling.redis_client import REDIS_FAILURES
from signaling.shards.model import ShardInfo, ShardState
from signaling.shards.ownership import Ownership
from signaling.shards.peers import Peers, Unreachable

if TYPE_CHECKING:
    from signaling.hub import Hub
    from signaling.live_room import LiveRoom
    from signaling.store import RoomStore

log = structlog.get_logger("plenum.shards")

AT_ONCE = 4
SETTLE_S = 2.0
RETRY_PAUSE_S = 0.5


class Mover:
    """Moves the rooms of one shard. ``drain`` is what SIGTERM and ``plenum shards drain`` do.

    ``guests``: how many receive from here of rooms that others have; their owners send them elsewhere.
    """

    def __init__(self, ownership: Ownership, hub: Hub, store: RoomStore, peers: Peers) -> None:
        self._ownership = ownership
        self._hub = hub
        self._store = store
        self._peers = peers
        self._draining: asyncio.Task[int] | None = None
        self.guests: Callable[[], int] = lambda: 0

    async def move(self, room_id: str, to: ShardInfo, reason: str = "moved") -> None:
        """Give a room to another shard; raises RoomError, and then the room stays here and goes on."""
        live = self._hub.find(room_id)
        if to.id == self._ownership.info.id:
            raise RoomError(ErrorCode.INVALID_STATE, "The room is there already.")
        live.suspend()
        try:
            fence = await self._give(room_id, live, to)
        except BaseException:
            live.go_on()
            raise
        await self._hub.pause_outputs(room_id)
        try:
            await self._peers.command(to, "adopt", {"room_id": room_id, "fence": fence})
        except (Unreachable, RoomError) as error:
            # The lease is the other's already: its clients go there, or where it is re-formed when that runs out.
            log.warning("the room's new shard does not answer", room=room_id, shard=to.id, error=str(error))
        overlap_ms = int(self._ownership.options.move_overlap_s * 1000)
        self._hub.depart(room_id, RoomMoved(reason=reason, overlap_ms=overlap_ms))
        self._ownership.counters["rooms_moved"] += 1
        log.info("room moved", room=room_id, shard=to.id, reason=reason)

    async def _give(self, room_id: str, live: LiveRoom, to: ShardInfo) -> str:
        """Write down all that the other needs, and give it the lease; its fence."""
        for username in live.room.participants:
            seat = fx.SaveEntry(fx.Table.SEATS, username, live.seat_for_another(username))
            self._store.save(room_id, seat)
            self._store.save(room_id, fx.SaveParticipant(username))
        if not await self._store.settled(room_id, SETTLE_S):
            raise RoomError(ErrorCode.UNAVAILABLE, "Redis does not take the room's state now.", retry_after=2)
        try:
            fence = await self._ownership.hand_over(room_id, to)
        except REDIS_FAILURES:
            raise RoomError(ErrorCode.UNAVAILABLE, "Redis does not answer.", retry_after=2) from None
        if fence is None:
            raise RoomError(ErrorCode.UNAVAILABLE, "The room is another shard's already.", retry_after=1)
        return fence

    # -- all rooms -------------------------------------------------------------------------------------------------

    def wish(self, wanted: bool) -> None:
        """An operator wants the shard emptied, or no longer."""
        if wanted and self._draining is None:
            self._draining = asyncio.get_running_loop().create_task(self.drain(None), name="drain")
        elif not wanted and self._draining is not None:
            self._draining.cancel()
            self._draining = None
            self._ownership.set_state(ShardState.ACTIVE)

    async def drain(self, timeout_s: float | None) -> int:
        """Take no new rooms and move all others; how many are left at the end of the time, or without other shards.

        Without a time it goes on until all are gone.
        """
        own = self._ownership
        own.set_state(ShardState.DRAINING)
        deadline = None if timeout_s is None else time.monotonic() + timeout_s
        with contextlib.suppress(*REDIS_FAILURES):
            await own.beat()
        if deadline is not None and self._hub.rooms and len(own.shards) > 1:
            # Others may be going down in this moment too: then there is nowhere to go.
            await asyncio.sleep(1.2 * own.options.heartbeat_interval_s)
            with contextlib.suppress(*REDIS_FAILURES):
                await own.beat()
        while self._hub.rooms:
            await self._round()
            if not self._hub.rooms:
                break
            if deadline is not None and (time.monotonic() > deadline or own.choose("", without=[own.info.id]) is None):
                break
            await asyncio.sleep(RETRY_PAUSE_S)
        while (self._hub.departing or self.guests()) and (deadline is None or time.monotonic() < deadline):  # noqa: ASYNC110 - polled
            await asyncio.sleep(0.1)  # clients are changing over: their media still comes through here
        log.info("drained", rooms_left=len(self._hub.rooms))
        return len(self._hub.rooms)

    async def _round(self) -> None:
        """Try to move every room once."""
        gate = asyncio.Semaphore(AT_ONCE)

        async def one(room_id: str) -> None:
            async with gate:
                to = self._ownership.choose(room_id, without=[self._ownership.info.id])
                if to is None or room_id not in self._hub.rooms:
                    return
                try:
                    await self.move(room_id, to, "drain")
                except RoomError as error:
                    log.warning("room not moved", room=room_id, error=error.message)

        await asyncio.gather(*(one(room_id) for room_id in list(self._hub.rooms)))

    async def close(self) -> None:
        """Give up a drain that is under way."""
        if self._draining is not None:
            self._draining.cancel()
            await asyncio.gather(self._draining, return_exceptions=True)
