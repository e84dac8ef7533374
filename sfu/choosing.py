"""Chooses the layer of each Consumer of one subscriber, by what its path carries and what it wishes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sfu.congestion.allocation import PAUSED, Demand, allocate, spare_first
from sfu.consumer import Consumer, ConsumerState
from sfu.ladder import COVERS, COVERS_FIRST, Ladder, Rung, preferred
from sfu.wishes import Mode, Quality

if TYPE_CHECKING:
    from sfu.producer import Producer

STARVING_S = 5.0
"""So long a video may take more than there is before it is paused: lowest layers are not given up for a dip."""
SPARED_S = 2.5
"""So long the first videos keep their layers in a dip for which the others give way: most are over by then."""
SPARED_SHARE = 0.65
"""It is only a dip if at least this share of what is then sent would fit, or all of it once the queue is empty."""
SURE_SHARE = 0.5
"""The first video goes on at its lowest layer as long as the estimate is at least this share of what it takes."""
FIRST_HOLD_S = 4.0
LONGEST_HOLD_S = 32.0
LONGEST_FIRST_HOLD_S = 4.0
"""Who speaks or is pinned among several is tried again soon: the others give way for it."""
STABLE_S = 20.0
OTHER_PATH_FACTOR = 2.0
"""A path that carries so much more than when a layer was given up need not wait before it is tried again."""
WISH_ROOM = 1.3
"""Encoders send more than their mean at times: a path that carries just that is worth knowing better."""
LANDING_SHARE = 0.7
"""Of the estimate, after a deep fall: the queue has to empty, the key frame that is begun with is large, and what was
measured of so short a moment may be too much. A second step down would cost a second key frame."""
HEADER_SHARE = 1.04
"""What SRTP and header extensions add to the bitrates that were measured without them."""
FOREMOST, OTHERS = 0, 1


@dataclass(slots=True)
class _Damper:
    """Keeps a layer that did not work out from being tried again at once, longer each time."""

    hold_s: float = FIRST_HOLD_S / 2
    until: float = float("-inf")
    raised_at: float = float("-inf")
    lowered_at: float = float("-inf")
    starving_since: float | None = None
    lowered_at_bps: float = 0.0
    raised_to: Rung | None = None
    failed: Rung | None = None

    def most(self, ladder: Ladder, now: float, budget_bps: float, longest_s: float = LONGEST_HOLD_S) -> int:
        """The place of the best layer that need not wait: what is below the one that did not work out; any on a path
        that has become quite another one."""
        until = min(self.until, self.lowered_at + longest_s)
        if now >= until or budget_bps >= OTHER_PATH_FACTOR * self.lowered_at_bps:
            return len(ladder) - 1
        return next((i - 1 for i, rung in enumerate(ladder) if rung.is_same(self.failed)), len(ladder) - 1)

    def on_raised(self, rung: Rung, now: float) -> None:
        self.raised_at = now
        self.raised_to = rung

    def on_lowered(self, rung: Rung, now: float, budget_bps: float) -> None:
        """``rung``: the one that is given up."""
        self.lowered_at_bps = budget_bps
        if now - self.lowered_at > 2 * STABLE_S:
            self.hold_s = FIRST_HOLD_S / 2
        if now - self.raised_at < STABLE_S and rung.is_same(self.raised_to):
            self.hold_s = min(LONGEST_HOLD_S, self.hold_s * 2)
            self.until = now + self.hold_s
            self.failed = rung
        self.lowered_at = now


@dataclass(slots=True)
class _Candidate:
    consumer: Consumer
    ladder: Ladder
    current: int
    best: int


class Chooser:
    """Remembers what was chosen, so that it changes seldom.

    ``chosen_bps`` is what all that was chosen takes, sound included, as it was last measured; ``wanted_bps`` what
    everything that is wanted would take; ``videos``: how many share it.
    """

    def __init__(self, consumers: Mapping[str, Consumer], is_dominant: Callable[[Producer], bool]) -> None:
        self.chosen_bps = 0
        self.wanted_bps = 0
        self.videos = 0
        self._consumers = consumers
        self._is_dominant = is_dominant
        self._dampers: dict[str, _Damper] = {}
        self._spared_since: float | None = None

    def remeasure(self, now: float) -> None:
        """What was chosen takes more now, or less: encoders begin low, and rise."""
        total = 0
        for consumer in self._consumers.values():
            target = consumer.target
            if consumer.kind == "audio":
                total += _audio_bps(consumer, now)
            elif target is not None and consumer.entry is not None and consumer.held_reason() is None:
                measured = next((rung for rung in consumer.producer.ladder(now) if rung.is_same(target)), target)
                total += round(measured.bitrate_bps * HEADER_SHARE)
        self.chosen_bps = total

    def choose(
        self,
        estimate_bps: int | None,
        mode: Mode,
        now: float,
        *,
        is_limit_known: bool,
        urgent: bool = False,
        drained_bps: int = 0,
    ) -> None:
        """Choose for all; ``estimate_bps`` None: nothing is known of the path, so everything is sent.

        ``is_limit_known``: the path was seen to carry no more; else nothing is paused for what is only a guess.
        ``urgent``: the path has fallen far. ``drained_bps``: what it carries as soon as a queue that stands in it is
        empty.
        """
        audio_bps = 0
        candidates: list[_Candidate] = []
        for consumer in self._consumers.values():
            if consumer.kind == "audio":
                audio_bps += _audio_bps(consumer, now)
            elif consumer.entry is not None:
                found = self._candidate(consumer, mode, now)
                if found is not None:
                    candidates.append(found)
        self.videos = len(candidates)
        wanted = sum(c.ladder[c.best].bitrate_bps for c in candidates)
        self.wanted_bps = round((wanted * HEADER_SHARE + audio_bps) * WISH_ROOM)
        if estimate_bps is None:
            chosen = {c.consumer.id: c.best for c in candidates}
        else:
            roof_bps = max(estimate_bps / SPARED_SHARE, drained_bps) - audio_bps
            share = LANDING_SHARE if urgent else 1.0
            chosen = self._allocate((estimate_bps - audio_bps) * share, roof_bps, candidates, now)
        takes_bps = sum(c.ladder[i].bitrate_bps for c in candidates if (i := chosen[c.consumer.id]) != PAUSED)
        left_bps = (estimate_bps or 0) - audio_bps - takes_bps if urgent else None
        spent = 0
        ordered = sorted(candidates, key=self._rank)
        for place, candidate in enumerate(ordered):
            index = chosen[candidate.consumer.id]
            if index == PAUSED:
                index = self._spare(candidate, place, estimate_bps or 0, now, is_limit_known=is_limit_known)
            else:
                self._damper(candidate.consumer).starving_since = None
            if index != PAUSED and not is_limit_known:
                index = max(index, _whole_of_smallest(candidate))
            self._take(candidate, index, now, budget_bps=(estimate_bps or 0) - audio_bps, left_bps=left_bps)
            if index != PAUSED:
                spent += candidate.ladder[index].bitrate_bps
        self.chosen_bps = round(spent * HEADER_SHARE) + audio_bps
        if len(self._dampers) > len(self._consumers):
            self._dampers = {key: d for key, d in self._dampers.items() if key in self._consumers}

    def _candidate(self, consumer: Consumer, mode: Mode, now: float) -> _Candidate | None:
        """What could be sent of it; None if nothing is to be, which is then chosen at once."""
        reason = consumer.held_reason()
        if reason is None and mode is Mode.AUDIO_ONLY:
            reason = "mode"
        if reason is None and consumer.wish.quality is Quality.OFF:
            reason = "off"
        if reason is None and not consumer.wish.visible:
            reason = "hidden"
        if reason is not None:
            consumer.preferred = None
            if consumer.held_reason() is None:
                consumer.choose(None, reason, now)
            return None
        ladder = consumer.producer.ladder(now)
        if not ladder:
            consumer.explain("no-media")
            return None
        covers = COVERS_FIRST if self._is_first(consumer) else COVERS
        best = preferred(ladder, consumer.wish, mode, covers=covers)
        consumer.preferred = ladder[best]
        current = next((i for i, rung in enumerate(ladder) if rung.is_same(consumer.target)), PAUSED)
        return _Candidate(consumer, ladder, current, best)

    def _allocate(self, budget_bps: float, roof_bps: float, candidates: list[_Candidate], now: float) -> dict[str, int]:
        demands = []
        for candidate in candidates:
            most = candidate.best
            if candidate.current != PAUSED:
                among_others = len(candidates) > 1 and self._is_first(candidate.consumer)
                longest_s = LONGEST_FIRST_HOLD_S if among_others else LONGEST_HOLD_S
                damped = self._damper(candidate.consumer).most(candidate.ladder, now, budget_bps, longest_s)
                most = min(most, max(damped, candidate.current))
            rank, size = self._rank(candidate)
            costs = tuple(round(rung.bitrate_bps * HEADER_SHARE) for rung in candidate.ladder)
            demands.append(Demand(candidate.consumer.id, costs, candidate.current, most, rank, -size))
        chosen = allocate(budget_bps, demands)
        spared = spare_first(roof_bps, demands, chosen)
        if spared is None:
            self._spared_since = None
            return chosen
        if self._spared_since is None:
            self._spared_since = now
        return spared if now - self._spared_since < SPARED_S else chosen

    def _rank(self, candidate: _Candidate) -> tuple[int, int]:
        """Whether it comes first, and how large it is (the larger first)."""
        wish = candidate.consumer.wish
        return FOREMOST if self._is_first(candidate.consumer) else OTHERS, -wish.width * wish.height

    def _is_first(self, consumer: Consumer) -> bool:
        return consumer.wish.pinned or consumer.producer.source == "screen" or self._is_dominant(consumer.producer)

    def _spare(self, candidate: _Candidate, place: int, estimate_bps: int, now: float, *, is_limit_known: bool) -> int:
        """What does not fit: it goes on at its lowest layer for a while, the first one nearly always."""
        damper = self._damper(candidate.consumer)
        if damper.starving_since is None:
            damper.starving_since = now
        is_new = not candidate.consumer.chosen or not is_limit_known
        was_sent = candidate.current != PAUSED
        if is_new or (was_sent and now - damper.starving_since < STARVING_S):
            return 0
        if place == 0 and estimate_bps >= SURE_SHARE * candidate.ladder[0].bitrate_bps:
            return 0
        return PAUSED

    def _take(
        self, candidate: _Candidate, index: int, now: float, *, budget_bps: float, left_bps: float | None
    ) -> None:
        consumer, current = candidate.consumer, candidate.current
        damper = self._damper(consumer)
        rung = None if index == PAUSED else candidate.ladder[index]
        if consumer.chosen and consumer.target is not None and current != PAUSED:
            if index < current and index < candidate.best:
                damper.on_lowered(candidate.ladder[current], now, budget_bps)
            elif index > current:
                damper.on_raised(candidate.ladder[index], now)
        reason = "bandwidth" if index < candidate.best else None
        room_bps = None if rung is None or left_bps is None else rung.bitrate_bps + left_bps
        consumer.choose(rung, reason, now, room_bps=room_bps)

    def _damper(self, consumer: Consumer) -> _Damper:
        return self._dampers.setdefault(consumer.id, _Damper())


def _whole_of_smallest(candidate: _Candidate) -> int:
    """The smallest size with all its frames: no less is sent for want of a measurement."""
    ladder = candidate.ladder
    return max(i for i in range(candidate.best + 1) if ladder[i].step == ladder[0].step)


def _audio_bps(consumer: Consumer, now: float) -> int:
    source = consumer.source
    if source is None or consumer.state is not ConsumerState.FORWARDING:
        return 0
    return round(source.stream.bitrate_bps(now) * HEADER_SHARE)
