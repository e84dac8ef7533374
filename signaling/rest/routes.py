"""The REST routes."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.security import HTTPAuthorizationCredentials

from signaling.breakouts.view import seen_from
from signaling.envelope import iso_utc
from signaling.errors import ErrorBody
from signaling.hub import Hub
from signaling.invites import InviteDesk
from signaling.limits import RateLimiter
from signaling.options import SignalingOptions
from signaling.rest import operations
from signaling.rest.calls import REFUSALS, Call, Credentials
from signaling.rest.models import (
    ActiveRoom,
    ActiveRooms,
    ClientConfig,
    EnhancedParticipants,
    InviteAccepted,
    InviteRequest,
    Limits,
    Participants,
)
from signaling.room_state import features, ice_servers
from signaling.store import RoomStore
from signaling.tokens import Identity, TokenVerifier
from signaling.whip_gate import WhipGate

_REFUSALS: dict[int | str, dict[str, Any]] = {
    401: {"model": ErrorBody, "description": "The token is missing or not valid."},
    403: {"model": ErrorBody, "description": "The token does not open this."},
    429: {"model": ErrorBody, "description": "A limit of this user is used up."},
}
_INVALID: dict[int | str, dict[str, Any]] = {400: {"model": ErrorBody, "description": "The request is not valid."}}


@dataclass(frozen=True, slots=True)
class Services:
    """What the routes work with."""

    options: SignalingOptions
    hub: Hub
    store: RoomStore
    verifier: TokenVerifier
    invites: InviteDesk
    gate: WhipGate
    limiter: RateLimiter

    def identity(self, credentials: HTTPAuthorizationCredentials | None) -> Identity:
        """Who asks; raises RoomError."""
        identity = self.verifier.verify(credentials.credentials if credentials is not None else None)
        self.limiter.check_here("requests", identity.username)
        return identity


def create_router(services: Services) -> APIRouter:
    """All routes under ``/webrtc``."""
    router = APIRouter(prefix="/webrtc")
    _add_client_routes(router, services)
    _add_room_routes(router, services)
    operations.add_routes(router, services.hub, services.store, services.gate, services.identity)
    return router


def _add_client_routes(router: APIRouter, services: Services) -> None:
    @router.get("/config", tags=["client"], responses=_REFUSALS, summary="What a client needs before it joins")
    async def config(credentials: Credentials, response: Response) -> ClientConfig:
        identity = services.identity(credentials)
        response.headers["Cache-Control"] = "no-store"  # it holds credentials
        rooms = services.options.rooms
        return ClientConfig(
            ice_servers=ice_servers(rooms, identity.username, services.hub.around.unix()),
            limits=Limits(
                heartbeat_interval_ms=int(rooms.heartbeat_interval_s * 1000),
                session_timeout_ms=int(rooms.session_timeout_s * 1000),
                messages_per_minute=rooms.messages_per_minute,
                max_frame_bytes=rooms.max_frame_bytes,
                max_chat_characters=rooms.max_chat_characters,
                chat_edit_window_s=rooms.chat.edit_window_s,
                max_image_bytes=rooms.chat.max_image_bytes,
                max_publications=rooms.max_publications,
                max_participants=rooms.settings.max_participants,
            ),
            features=features(
                rooms,
                live=services.hub.around.live is not None,
                recording=services.hub.around.recordings.available,
            ),
        )

    @router.post(
        "/invites/accept",
        tags=["client"],
        responses={**_INVALID, **_REFUSALS},
        summary="Exchange an invite for a participant's token",
    )
    async def accept_invite(body: InviteRequest, request: Request) -> InviteAccepted:
        accepted = services.invites.accept(
            body.invite, body.display_name, now_unix=time.time(), suffix=secrets.token_hex(3)
        )
        scheme = "wss" if request.url.scheme == "https" else "ws"
        return InviteAccepted(
            token=accepted.token,
            username=accepted.username,
            room_id=accepted.room_id,
            ws_url=f"{scheme}://{request.url.netloc}/webrtc/ws/{accepted.room_id}",
        )


def _add_room_routes(router: APIRouter, services: Services) -> None:
    @router.get("/rooms/active", tags=["operations"], responses=_REFUSALS, summary="The open rooms")
    async def active_rooms(credentials: Credentials) -> ActiveRooms:
        """Those that the token opens: all for a token without a `room`, else only that one."""
        identity = services.identity(credentials)
        rooms = [
            ActiveRoom(
                room_id=room_id,
                participants=len(live.room.participants),
                publications=sum(1 for _ in live.room.publications()),
                created_at=iso_utc(live.room.created_unix),
            )
            for room_id, live in services.hub.rooms.items()
            if identity.may_open(room_id)
        ]
        return ActiveRooms(rooms=rooms, count=len(rooms))

    @router.get("/rooms/{room_id}/participants", tags=["rooms"], responses=REFUSALS, summary="Who is in a room")
    async def participants(call: Call) -> Participants:
        names = list(call.read().participants)
        return Participants(room_id=call.room_id, participants=names, count=len(names))

    @router.get(
        "/rooms/{room_id}/participants/enhanced",
        tags=["rooms"],
        responses=REFUSALS,
        summary="Who is in a room, with all that is known of each",
    )
    async def enhanced_participants(call: Call) -> EnhancedParticipants:
        room = call.read()
        reader = room.participants.get(call.identity.username)
        place = reader.breakout_room_id if reader is not None else None
        infos = [seen_from(p, place) for p in room.participants.values()]
        return EnhancedParticipants(room_id=call.room_id, participants=infos, count=len(infos))
