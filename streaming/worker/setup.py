"""What the shard tells a worker at its start, and while it runs, as JSON values."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, SecretStr


class RenditionSetup(BaseModel):
    """A quality that is encoded."""

    model_config = ConfigDict(frozen=True)

    name: str
    width: int
    height: int
    bitrate_bps: int


class RtmpSetup(BaseModel):
    """A server that a quality is sent to."""

    stream_id: str
    quality: str
    url: str
    key: SecretStr


class WorkerSetup(BaseModel):
    """All of it. ``origin``: monotonic time of the program's beginning, ``origin_unix`` the same in seconds since 1970:
    a worker that takes over goes on in the same time.
    """

    model_config = ConfigDict(extra="ignore")

    origin: float
    origin_unix: float
    renditions: list[RenditionSetup] = Field(min_length=1)
    frames_per_s: int = 30
    audio_bps: int = 128_000
    key_frame_interval_s: float = 2.0
    segment_s: float = 2.0
    delay_s: float = 0.5
    part_s: float = 0.5
    hls: bool = False
    allow_private: bool = False
    outputs: list[RtmpSetup] = []
