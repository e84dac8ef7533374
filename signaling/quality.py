"""What a participant's connection is worth: from figures to one of four levels and one piece of advice. Values only."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import IntEnum, StrEnum

from sfu.measuring import PathFigures

CALM = 0.75
"""To count as better, figures must stay below this share of the limits; what lies between keeps the level."""
WORSE_AFTER = 2
BETTER_AFTER = 4
"""So many judgements in a row, one every two seconds, before the level falls or rises."""


class Level(IntEnum):
    """How good a connection is."""

    POOR = 0
    FAIR = 1
    GOOD = 2
    EXCELLENT = 3

    @property
    def word(self) -> str:
        """As messages write it."""
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class Limits:
    """What a level allows at most."""

    loss: float
    jitter_ms: float
    rtt_ms: float


# ITU-T G.114 has 150 ms of mouth-to-ear delay as unnoticeable and 400 ms as the end of conversation. Opus hides 1 % of
# loss wholly and 3 % mostly; from 8 % on words get lost and pictures freeze while they are repaired.
LIMITS = (
    (Level.EXCELLENT, Limits(loss=0.01, jitter_ms=30, rtt_ms=150)),
    (Level.GOOD, Limits(loss=0.03, jitter_ms=50, rtt_ms=300)),
    (Level.FAIR, Limits(loss=0.08, jitter_ms=100, rtt_ms=500)),
)


class Advice(StrEnum):
    """The stable codes of recommendations."""

    NONE = "none"
    RECONNECTING = "reconnecting"
    STOP_VIDEO = "stop_video"
    UPLINK_LOSS = "uplink_loss"
    RECEIVE_LESS = "receive_less"
    DOWNLINK_LOSS = "downlink_loss"
    UNSTEADY = "unsteady"
    DELAY = "delay"


SENTENCES = {
    Advice.NONE: "Nothing needs to be done.",
    Advice.RECONNECTING: "The media connection is interrupted; it is tried again by itself.",
    Advice.STOP_VIDEO: "Much of what you send gets lost: switch your video off, so that your voice comes through.",
    Advice.UPLINK_LOSS: "Some of what you send gets lost: move closer to the access point, or use a cable.",
    Advice.RECEIVE_LESS: "Much of what you should receive gets lost: hide some videos, or switch them off.",
    Advice.DOWNLINK_LOSS: "Some of what you should receive gets lost: move closer to the access point, or use a cable.",
    Advice.UNSTEADY: "Your network delivers unevenly: pause downloads and other things that use it.",
    Advice.DELAY: "Your connection takes long: switch a VPN off, or use another network.",
}


@dataclass(frozen=True, slots=True)
class Figures:
    """All that is known of a participant's connection; None: that direction carries nothing.

    ``reported_rtt_ms`` is the client's word; it counts only where we measure none ourselves.
    """

    uplink: PathFigures | None = None
    downlink: PathFigures | None = None
    interrupted: bool = False
    reported_rtt_ms: float | None = None

    @property
    def known(self) -> bool:
        """Whether there is anything to judge."""
        return self.interrupted or any(p is not None and p.loss is not None for p in (self.uplink, self.downlink))

    def completed(self) -> Figures:
        """With the client's round trip where ours is missing; both directions share it, as they share the path."""
        measured = [p.rtt_ms for p in (self.uplink, self.downlink) if p is not None and p.rtt_ms is not None]
        rtt_ms = measured[0] if measured else self.reported_rtt_ms
        return replace(self, uplink=_with_rtt(self.uplink, rtt_ms), downlink=_with_rtt(self.downlink, rtt_ms))


def _with_rtt(path: PathFigures | None, rtt_ms: float | None) -> PathFigures | None:
    return replace(path, rtt_ms=rtt_ms) if path is not None and path.rtt_ms is None else path


def level_of(figures: Figures, strictness: float = 1.0) -> Level:
    """The level of figures as they stand; a ``strictness`` below 1.0 allows that share of the limits only."""
    if figures.interrupted:
        return Level.POOR
    paths = [path for path in (figures.uplink, figures.downlink) if path is not None]
    return min((_level_of_path(path, strictness) for path in paths), default=Level.EXCELLENT)


def _level_of_path(path: PathFigures, strictness: float) -> Level:
    for level, limits in LIMITS:
        if all(value <= limit * strictness for value, limit in _pairs(path, limits)):
            return level
    return Level.POOR


def _pairs(path: PathFigures, limits: Limits) -> list[tuple[float, float]]:
    known = ((path.loss, limits.loss), (path.jitter_ms, limits.jitter_ms), (path.rtt_ms, limits.rtt_ms))
    return [(value, limit) for value, limit in known if value is not None]


def advise(figures: Figures, level: Level) -> Advice:
    """What would help most: the figure that is furthest beyond what a good connection has decides."""
    if figures.interrupted:
        return Advice.RECONNECTING
    if level >= Level.GOOD:
        return Advice.NONE
    good = LIMITS[1][1]
    strains: list[tuple[float, Advice]] = []
    for path, loss, heavy_loss in (
        (figures.uplink, Advice.UPLINK_LOSS, Advice.STOP_VIDEO),
        (figures.downlink, Advice.DOWNLINK_LOSS, Advice.RECEIVE_LESS),
    ):
        if path is None:
            continue
        relieves = path.video_bps > 0 and level is Level.POOR
        strains.append(((path.loss or 0.0) / good.loss, heavy_loss if relieves else loss))
        strains.append(((path.jitter_ms or 0.0) / good.jitter_ms, Advice.UNSTEADY))
        strains.append(((path.rtt_ms or 0.0) / good.rtt_ms, Advice.DELAY))
    worst = max(strains, key=lambda strain: strain[0], default=(0.0, Advice.NONE))
    # Figures may be fine again while the level waits to rise.
    return worst[1] if worst[0] > CALM else Advice.NONE


_Pick = Callable[[list[Level]], Level]


class Judge:
    """Keeps the level of one connection: quick to see an interruption, slow to change its mind otherwise."""

    def __init__(self) -> None:
        self.level: Level | None = None
        self._worse: list[Level] = []
        self._better: list[Level] = []

    def judge(self, figures: Figures) -> bool:
        """Take the latest figures; whether the level changed."""
        before = self.level
        if not figures.known:
            return False
        now = level_of(figures)
        if figures.interrupted:
            self._settle(Level.POOR)
        elif before is None or now < before:
            self._lean(self._worse, self._better, now, WORSE_AFTER, max)
        elif (sure := level_of(figures, CALM)) > before:
            self._lean(self._better, self._worse, sure, BETTER_AFTER, min)
        else:
            self._worse.clear()
            self._better.clear()
        return self.level is not before

    def _lean(self, streak: list[Level], other: list[Level], level: Level, enough: int, pick: _Pick) -> None:
        """One more judgement in one direction; the most cautious of a whole streak becomes the level."""
        other.clear()
        streak.append(level)
        if len(streak) >= enough:
            self._settle(pick(streak))

    def _settle(self, level: Level) -> None:
        self.level = level
        self._worse.clear()
        self._better.clear()
