"""What was measured, as plain rows over time. Values in, values out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import pairwise
from statistics import fmean
from typing import Any


@dataclass(frozen=True)
class VideoRow:
    """One received picture at one moment."""

    height: int
    frames: int
    frozen_s: float
    freezes: int
    key_frames: int
    bytes: int


@dataclass(frozen=True)
class Row:
    """One subscriber at one moment; what counts is since the beginning, rates are since the row before."""

    t_s: float
    sent_bps: float  # by the server, into the relay
    received_bps: float  # out of the relay
    queue_ms: float  # the longest wait since the row before
    packets: int
    lost: int  # by the dice
    queue_full: int
    rate_bps: float | None  # of the path just now
    estimate_bps: float | None
    limited_by: str | None
    current: Mapping[str, str]  # publication → rid/spatial/temporal
    target: Mapping[str, str]
    videos: Mapping[str, VideoRow]
    concealed: int
    samples: int
    audible: int  # sounds of which packets came within the last rows
    rtt_ms: float | None


@dataclass(frozen=True)
class UplinkRow:
    """All publishers together at one moment."""

    t_s: float
    bps: float
    by_rid_bps: Mapping[str, float]
    limited_by: str = ""  # what holds the encoders back, as the browser says: cpu, bandwidth


@dataclass
class Timeline:
    """One run of one scenario. ``marks``: name → time of what happened, such as the fall of the path."""

    scenario: str
    driver: str
    subscribers: dict[str, list[Row]] = field(default_factory=dict)
    publishers: dict[str, list[UplinkRow]] = field(default_factory=dict)
    marks: dict[str, float] = field(default_factory=dict)
    notes: dict[str, Any] = field(default_factory=dict)

    def rows(self, name: str = "", start_s: float = 0.0, end_s: float = float("inf")) -> list[Row]:
        """Of a subscriber, the only one when no name is given."""
        chosen = self.subscribers[name] if name else next(iter(self.subscribers.values()))
        return [row for row in chosen if start_s <= row.t_s < end_s]

    def uplink(self, start_s: float = 0.0, end_s: float = float("inf"), name: str = "") -> list[UplinkRow]:
        chosen = self.publishers[name] if name else next(iter(self.publishers.values()))
        return [row for row in chosen if start_s <= row.t_s < end_s]

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def frozen_s(rows: Sequence[Row]) -> float:
    """Of all pictures together, between the first and the last row.

    Browsers count a freeze when it is over; one that lasts at the end is added, from half a second on.
    """
    if not rows:
        return 0.0
    first, last = rows[0].videos, rows[-1].videos
    over = sum(video.frozen_s - first[key].frozen_s for key, video in last.items() if key in first)
    return over + sum(_standing_s(rows, key) for key in last)


def _standing_s(rows: Sequence[Row], key: str) -> float:
    frames = rows[-1].videos[key].frames
    since = next((row.t_s for row in rows if key in row.videos and row.videos[key].frames == frames), rows[-1].t_s)
    still_s = rows[-1].t_s - since
    return still_s if still_s > 0.5 else 0.0


def span_s(rows: Sequence[Row]) -> float:
    return rows[-1].t_s - rows[0].t_s if rows else 0.0


def height(row: Row) -> int:
    """Of the largest picture that is decoded."""
    return max((video.height for video in row.videos.values()), default=0)


def layer_changes(rows: Sequence[Row]) -> int:
    """How often the layer that is sent has changed its size; a change of frame rate alone is none."""

    def sizes(row: Row) -> dict[str, str]:
        return {key: layer.rpartition("/")[0] for key, layer in (row.current or row.target).items()}

    def decoded(row: Row) -> dict[str, int]:
        return {key: video.height for key, video in row.videos.items()}

    of = sizes if any(row.current for row in rows) else decoded
    return sum(of(before) != of(after) for before, after in pairwise(rows))


def mean_rate(rows: Sequence[Row]) -> float:
    return fmean(row.received_bps for row in rows) if rows else 0.0


def mean_uplink(rows: Sequence[UplinkRow]) -> float:
    return fmean(row.bps for row in rows) if rows else 0.0


def stalled(rows: Sequence[Row], window_s: float) -> list[str]:
    """Pictures that showed no new frame for that long, at the least."""
    found = set()
    keys = {key for row in rows for key in row.videos}
    for key in keys:
        moved_at, frames = rows[0].t_s, -1
        for row in rows:
            now = row.videos[key].frames if key in row.videos else frames
            if now > frames:
                moved_at, frames = row.t_s, now
            elif row.t_s - moved_at > window_s:
                found.add(key)
    return sorted(found)


def concealed_share(rows: Sequence[Row]) -> float:
    """Of the sound, between the first and the last row."""
    if len(rows) < 2 or rows[-1].samples == rows[0].samples:
        return 1.0
    return (rows[-1].concealed - rows[0].concealed) / (rows[-1].samples - rows[0].samples)


def loss_share(rows: Sequence[Row]) -> float:
    """Of packets, by whatever cause, between the first and the last row."""
    packets = rows[-1].packets - rows[0].packets
    lost = rows[-1].lost + rows[-1].queue_full - rows[0].lost - rows[0].queue_full
    return lost / max(1, packets)
