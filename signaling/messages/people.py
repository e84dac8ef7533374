"""Roles, permissions, and what is shown of a participant."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StringConstraints, model_validator

from signaling.messages.base import Incoming, Outgoing, Username
from signaling.messages.room import ParticipantInfo
from signaling.model import Role
from signaling.names import MAX_AVATAR_URL_CHARACTERS, MAX_DISPLAY_NAME_CHARACTERS


class RoleUpdateRequest(Incoming):
    """Give a role. Only the host makes hosts and moderators, or changes theirs; making a host hands the room over: the
    old host becomes moderator. Who manages participants may make participants of guests and the reverse.
    """

    type_name: ClassVar[str] = "role-update"

    user_id: Username = Field(description="Whose role.")
    role: Role = Field(description="The new role.")


class PermissionChanges(BaseModel):
    """Permissions to give (true) or to take (false); the others stay."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, json_schema_extra={"examples": [{"can_share_video": False, "can_send_chat": True}]}
    )

    can_share_screen: StrictBool | None = Field(default=None, description="Publish a screen and its sound.")
    can_share_audio: StrictBool | None = Field(default=None, description="Publish a microphone.")
    can_share_video: StrictBool | None = Field(default=None, description="Publish a camera.")
    can_send_chat: StrictBool | None = Field(default=None, description="Write to the chat.")
    can_use_reactions: StrictBool | None = Field(default=None, description="Send reactions.")
    can_record: StrictBool | None = Field(default=None, description="Start and stop recordings.")
    can_manage_participants: StrictBool | None = Field(default=None, description="Mute others and manage the room.")

    @model_validator(mode="after")
    def _changes_something(self) -> PermissionChanges:
        if not self.wanted():
            raise ValueError("at least one permission is needed")
        return self

    def wanted(self) -> dict[str, bool]:
        """The changes alone."""
        return {name: on for name, on in self.model_dump().items() if on is not None}


class PermissionUpdateRequest(Incoming):
    """Give or take permissions of a participant or guest; the host may also those of moderators. One gives only what
    one has, and `can_manage_participants` only the host gives or takes.
    """

    type_name: ClassVar[str] = "permission-update"

    user_id: Username = Field(description="Whose permissions.")
    permissions: PermissionChanges = Field(description="Those to change.")


class ParticipantUpdateRequest(Incoming):
    """Change what is shown of oneself; who manages participants may change the name of others."""

    type_name: ClassVar[str] = "participant-update"

    user_id: Username | None = Field(default=None, description="Whom to rename; absent: oneself.")
    display_name: Annotated[str, StringConstraints(min_length=1, max_length=MAX_DISPLAY_NAME_CHARACTERS)] | None = (
        Field(default=None, description="Name to show; absent: as it was.")
    )
    avatar_url: Annotated[str, StringConstraints(max_length=MAX_AVATAR_URL_CHARACTERS)] | None = Field(
        default=None, description="Picture to show, an http(s) address or a path; empty: none; absent: as it was."
    )

    @model_validator(mode="after")
    def _changes_something(self) -> ParticipantUpdateRequest:
        if self.display_name is None and self.avatar_url is None:
            raise ValueError("display_name or avatar_url is needed")
        return self


class ParticipantUpdate(ParticipantInfo, Outgoing):
    """What is shown of a participant has changed; goes to everybody."""

    type_name: ClassVar[str] = "participant-update"

    user_id: str = Field(description="The same as `username`.")
    updated_by: str | None = Field(description="Who changed it.")
