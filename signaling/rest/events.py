"""REST: the event log of a room, and what it adds up to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from signaling import admission
from signaling.envelope import iso_utc
from signaling.errors import ErrorBody, ErrorCode, RoomError
from signaling.events.log import EventLog, Page, RoomEvent
from signaling.hub import Hub
from signaling.limits import RateLimiter
from signaling.model import Permissions, Role
from signaling.names import check_room_id
from signaling.permissions import permissions_of
from signaling.rest.calls import REFUSALS, Credentials
from signaling.store import RoomStore
from signaling.tokens import Identity, TokenVerifier

MAX_LIMIT = 1_000
MAX_SINCE = 2**53 - 1
_REFUSALS: dict[int | str, dict[str, Any]] = {
    **REFUSALS,
    503: {"model": ErrorBody, "description": "Redis, which holds the log, does not answer."},
}
Since = Annotated[int, Query(ge=0, le=MAX_SINCE, description="Only events after this `seq`.")]
Limit = Annotated[int, Query(ge=1, le=MAX_LIMIT, description="At most so many events.")]


class LoggedEvent(BaseModel):
    """Something that happened in a room."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "seq": 2,
                    "event_id": "pL6v0-2",
                    "type": "user-joined",
                    "actor": "alice",
                    "timestamp": "2026-11-24T09:00:00.000Z",
                    "payload": {"username": "alice", "display_name": "Alice", "role": "host"},
                }
            ]
        }
    )

    seq: int = Field(description="Its place in the room's log: grows, and never means another event.")
    event_id: str = Field(description="Unique; the same in a webhook.")
    type: str = Field(description="What happened: mostly the type of the message that told it.")
    actor: str | None = Field(description="Username of who did it; null: the server.")
    timestamp: str = Field(description="When, ISO 8601 in UTC.")
    payload: dict[str, Any] = Field(description="What belongs to it.")


class Events(BaseModel):
    """A page of the event log."""

    room_id: str = Field(description="The room.")
    events: list[LoggedEvent] = Field(description="In order.")
    next_since: int = Field(description="The `since` of the next page.")
    has_more: bool = Field(description="Whether there is more already.")
    first_seq: int | None = Field(description="The oldest event that is kept; above `since` + 1, some were missed.")


class CountedEvent(BaseModel):
    """An event as analytics see it."""

    event_type: str = Field(description="What happened; for what an application counted, its own name for it.")
    user_id: str | None = Field(description="Who; null: the server.")
    metadata: dict[str, Any] = Field(description="What belongs to it.")
    timestamp: str = Field(description="When, ISO 8601 in UTC.")


class Analytics(BaseModel):
    """A page of what happened, for analytics."""

    room_id: str = Field(description="The room.")
    events: list[CountedEvent] = Field(description="In order.")
    count: int = Field(description="Events on this page.")
    next_since: int = Field(description="The `since` of the next page.")
    has_more: bool = Field(description="Whether there is more already.")


class AnalyticsSummary(BaseModel):
    """What a room's events add up to, those who are there now counted until now."""

    room_id: str = Field(description="The room.")
    total_participants: int = Field(description="Different users that have been there.")
    total_duration_minutes: float = Field(description="Minutes with somebody there.")
    peak_concurrent_users: int = Field(description="Most users at one time.")
    total_messages_sent: int = Field(description="Chat messages of users.")
    total_files_shared: int = Field(description="Files that arrived whole.")
    average_session_duration: float = Field(description="Minutes from joining to leaving, on average.")


@dataclass(frozen=True, slots=True)
class EventRoutes:
    """What the routes work with."""

    hub: Hub
    store: RoomStore
    verifier: TokenVerifier
    limiter: RateLimiter
    log: EventLog

    async def check(self, credentials: Credentials, room_id: str) -> None:
        """Raises RoomError unless the user may manage participants: now, in the room that ended, or by token."""
        token = credentials.credentials if credentials is not None else None
        identity = self.verifier.verify_for_room(token, check_room_id(room_id))
        self.limiter.check_here("requests", identity.username)
        if not (await self._permissions(identity, room_id)).can_manage_participants:
            if room_id not in self.hub.rooms:
                raise nothing_known()  # nor is it told whether there was such a room
            raise RoomError(
                ErrorCode.PERMISSION_DENIED,
                "You do not have the right to do this.",
                details={"permission": "can_manage_participants"},
            )

    async def _permissions(self, identity: Identity, room_id: str) -> Permissions:
        live = self.hub.rooms.get(room_id)
        role = identity.role
        if live is not None:
            present = live.room.participants.get(identity.username)
            if present is not None:
                return present.permissions
            admission.check_ban(live.room, identity)
            if live.room.waiting.get(identity.username) is not None:
                raise admission.waiting_for_approval()
        elif role is None:
            role = (await self.store.load(room_id)).roles.get(identity.username)
        defaults = self.hub.around.options.permissions
        return permissions_of(role or Role.PARTICIPANT, identity.permissions or {}, defaults)

    async def page(self, room_id: str, since: int, limit: int) -> Page:
        """Read; raises RoomError ``room_not_found`` if nothing is known of the room."""
        page = await self.log.read(room_id, since, limit)
        if page.first_seq is None and room_id not in self.hub.rooms:
            raise nothing_known()
        return page


def create_router(routes: EventRoutes) -> APIRouter:
    """The routes under ``/webrtc/rooms/{room_id}``."""
    router = APIRouter(prefix="/webrtc/rooms/{room_id}", tags=["events"], responses=_REFUSALS)

    @router.get("/events", summary="What happened in a room, in order")
    async def events(room_id: str, credentials: Credentials, since: Since = 0, limit: Limit = 100) -> Events:
        """For who may manage participants. Ask again with `next_since` for what has happened meanwhile."""
        await routes.check(credentials, room_id)
        page = await routes.page(room_id, since, limit)
        return Events(
            room_id=room_id,
            events=[_logged(event) for event in page.events],
            next_since=_next(page, since),
            has_more=page.has_more,
            first_seq=page.first_seq,
        )

    @router.get("/analytics", summary="What happened in a room, for analytics")
    async def analytics(room_id: str, credentials: Credentials, since: Since = 0, limit: Limit = 100) -> Analytics:
        """The same events, and what applications counted, in one form."""
        await routes.check(credentials, room_id)
        page = await routes.page(room_id, since, limit)
        found = [_counted(event) for event in page.events]
        return Analytics(
            room_id=room_id, events=found, count=len(found), next_since=_next(page, since), has_more=page.has_more
        )

    @router.get("/analytics/summary", summary="What the events of a room add up to")
    async def summary(room_id: str, credentials: Credentials) -> AnalyticsSummary:
        """From what really happened, also after the room has ended and after a restart of the server."""
        await routes.check(credentials, room_id)
        found = await routes.log.summary(room_id, routes.hub.around.unix())
        if found is None:
            raise nothing_known()
        return AnalyticsSummary(
            room_id=room_id,
            total_participants=found.total_participants,
            total_duration_minutes=round(found.occupied_s / 60, 3),
            peak_concurrent_users=found.peak,
            total_messages_sent=found.messages,
            total_files_shared=found.files,
            average_session_duration=round(found.average_session_s / 60, 3),
        )

    return router


def nothing_known() -> RoomError:
    """What is told of a room that never was, or whose log is not for the one who asks."""
    return RoomError(ErrorCode.ROOM_NOT_FOUND, "Nothing is known of such a room.")


def _next(page: Page, since: int) -> int:
    return page.events[-1].seq if page.events else since


def _logged(event: RoomEvent) -> LoggedEvent:
    return LoggedEvent(
        seq=event.seq,
        event_id=event.event_id,
        type=event.type,
        actor=event.actor,
        timestamp=iso_utc(event.at_unix),
        payload=event.payload,
    )


def _counted(event: RoomEvent) -> CountedEvent:
    own = event.type == "analytics-event"
    return CountedEvent(
        event_type=event.payload["event_type"] if own else event.type,
        user_id=event.actor,
        metadata=event.payload["metadata"] if own else event.payload,
        timestamp=iso_utc(event.at_unix),
    )
