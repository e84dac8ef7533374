"""The nouns of a room that options, messages and state share: roles, permissions, settings."""

from __future__ import annotations

from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field


class Role(StrEnum):
    """What a participant is in a room."""

    HOST = "host"
    MODERATOR = "moderator"
    PARTICIPANT = "participant"
    GUEST = "guest"


class Source(StrEnum):
    """What a publication shows or lets hear."""

    CAMERA = "camera"
    MICROPHONE = "microphone"
    SCREEN = "screen"
    SCREEN_AUDIO = "screen-audio"


class Kind(StrEnum):
    """The media kind of a publication."""

    AUDIO = "audio"
    VIDEO = "video"


class WaitStatus(StrEnum):
    """What became of one who waits."""

    WAITING = "waiting"
    ADMITTED = "admitted"
    REJECTED = "rejected"


class WaitReason(StrEnum):
    """What somebody in the waiting room waits for."""

    APPROVAL = "approval"
    NO_HOST = "no_host"
    CAPACITY = "capacity"


class Permissions(BaseModel):
    """The seven permissions of a participant."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    can_share_screen: bool = Field(default=True, description="Publish a screen and its sound.")
    can_share_audio: bool = Field(default=True, description="Publish a microphone.")
    can_share_video: bool = Field(default=True, description="Publish a camera.")
    can_send_chat: bool = Field(default=True, description="Write to the chat.")
    can_use_reactions: bool = Field(default=True, description="Send reactions.")
    can_record: bool = Field(default=False, description="Start and stop recordings.")
    can_manage_participants: bool = Field(default=False, description="Mute others and manage the room.")


class RolePermissions(BaseModel):
    """The permissions that come with a role."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    host: Permissions = Field(
        default=Permissions(can_record=True, can_manage_participants=True), description="Permissions of the host."
    )
    moderator: Permissions = Field(
        default=Permissions(can_record=True, can_manage_participants=True), description="Permissions of moderators."
    )
    participant: Permissions = Field(default=Permissions(), description="Permissions of participants.")
    guest: Permissions = Field(default=Permissions(can_share_screen=False), description="Permissions of guests.")

    def of(self, role: Role) -> Permissions:
        """The permissions that ``role`` starts with."""
        found: Permissions = getattr(self, role.value)
        return found


class RoomSettings(BaseModel):
    """The eight settings of a room."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    lock_room: bool = Field(default=False, description="Refuse everybody who is not in the room yet.")
    enable_waiting_room: bool = Field(default=False, description="Newcomers wait until they are admitted.")
    mute_on_entry: bool = Field(default=False, description="Microphones of newcomers start muted.")
    enable_chat: bool = Field(default=True, description="Chat messages are passed on.")
    enable_reactions: bool = Field(default=True, description="Reactions are passed on.")
    max_participants: int = Field(default=100, ge=1, le=10_000, description="The room is full at this number.")
    enable_recording: bool = Field(default=True, description="Recordings may be started.")
    automatic_recording: bool = Field(
        default=False, description="The room is recorded whenever somebody is in it, without being asked to."
    )
    require_host_approval: bool = Field(default=False, description="A newcomer needs the approval of the host.")
    chat_history: bool = Field(default=True, description="Newcomers see what was written before they came.")
