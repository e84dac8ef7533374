"""What encoders give and containers take."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

VIDEO_CLOCK_RATE = 90_000

Codec = Literal["h264", "vp8", "vp9", "av1", "aac", "opus"]


@dataclass(frozen=True, slots=True)
class StreamInfo:
    """One encoded stream, as containers announce it.

    ``clock_rate``: units of time stamps in a second (video 90,000, audio its sample rate). ``extradata``: an avcC
    record for H.264, an AudioSpecificConfig for AAC, an OpusHead for Opus, an av1C record for AV1, else empty.
    """

    name: str
    kind: Literal["audio", "video"]
    codec: Codec
    clock_rate: int
    width: int = 0
    height: int = 0
    channels: int = 0
    extradata: bytes = b""
    bitrate_bps: int = 0
    frames_per_s: int = 0


@dataclass(frozen=True, slots=True)
class EncodedPacket:
    """One coded frame of the stream ``stream``; times in units of its clock rate, counted from the program's origin.

    There are no B frames, so ``dts`` is ``pts``. H.264 data are NAL units each behind four bytes of length, AAC data
    are raw (no ADTS).
    """

    stream: str
    pts: int
    duration: int
    key_frame: bool
    data: bytes

    @property
    def dts(self) -> int:
        """The decoding time."""
        return self.pts


@dataclass(frozen=True, slots=True)
class Patch:
    """Bytes to write over what stands at ``offset``, once a file is complete."""

    offset: int
    data: bytes
