"""REST: recordings. Each call does what its message does."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, Field

from signaling.errors import ErrorBody
from signaling.messages.recordings import RecordingChanged, RecordingId, RecordingInfo, RecordingOptions
from signaling.rest.calls import REFUSALS, Call

_ROOM = "/rooms/{room_id}"
_REFUSALS: dict[int | str, dict[str, Any]] = {
    **REFUSALS,
    422: {"model": ErrorBody, "description": "This server cannot do that."},
}


class Recordings(BaseModel):
    """The recordings of a room."""

    room_id: str = Field(description="The room.")
    recordings: list[RecordingInfo] = Field(description="Its recordings, the newest last.")
    count: int = Field(description="How many.")


def create_router() -> APIRouter:
    """The routes, below ``/webrtc``."""
    router = APIRouter(prefix="/webrtc", tags=["recording and live output"], responses=_REFUSALS)
    _add_recordings(router)
    return router


def _add_recordings(router: APIRouter) -> None:
    @router.get(_ROOM + "/recordings", summary="The recordings of a room")
    async def recordings(call: Call) -> Recordings:
        """None yet: this server cannot record."""
        return Recordings(room_id=call.read().room_id, recordings=[], count=0)

    @router.post(_ROOM + "/recordings/start", summary="Start a recording")
    async def start_recording(call: Call, body: RecordingOptions | None = None) -> RecordingChanged:
        """Answers `not_supported` to all who may record: this server cannot yet."""
        payload: dict[str, Any] = {"action": "start"}
        if body is not None:
            payload["options"] = body.model_dump()
        return await call.do("recording-control", payload, RecordingChanged)

    @router.post(_ROOM + "/recordings/{recording_id}/stop", summary="Stop a recording")
    async def stop_recording(call: Call, recording_id: RecordingId) -> RecordingChanged:
        """Answers `not_supported` to all who may record: this server cannot yet."""
        return await call.do("recording-control", {"action": "stop", "recording_id": recording_id}, RecordingChanged)
