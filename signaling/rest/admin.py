"""REST of the admin page: what goes on in the whole service, for an admin's token."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, Field

from signaling.errors import ErrorCode, RoomError
from signaling.hub import Hub
from signaling.limits import RateLimiter
from signaling.names import check_room_id
from signaling.overview import people, process, room
from signaling.redis_client import REDIS_FAILURES
from signaling.rest.calls import REFUSALS, Credentials
from signaling.shards.model import shard_of
from signaling.shards.peers import Peers, Unreachable
from signaling.shards.survey import survey
from signaling.tokens import Identity, TokenVerifier
from signaling.version import VERSION

_REFUSALS: dict[int | str, dict[str, Any]] = {code: REFUSALS[code] for code in (401, 403, 404, 429)}


class Overview(BaseModel):
    """The whole service."""

    version: str = Field(description="Of the shard that answers.")
    shard: str | None = Field(description="The shard that answers; null: there is only this process.")
    shards: list[dict[str, Any]] = Field(
        description="All shards: what each tells of itself, `figures` since its start (null: silent) and `events`."
    )
    rooms: list[dict[str, Any]] = Field(description="All open rooms with their traffic, the largest first.")


class RoomOverview(BaseModel):
    """One room."""

    room_id: str = Field(description="The room.")
    shard: str | None = Field(description="Its shard.")
    people: list[dict[str, Any]] = Field(description="Its participants, with what their connections carry.")


def create_router(hub: Hub, verifier: TokenVerifier, limiter: RateLimiter) -> APIRouter:
    """The routes, below ``/webrtc/admin``. ``app.state.peers`` is the way to other shards, where there are any."""
    router = APIRouter(prefix="/webrtc/admin", tags=["operations"], responses=_REFUSALS)

    async def admin(credentials: Credentials) -> Identity:
        identity = verifier.verify_admin(credentials.credentials if credentials is not None else None)
        limiter.check_here("requests", identity.username)
        return identity

    admitted = [Depends(admin)]

    @router.get("/overview", dependencies=admitted, summary="All shards and rooms")
    async def overview(request: Request) -> Overview:
        """Needs a token with `admin`."""
        own, peers = hub.ownership, _peers(request)
        if own is None or peers is None:
            alone = {"id": "", "state": "active", "figures": process(hub), "counters": {}, "events": list(hub.recent)}
            rooms = [{**room(live, hub.quality), "shard": ""} for live in hub.rooms.values()]
            return Overview(version=VERSION, shard=None, shards=[alone], rooms=rooms)
        found = await survey(peers, own.shards.values())
        return Overview(version=VERSION, shard=own.info.id, **found)

    @router.get("/rooms/{room_id}", dependencies=admitted, summary="Who is in a room, and how they are")
    async def one_room(request: Request, room_id: str) -> RoomOverview:
        """Needs a token with `admin`."""
        live = hub.rooms.get(check_room_id(room_id))
        own, peers = hub.ownership, _peers(request)
        if live is not None:
            shard = own.info.id if own is not None else None
            return RoomOverview(room_id=room_id, shard=shard, people=people(live, hub.quality))
        if own is None or peers is None:
            raise RoomError(ErrorCode.ROOM_NOT_FOUND, "No such room is open.")
        try:
            lease = await own.find(room_id)
            shard_info = own.shards.get(shard_of(lease.holder)) if lease is not None else None
            if shard_info is None or shard_info.id == own.info.id:
                raise RoomError(ErrorCode.ROOM_NOT_FOUND, "No such room is open.")
            found = await peers.command(shard_info, "room", {"room_id": room_id})
        except (Unreachable, *REDIS_FAILURES):
            raise RoomError(ErrorCode.UNAVAILABLE, "The room's shard does not answer.", retry_after=1) from None
        return RoomOverview(room_id=room_id, shard=shard_info.id, people=found["people"])

    return router


def _peers(request: Request) -> Peers | None:
    found: Peers | None = getattr(request.app.state, "peers", None)
    return found
