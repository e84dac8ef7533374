"""Asking to unmute, kicking and banning."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field, StrictBool, model_validator

from signaling.bans import Ban
from signaling.messages.base import Incoming, Outgoing, ShortText, Username


class UnmuteRequest(Incoming):
    """Who manages participants asks one to switch its microphone or camera on; nobody else can."""

    type_name: ClassVar[str] = "unmute-request"

    user_id: Username = Field(description="Who is asked.")
    audio: StrictBool = Field(default=True, description="Asks for the microphone.")
    video: StrictBool = Field(default=False, description="Asks for the camera.")

    @model_validator(mode="after")
    def _asks_for_something(self) -> UnmuteRequest:
        if not (self.audio or self.video):
            raise ValueError("audio or video is needed")
        return self


class UnmuteAsked(Outgoing):
    """The receiver is asked to switch its microphone or camera on; goes to it alone."""

    type_name: ClassVar[str] = "unmute-request"

    user_id: str = Field(description="Who is asked: the receiver.")
    requested_by: str = Field(description="Who asks.")
    audio: bool = Field(description="Asks for the microphone.")
    video: bool = Field(description="Asks for the camera.")


class KickRequest(Incoming):
    """Take somebody out of the room; it may join again, through the waiting room if there is one."""

    type_name: ClassVar[str] = "kick"

    user_id: Username = Field(description="Whom.")
    reason: ShortText | None = Field(default=None, description="Told to who is taken out.")


class Kicked(Outgoing):
    """The receiver has been taken out; its socket is closed with 4410 `kicked`, or 4403 `banned`. The others get
    `user-left` with the same word as reason.
    """

    type_name: ClassVar[str] = "kick"

    user_id: str = Field(description="Who is taken out: the receiver.")
    kicked_by: str = Field(description="Who did it.")
    reason: str | None = Field(description="Why.")
    banned: bool = Field(description="Whether it may not come back while the room lives.")


class BanRequest(Incoming):
    """Take somebody out, and let it in no more while the room lives; it need not be there now."""

    type_name: ClassVar[str] = "ban"

    user_id: Username = Field(description="Whom.")
    reason: ShortText | None = Field(default=None, description="Told to who is banned.")


class UnbanRequest(Incoming):
    """Let somebody in again."""

    type_name: ClassVar[str] = "unban"

    user_id: Username = Field(description="Whom.")


class BanListRequest(Incoming):
    """Who manages participants asks who is banned."""

    type_name: ClassVar[str] = "ban-list"


class BanList(Outgoing):
    """Who is banned: the answer to `ban-list`, `ban` and `unban`; goes to who manages participants on every change."""

    type_name: ClassVar[str] = "ban-list"

    bans: list[Ban] = Field(description="All bans, the oldest first.")
