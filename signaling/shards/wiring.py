"""Ties what Redis says of ownership to the rooms that are open here."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from signaling.shards.model import ShardInfo

if TYPE_CHECKING:
    from signaling.hub import Hub
    from signaling.shards.ownership import Ownership
    from signaling.store import RoomStore

SMOOTHING = 0.3


class LoadMeter:
    """The share of one processor core that this process uses, smoothed over some heartbeats."""

    def __init__(self) -> None:
        self._at = (time.monotonic(), time.process_time())
        self._load = 0.0

    def read(self) -> float:
        """The load now, 0 to 1."""
        now, used = time.monotonic(), time.process_time()
        passed = now - self._at[0]
        if passed >= 0.2:
            share = min(1.0, (used - self._at[1]) / passed)
            self._load += SMOOTHING * (share - self._load)
            self._at = (now, used)
        return round(self._load, 3)


def wire(ownership: Ownership, hub: Hub, store: RoomStore) -> None:
    """Writes carry the fence of their room, and rooms come and go as Redis says."""
    meter = LoadMeter()

    def figures(info: ShardInfo) -> ShardInfo:
        told = {"rooms": len(hub.rooms), "participants": hub.participants, "load": meter.read()}
        return info.model_copy(update=told)

    async def reclaim(room_ids: list[str]) -> None:
        for room_id in room_ids:
            await ownership.reclaim(room_id)

    ownership.figures = figures
    ownership.rooms = hub.rooms.keys
    ownership.on_lost = hub.depart
    ownership.on_emptied = hub.write_back
    ownership.orphan = hub.adopt
    store.fence_of = ownership.fence_of
    store.on_fenced = ownership.fenced
    store.on_emptied = reclaim
