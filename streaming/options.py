"""What an operator may set of live output and of RTMP ingest."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, SecretStr


class LiveOptions(BaseModel):
    """RTMP out, HLS, RTMP in; part of the settings tree as ``live``."""

    model_config = ConfigDict(extra="forbid")

    enabled: bool = Field(default=True, description="Rooms may go live.")
    private_targets: bool = Field(
        default=False,
        description="Streams may be sent to RTMP servers in private networks; otherwise only to public addresses.",
    )
    directory: Path | None = Field(
        default=None,
        description="Where HLS segments are kept, for rewinding and for watching afterwards; absent: nowhere.",
    )
    s3_bucket: str = Field(
        default="",
        description="Bucket that public HLS streams are also written to, for a CDN to serve; the storage and its "
        "credentials are those of `recording.s3`. Empty: none.",
    )
    s3_prefix: str = Field(default="live/", description="What all keys of such copies begin with.")
    segment_s: float = Field(default=2.0, ge=1, le=10, multiple_of=1, description="Length of HLS segments in seconds.")
    part_s: float = Field(default=0.5, ge=0.2, le=2, description="Longest part of a segment (low latency), in seconds.")
    window_s: float = Field(default=24.0, ge=12, le=600, description="What HLS playlists list without rewinding.")
    max_dvr_s: float = Field(
        default=14_400.0, ge=0, le=86_400, description="How far viewers may be allowed to rewind; needs live.directory."
    )
    renditions: int = Field(default=3, ge=1, le=3, description="Qualities that HLS offers of one stream.")
    keep_after_end_s: float = Field(
        default=86_400.0, ge=0, description="How long HLS streams can be watched after their end."
    )
    empty_room_s: float = Field(
        default=3_600.0, gt=0, description="A stream of a room in which nobody is ends after so many seconds."
    )
    max_streams: int = Field(default=5, ge=1, le=100, description="Live streams of one room at the same time.")
    youtube_api_key: SecretStr | None = Field(
        default=None, description="Key of the YouTube Data API, to tell how many watch there."
    )
    twitch_client_id: str | None = Field(default=None, description="Client id of a Twitch application, for the same.")
    twitch_client_secret: SecretStr | None = Field(default=None, description="Its client secret.")
    ingest_port: int | None = Field(
        default=None, ge=0, le=65535, description="TCP port on which encoders publish by RTMP; absent: none."
    )
    ingest_host: str = Field(default="0.0.0.0", description="Address of that port.")
