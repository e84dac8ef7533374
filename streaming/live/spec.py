"""What a live stream is asked to be, and what is told of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from media.feed import Layout, Overlay
from streaming import profiles


class StreamState(StrEnum):
    """How a stream is doing."""

    CONNECTING = "connecting"
    LIVE = "live"
    RECONNECTING = "reconnecting"
    FAILED = "failed"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class RtmpSpec:
    """A server to send to. The key shows nowhere."""

    url: str
    key: str

    def __repr__(self) -> str:
        return f"RtmpSpec({self.url!r})"


@dataclass(frozen=True, slots=True)
class HlsSpec:
    """``public``: no token is needed to watch. ``dvr_s``: how far viewers can rewind."""

    public: bool = True
    dvr_s: float = 0.0


@dataclass(frozen=True, slots=True)
class StreamSpec:
    """One stream: to a server, to HLS viewers, or both. ``channel``: its name on the platform, if that is known.
    ``elapsed_s``: how long ago it began, if another process has made it until now.
    """

    room_id: str
    stream_id: str
    quality: str
    rtmp: RtmpSpec | None = None
    hls: HlsSpec | None = None
    platform: str = "custom"
    channel: str = ""
    layout: Layout = field(default_factory=Layout)
    overlay: Overlay = field(default_factory=Overlay)
    elapsed_s: float = 0.0

    def renditions(self, most: int) -> tuple[str, ...]:
        """What has to be encoded for it; HLS offers at most ``most``."""
        return profiles.ladder(self.quality, renditions=most if self.hls is not None else 1)


@dataclass(frozen=True, slots=True)
class StreamReport:
    """How a stream is doing now. ``reason``: of the latest trouble, for people; never with a secret in it."""

    state: StreamState = StreamState.CONNECTING
    reason: str | None = None
    uplink_bps: int = 0
    video_bps: int = 0
    dropped_frames: int = 0
    reconnects: int = 0
    viewers: int = 0
