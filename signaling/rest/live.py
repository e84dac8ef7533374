"""REST: live streams. Each call does what its message does."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, Field

from signaling.errors import ErrorBody
from signaling.live.book import told
from signaling.messages.live import (
    LivePicture,
    LivePictureChanged,
    LiveStarted,
    LiveStartRequest,
    LiveStopped,
    LiveStreamInfo,
    StreamId,
)
from signaling.rest.calls import REFUSALS, Call

_ROOM = "/rooms/{room_id}"
_REFUSALS: dict[int | str, dict[str, Any]] = {
    **REFUSALS,
    422: {"model": ErrorBody, "description": "This server cannot do that."},
    503: {"model": ErrorBody, "description": "Too busy for one more; `retry_after` says when to ask again."},
}


class LiveStreams(BaseModel):
    """The live streams of a room."""

    room_id: str = Field(description="The room.")
    live_streams: list[LiveStreamInfo] = Field(description="Its live streams, the newest last.")
    count: int = Field(description="How many.")


def create_router() -> APIRouter:
    """The routes, below ``/webrtc``."""
    router = APIRouter(prefix="/webrtc", tags=["recording and live output"], responses=_REFUSALS)
    _add_live_streams(router)
    return router


def _add_live_streams(router: APIRouter) -> None:
    @router.get(_ROOM + "/live-streams", summary="The live streams of a room")
    async def live_streams(call: Call) -> LiveStreams:
        """Those that run, and those that have ended while the room was open or in the day before."""
        found = [LiveStreamInfo.model_validate(told(record.info)) for record in call.read().live.records.values()]
        return LiveStreams(room_id=call.room_id, live_streams=found, count=len(found))

    @router.post(_ROOM + "/live-streams/start", summary="Start a live stream")
    async def start_live_stream(call: Call, body: LiveStartRequest) -> LiveStarted:
        """To an RTMP server, to HLS viewers of this server, or both. The key is never told again."""
        payload = body.model_dump() | {"stream_key": body.stream_key.get_secret_value()}
        return await call.do("live-stream-start", payload, LiveStarted)

    @router.post(_ROOM + "/live-streams/picture", summary="Change the picture of the live streams")
    async def change_picture(call: Call, body: LivePicture) -> LivePictureChanged:
        """Layout, title, slate and logo of all live streams under way."""
        return await call.do("live-stream-picture", {"picture": body.model_dump()}, LivePictureChanged)

    @router.post(_ROOM + "/live-streams/{stream_id}/stop", summary="End a live stream")
    async def stop_live_stream(call: Call, stream_id: StreamId) -> LiveStopped:
        """What was sent by HLS can be watched afterwards."""
        return await call.do("live-stream-stop", {"stream_id": stream_id}, LiveStopped)
