"""REST: breakout rooms. Each call does what its message does."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel, Field

from signaling.breakouts.view import infos
from signaling.messages.breakouts import (
    BreakoutAssign,
    BreakoutAssignRequest,
    BreakoutClose,
    BreakoutCreate,
    BreakoutCreateRequest,
    BreakoutInfo,
)
from signaling.rest.calls import REFUSALS, Call

_BREAKOUTS = "/rooms/{room_id}/breakout-rooms"


class BreakoutList(BaseModel):
    """The breakout rooms of a room."""

    room_id: str = Field(description="The room.")
    breakout_rooms: list[BreakoutInfo] = Field(description="In order of making.")
    count: int = Field(description="How many.")


def create_router() -> APIRouter:
    """The routes, below ``/webrtc``."""
    router = APIRouter(prefix="/webrtc", tags=["breakout rooms"], responses=REFUSALS)

    @router.get(_BREAKOUTS, summary="The breakout rooms, and who is in them")
    async def listed(call: Call) -> BreakoutList:
        found = infos(call.read())
        return BreakoutList(room_id=call.room_id, breakout_rooms=found, count=len(found))

    @router.post(_BREAKOUTS, summary="Make one or several breakout rooms")
    async def create(call: Call, body: BreakoutCreateRequest) -> BreakoutCreate:
        return await call.do("breakout-room-create", body.model_dump(exclude_unset=True), BreakoutCreate)

    @router.delete(_BREAKOUTS, summary="Close all breakout rooms")
    async def close_all(call: Call) -> BreakoutClose:
        return await call.do("breakout-room-close", {"all": True}, BreakoutClose)

    @router.post(_BREAKOUTS + "/assign", summary="Move several participants, to the main room too, or spread them")
    async def assign_many(call: Call, body: BreakoutAssignRequest) -> BreakoutAssign:
        return await call.do("breakout-room-assign", body.model_dump(exclude_unset=True), BreakoutAssign)

    @router.post(_BREAKOUTS + "/{breakout_room_id}/assign/{user_id}", summary="Move somebody into a breakout room")
    async def assign(call: Call, breakout_room_id: str, user_id: str) -> BreakoutAssign:
        payload = {"breakout_room_id": breakout_room_id, "participant_ids": [user_id]}
        return await call.do("breakout-room-assign", payload, BreakoutAssign)

    @router.delete(_BREAKOUTS + "/{breakout_room_id}", summary="Close a breakout room")
    async def close(call: Call, breakout_room_id: str) -> BreakoutClose:
        return await call.do("breakout-room-close", {"breakout_room_id": breakout_room_id}, BreakoutClose)

    return router
