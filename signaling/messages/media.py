"""Muting, sharing a screen, and who is speaking."""

from __future__ import annotations

from typing import ClassVar

from pydantic import BaseModel, Field, StrictBool

from signaling.messages.base import Incoming, Outgoing, Username


class MediaControlRequest(Incoming):
    """A client switches its own tracks, or a moderator somebody else's off."""

    type_name: ClassVar[str] = "media-control"

    audio_enabled: StrictBool | None = Field(default=None, description="Microphone on or off; absent: as it was.")
    video_enabled: StrictBool | None = Field(default=None, description="Camera on or off; absent: as it was.")
    screen_sharing: StrictBool | None = Field(default=None, description="Screen on or off; absent: as it was.")
    user_id: Username | None = Field(
        default=None, description="Whose tracks; absent: one's own. Another's can only be switched off."
    )


class ScreenShareRequest(MediaControlRequest):
    """The same fields, for starting and stopping a screen share."""

    type_name: ClassVar[str] = "screen-share-control"


class MediaControl(Outgoing):
    """What of a participant can be heard and seen now; goes to everybody, the participant too."""

    type_name: ClassVar[str] = "media-control"

    user_id: str = Field(description="Whose tracks.")
    audio_enabled: bool = Field(description="Whether the microphone is on.")
    video_enabled: bool = Field(description="Whether the camera is on.")
    screen_sharing: bool = Field(description="Whether a screen is shared.")


class ScreenShareControl(MediaControl):
    """The same fields, after a screen share started or stopped."""

    type_name: ClassVar[str] = "screen-share-control"


class SpeakerLevel(BaseModel):
    """How loud somebody is."""

    user_id: str = Field(description="Who.")
    audio_level: float = Field(ge=0, le=1, description="Loudness, 0.0 to 1.0.")


class ActiveSpeakers(Outgoing):
    """Who is speaking; at most five a second, only on change."""

    type_name: ClassVar[str] = "active-speakers"

    dominant: str | None = Field(description="Who has the floor; null: nobody yet.")
    speakers: list[SpeakerLevel] = Field(description="All who can be heard now, the loudest first.")
