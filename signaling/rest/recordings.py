"""REST: recordings. Each call does what its message does."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, Field

from signaling import admission
from signaling.errors import ErrorBody, ErrorCode, RoomError
from signaling.messages.recordings import RecordingChanged, RecordingId, RecordingInfo, RecordingOptions
from signaling.rest.calls import REFUSALS, Call

_ROOM = "/rooms/{room_id}"
_REFUSALS: dict[int | str, dict[str, Any]] = {
    **REFUSALS,
    422: {"model": ErrorBody, "description": "This server cannot do that."},
    503: {"model": ErrorBody, "description": "Too busy for one more; `retry_after` says when to ask again."},
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
        """All of the last day. Addresses of files are for those who may record, and for who started the recording.

        After the room has ended, hosts and moderators by token, and who may record by token, see all, others their own.
        """
        may_all, may_urls = _rights(call)
        username = call.identity.username
        found = await call.services.hub.around.recordings.list(call.room_id, with_urls=True)
        shown = [
            info if may_urls or info.started_by == username else _without_urls(info)
            for info in found
            if may_all or info.started_by == username
        ]
        if not shown and not may_all:
            raise RoomError(ErrorCode.ROOM_NOT_FOUND, "No such room is open.")
        return Recordings(room_id=call.room_id, recordings=shown, count=len(shown))

    @router.post(_ROOM + "/recordings/start", summary="Start a recording")
    async def start_recording(call: Call, body: RecordingOptions | None = None) -> RecordingChanged:
        """It goes on until it is stopped, a limit is reached or the room ends. What becomes of it is told by
        `recording-status`. `unavailable`: the machine has no room for another; `details.reason` says of what.
        """
        payload: dict[str, Any] = {"action": "start"}
        if body is not None:
            payload["options"] = body.model_dump()
        return await call.do("recording-control", payload, RecordingChanged)

    @router.post(_ROOM + "/recordings/{recording_id}/stop", summary="Stop a recording")
    async def stop_recording(call: Call, recording_id: RecordingId) -> RecordingChanged:
        """It finishes its files, which can take a while; `recording-status` tells when it is done."""
        return await call.do("recording-control", {"action": "stop", "recording_id": recording_id}, RecordingChanged)

    @router.delete(_ROOM + "/recordings/{recording_id}", summary="Delete a recording")
    async def delete_recording(call: Call, recording_id: RecordingId) -> RecordingInfo:
        """With all its files, for ever. Needs `can_record`, or to be the one who started it."""
        port = call.services.hub.around.recordings
        if not _may_delete(call):
            found = await port.list(call.room_id, with_urls=False)
            own = {info.recording_id for info in found if info.started_by == call.identity.username}
            if recording_id not in own and call.room_id not in call.services.hub.rooms:
                raise RoomError(ErrorCode.ROOM_NOT_FOUND, "No such room is open.")
            if recording_id not in own:
                raise RoomError(
                    ErrorCode.PERMISSION_DENIED, "You may not do this.", details={"permission": "can_record"}
                )
        return await port.delete(call.room_id, recording_id)


def _by_token(call: Call) -> bool:
    """Whether the token alone says that its user records."""
    identity = call.identity
    return identity.role in admission.OFFICIALS or bool((identity.permissions or {}).get("can_record"))


def _may_delete(call: Call) -> bool:
    """Whether the caller may delete what others recorded; raises RoomError for who has no business here."""
    if call.room_id in call.services.hub.rooms:
        return call.participant().permissions.can_record
    return _by_token(call)


def _rights(call: Call) -> tuple[bool, bool]:
    """Whether the caller may see all recordings of the room, and whether it gets their files; raises RoomError."""
    identity, hub = call.identity, call.services.hub
    by_token = _by_token(call)
    live = hub.rooms.get(call.room_id)
    if live is None:
        return by_token, by_token
    admission.check_reader(live.room, identity, hub.around.options, hub.around.unix())
    present = live.room.participants.get(identity.username)
    return True, by_token if present is None else present.permissions.can_record


def _without_urls(info: RecordingInfo) -> RecordingInfo:
    files = [file.model_copy(update={"download_url": None, "stream_url": None}) for file in info.files]
    return info.model_copy(update={"files": files})
