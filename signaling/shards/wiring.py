"""Ties what Redis says of ownership to the rooms that are open here."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fastapi import FastAPI
from starlette.types import ASGIApp

from signaling.audience.far import FarPipes
from signaling.audience.near import AudienceServices
from signaling.options import SignalingOptions
from signaling.request_ids import RequestIds
from signaling.shards.commands import build_commands
from signaling.shards.door import Door
from signaling.shards.internal import InnerDoor
from signaling.shards.model import ShardInfo
from signaling.shards.mover import Mover
from signaling.shards.peers import Peers
from signaling.shards.scrapes import Scrapes
from signaling.shards.signing import Signer, secret_of

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


@dataclass(frozen=True, slots=True)
class Front:
    """The two faces of a shard: ``public`` for clients, ``inner`` for other shards.

    ``peers``: the way to those; ``mover`` empties this one; ``far``: audiences of other shards' rooms.
    """

    public: ASGIApp
    inner: ASGIApp
    peers: Peers
    mover: Mover
    far: FarPipes


def build_front(app: FastAPI, options: SignalingOptions, served: ASGIApp | None = None) -> Front:
    """Put the doors in front of an application that was made with a shard. ``served``: the application with what stands
    in front of it here."""
    ownership: Ownership = app.state.ownership
    hub: Hub = app.state.hub
    store: RoomStore = app.state.store
    signer = Signer(secret_of(options.auth, options.shards))
    peers = Peers(signer, 8 * options.rooms.max_frame_bytes)
    door = Door(served or app, ownership, peers, adopt=hub.adopt, has_seats=store.has_seats)
    ownership.watchers.append(door.look_after_sockets)
    mover = Mover(ownership, hub, store, peers)
    ownership.on_drain = mover.wish
    secret = secret_of(options.auth, options.shards)
    far = FarPipes(hub.engine, ownership, peers, secret)
    mover.guests = lambda: far.guests
    hub.around.audiences = AudienceServices(hub.engine, ownership, peers, secret)
    commands = {**build_commands(ownership, hub, mover), **far.commands()}
    app.state.peers = peers
    door.tracer = app.state.tracer
    public = RequestIds(Scrapes(door, ownership, peers))
    return Front(public, RequestIds(InnerDoor(door, signer, ownership.info.id, commands)), peers, mover, far)


def wire(ownership: Ownership, hub: Hub, store: RoomStore) -> None:
    """Writes carry the fence of their room, and rooms come and go as Redis says."""
    meter = LoadMeter()

    def figures(info: ShardInfo) -> ShardInfo:
        told = {"rooms": len(hub.rooms), "participants": hub.participants, "load": meter.read()}
        told["subscribers"] = hub.subscribers
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
    store.on_incomplete = hub.write_back
