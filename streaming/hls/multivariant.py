"""The multivariant playlist (RFC 8216bis-18 section 4.4.6): which renditions there are, what they ask of players."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from fractions import Fraction

MEASURED_SEGMENTS = 60
_ENOUGH_SEGMENTS = 2


@dataclass(slots=True)
class Bitrate:
    """What a rendition's segments took. Until some have been seen, ``expected_bps`` stands for both figures."""

    expected_bps: int
    _segments: deque[tuple[int, float]] = field(default_factory=lambda: deque(maxlen=MEASURED_SEGMENTS))

    @classmethod
    def of(cls, expected_bps: int, segments: Iterable[tuple[int, float]]) -> Bitrate:
        """Of given segments (bytes, seconds), however many they are."""
        rate = cls(expected_bps, deque())
        for size_bytes, duration_s in segments:
            rate.add(size_bytes, duration_s)
        return rate

    def add(self, size_bytes: int, duration_s: float) -> None:
        """A segment has ended."""
        if duration_s > 0.25:
            self._segments.append((size_bytes, duration_s))

    @property
    def peak_bps(self) -> int:
        """The greatest of a segment, as BANDWIDTH tells it."""
        if len(self._segments) < _ENOUGH_SEGMENTS:
            return self.expected_bps
        return round(max(size * 8 / duration for size, duration in self._segments))

    @property
    def average_bps(self) -> int:
        """The mean, as AVERAGE-BANDWIDTH tells it."""
        if len(self._segments) < _ENOUGH_SEGMENTS:
            return self.expected_bps
        total = sum(size for size, _ in self._segments)
        return round(total * 8 / sum(duration for _, duration in self._segments))


@dataclass(frozen=True, slots=True)
class Variant:
    """One line of the playlist."""

    uri: str
    peak_bps: int
    average_bps: int
    codecs: tuple[str, ...]
    width: int
    height: int
    frame_rate: Fraction

    @property
    def line(self) -> str:
        """Its tag."""
        return (
            f"#EXT-X-STREAM-INF:BANDWIDTH={self.peak_bps},AVERAGE-BANDWIDTH={self.average_bps}"
            f',CODECS="{",".join(self.codecs)}",RESOLUTION={self.width}x{self.height}'
            f",FRAME-RATE={float(self.frame_rate):.3f}"
        )


def text(variants: Iterable[Variant]) -> str:
    """The playlist; a player begins with the first variant."""
    lines = ["#EXTM3U", "#EXT-X-VERSION:6", "#EXT-X-INDEPENDENT-SEGMENTS"]
    for variant in variants:
        lines += [variant.line, variant.uri]
    return "\n".join(lines) + "\n"
