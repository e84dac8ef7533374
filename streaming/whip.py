"""WHIP (RFC 9725): any standard client publishes into a room."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from streaming.http import SDP_TYPE, Refused, add_common_routes, bearer_token, check_accept, created, read_body
from streaming.sessions import WhipRooms

PREFIX = "/webrtc/whip"
_RESPONSES: dict[int | str, dict[str, Any]] = {
    201: {
        "description": "Publishing: the answer, `Location` of the session, `ETag` of its ICE session.",
        "content": {SDP_TYPE: {"schema": {"type": "string"}, "example": "v=0\r\n…"}},
    },
    400: {"description": "The offer is no session description."},
    401: {"description": "The token is missing or not valid."},
    403: {"description": "The token does not open this room."},
    409: {"description": "The room is full."},
    406: {"description": "The client does not accept `application/sdp`."},
    413: {"description": "The body is too large."},
    415: {"description": "The body is not `application/sdp`."},
    422: {"description": "Nothing in the offer can be received."},
    423: {"description": "The room is locked."},
    429: {"description": "A limit of this user is used up."},
    503: {"description": "The server cannot serve this now."},
}
_BODY: dict[str, Any] = {
    "requestBody": {"required": True, "content": {SDP_TYPE: {"schema": {"type": "string"}, "example": "v=0\r\n…"}}}
}


def create_router(rooms: WhipRooms) -> APIRouter:
    """The routes of WHIP over ``rooms``. The publisher is a participant of the room under its token's name."""
    router = APIRouter()

    @router.post(
        PREFIX + "/{room_id}",
        tags=["whip"],
        summary="Publish into a room",
        status_code=201,
        response_class=Response,
        responses=_RESPONSES,
        openapi_extra=_BODY,
    )
    async def publish(room_id: str, request: Request) -> Response:
        token = bearer_token(request)
        rooms.admit(room_id, token)
        try:
            check_accept(request, SDP_TYPE)
            sdp = await read_body(request, SDP_TYPE, rooms.max_sdp_bytes)
        except Refused as refused:
            return refused.response
        session = await rooms.publish(room_id, token, sdp)
        return created(session, f"{PREFIX}/{room_id}/{session.session_id}")

    add_common_routes(router, rooms, PREFIX, "whip")
    return router
