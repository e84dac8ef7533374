"""WebVTT: chapters of a recording from what happened in its room, and the times of its preview pictures."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

MIN_CHAPTER_S = 2.0
SPEAKER_HOLD_S = 5.0


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened at ``at_s`` of the recording. ``kind``: joined, left, screen, screen-ended, speaker."""

    at_s: float
    kind: str
    user_id: str | None
    name: str


_TITLES = {
    "joined": "{} joined",
    "left": "{} left",
    "screen": "{} shares a screen",
    "screen-ended": "{} ended the screen share",
    "speaker": "{} speaks",
}


def chapters(events: Iterable[Event], duration_s: float) -> list[tuple[float, float, str]]:
    """Beginning, end and title of each chapter; they follow each other without a gap, from 0 to the end.

    A speaker makes a chapter only who keeps the word for a while; what happens within two seconds is one chapter.
    """
    marks: list[tuple[float, str]] = [(0.0, "Start")]
    for event in _lasting(sorted(events, key=lambda e: e.at_s), duration_s):
        at_s = max(event.at_s, 0.0)
        title = _TITLES[event.kind].format(event.name)
        if at_s - marks[-1][0] < MIN_CHAPTER_S:
            before = marks[-1][1]
            marks[-1] = (marks[-1][0], title if before == "Start" else f"{before}, {title}")
        elif at_s < duration_s:
            marks.append((at_s, title))
    ends = [at for at, _ in marks[1:]] + [max(duration_s, marks[-1][0] + 0.001)]
    return [(at, end, title) for (at, title), end in zip(marks, ends, strict=True)]


def _lasting(events: Sequence[Event], duration_s: float) -> Iterable[Event]:
    """Events, of the speakers only those who hold the floor, and each once in a row."""
    speakers = [event for event in events if event.kind == "speaker"]
    ends = [event.at_s for event in speakers[1:]] + [duration_s]
    lasting = {id(e) for e, end in zip(speakers, ends, strict=False) if end - e.at_s >= SPEAKER_HOLD_S}
    last: str | None = None
    for event in events:
        if event.kind != "speaker":
            yield event
        elif id(event) in lasting and event.user_id != last:
            last = event.user_id
            yield event


def timestamp(seconds: float) -> str:
    """``HH:MM:SS.mmm``."""
    ms = round(max(seconds, 0.0) * 1000)
    return f"{ms // 3_600_000:02d}:{ms // 60_000 % 60:02d}:{ms // 1000 % 60:02d}.{ms % 1000:03d}"


def webvtt(cues: Iterable[tuple[float, float, str]]) -> str:
    """A WebVTT file; texts lose what has a meaning there."""
    lines = ["WEBVTT", ""]
    for number, (begin, end, text) in enumerate(cues, 1):
        clean = " ".join(text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").split())
        lines += [str(number), f"{timestamp(begin)} --> {timestamp(end)}", clean, ""]
    return "\n".join(lines)
