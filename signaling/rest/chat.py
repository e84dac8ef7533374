"""The chat over REST: history with search, and images."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.responses import FileResponse

from signaling.chat.image_header import EXTENSIONS
from signaling.chat.images import ImageStore
from signaling.chat.log import Upload
from signaling.chat.view import check_open, viewer_of
from signaling.errors import ErrorBody, ErrorCode, RoomError
from signaling.handlers.chat_reading import history_page
from signaling.hub import Hub
from signaling.limits import RateLimiter
from signaling.live_room import LiveRoom
from signaling.messages.chat import (
    MAX_PAGE,
    MAX_SEARCH_CHARACTERS,
    ChatHistory,
    ChatHistoryRequest,
    ChatImage,
)
from signaling.names import MAX_USERNAME_CHARACTERS, check_room_id
from signaling.options import RoomOptions
from signaling.rest.limits import note_standing
from signaling.room import Participant
from signaling.tokens import TokenVerifier

# Whatever a browser might make of the bytes: it runs nothing, loads nothing and belongs to no site.
IMAGE_POLICY = "default-src 'none'; sandbox; frame-ancestors 'none'"
_bearer = HTTPBearer(auto_error=False, description="A participant's JSON Web Token.")
Credentials = Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]
# What a form puts around an image.
FORM_BYTES = 16_384
UPLOAD_END = "/chat/images"
_ID: Any = {"min_length": 1, "max_length": 64}


def _refused(**more: str) -> dict[int | str, dict[str, Any]]:
    known = {
        "400": "The request is not valid.",
        "401": "The token is missing or not valid.",
        "403": "The token does not open this, or its user is not in the room or lacks the right.",
        "404": "No such room is open.",
        "429": "A limit of this user is used up.",
    }
    known.update({status.removeprefix("s"): text for status, text in more.items()})
    return {int(status): {"model": ErrorBody, "description": text} for status, text in known.items()}


@dataclass(frozen=True, slots=True)
class ChatRoutes:
    """What the routes work with."""

    hub: Hub
    verifier: TokenVerifier
    limiter: RateLimiter

    @property
    def images(self) -> ImageStore:
        """Where the images are."""
        return self.hub.chat.images

    def enter(self, token: str | None, room_id: str) -> tuple[LiveRoom, Participant]:
        """The room and who asks in it; raises RoomError. Who is not in the room, or waits for it, reads nothing."""
        identity = self.verifier.verify_for_room(token, check_room_id(room_id))
        self.limiter.check_here("requests", identity.username)
        live = self.hub.find(room_id)
        participant = live.room.participants.get(identity.username)
        if participant is None:
            raise RoomError(ErrorCode.PERMISSION_DENIED, "Only those who are in the room can use its chat.")
        return live, participant

    async def upload(self, live: LiveRoom, username: str, data: bytes) -> ChatImage:
        """Store an image for a message that is yet to be written; raises RoomError."""
        room_id = live.room.room_id
        image = await self.images.put(room_id, data)
        if live.closed or self.hub.rooms.get(room_id) is not live or username not in live.room.participants:
            self.images.remove(room_id, [image.image_id])
            raise RoomError(ErrorCode.ROOM_CLOSED, "You have left the room meanwhile.")
        given_up = live.room.chat.add_upload(Upload(username, image, self.hub.around.unix()))
        self.images.remove(room_id, given_up)
        return image


def create_router(chat: ChatRoutes) -> APIRouter:
    """The routes under ``/webrtc/rooms/{room_id}/chat``."""
    router = APIRouter(prefix="/webrtc/rooms/{room_id}/chat", tags=["chat"])
    _add_history(router, chat)
    _add_upload(router, chat)
    _add_download(router, chat)
    return router


def max_body_bytes(options: RoomOptions) -> int:
    """The largest body of an upload."""
    return options.chat.max_image_bytes + FORM_BYTES


def _token(credentials: HTTPAuthorizationCredentials | None) -> str | None:
    return credentials.credentials if credentials is not None else None


def _add_history(router: APIRouter, chat: ChatRoutes) -> None:
    @router.get("", responses=_refused(), summary="Earlier messages that one may see, with search")
    async def history(
        room_id: str,
        credentials: Credentials,
        http: Request,
        before: Annotated[str | None, Query(**_ID, description="`next_before` of the page before.")] = None,
        limit: Annotated[int, Query(ge=1, le=MAX_PAGE, description="Most messages of the page.")] = 50,
        q: Annotated[
            str | None,
            Query(min_length=1, max_length=MAX_SEARCH_CHARACTERS, description="Only messages with this text."),
        ] = None,
        target_user_id: Annotated[
            str | None,
            Query(min_length=1, max_length=MAX_USERNAME_CHARACTERS, description="Only the talk with this user."),
        ] = None,
        thread_root_id: Annotated[str | None, Query(**_ID, description="Only this thread.")] = None,
    ) -> ChatHistory:
        """The same as the message `chat-history`."""
        live, participant = chat.enter(_token(credentials), room_id)
        note_standing(http, await chat.limiter.check("messages", participant.username))
        request = ChatHistoryRequest(
            before=before, limit=limit, q=q, target_user_id=target_user_id, thread_root_id=thread_root_id
        )
        return history_page(live.room, participant, request)


_BINARY: dict[str, Any] = {"schema": {"type": "string", "format": "binary"}}
_IMAGES: dict[str, Any] = dict.fromkeys(EXTENSIONS, _BINARY)
_UPLOAD_BODY = {
    "requestBody": {
        "required": True,
        "description": "The image itself, or a form with it in the field `image`. What it is, is read from its bytes.",
        "content": {
            **_IMAGES,
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["image"],
                    "properties": {"image": {"type": "string", "format": "binary"}},
                }
            },
        },
    }
}


def _add_upload(router: APIRouter, chat: ChatRoutes) -> None:
    responses = _refused(
        s413="The image, or all of them, are too large.",
        s415="It is no image of a type that is taken.",
        s422="The server takes no images.",
        s507="There is no space for it.",
        s410="The room has ended meanwhile.",
    )

    @router.post(
        "/images",
        status_code=201,
        responses=responses,
        openapi_extra=_UPLOAD_BODY,
        summary="Upload an image for the chat",
    )
    async def upload_image(room_id: str, credentials: Credentials, request: Request) -> ChatImage:
        """Name its `image_id` in a `chat-message` within ten minutes, else it is removed."""
        live, participant = chat.enter(_token(credentials), room_id)
        check_open(live.room, participant)
        options = chat.hub.around.options.chat
        if not options.images:
            raise RoomError(ErrorCode.NOT_SUPPORTED, "This server takes no images.")
        note_standing(request, await chat.limiter.check("chat_images", participant.username))
        data = await _read_image(request, options.max_image_bytes)
        # The right may have been taken away while the body came.
        live, participant = chat.enter(_token(credentials), room_id)
        check_open(live.room, participant)
        return await chat.upload(live, participant.username, data)


async def _read_image(request: Request, max_bytes: int) -> bytes:
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if content_type == "multipart/form-data":
        return await _read_form(request, max_bytes)
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > max_bytes:
            raise _too_large(max_bytes)
    return bytes(body)


async def _read_form(request: Request, max_bytes: int) -> bytes:
    # The limit of all bodies holds here; kept in memory, nothing is written before it was looked at.
    parser = MultiPartParser(request.headers, request.stream(), max_files=1, max_fields=4)
    parser.spool_max_size = 2 * max_bytes + FORM_BYTES
    try:
        form = await parser.parse()
    except (MultiPartException, KeyError, ValueError):
        raise RoomError(ErrorCode.INVALID_MESSAGE, "The form is not valid.") from None
    try:
        image = form.get("image")
        if not isinstance(image, UploadFile):
            raise RoomError(ErrorCode.INVALID_MESSAGE, "The form has no file 'image'.", details={"field": "image"})
        if (image.size or 0) > max_bytes:
            raise _too_large(max_bytes)
        return await image.read()
    finally:
        await form.close()


def _too_large(max_bytes: int) -> RoomError:
    return RoomError(
        ErrorCode.TOO_LARGE, f"An image has at most {max_bytes} bytes.", details={"max_image_bytes": max_bytes}
    )


def _add_download(router: APIRouter, chat: ChatRoutes) -> None:
    @router.get(
        "/images/{image_id}",
        responses={
            200: {"content": _IMAGES, "description": "The image."},
            **_refused(s404="No such room is open, or there is no such image for this user."),
        },
        response_class=Response,
        summary="An image of the chat",
    )
    async def image(
        room_id: str,
        image_id: Annotated[str, Path(**_ID)],
        credentials: Credentials,
        token: Annotated[str | None, Query(description="The token, where no header can be sent.")] = None,
    ) -> Response:
        """For those who see the message that it is in."""
        live, participant = chat.enter(_token(credentials) or token, room_id)
        found = live.room.chat.image_for(viewer_of(live.room, participant), image_id)
        path = chat.images.path(room_id, image_id) if found is not None else None
        try:
            status = await asyncio.to_thread(path.stat) if path is not None else None
        except OSError:
            status = None
        if found is None or path is None or status is None:
            raise RoomError(ErrorCode.NOT_FOUND, "There is no such image.")
        extension = next(end for kind, end in EXTENSIONS.items() if kind == found.media_type)
        headers = {
            "Content-Disposition": f'inline; filename="image.{extension}"',
            "Content-Security-Policy": IMAGE_POLICY,
            "X-Content-Type-Options": "nosniff",
            "Cache-Control": "private, max-age=3600, immutable",
        }
        return FileResponse(path, media_type=found.media_type, headers=headers, stat_result=status)
