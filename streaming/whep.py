"""WHEP (draft-ietf-wish-whep): any standard client plays what is published in a room."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from streaming.http import SDP_TYPE, Refused, add_common_routes, bearer_token, check_accept, created, read_body
from streaming.sessions import WhepRooms

PREFIX = "/webrtc/whep"
_RESPONSES: dict[int | str, dict[str, Any]] = {
    201: {
        "description": "Playing: the answer, `Location` of the session, `ETag` of its ICE session.",
        "content": {SDP_TYPE: {"schema": {"type": "string"}, "example": "v=0\r\n…"}},
    },
    400: {"description": "The offer is no session description."},
    401: {"description": "The token is missing or not valid."},
    403: {"description": "The token does not open this room."},
    404: {"description": "No such room is open."},
    409: {"description": "Nothing is published yet; try again after `Retry-After`."},
    406: {"description": "The client does not accept `application/sdp`."},
    413: {"description": "The body is too large."},
    415: {"description": "The body is not `application/sdp`."},
    422: {"description": "Nothing that is published can be received by this client."},
    423: {"description": "The room is locked."},
    429: {"description": "A limit of this user is used up."},
    503: {"description": "The server cannot serve this now."},
}
_BODY: dict[str, Any] = {
    "requestBody": {"required": True, "content": {SDP_TYPE: {"schema": {"type": "string"}, "example": "v=0\r\n…"}}}
}
User = Annotated[str | None, Query(max_length=128, description="Whom to watch; absent: who publishes first.")]
Preferred = Annotated[
    Literal["camera", "screen"] | None, Query(description="What to prefer when there is both; absent: the camera.")
]


def create_router(rooms: WhepRooms) -> APIRouter:
    """The routes of WHEP over ``rooms``. A viewer is no participant and is not listed."""
    router = APIRouter()

    @router.post(
        PREFIX + "/{room_id}",
        tags=["whep"],
        summary="Watch a room",
        status_code=201,
        response_class=Response,
        responses=_RESPONSES,
        openapi_extra=_BODY,
    )
    async def play(room_id: str, request: Request, user: User = None, source: Preferred = None) -> Response:
        token = bearer_token(request)
        rooms.admit(room_id, token)
        try:
            check_accept(request, SDP_TYPE)
            sdp = await read_body(request, SDP_TYPE, rooms.max_sdp_bytes)
        except Refused as refused:
            return refused.response
        session = await rooms.play(room_id, token, sdp, user=user, source=source)
        return created(session, f"{PREFIX}/{room_id}/{session.session_id}")

    add_common_routes(router, rooms, PREFIX, "whep")
    return router
