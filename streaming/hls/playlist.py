"""A media playlist that slides (RFC 8216bis-18): which segments and parts it lists, and its text.

Names are unique for ever within a rendition: ``init<n>.mp4``, ``seg<media sequence number>.m4s`` and ``part<n>.m4s``.
Parts are counted through all segments, so that the next part's name is known before its segment is.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

PART_HOLD_BACK_PARTS = 3.0
HOLD_BACK_TARGETS = 3.0
SKIP_TARGETS = 6.0
_PARTS_SHOWN_TARGETS = 3.0
_MOST_PARTS = 100


@dataclass(frozen=True, slots=True)
class PartEntry:
    """A part as the playlist lists it."""

    uri: str
    duration_s: float
    independent: bool

    def line(self, base: str) -> str:
        """Its tag."""
        independent = ",INDEPENDENT=YES" if self.independent else ""
        return f'#EXT-X-PART:DURATION={self.duration_s:.5f},URI="{base}{self.uri}"{independent}'


@dataclass(slots=True)
class SegmentEntry:
    """A segment as the playlist lists it; ``duration_s`` is None as long as it grows."""

    msn: int
    init_uri: str
    at_unix: float
    discontinuity: bool
    parts: list[PartEntry] = field(default_factory=list)
    duration_s: float | None = None
    size_bytes: int = 0

    @property
    def uri(self) -> str:
        """Its name."""
        return f"seg{self.msn}.m4s"

    def lines(self, base: str, *, with_parts: bool, new_init: bool) -> list[str]:
        """Its tags and, when it has ended, its name."""
        lines = ["#EXT-X-DISCONTINUITY"] if self.discontinuity else []
        if new_init:
            lines.append(f'#EXT-X-MAP:URI="{base}{self.init_uri}"')
        lines.append(f"#EXT-X-PROGRAM-DATE-TIME:{_date_time(self.at_unix)}")
        if with_parts:
            lines += [part.line(base) for part in self.parts]
        if self.duration_s is not None:
            lines += [f"#EXTINF:{self.duration_s:.5f},", base + self.uri]
        return lines


@dataclass(frozen=True, slots=True)
class Report:
    """Where another rendition is (EXT-X-RENDITION-REPORT)."""

    uri: str
    last_msn: int
    last_part: int | None


class MediaPlaylist:
    """The playlist of one rendition.

    ``window_s``: how much of the past is listed; None: all of it. ``part_s`` and ``target_s`` bound what is added.
    ``keeps_past``: what has left the window is listed again at the end, because somebody keeps its bytes.
    ``base``: what stands before the names in the text.
    """

    def __init__(
        self, *, target_s: float, part_s: float, window_s: float | None, keeps_past: bool = False, base: str = ""
    ) -> None:
        self.target_duration_s = target_duration_s(target_s)
        self.segments: deque[SegmentEntry] = deque()
        self.version = 0
        self.ended = False
        self.discontinuities_removed = 0
        self._discontinuities_before = 0
        self.parts_made = 0
        self._base = base
        self._part_s = part_s
        self._window_s = window_s
        self._next_msn = 0
        self._inits = 0
        self._init_uri = ""
        self._broken = False
        self._past: list[SegmentEntry] | None = [] if keeps_past else None

    # -- what comes ------------------------------------------------------------------------------------------------

    def begin(self) -> str:
        """A worker begins: what follows needs its own initialisation segment, whose name comes back.

        The segment that was growing when the last worker died ends with the parts it has.
        """
        self._close_growing()
        self._broken = self._next_msn > 0
        self._init_uri = f"init{self._inits}.mp4"
        self._inits += 1
        return self._init_uri

    def add_part(self, at_unix: float, duration_s: float, size_bytes: int, *, independent: bool) -> str:
        """A part that has come; its name."""
        segment = self.growing
        if segment is None:
            segment = SegmentEntry(self._next_msn, self._init_uri, at_unix, self._broken)
            self.segments.append(segment)
            self._next_msn += 1
            self._broken = False
        uri = self.hinted_part
        self.parts_made += 1
        segment.parts.append(PartEntry(uri, duration_s, independent))
        segment.size_bytes += size_bytes
        self.version += 1
        return uri

    def end_segment(self, duration_s: float) -> SegmentEntry | None:
        """The growing segment ends, and old ones leave the window."""
        segment = self.growing
        if segment is not None:
            segment.duration_s = duration_s
            self.version += 1
            self._slide()
        return segment

    def finish(self) -> None:
        """Nothing comes any more: the playlist is that of a recording."""
        self._close_growing()
        if self._past:
            self.segments.extendleft(reversed(self._past))
            self._past.clear()
            self.discontinuities_removed = self._discontinuities_before
        self.ended = True
        self.version += 1

    def restore(self, segments: Iterable[SegmentEntry], inits: int, parts_made: int) -> None:
        """Go on after what an earlier process has served."""
        self.segments.extend(segments)
        if self.segments:
            self._next_msn = self.segments[-1].msn + 1
        self._inits, self.parts_made = inits, parts_made
        self._slide()

    def skip(self, segments: int) -> None:
        """Go on after so many segments that an earlier process has served, of which nothing else is known."""
        self._next_msn = self._inits = segments
        self.discontinuities_removed = self._discontinuities_before = segments
        self.parts_made = segments * _MOST_PARTS

    # -- what there is ---------------------------------------------------------------------------------------------

    @property
    def growing(self) -> SegmentEntry | None:
        """The segment that has not ended."""
        last = self.segments[-1] if self.segments else None
        return last if last is not None and last.duration_s is None else None

    @property
    def playable(self) -> bool:
        """Whether a whole segment is listed."""
        return bool(self.segments) and self.segments[0].duration_s is not None

    @property
    def hinted_part(self) -> str:
        """The name of the part that comes next."""
        return f"part{self.parts_made}.m4s"

    @property
    def next_msn(self) -> int:
        """The media sequence number of the segment that comes after all that are listed."""
        return self._next_msn

    @property
    def inits(self) -> int:
        """How many initialisation segments there were."""
        return self._inits

    @property
    def last(self) -> tuple[int, int | None]:
        """Media sequence number and part index of the newest part (None: the segment has ended)."""
        segment = self.segments[-1] if self.segments else None
        if segment is None:
            return max(0, self._next_msn - 1), None
        return segment.msn, len(segment.parts) - 1 if segment.duration_s is None else None

    def has(self, msn: int, part: int | None) -> bool:
        """Whether the playlist holds segment ``msn``, or its part, or something newer (section 6.2.5.2)."""
        if self.ended or msn < self._next_msn - 1:
            return True
        growing = self.growing
        if msn >= self._next_msn:
            return False
        if growing is None:
            # A part after the last of an ended segment means the first of the next one.
            return part is None or part < len(self.segments[-1].parts)
        return part is not None and part < len(growing.parts)

    def is_absurd(self, msn: int) -> bool:
        """Whether a request is too far in the future to be waited for (section 6.2.5.2)."""
        return msn > self._next_msn + 1

    # -- its text --------------------------------------------------------------------------------------------------

    def text(self, reports: Iterable[Report] = (), *, skip: bool = False) -> str:
        """The playlist; ``skip``: a delta update where that is worth it (section 6.2.5.1)."""
        skipped = self._skippable() if skip else 0
        lines = ["#EXTM3U", f"#EXT-X-VERSION:{9 if skipped else 6}", f"#EXT-X-TARGETDURATION:{self.target_duration_s}"]
        if not self.ended:
            lines += [self._server_control(), f"#EXT-X-PART-INF:PART-TARGET={self._part_s:.5f}"]
        elif self.segments and self.segments[0].msn == 0:
            lines.append("#EXT-X-PLAYLIST-TYPE:VOD")
        first = self.segments[0].msn if self.segments else self._next_msn
        lines.append(f"#EXT-X-MEDIA-SEQUENCE:{first}")
        if self.discontinuities_removed:
            lines.append(f"#EXT-X-DISCONTINUITY-SEQUENCE:{self.discontinuities_removed}")
        lines.append("#EXT-X-INDEPENDENT-SEGMENTS")
        if skipped:
            lines.append(f"#EXT-X-SKIP:SKIPPED-SEGMENTS={skipped}")
        lines += self._segment_lines(skipped)
        if self.ended:
            lines.append("#EXT-X-ENDLIST")
        else:
            if self._init_uri:
                lines.append(f'#EXT-X-PRELOAD-HINT:TYPE=PART,URI="{self._base}{self.hinted_part}"')
            lines += [_report_line(report) for report in reports]
        return "\n".join(lines) + "\n"

    def _server_control(self) -> str:
        return (
            "#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES"
            f",CAN-SKIP-UNTIL={SKIP_TARGETS * self.target_duration_s:.1f}"
            f",HOLD-BACK={HOLD_BACK_TARGETS * self.target_duration_s:.1f}"
            f",PART-HOLD-BACK={PART_HOLD_BACK_PARTS * self._part_s:.3f}"
        )

    def _segment_lines(self, skipped: int) -> list[str]:
        lines: list[str] = []
        parts_from = self._first_with_parts()
        init_uri = ""
        for index, segment in enumerate(self.segments):
            new_init, init_uri = segment.init_uri != init_uri, segment.init_uri
            if index >= skipped:
                lines += segment.lines(self._base, with_parts=index >= parts_from and not self.ended, new_init=new_init)
        return lines

    def _first_with_parts(self) -> int:
        left_s = _PARTS_SHOWN_TARGETS * self.target_duration_s
        index = len(self.segments)
        while index > 0 and left_s > 0:
            index -= 1
            left_s -= self.segments[index].duration_s or 0.0
        return index

    def _skippable(self) -> int:
        """How many of the oldest segments end before the skip boundary."""
        if self.ended:
            return 0
        left_s = SKIP_TARGETS * self.target_duration_s
        index = len(self.segments)
        while index > 0 and left_s > 0:
            index -= 1
            segment = self.segments[index]
            length_s = (
                segment.duration_s if segment.duration_s is not None else sum(p.duration_s for p in segment.parts)
            )
            left_s -= length_s
        return index

    def _close_growing(self) -> None:
        segment = self.growing
        if segment is not None:
            segment.duration_s = sum(part.duration_s for part in segment.parts)
            self.version += 1

    def _slide(self) -> None:
        if self._window_s is None:
            return
        total_s = sum(segment.duration_s or 0.0 for segment in self.segments)
        while len(self.segments) > 4 and total_s - (self.segments[0].duration_s or 0.0) >= self._window_s:
            segment = self.segments.popleft()
            total_s -= segment.duration_s or 0.0
            if self._past is not None:
                self._past.append(segment)
            if segment.discontinuity:
                self.discontinuities_removed += 1


def target_duration_s(segment_s: float) -> int:
    """What EXT-X-TARGETDURATION says of segments of at most so many seconds."""
    return max(1, math.ceil(segment_s - 0.5))


def plain_text(
    segments: Sequence[SegmentEntry],
    gaps: Container[int],
    *,
    target_s: int,
    base: str,
    ended: bool,
    discontinuities_before: int = 0,
) -> str:
    """A playlist for what serves files and nothing else; ``gaps``: numbers of segments that are not there."""
    lines = ["#EXTM3U", "#EXT-X-VERSION:8", f"#EXT-X-TARGETDURATION:{target_s}"]
    if ended:
        lines.append("#EXT-X-PLAYLIST-TYPE:VOD")
    lines.append(f"#EXT-X-MEDIA-SEQUENCE:{segments[0].msn if segments else 0}")
    if discontinuities_before:
        lines.append(f"#EXT-X-DISCONTINUITY-SEQUENCE:{discontinuities_before}")
    lines.append("#EXT-X-INDEPENDENT-SEGMENTS")
    init_uri = ""
    for segment in segments:
        if segment.msn in gaps:
            lines.append("#EXT-X-GAP")
        lines += segment.lines(base, with_parts=False, new_init=segment.init_uri != init_uri)
        init_uri = segment.init_uri
    if ended:
        lines.append("#EXT-X-ENDLIST")
    return "\n".join(lines) + "\n"


def _report_line(report: Report) -> str:
    part = f",LAST-PART={report.last_part}" if report.last_part is not None else ""
    return f'#EXT-X-RENDITION-REPORT:URI="{report.uri}",LAST-MSN={report.last_msn}{part}'


def _date_time(at_unix: float) -> str:
    return datetime.fromtimestamp(at_unix, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
