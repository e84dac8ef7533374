"""REST calls enter rooms here: who calls is known, may be there, and does what it asks by the handler of a message."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from signaling import admission
from signaling.catalogue import CATALOGUE
from signaling.errors import ErrorBody, ErrorCode, RoomError
from signaling.hub import Hub
from signaling.limits import RateLimiter
from signaling.live_room import LiveRoom
from signaling.messages.base import Outgoing
from signaling.names import check_room_id
from signaling.permissions import permissions_of
from signaling.rest.limits import note_standing
from signaling.room import Participant, Room
from signaling.rules import user_not_found
from signaling.tokens import Identity, TokenVerifier

M = TypeVar("M", bound=Outgoing)

bearer = HTTPBearer(auto_error=False, description="A participant's JSON Web Token.")
Credentials = Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)]

REFUSALS: dict[int | str, dict[str, Any]] = {
    400: {"model": ErrorBody, "description": "The request is not valid."},
    401: {"model": ErrorBody, "description": "The token is missing or not valid."},
    403: {"model": ErrorBody, "description": "The token does not open this, or the right is missing."},
    404: {"model": ErrorBody, "description": "No such room is open, or what is named is not in it."},
    409: {"model": ErrorBody, "description": "It cannot be done now."},
    423: {"model": ErrorBody, "description": "The room is locked."},
    429: {"model": ErrorBody, "description": "A limit of this user is used up."},
}


@dataclass(frozen=True, slots=True)
class RestServices:
    """What calls work with; ``app.state.rest``."""

    hub: Hub
    verifier: TokenVerifier
    limiter: RateLimiter


@dataclass(frozen=True, slots=True)
class RoomCall:
    """One call about one room, by the user of a token that opens it."""

    identity: Identity
    room_id: str
    services: RestServices
    request: Request

    def live(self) -> LiveRoom:
        """The room; raises RoomError ``room_not_found``."""
        return self.services.hub.find(self.room_id)

    def read(self) -> Room:
        """The room, for one who is in it or could walk in now; raises RoomError."""
        live = self.live()
        around = self.services.hub.around
        admission.check_reader(live.room, self.identity, around.options, around.unix())
        return live.room

    def participant(self) -> Participant:
        """Who calls: a participant of the room, or one that acts from outside, as hosts and moderators by token may.

        Raises RoomError for all others.
        """
        room = self.live().room
        present = room.participants.get(self.identity.username)
        if present is not None:
            return present
        admission.check_ban(room, self.identity)
        role = self.identity.role
        if role is None or role not in admission.OFFICIALS:
            if room.waiting.get(self.identity.username) is not None:
                raise admission.waiting_for_approval()
            raise RoomError(ErrorCode.PERMISSION_DENIED, "Join the room first.")
        granted = dict(self.identity.permissions or {})
        return Participant(
            username=self.identity.username,
            display_name=self.identity.display_name,
            avatar_url=self.identity.avatar_url,
            role=role,
            permissions=permissions_of(role, granted, self.services.hub.around.options.permissions),
            joined_unix=0.0,
            session_id="",
            granted=granted,
            token_role=role,
        )

    async def do(self, message_type: str, payload: dict[str, Any], answer: type[M]) -> M:
        """Do what the message does: the same checks, limits and effects. Its answer comes back; raises RoomError."""
        limit = CATALOGUE[message_type].limit_for(payload)
        if limit is not None:
            note_standing(self.request, await self.services.limiter.check(limit, self.identity.username))
        # Looked at after the wait: the room may have changed.
        live = self.live()
        participant = self.participant()
        user_id = payload.get("user_id")
        if user_id == participant.username and user_id not in live.room.participants:
            raise user_not_found(user_id)  # one who acts from outside has nothing of its own in the room
        reply = live.call(participant, message_type, payload)
        assert isinstance(reply, answer), f"{message_type} is answered by {reply.type_name}"
        return reply


async def _room_call(request: Request, room_id: str, credentials: Credentials) -> RoomCall:
    services: RestServices = request.app.state.rest
    token = credentials.credentials if credentials is not None else None
    identity = services.verifier.verify_for_room(token, check_room_id(room_id))
    services.limiter.check_here("requests", identity.username)
    return RoomCall(identity, room_id, services, request)


Call = Annotated[RoomCall, Depends(_room_call)]
"""A route's parameter of this type checks the token before the body is looked at."""
