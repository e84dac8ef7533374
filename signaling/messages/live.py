"""Live streams: starting, changing, stopping, and what is told of them."""

from __future__ import annotations

import base64
import binascii
from enum import StrEnum
from typing import Annotated, ClassVar, Literal, Self
from urllib.parse import urlsplit

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    SecretStr,
    StringConstraints,
    field_validator,
    model_validator,
)

from signaling.messages.base import Incoming, Outgoing

MAX_URL_CHARACTERS = 2_048
MAX_KEY_CHARACTERS = 512
MAX_LOGO_CHARACTERS = 120_000
_PNG = b"\x89PNG\r\n\x1a\n"
StreamId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
QualityName = Literal["1080p", "720p", "480p"]
Title = Annotated[str, StringConstraints(max_length=120)]


class Platform(StrEnum):
    """Where a live stream goes."""

    YOUTUBE = "youtube"
    TWITCH = "twitch"
    CUSTOM = "custom"


class LiveStatus(StrEnum):
    """How far a live stream is."""

    STARTING = "starting"
    CONNECTING = "connecting"
    LIVE = "live"
    RECONNECTING = "reconnecting"
    STOPPING = "stopping"
    STOPPED = "stopped"
    FAILED = "failed"


ENDED = frozenset({LiveStatus.STOPPED, LiveStatus.FAILED})


class LivePicture(BaseModel):
    """How the picture is made; of all live streams of the room."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    layout: Literal["auto", "grid", "speaker", "screen"] = Field(
        default="auto", description="`auto`: a shared screen with cameras beside it if there is one, else a grid."
    )
    show_names: bool = Field(default=True, description="Whether names are shown.")
    spotlight: str | None = Field(default=None, max_length=256, description="Who is shown large in `speaker`.")
    title: Title = Field(default="", description="A title over the picture.")
    slate: Title = Field(default="", description="What is written while nobody's camera is on.")
    logo: str | None = Field(
        default=None, max_length=MAX_LOGO_CHARACTERS, description="A PNG file in Base64, shown in a corner."
    )

    @field_validator("logo")
    @classmethod
    def _is_png(cls, value: str | None) -> str | None:
        if value is not None and not _decoded(value).startswith(_PNG):
            raise ValueError("a PNG file in Base64 is needed")
        return value

    @property
    def logo_bytes(self) -> bytes | None:
        """The file."""
        return _decoded(self.logo) if self.logo is not None else None


class LiveHls(BaseModel):
    """That viewers can watch by HLS."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    public: bool = Field(default=True, description="Whether viewers need no token.")
    dvr_s: float = Field(default=0, ge=0, le=86_400, description="How far viewers can rewind, in seconds.")


class LiveHealth(BaseModel):
    """How a live stream is carried."""

    uplink_bps: int = Field(default=0, description="What the RTMP server takes now, in bit/s.")
    video_bps: int = Field(default=0, description="What video is encoded with now, in bit/s.")
    dropped_frames: int = Field(default=0, description="Frames that the uplink had no room for.")
    reconnects: int = Field(default=0, description="How often the RTMP connection was lost.")


class LiveStreamInfo(BaseModel):
    """The metadata of a live stream; never its key."""

    stream_id: str = Field(description="Identifies the live stream.")
    room_id: str = Field(description="Its room.")
    stream_url: str = Field(description="The RTMP server it goes to; empty: to none.")
    platform: Platform = Field(description="Whose service that is.")
    started_by: str = Field(description="Who started it.")
    started_at: str = Field(description="When, ISO 8601 in UTC.")
    status: LiveStatus = Field(description="How far it is.")
    reason: str | None = Field(default=None, description="Of the latest trouble, for people.")
    viewer_count: int = Field(default=0, description="How many watch, as far as it is known.")
    quality: QualityName = Field(description="Size of the picture.")
    picture: LivePicture = Field(default=LivePicture(), description="How the picture is made; without the logo.")
    hls: LiveHls | None = Field(default=None, description="How viewers can watch by HLS; null: they cannot.")
    hls_url: str | None = Field(default=None, description="The multivariant playlist, below this server's address.")
    watch_url: str | None = Field(default=None, description="The watch page, below this server's address.")
    health: LiveHealth = Field(default=LiveHealth(), description="How it is carried.")
    stopped_at: str | None = Field(default=None, description="When it ended.")
    stopped_by: str | None = Field(default=None, description="Who ended it; null: the operator, or it ended by itself.")


_EXAMPLE: dict[str, JsonValue] = {
    "stream_url": "rtmps://live.example.org/app",
    "stream_key": "abcd-efgh",
    "platform": "custom",
    "quality": "720p",
    "hls": {"public": True},
}


class LiveStartRequest(Incoming):
    """A client sends the room to an RTMP server, to HLS viewers of this server, or both. Needs `can_record`. Streams of
    one quality share one encoding. Who controls live streams is told by `live-stream-start`.
    """

    model_config = ConfigDict(extra="ignore", frozen=True, json_schema_extra={"examples": [_EXAMPLE]})
    type_name: ClassVar[str] = "live-stream-start"

    stream_url: Annotated[str, StringConstraints(max_length=MAX_URL_CHARACTERS)] = Field(
        default="",
        description="An `rtmp://` or `rtmps://` address without user name and key; empty: the platform's own, and for "
        "`custom` none.",
    )
    stream_key: Annotated[SecretStr, Field(max_length=MAX_KEY_CHARACTERS)] = Field(
        default=SecretStr(""), description="The key; never told or logged, and stored only encrypted."
    )
    platform: Platform = Field(default=Platform.CUSTOM, description="Whose service that is.")
    channel: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{0,64}$")] = Field(
        default="",
        description="Id of the broadcast's video (YouTube) or login name (Twitch): to tell how many watch there.",
    )
    quality: QualityName = Field(default="720p", description="Size of the picture.")
    hls: LiveHls | None = Field(default=None, description="Lets viewers watch by HLS.")
    picture: LivePicture | None = Field(
        default=None, description="How the picture is made; absent: as that of the streams that run."
    )

    @field_validator("stream_url")
    @classmethod
    def _is_rtmp(cls, value: str) -> str:
        if value and not _is_rtmp_url(value):
            raise ValueError("an rtmp:// or rtmps:// address is needed")
        return value

    @model_validator(mode="after")
    def _goes_somewhere(self) -> Self:
        has_key = bool(self.stream_key.get_secret_value())
        if (self.stream_url or self.platform is not Platform.CUSTOM) and not has_key:
            raise ValueError("the key of the stream is needed")
        if not self.stream_url and self.platform is Platform.CUSTOM and (self.hls is None or has_key):
            raise ValueError("an address to send to is needed, or hls")
        return self


class LiveStopRequest(Incoming):
    """A client ends a live stream. Needs `can_record`."""

    model_config = ConfigDict(extra="ignore", frozen=True, json_schema_extra={"examples": [{"stream_id": "s1"}]})
    type_name: ClassVar[str] = "live-stream-stop"

    stream_id: StreamId = Field(description="Which.")


class LivePictureRequest(Incoming):
    """A client changes the picture of the live streams under way; what it does not name stays. Needs `can_record`."""

    model_config = ConfigDict(
        extra="ignore", frozen=True, json_schema_extra={"examples": [{"picture": {"layout": "speaker"}}]}
    )
    type_name: ClassVar[str] = "live-stream-picture"

    picture: LivePicture = Field(description="How it is to be.")


class LivePictureChanged(Outgoing):
    """The picture of the live streams is made in another way; goes to everybody."""

    type_name: ClassVar[str] = "live-stream-picture"

    picture: LivePicture = Field(description="How it is made; without the logo.")
    changed_by: str = Field(description="Who changed it.")


class LiveStarted(LiveStreamInfo, Outgoing):
    """A live stream starts, or its status has changed; goes to everybody."""

    type_name: ClassVar[str] = "live-stream-start"


class LiveStopped(LiveStreamInfo, Outgoing):
    """A live stream has ended; goes to everybody."""

    type_name: ClassVar[str] = "live-stream-stop"


class LiveHealthUpdate(LiveHealth, Outgoing):
    """How a live stream is doing, every few seconds; goes to everybody."""

    type_name: ClassVar[str] = "live-stream-health"

    stream_id: str = Field(description="Which.")
    viewer_count: int = Field(description="How many watch, as far as it is known.")


def _decoded(value: str) -> bytes:
    try:
        return base64.b64decode(value, validate=True)
    except (ValueError, binascii.Error):
        return b""


def _is_rtmp_url(value: str) -> bool:
    if not value.isascii() or not value.isprintable() or " " in value:
        return False
    try:
        parts = urlsplit(value)
        port_is_good = parts.port is None or parts.port > 0
    except ValueError:
        return False
    return parts.scheme in ("rtmp", "rtmps") and bool(parts.hostname) and "@" not in parts.netloc and port_is_good
