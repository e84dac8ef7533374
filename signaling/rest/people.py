"""REST: roles, permissions, settings, moderation and raised hands. Each call does what its message does."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field, StrictBool

from signaling.bans import Ban
from signaling.hands import queue
from signaling.messages.base import ShortText
from signaling.messages.hands import HandRaiseQueue
from signaling.messages.media import MediaControl
from signaling.messages.moderation import BanList
from signaling.messages.people import ParticipantUpdate, ParticipantUpdateRequest, PermissionChanges
from signaling.messages.room import Ack, PermissionUpdated, RoleUpdated
from signaling.messages.settings import SettingsUpdate, SettingsUpdateRequest
from signaling.model import Permissions, Role, RoomSettings
from signaling.rest.calls import REFUSALS, Call
from signaling.room import Room
from signaling.rules import user_not_found

_ROOM = "/rooms/{room_id}"


class RoleBody(BaseModel):
    """The role to give."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"role": "moderator"}]})

    role: Role = Field(description="The new role.")


class RoleOf(BaseModel):
    """The role of a user."""

    room_id: str = Field(description="The room.")
    user_id: str = Field(description="Whose role.")
    role: Role = Field(description="The role.")
    present: bool = Field(description="Whether the user is in the room; if not, it comes back with this role.")


class PermissionsOf(BaseModel):
    """The permissions of a participant."""

    room_id: str = Field(description="The room.")
    user_id: str = Field(description="Whose permissions.")
    permissions: Permissions = Field(description="All seven.")


class InfoBody(BaseModel):
    """What to show of a participant."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"display_name": "Alice A."}]})

    display_name: str | None = Field(default=None, description="Name to show; absent: as it was.")
    avatar_url: str | None = Field(default=None, description="Picture to show; empty: none; absent: as it was.")


class ReasonBody(BaseModel):
    """Why."""

    reason: ShortText | None = Field(default=None, description="Told to whom it is about.")


class UnmuteBody(BaseModel):
    """What to ask for."""

    audio: StrictBool = Field(default=True, description="Asks for the microphone.")
    video: StrictBool = Field(default=False, description="Asks for the camera.")


class MediaBody(BaseModel):
    """What to switch."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"audio_enabled": False}]})

    audio_enabled: StrictBool | None = Field(default=None, description="Microphone; absent: as it was.")
    video_enabled: StrictBool | None = Field(default=None, description="Camera; absent: as it was.")
    screen_sharing: StrictBool | None = Field(default=None, description="Screen; absent: as it was.")


class HandBody(BaseModel):
    """Up or down."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"raised": True}]})

    raised: StrictBool = Field(description="Whether the hand is to be up.")
    user_id: str | None = Field(default=None, description="Whose hand; absent: one's own.")


class Done(BaseModel):
    """It is done."""

    room_id: str = Field(description="The room.")
    user_id: str = Field(description="Whom it was about.")


def create_router() -> APIRouter:
    """The routes, below ``/webrtc``."""
    router = APIRouter(prefix="/webrtc", tags=["people"], responses=REFUSALS)
    _add_roles(router)
    _add_permissions(router)
    _add_settings(router)
    _add_moderation(router)
    _add_bans(router)
    _add_hands(router)
    return router


def _add_roles(router: APIRouter) -> None:
    @router.get(_ROOM + "/roles/{user_id}", summary="A user's role")
    async def role(call: Call, user_id: str) -> RoleOf:
        room = call.read()
        present = room.participants.get(user_id)
        known = room.remembered.get(user_id)
        if present is None and known is None:
            raise user_not_found(user_id)
        found = present.role if present is not None else known.role  # type: ignore[union-attr]
        return RoleOf(room_id=room.room_id, user_id=user_id, role=found, present=present is not None)

    @router.post(_ROOM + "/roles/{user_id}", summary="Give a role, or hand the room over")
    async def give_role(call: Call, user_id: str, body: RoleBody) -> RoleUpdated:
        return await call.do("role-update", {"user_id": user_id, "role": body.role}, RoleUpdated)


def _add_permissions(router: APIRouter) -> None:
    @router.get(_ROOM + "/permissions/{user_id}", summary="A participant's permissions")
    async def permissions(call: Call, user_id: str) -> PermissionsOf:
        room = call.read()
        present = room.participants.get(user_id)
        if present is None:
            raise user_not_found(user_id)
        return PermissionsOf(room_id=room.room_id, user_id=user_id, permissions=present.permissions)

    @router.post(_ROOM + "/permissions/{user_id}", summary="Give or take permissions")
    async def give_permissions(call: Call, user_id: str, body: PermissionChanges) -> PermissionUpdated:
        payload = {"user_id": user_id, "permissions": body.wanted()}
        return await call.do("permission-update", payload, PermissionUpdated)

    @router.post(_ROOM + "/participants/{user_id}/info", summary="Change what is shown of a participant")
    async def change_info(call: Call, user_id: str, body: InfoBody) -> ParticipantUpdate:
        payload = {"user_id": user_id, **body.model_dump(exclude_none=True)}
        return await call.do(ParticipantUpdateRequest.type_name, payload, ParticipantUpdate)


def _add_settings(router: APIRouter) -> None:
    @router.get(_ROOM + "/settings", summary="The settings of a room")
    async def settings(call: Call) -> RoomSettings:
        return call.read().settings

    @router.post(_ROOM + "/settings", summary="Change settings")
    async def change_settings(call: Call, body: SettingsUpdateRequest) -> SettingsUpdate:
        return await call.do(SettingsUpdateRequest.type_name, dict(body.wanted()), SettingsUpdate)


def _add_moderation(router: APIRouter) -> None:
    participant = _ROOM + "/participants/{user_id}"

    @router.post(participant + "/media", summary="Mute somebody, or stop its camera or screen")
    async def media(call: Call, user_id: str, body: MediaBody) -> MediaControl:
        payload = {"user_id": user_id, **body.model_dump(exclude_none=True)}
        return await call.do("media-control", payload, MediaControl)

    @router.post(participant + "/unmute-request", summary="Ask somebody to unmute")
    async def unmute_request(call: Call, user_id: str, body: UnmuteBody) -> Done:
        await call.do("unmute-request", {"user_id": user_id, **body.model_dump()}, Ack)
        return Done(room_id=call.room_id, user_id=user_id)

    @router.post(participant + "/kick", summary="Take somebody out of the room")
    async def kick(call: Call, user_id: str, body: ReasonBody | None = None) -> Done:
        await call.do("kick", {"user_id": user_id, "reason": _reason(body)}, Ack)
        return Done(room_id=call.room_id, user_id=user_id)


def _add_bans(router: APIRouter) -> None:
    @router.get(_ROOM + "/bans", summary="Who is banned")
    async def bans(call: Call) -> BanList:
        return await call.do("ban-list", {}, BanList)

    @router.post(_ROOM + "/bans/{user_id}", summary="Take somebody out, and keep it out while the room lives")
    async def ban(call: Call, user_id: str, body: ReasonBody | None = None) -> Ban:
        done = await call.do("ban", {"user_id": user_id, "reason": _reason(body)}, BanList)
        return next(entry for entry in done.bans if entry.user_id == user_id)

    @router.delete(_ROOM + "/bans/{user_id}", summary="Let somebody in again")
    async def unban(call: Call, user_id: str) -> BanList:
        return await call.do("unban", {"user_id": user_id}, BanList)


def _add_hands(router: APIRouter) -> None:
    @router.post(_ROOM + "/hand-raise", summary="Raise or lower a hand")
    async def hand_raise(call: Call, body: HandBody) -> HandRaiseQueue:
        return await call.do("hand-raise", body.model_dump(exclude_none=True), HandRaiseQueue)

    @router.get(_ROOM + "/hand-raise/queue", summary="The raised hands, first in first out")
    async def hand_raise_queue(call: Call) -> HandRaiseQueue:
        room: Room = call.read()
        return queue(room)


def _reason(body: ReasonBody | None) -> str | None:
    return body.reason if body is not None else None
