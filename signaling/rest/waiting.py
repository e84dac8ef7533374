"""REST: the waiting room. Each call does what its message does."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field, StrictBool

from signaling.messages.base import ShortText
from signaling.messages.waiting import WaitingInfo, WaitingResult
from signaling.rest.calls import REFUSALS, Call
from signaling.rest.people import ReasonBody
from signaling.rules import require

_WAITING = "/rooms/{room_id}/waiting-room"


class WaitingList(BaseModel):
    """Who waits."""

    room_id: str = Field(description="The room.")
    waiting: list[WaitingInfo] = Field(description="In order: the first is next.")
    count: int = Field(description="How many.")


class BulkBody(BaseModel):
    """Whom a decision is about: either ``user_ids`` or ``all``."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"user_ids": ["carol", "dave"]}, {"all": True}]})

    user_ids: list[str] | None = Field(default=None, description="Several who wait.")
    all: StrictBool = Field(default=False, description="All who wait.")


class BulkRejectBody(BulkBody):
    """Whom to turn away, and why."""

    reason: ShortText | None = Field(default=None, description="Shown to who is turned away.")


def create_router() -> APIRouter:
    """The routes, below ``/webrtc``."""
    router = APIRouter(prefix="/webrtc", tags=["waiting room"], responses=REFUSALS)

    @router.get(_WAITING, summary="Who waits to be admitted")
    async def waiting(call: Call) -> WaitingList:
        require(call.participant(), "can_manage_participants")
        room = call.live().room
        return WaitingList(room_id=room.room_id, waiting=room.waiting.infos(), count=len(room.waiting))

    @router.post(_WAITING + "/admit", summary="Let several in, or all")
    async def admit_many(call: Call, body: BulkBody) -> WaitingResult:
        return await call.do("waiting-room-admit", _given(body), WaitingResult)

    @router.post(_WAITING + "/reject", summary="Turn several away, or all")
    async def reject_many(call: Call, body: BulkRejectBody) -> WaitingResult:
        return await call.do("waiting-room-reject", _given(body), WaitingResult)

    @router.post(_WAITING + "/{user_id}/admit", summary="Let somebody in")
    async def admit(call: Call, user_id: str) -> WaitingResult:
        return await call.do("waiting-room-admit", {"user_id": user_id}, WaitingResult)

    @router.post(_WAITING + "/{user_id}/reject", summary="Turn somebody away")
    async def reject(call: Call, user_id: str, body: ReasonBody | None = None) -> WaitingResult:
        reason = body.reason if body is not None else None
        return await call.do("waiting-room-reject", {"user_id": user_id, "reason": reason}, WaitingResult)

    return router


def _given(body: BulkBody) -> dict[str, Any]:
    return body.model_dump(exclude_none=True)
