"""The quality of all connections of a room: reads their meters and decides what to tell whom."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sfu.measuring import PathFigures, TransportMeter
from signaling.effects import Broadcast, Effects, Send
from signaling.messages.quality import PathQuality, QualityUpdate
from signaling.quality import SENTENCES, Figures, Judge, Level, advise, level_of
from signaling.room import Participant

if TYPE_CHECKING:
    from sfu.transport import Transport

OWN_INTERVAL_S = 5.0
REPORT_LIFETIME_S = 30.0


@dataclass(slots=True)
class Pair:
    """A participant's transports now; ``subscribe`` None: it receives nothing yet."""

    publish: Transport | None
    subscribe: Transport | None


@dataclass(slots=True)
class _Watched:
    judge: Judge = field(default_factory=Judge)
    publish: TransportMeter | None = None
    subscribe: TransportMeter | None = None
    own_told_at: float = float("-inf")
    figures: Figures = field(default_factory=Figures)


class QualityBoard:
    """One room's judges."""

    def __init__(self) -> None:
        self._watched: dict[str, _Watched] = {}

    def review(self, participant: Participant, pair: Pair, now: float, now_unix: float) -> Effects:
        """Measure and judge one participant; called about every two seconds."""
        is_known = pair.publish or pair.subscribe or participant.reported or participant.username in self._watched
        if not is_known:
            return []  # as of those who only chat
        watched = self._watched.setdefault(participant.username, _Watched())
        watched.publish = _meter(watched.publish, pair.publish)
        watched.subscribe = _meter(watched.subscribe, pair.subscribe)
        watched.figures = _read(watched, participant, now, now_unix)
        return self.judge(participant, watched.figures, now)

    def figures(self, username: str) -> Figures:
        """What was measured of a participant last."""
        watched = self._watched.get(username)
        return watched.figures if watched is not None else Figures()

    def judge(self, participant: Participant, figures: Figures, now: float) -> Effects:
        """Judge figures: the room is told when the level changes, the participant itself also in between."""
        watched = self._watched.setdefault(participant.username, _Watched())
        changed = watched.judge.judge(figures)
        level = watched.judge.level
        if level is None:
            return []
        participant.connection_quality = level.word
        if changed:
            watched.own_told_at = now
            return [Broadcast(quality_update(participant.username, level, figures))]
        if now - watched.own_told_at < OWN_INTERVAL_S or not figures.known:
            return []
        watched.own_told_at = now
        return [Send(participant.username, quality_update(participant.username, level, figures))]

    def keep(self, usernames: Iterable[str]) -> None:
        """Forget all others: they have left."""
        for gone in self._watched.keys() - set(usernames):
            del self._watched[gone]


def _meter(meter: TransportMeter | None, transport: Transport | None) -> TransportMeter | None:
    if transport is None:
        return None
    return meter if meter is not None and meter.transport is transport else TransportMeter(transport)


def _read(watched: _Watched, participant: Participant, now: float, now_unix: float) -> Figures:
    publish, subscribe = watched.publish, watched.subscribe
    reported = participant.reported
    fresh = reported is not None and now_unix - reported.at_unix < REPORT_LIFETIME_S
    return Figures(
        uplink=publish.uplink(now) if publish is not None else None,
        downlink=subscribe.downlink(now) if subscribe is not None else None,
        interrupted=any(meter is not None and meter.is_interrupted for meter in (publish, subscribe)),
        reported_rtt_ms=reported.rtt_ms if fresh and reported is not None else None,
    ).completed()


def quality_update(username: str, level: Level, figures: Figures) -> QualityUpdate:
    """The message on ``username``'s connection."""
    advice = advise(figures, level)
    return QualityUpdate.model_validate(
        {
            "user_id": username,
            "quality_level": level.word,
            "uplink": _path(figures.uplink),
            "downlink": _path(figures.downlink),
            "interrupted": figures.interrupted,
            "recommendation": SENTENCES[advice],
            "recommendation_code": advice,
        }
    )


def _path(path: PathFigures | None) -> PathQuality | None:
    if path is None:
        return None
    return PathQuality.model_validate(
        {
            "quality_level": level_of(Figures(uplink=path)).word,
            "bitrate_video": round(path.video_bps / 1000),
            "bitrate_audio": round(path.audio_bps / 1000),
            "bitrate_total": round((path.video_bps + path.audio_bps) / 1000),
            "packet_loss": None if path.loss is None else round(path.loss * 100, 1),
            "jitter": None if path.jitter_ms is None else round(path.jitter_ms, 1),
            "rtt": None if path.rtt_ms is None else round(path.rtt_ms, 1),
        }
    )
