"""What WHIP (RFC 9725) and WHEP share on HTTP: bodies, headers, and the life of a session's address."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from streaming.sessions import IceServer, SessionKeeper, StartedSession

SDP_TYPE = "application/sdp"
FRAGMENT_TYPE = "application/trickle-ice-sdpfrag"
ENDPOINT_METHODS = "POST, OPTIONS"
SESSION_METHODS = "PATCH, DELETE, OPTIONS"

Responses = dict[int | str, dict[str, Any]]
SESSION_REFUSALS: Responses = {
    400: {"description": "The request is not valid."},
    401: {"description": "The token is missing or not valid."},
    403: {"description": "The token does not open this room, or the session is another user's."},
    404: {"description": "The session has ended or never was."},
}
_PATCH_RESPONSES: Responses = {
    200: {
        "description": "ICE is restarted: the server's fragment, and a new `ETag`.",
        "content": {FRAGMENT_TYPE: {"schema": {"type": "string"}, "example": "a=ice-ufrag:…"}},
    },
    204: {"description": "The candidates are taken."},
    **SESSION_REFUSALS,
    412: {"description": "`If-Match` names another ICE session."},
    413: {"description": "The body is too large."},
    415: {"description": "The body is no fragment."},
    428: {"description": "`If-Match` is missing."},
}
_PATCH_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {FRAGMENT_TYPE: {"schema": {"type": "string"}, "example": "a=ice-ufrag:…"}},
    },
    "parameters": [
        {
            "name": "If-Match",
            "in": "header",
            "required": True,
            "schema": {"type": "string"},
            "description": "`ETag` of the ICE session, or `*` to restart ICE.",
        }
    ],
}
_OPTIONS: dict[str, Any] = {"status_code": 204, "response_class": Response}


class Refused(Exception):
    """A request that HTTP itself refuses; carries the response."""

    def __init__(
        self, status: int, code: str, message: str, headers: dict[str, str] | None = None, **details: Any
    ) -> None:
        super().__init__(message)
        body = {"error_code": code, "message": message, "details": details, "retry_after": None}
        self.response = JSONResponse(body, status_code=status, headers=headers)


def bearer_token(request: Request) -> str | None:
    """The request's Bearer token (RFC 6750); None without one."""
    scheme, _, token = request.headers.get("authorization", "").strip().partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None


async def read_body(request: Request, media_type: str, max_bytes: int) -> str:
    """The body as text; raises Refused when it has the wrong type, is too large, is empty or is no UTF-8."""
    sent_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if sent_type != media_type:
        accept = "Accept-Patch" if request.method == "PATCH" else "Accept-Post"
        message = f"The body must be {media_type}."
        raise Refused(415, "unsupported_media_type", message, {accept: media_type})
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > max_bytes:
            # What is left of the body is not read: the connection cannot be used for another request.
            raise Refused(413, "too_large", f"The body has more than {max_bytes} bytes.", {"Connection": "close"})
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        raise Refused(400, "invalid_message", "The body is not UTF-8.") from None
    if not text.strip():
        raise Refused(400, "invalid_message", "The body is empty.")
    return text


def check_accept(request: Request, media_type: str) -> None:
    """Raises Refused when the client would not accept ``media_type``."""
    accepted = request.headers.get("accept")
    if accepted is None or not accepted.strip():
        return
    kinds = {part.partition(";")[0].strip().lower() for part in accepted.split(",")}
    if not kinds & {media_type, "*/*", media_type.partition("/")[0] + "/*"}:
        raise Refused(406, "not_acceptable", f"The answer is {media_type}.")


def entity_tag(ice_tag: str) -> str:
    """The ``ETag`` of an ICE session (RFC 9725 section 4.3.1)."""
    return f'"{ice_tag}"'


def created(session: StartedSession, location: str) -> Response:
    """201 with the answer, where the session lives, and the servers to use (RFC 9725 sections 4.2 and 4.6)."""
    response = Response(session.answer, status_code=201, media_type=None)
    response.headers["Content-Type"] = SDP_TYPE
    response.headers["Location"] = location
    response.headers["ETag"] = entity_tag(session.ice_tag)
    response.headers["Accept-Patch"] = FRAGMENT_TYPE
    response.headers["Cache-Control"] = "no-store"
    for link in ice_links(session.ice_servers):
        response.headers.append("Link", link)
    return response


def ice_links(servers: Sequence[IceServer]) -> list[str]:
    """One ``Link`` value an address (RFC 9725 section 4.6)."""
    links = []
    for server in servers:
        for url in server.urls:
            link = f'<{url}>; rel="ice-server"'
            if server.username is not None and server.credential is not None:
                link += f"; username={_quoted(server.username)}; credential={_quoted(server.credential)}"
                link += '; credential-type="password"'
            links.append(link)
    return links


def _quoted(value: str) -> str:
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def check_precondition(request: Request, ice_tag: str) -> bool:
    """Whether the PATCH restarts ICE: its ``If-Match`` is ``*``. Raises Refused: 428 without one, 412 for another."""
    wanted = request.headers.get("if-match")
    if wanted is None:
        raise Refused(428, "precondition_required", "If-Match is missing: send the ETag of the session.")
    tags = {tag.strip().removeprefix("W/") for tag in wanted.split(",")}
    if "*" in tags:
        return True
    if entity_tag(ice_tag) not in tags:
        raise Refused(412, "precondition_failed", "If-Match names another ICE session.")
    return False


async def patch(keeper: SessionKeeper, request: Request, room_id: str, session_id: str) -> Response:
    """Trickle ICE (204), or an ICE restart (200 with our fragment and a new ``ETag``)."""
    token = bearer_token(request)
    ice_tag = keeper.ice_tag(room_id, session_id, token)
    fragment = await read_body(request, FRAGMENT_TYPE, keeper.max_sdp_bytes)
    restart = check_precondition(request, ice_tag)
    answer = await keeper.patch(room_id, session_id, token, fragment)
    if answer is None:
        if restart and "a=ice-ufrag:" not in fragment:
            raise Refused(400, "invalid_message", "An ICE restart needs new ICE credentials.")
        return Response(status_code=204)
    response = Response(answer, media_type=None)
    response.headers["Content-Type"] = FRAGMENT_TYPE
    response.headers["ETag"] = entity_tag(keeper.ice_tag(room_id, session_id, token))
    return response


def add_common_routes(router: APIRouter, keeper: SessionKeeper, prefix: str, name: str) -> None:
    """The routes that WHIP and WHEP have in common: a session's own, and the methods that are reserved."""
    endpoint = f"{prefix}/{{room_id}}"
    session = f"{prefix}/{{room_id}}/{{session_id}}"
    tags: list[Any] = [name]

    @router.patch(
        session,
        tags=tags,
        summary="Trickle ICE, or restart it",
        operation_id=f"{name}_patch",
        status_code=204,
        response_class=Response,
        responses=_PATCH_RESPONSES,
        openapi_extra=_PATCH_BODY,
    )
    async def patch_session(room_id: str, session_id: str, request: Request) -> Response:
        try:
            return await patch(keeper, request, room_id, session_id)
        except Refused as refused:
            return refused.response

    @router.delete(
        session,
        tags=tags,
        summary="End the session",
        operation_id=f"{name}_delete",
        response_class=Response,
        responses=SESSION_REFUSALS,
    )
    async def delete_session(room_id: str, session_id: str, request: Request) -> Response:
        keeper.end(room_id, session_id, bearer_token(request))
        return Response(status_code=200)

    @router.options(endpoint, tags=tags, summary="What can be posted", operation_id=f"{name}_options", **_OPTIONS)
    async def endpoint_options(room_id: str) -> Response:
        return Response(status_code=204, headers={"Allow": ENDPOINT_METHODS, "Accept-Post": SDP_TYPE})

    @router.options(
        session, tags=tags, summary="What can be patched", operation_id=f"{name}_session_options", **_OPTIONS
    )
    async def session_options(room_id: str, session_id: str) -> Response:
        return Response(status_code=204, headers={"Allow": SESSION_METHODS, "Accept-Patch": FRAGMENT_TYPE})

    @router.api_route(endpoint, methods=["GET", "HEAD", "PUT", "PATCH", "DELETE"], include_in_schema=False)
    async def reserved_at_endpoint(room_id: str) -> Response:
        return _not_allowed(ENDPOINT_METHODS)

    @router.api_route(session, methods=["GET", "HEAD", "POST", "PUT"], include_in_schema=False)
    async def reserved_at_session(room_id: str, session_id: str) -> Response:
        return _not_allowed(SESSION_METHODS)


def _not_allowed(allowed: str) -> Response:
    message = "This method is reserved."
    return Refused(405, "method_not_allowed", message, {"Allow": allowed}).response
