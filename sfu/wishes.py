"""What one subscriber wants to receive: in all, and of each Producer."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class Mode(enum.StrEnum):
    """What a subscriber wants in all."""

    AUTO = "auto"
    DATA_SAVER = "data-saver"
    AUDIO_ONLY = "audio-only"


class Quality(enum.StrEnum):
    """The highest layer a subscriber wants of a video: the best there is, one below, the least, or none."""

    AUTO = "auto"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
    OFF = "off"


@dataclass(frozen=True, slots=True)
class Wish:
    """What a subscriber wants of one Producer; the default asks for everything.

    ``width`` and ``height`` are how large it is shown, in device pixels; 0: not told. ``pinned``: before all others.
    """

    visible: bool = True
    width: int = 0
    height: int = 0
    quality: Quality = Quality.AUTO
    pinned: bool = False
