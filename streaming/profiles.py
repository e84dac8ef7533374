"""Qualities: what the platforms ask of a stream, and the smaller renditions that HLS offers beside it.

Sizes and bitrates are within what both YouTube and Twitch take at 30 frames a second, so that one encoding serves both:
constant bitrate, a key frame every two seconds, AAC at 48 kHz.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

FRAMES_PER_S = 30
KEY_FRAME_INTERVAL_S = 2.0
AUDIO_BPS = 128_000


@dataclass(frozen=True, slots=True)
class Quality:
    """One encoding."""

    name: str
    width: int
    height: int
    bitrate_bps: int


QUALITIES = {
    quality.name: quality
    for quality in (
        Quality("1080p", 1920, 1080, 5_500_000),
        Quality("720p", 1280, 720, 3_000_000),
        Quality("480p", 854, 480, 1_300_000),
        Quality("360p", 640, 360, 700_000),
        Quality("240p", 426, 240, 350_000),
    )
}
_LADDERS = {
    "1080p": ("1080p", "720p", "480p"),
    "720p": ("720p", "480p", "360p"),
    "480p": ("480p", "360p", "240p"),
}
INGEST = {
    "youtube": "rtmps://a.rtmps.youtube.com/live2",
    "twitch": "rtmps://live.twitch.tv/app",
}
"""Where the platforms take streams that name no other address."""


def ladder(quality: str, *, renditions: int) -> tuple[str, ...]:
    """The renditions of HLS, best first."""
    return _LADDERS[quality][:renditions]


def in_order(names: Iterable[str]) -> list[Quality]:
    """Qualities, the largest first: it is composed, and the others are scaled from it."""
    wanted = set(names)
    return [quality for quality in QUALITIES.values() if quality.name in wanted]
