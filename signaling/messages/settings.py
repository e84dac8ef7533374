"""The settings of a room."""

from __future__ import annotations

from typing import ClassVar

from pydantic import ConfigDict, Field, StrictBool, model_validator

from signaling.messages.base import Incoming, Outgoing
from signaling.model import RoomSettings


class SettingsUpdateRequest(Incoming):
    """Change settings; those that are absent stay. Needs `can_manage_participants`; only the host changes
    `require_host_approval`.
    """

    model_config = ConfigDict(
        extra="forbid", frozen=True, json_schema_extra={"examples": [{"lock_room": True, "max_participants": 20}]}
    )
    type_name: ClassVar[str] = "room-settings-update"

    lock_room: StrictBool | None = Field(default=None, description="Refuse everybody who is not in the room yet.")
    enable_waiting_room: StrictBool | None = Field(
        default=None, description="Newcomers wait until a host or moderator admits them; off: all who wait come in."
    )
    mute_on_entry: StrictBool | None = Field(default=None, description="Microphones of newcomers start muted.")
    enable_chat: StrictBool | None = Field(default=None, description="Chat messages are passed on.")
    enable_reactions: StrictBool | None = Field(default=None, description="Reactions are passed on.")
    max_participants: int | None = Field(
        default=None, ge=1, le=10_000, description="The room is full at this number; nobody is sent away by it."
    )
    enable_recording: StrictBool | None = Field(default=None, description="Recordings may be started.")
    automatic_recording: StrictBool | None = Field(
        default=None, description="The room is recorded whenever somebody is in it."
    )
    require_host_approval: StrictBool | None = Field(
        default=None, description="Newcomers wait until the host admits them; moderators cannot."
    )
    chat_history: StrictBool | None = Field(
        default=None, description="Newcomers see what was written before they came."
    )

    @model_validator(mode="after")
    def _changes_something(self) -> SettingsUpdateRequest:
        if not self.wanted():
            raise ValueError("at least one setting is needed")
        return self

    def wanted(self) -> dict[str, bool | int]:
        """The changes alone."""
        return {name: value for name, value in self.model_dump().items() if value is not None}


class SettingsUpdate(RoomSettings, Outgoing):
    """The settings have changed; all of them as they are now. Goes to everybody."""

    model_config = ConfigDict(frozen=True)
    type_name: ClassVar[str] = "room-settings-update"

    updated_by: str = Field(description="Who changed them.")
