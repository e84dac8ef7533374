"""Live streams: starting, stopping, and what is told of them."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, ClassVar, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, StringConstraints, field_validator

from signaling.messages.base import Incoming, Outgoing

MAX_URL_CHARACTERS = 2_048
MAX_KEY_CHARACTERS = 512
StreamId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")]


class Platform(StrEnum):
    """Where a live stream goes."""

    YOUTUBE = "youtube"
    TWITCH = "twitch"
    CUSTOM = "custom"


class LiveStatus(StrEnum):
    """How far a live stream is."""

    STARTING = "starting"
    LIVE = "live"
    STOPPING = "stopping"
    STOPPED = "stopped"
    FAILED = "failed"


class LiveStreamInfo(BaseModel):
    """The metadata of a live stream; never its key."""

    stream_id: str = Field(description="Identifies the live stream.")
    room_id: str = Field(description="Its room.")
    stream_url: str = Field(description="Where it goes.")
    platform: Platform = Field(description="Whose service that is.")
    started_by: str = Field(description="Who started it.")
    started_at: str = Field(description="When, ISO 8601 in UTC.")
    status: LiveStatus = Field(description="How far it is.")
    viewer_count: int = Field(default=0, description="How many watch, as far as it is known.")
    quality: Literal["1080p", "720p", "480p"] = Field(description="Size of the picture.")


class LiveStartRequest(Incoming):
    """A client sends the room to a streaming service. Needs `can_record`."""

    model_config = ConfigDict(
        extra="ignore",
        frozen=True,
        json_schema_extra={
            "examples": [
                {
                    "stream_url": "rtmps://live.example.org/app",
                    "stream_key": "abcd-efgh",
                    "platform": "custom",
                    "quality": "720p",
                }
            ]
        },
    )
    type_name: ClassVar[str] = "live-stream-start"

    stream_url: Annotated[str, StringConstraints(min_length=1, max_length=MAX_URL_CHARACTERS)] = Field(
        description="An `rtmp://` or `rtmps://` address without user name and key."
    )
    stream_key: Annotated[SecretStr, Field(min_length=1, max_length=MAX_KEY_CHARACTERS)] = Field(
        description="The key; never told, stored or logged."
    )
    platform: Platform = Field(default=Platform.CUSTOM, description="Whose service that is.")
    quality: Literal["1080p", "720p", "480p"] = Field(default="720p", description="Size of the picture.")

    @field_validator("stream_url")
    @classmethod
    def _is_rtmp(cls, value: str) -> str:
        if not _is_rtmp_url(value):
            raise ValueError("an rtmp:// or rtmps:// address is needed")
        return value


class LiveStopRequest(Incoming):
    """A client ends a live stream. Needs `can_record`."""

    model_config = ConfigDict(extra="ignore", frozen=True, json_schema_extra={"examples": [{"stream_id": "s1"}]})
    type_name: ClassVar[str] = "live-stream-stop"

    stream_id: StreamId = Field(description="Which.")


class LiveStarted(LiveStreamInfo, Outgoing):
    """A live stream starts, or has changed; goes to everybody."""

    type_name: ClassVar[str] = "live-stream-start"


class LiveStopped(LiveStreamInfo, Outgoing):
    """A live stream has ended; goes to everybody."""

    type_name: ClassVar[str] = "live-stream-stop"


def _is_rtmp_url(value: str) -> bool:
    if not value.isascii() or not value.isprintable() or " " in value:
        return False
    try:
        parts = urlsplit(value)
        port_is_good = parts.port is None or parts.port > 0
    except ValueError:
        return False
    return parts.scheme in ("rtmp", "rtmps") and bool(parts.hostname) and "@" not in parts.netloc and port_is_good
