"""Encoded media as the outputs take it: what a track is, and its packets in the order of decoding."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

VIDEO_TIMESCALE = 90_000
"""Ticks of a second in which the times of video are given."""


@dataclass(frozen=True, slots=True)
class VideoTrack:
    """H.264 of one size and rate. ``sps`` and ``pps`` are NAL units without start code (ITU-T H.264 section 7.3.2)."""

    width: int
    height: int
    frame_rate: Fraction
    sps: bytes
    pps: bytes

    @property
    def frame_ticks(self) -> int:
        """How long a frame is shown."""
        return round(VIDEO_TIMESCALE / self.frame_rate)

    @property
    def codec(self) -> str:
        """As playlists name it (RFC 6381 section 3.3): profile, constraints and level of the SPS."""
        return f"avc1.{self.sps[1]:02x}{self.sps[2]:02x}{self.sps[3]:02x}"


@dataclass(frozen=True, slots=True)
class AudioTrack:
    """AAC-LC. ``config`` is the AudioSpecificConfig (ISO/IEC 14496-3 section 1.6.2.1)."""

    sample_rate: int
    channels: int
    config: bytes

    @property
    def codec(self) -> str:
        """As playlists name it (RFC 6381 section 3.3)."""
        return f"mp4a.40.{self.config[0] >> 3}"


@dataclass(frozen=True, slots=True)
class VideoPacket:
    """One frame. Times are in ticks of ``VIDEO_TIMESCALE``; ``data`` are NAL units with four-byte lengths."""

    dts: int
    pts: int
    duration: int
    key: bool
    data: bytes


@dataclass(frozen=True, slots=True)
class AudioPacket:
    """One AAC frame without ADTS header. Times are in samples."""

    pts: int
    duration: int
    data: bytes
