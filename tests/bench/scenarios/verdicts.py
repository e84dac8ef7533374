"""The numbers that adaptive media must reach, and whether a timeline reaches them. Values in, values out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from tests.bench.scenarios import timeline as of
from tests.bench.scenarios.timeline import Row, Timeline


@dataclass(frozen=True)
class Verdict:
    """One number of one scenario. ``passed`` None: this server has no such figure."""

    what: str
    measured: str
    wanted: str
    passed: bool | None

    @property
    def word(self) -> str:
        return {True: "PASS", False: "FAIL", None: "  — "}[self.passed]


def _at_most(what: str, value: float, limit: float, unit: str = "", digits: int = 2) -> Verdict:
    return Verdict(what, f"{value:.{digits}f}{unit}", f"≤ {limit:g}{unit}", value <= limit)


def _at_least(what: str, value: float, limit: float, unit: str = "", digits: int = 2) -> Verdict:
    return Verdict(what, f"{value:.{digits}f}{unit}", f"≥ {limit:g}{unit}", value >= limit)


def _within(what: str, seconds: float | None, limit_s: float) -> Verdict:
    shown = "never" if seconds is None else f"{seconds:.2f} s"
    return Verdict(what, shown, f"≤ {limit_s:g} s", seconds is not None and seconds <= limit_s)


def _first(rows: Sequence[Row], start_s: float, holds: list[bool]) -> float | None:
    """Seconds from the start to the first row for which it holds."""
    return next((row.t_s - start_s for row, true in zip(rows, holds, strict=True) if true), None)


def _last_not(rows: Sequence[Row], start_s: float, holds: list[bool]) -> float | None:
    """Seconds from the start until it holds for good; None if it does not at the end."""
    if not rows or not holds[-1]:
        return None
    bad = [row.t_s for row, true in zip(rows, holds, strict=True) if not true]
    after = [row.t_s for row in rows if not bad or row.t_s > bad[-1]]
    return max(0.0, after[0] - start_s)


def top_height(line: Timeline) -> int:
    return int(line.notes["height"])


def fall(line: Timeline) -> list[Verdict]:
    """5 Mbit/s → 600 kbit/s."""
    start, end = line.marks["falls"], line.marks["returns"]
    rows = line.rows(start_s=start, end_s=end)
    before = line.rows(end_s=start)[-1]
    seen = [of.height(row) < of.height(before) or of.height(before) < top_height(line) for row in rows]
    if any(row.target for row in rows):
        left = [row.target != before.target for row in rows]
        down = _within("layer down", _first(rows, start, left), 2)
    else:
        down = _within("smaller picture", _first(rows, start, seen), 2)
    return [
        _at_least("picture before the fall", of.height(before), top_height(line), " lines", 0),
        down,
        _at_most("total freeze", of.frozen_s(rows), 1, " s"),
        _within("queue under 150 ms for good", _last_not(rows, start, [row.queue_ms < 150 for row in rows]), 4),
    ]


def recovery(line: Timeline) -> list[Verdict]:
    """The path returns."""
    start = line.marks["returns"]
    rows = line.rows(start_s=start)
    top = [of.height(row) >= top_height(line) for row in rows]
    return [
        _within("top layer decoded again", _first(rows, start, top), 10),
        _at_most("freeze after the return", of.frozen_s(rows), 0.3, " s"),
    ]


def constant(line: Timeline) -> list[Verdict]:
    """1 Mbit/s for minutes."""
    rows = line.rows(start_s=line.marks["settled"])
    minutes = of.span_s(rows) / 60
    estimates = [row.estimate_bps for row in rows if row.estimate_bps is not None]
    path = rows[-1].rate_bps or 1.0
    error = fmean(abs(estimate - path) / path for estimate in estimates) if estimates else None
    shown = "none" if error is None else f"{error:.1%}, mean {fmean(estimates) / 1000:.0f} kbit/s"
    return [
        Verdict("estimate off the path by", shown, "≤ 15 %", None if error is None else error <= 0.15),
        _at_most("layer changes a minute", of.layer_changes(rows) / minutes, 1),
        _at_most("loss", of.loss_share(rows) * 100, 1, " %"),
        _at_most("frozen", of.frozen_s(rows) / of.span_s(rows) * 100, 1, " % of the time"),
    ]


def light_loss(line: Timeline) -> list[Verdict]:
    """5 % loss, ample rate."""
    rows = line.rows(start_s=line.marks["lossy"])
    low = sum(of.height(row) < top_height(line) for row in rows) / len(rows)
    return [
        _at_most("time below the top layer", low * 100, 0, " %"),
        _at_most("frozen", of.frozen_s(rows) / of.span_s(rows) * 100, 1, " % of the time"),
    ]


def heavy_loss(line: Timeline) -> list[Verdict]:
    """20 % loss."""
    rows = line.rows(start_s=line.marks["settled"])
    last, first = rows[-1], rows[0]
    frames = sum(video.frames - first.videos[key].frames for key, video in last.videos.items() if key in first.videos)
    still = of.stalled(rows, 2)
    return [
        _at_most("concealed sound", of.concealed_share(rows) * 100, 10, " %"),
        Verdict("picture moves", f"{frames / of.span_s(rows):.1f} frames/s", "never 2 s without", not still),
    ]


def grid(line: Timeline) -> list[Verdict]:
    """Nine pictures on 2 Mbit/s."""
    rows = line.rows(start_s=line.marks["settled"])
    count = int(line.notes["publishers"])
    audible = min(row.audible for row in rows)
    still = of.stalled(rows, 3)
    speaker = str(line.notes.get("speaker", ""))
    sharpest = sum(_is_sharpest(row, speaker) for row in rows) / len(rows)
    return [
        _at_least("sounds at the same time, the least", audible, count, "", 0),
        Verdict("pictures that move", f"{len(rows[-1].videos) - len(still)}", f"{count}", _all(rows, count, still)),
        _at_least("the speaker is sharper than all others", sharpest * 100, 90, " % of the time", 0),
        _at_most("loss", of.loss_share(rows) * 100, 2, " %"),
        _at_most("concealed sound", of.concealed_share(rows) * 100, 3, " %"),
    ]


def _is_sharpest(row: Row, speaker: str) -> bool:
    heights = {key: video.height for key, video in row.videos.items()}
    return heights.pop(speaker, 0) > max(heights.values(), default=0)


def _all(rows: Sequence[Row], count: int, still: list[str]) -> bool:
    moving = [key for key, video in rows[-1].videos.items() if video.frames > rows[0].videos[key].frames]
    return len(moving) == count and not still


def neighbours(line: Timeline) -> list[Verdict]:
    """Two subscribers, one on a bad path from the mark on."""
    mark = line.marks["bad"]
    before, after = line.rows("good", mark - 8, mark), line.rows("good", mark + 1)
    up_before, up_after = line.uplink(mark - 8, mark), line.uplink(mark + 1)
    return [
        _at_least("the good one receives, of before", of.mean_rate(after) / of.mean_rate(before) * 100, 90, " %", 0),
        _at_least("its picture", min(of.height(row) for row in after), top_height(line), " lines", 0),
        _at_most("its freezes", of.frozen_s(after), 0.3, " s"),
        _at_least("the uplink, of before", of.mean_uplink(up_after) / of.mean_uplink(up_before) * 100, 90, " %", 0),
    ]


def unused(line: Timeline) -> list[Verdict]:
    """Nobody wants more than the smallest layer, and then somebody does."""
    less, more = line.marks["less"], line.marks["more"]
    full = of.mean_uplink(line.uplink(less - 5, less))
    rest = of.mean_uplink(line.uplink(more - 4, more))
    falls = [row for row in line.uplink(less, more) if row.bps < 0.3 * full]
    back = line.rows(start_s=more)
    top = [of.height(row) >= top_height(line) for row in back]
    return [
        _within("uplink falls to what is wanted", falls[0].t_s - less if falls else None, 5),
        _at_most("uplink then, of before", rest / max(1.0, full) * 100, 30, " %", 0),
        _within("top layer decoded again", _first(back, more, top), 3),
        _at_most("freeze meanwhile", of.frozen_s(line.rows(start_s=less)), 0.5, " s"),
    ]
