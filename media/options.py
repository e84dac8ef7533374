"""What a program is made of: sizes, rates, codecs, layout."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from media.feed import Layout, Overlay

QUALITIES = {"1080p": (1920, 1080), "720p": (1280, 720), "480p": (854, 480), "360p": (640, 360)}
"""Sizes by the names that users choose from."""


@dataclass(frozen=True, slots=True)
class VideoRendition:
    """One encoding of the picture; width and height are even."""

    name: str = "main"
    width: int = 1280
    height: int = 720
    bitrate_bps: int = 2_500_000


@dataclass(frozen=True, slots=True)
class ProgramOptions:
    """How a program is made; raises ValueError for what cannot be.

    ``renditions``: the first is composed, the others are scaled from it; none: sound alone. ``delay_s``: how long after
    it was made something is put into the program; what comes later is lost, so it must be longer than the way of a
    packet with one or two retransmissions. ``only_users``: whose tracks are taken; None: everybody's. ``preset`` is
    x264's; ``auto`` takes the best that a 2020 server core encodes with ease. ``hardware``: use a hardware encoder if
    one opens. ``threads`` of a software encoder; 0: one up to 720p, else two.
    """

    renditions: tuple[VideoRendition, ...] = (VideoRendition(),)
    frames_per_s: int = 30
    key_frame_interval_s: float = 2.0
    video_codec: Literal["h264", "vp8", "vp9"] = "h264"
    audio_codec: Literal["aac", "opus"] = "aac"
    audio_bitrate_bps: int = 128_000
    delay_s: float = 0.6
    preset: str = "auto"
    hardware: bool = True
    threads: int = 0
    layout: Layout = field(default_factory=Layout)
    overlay: Overlay = field(default_factory=Overlay)
    only_users: frozenset[str] | None = None

    def __post_init__(self) -> None:
        for r in self.renditions:
            if r.width % 2 or r.height % 2 or not 64 <= r.width <= 4096 or not 64 <= r.height <= 4096:
                raise ValueError(f"a picture of {r.width} by {r.height} cannot be made")
        if len({r.name for r in self.renditions} | {"audio"}) != len(self.renditions) + 1:
            raise ValueError("each rendition needs a name of its own, and audio is taken")
        if not 1 <= self.frames_per_s <= 60 or not 0.2 <= self.key_frame_interval_s <= 30:
            raise ValueError("1 to 60 frames a second, a key frame every 0.2 to 30 seconds")
