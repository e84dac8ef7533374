"""One rendition as it is served: its playlist, and the bytes of what that names."""

from __future__ import annotations

import gzip
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from fractions import Fraction

from streaming.hls.multivariant import MEASURED_SEGMENTS, Bitrate, Variant
from streaming.hls.playlist import MediaPlaylist, Report, SegmentEntry

_SEGMENTS_BETWEEN_LOOKS = 16
_KEPT_SEGMENTS = 8
"""Segments in memory after they have left the window, or before they are read from the archive (section 6.2.2)."""
_KEPT_PARTS_SEGMENTS = 6
"""Segments whose parts can still be fetched one by one; playlists list those of the last three target durations."""


@dataclass(frozen=True, slots=True)
class RenditionInfo:
    """What a rendition is; ``name`` is part of its address."""

    name: str
    width: int
    height: int
    frame_rate: Fraction
    codecs: tuple[str, ...]
    expected_bps: int


@dataclass(frozen=True, slots=True)
class PlaylistText:
    """A playlist as bytes, plain and compressed."""

    plain: bytes
    gzipped: bytes


@dataclass(slots=True)
class Saved:
    """What is to be kept for longer than memory does: a file's name and bytes, and the segment that has ended."""

    name: str
    data: bytes
    segment: SegmentEntry | None = None


@dataclass(slots=True)
class Rendition:
    """One rendition. ``save`` is given what an archive keeps, ``copy`` what goes elsewhere too; neither may block."""

    info: RenditionInfo
    playlist: MediaPlaylist
    save: Callable[[str, Saved], None] | None = None
    copy: Callable[[str, Saved], None] | None = None
    bitrate: Bitrate = field(init=False)
    blobs: dict[str, bytes] = field(default_factory=dict)
    _texts: dict[bool, tuple[int, tuple[Report, ...], PlaylistText]] = field(default_factory=dict)
    _recent: deque[SegmentEntry] = field(default_factory=deque)
    _listed: tuple[object, int, int] | None = None

    def __post_init__(self) -> None:
        self.bitrate = Bitrate(self.info.expected_bps)

    def variant(self, uri: str) -> Variant:
        """What the multivariant playlist says of it."""
        info, (peak_bps, average_bps) = self.info, self._rates()
        return Variant(uri, peak_bps, average_bps, info.codecs, info.width, info.height, info.frame_rate)

    def _rates(self) -> tuple[int, int]:
        """Peak and mean of all that is listed, as after the end or where viewers can rewind; of the last minutes at the
        least. A day's list is not gone through for each viewer, but now and then.
        """
        segments = self.playlist.segments
        if len(segments) <= MEASURED_SEGMENTS:
            return self.bitrate.peak_bps, self.bitrate.average_bps
        state = self.playlist.ended, segments[-1].msn // _SEGMENTS_BETWEEN_LOOKS
        if self._listed is None or self._listed[0] != state:
            sizes = ((segment.size_bytes, segment.duration_s or 0.0) for segment in segments)
            rate = Bitrate.of(self.info.expected_bps, sizes)
            self._listed = state, rate.peak_bps, rate.average_bps
        return self._listed[1:]

    def begin(self, init: bytes) -> None:
        """A worker begins with this initialisation segment."""
        self._settle_growing()
        name = self.playlist.begin()
        self.blobs[name] = init
        self._keep(Saved(name, init))

    def add_part(self, data: bytes, at_unix: float, duration_s: float, *, independent: bool) -> None:
        """The worker has made a part."""
        name = self.playlist.add_part(at_unix, duration_s, len(data), independent=independent)
        self.blobs[name] = data

    def end_segment(self, duration_s: float) -> None:
        """The parts since the last end are a segment."""
        segment = self.playlist.end_segment(duration_s)
        if segment is not None:
            self._settle(segment)

    def finish(self) -> None:
        """Nothing comes any more."""
        self._settle_growing()
        self.playlist.finish()

    def text(self, reports: Iterable[Report], *, skip: bool) -> PlaylistText:
        """The playlist; made once for all who ask while nothing changes."""
        reports = tuple(reports)
        cached = self._texts.get(skip)
        if cached is not None and cached[0] == self.playlist.version and cached[1] == reports:
            return cached[2]
        plain = self.playlist.text(reports, skip=skip).encode()
        text = PlaylistText(plain, gzip.compress(plain, 4, mtime=0))
        self._texts[skip] = (self.playlist.version, reports, text)
        return text

    def _settle_growing(self) -> None:
        growing = self.playlist.growing
        if growing is not None:
            self.end_segment(sum(part.duration_s for part in growing.parts))

    def _settle(self, segment: SegmentEntry) -> None:
        data = b"".join(self.blobs[part.uri] for part in segment.parts)
        self.blobs[segment.uri] = data
        assert segment.duration_s is not None
        self.bitrate.add(len(data), segment.duration_s)
        self._keep(Saved(segment.uri, data, segment))
        self._recent.append(segment)
        if len(self._recent) > _KEPT_PARTS_SEGMENTS:
            for part in self._recent[-_KEPT_PARTS_SEGMENTS - 1].parts:
                self.blobs.pop(part.uri, None)
        self._forget_old()

    def _forget_old(self) -> None:
        """Bytes leave memory when they are in the archive, or are no longer listed, for long enough."""
        listed_from = self.playlist.segments[0].msn if self.playlist.segments else 0
        while len(self._recent) > _KEPT_SEGMENTS and (
            self.save is not None or self._recent[0].msn < listed_from - _KEPT_SEGMENTS
        ):
            self.blobs.pop(self._recent.popleft().uri, None)

    def _keep(self, saved: Saved) -> None:
        if self.copy is not None:
            self.copy(self.info.name, saved)
        if self.save is not None:
            self.save(self.info.name, saved)
