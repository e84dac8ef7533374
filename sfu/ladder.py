"""The qualities in which a Producer's video can be sent, from the least to the best, by what is measured of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from sfu.explaining import LayerFigures
from sfu.wishes import Mode, Quality, Wish

if TYPE_CHECKING:
    from sfu.encoding import Encoding

COVERS = 0.75
"""A layer of this share of a tile's width or height is large enough for it."""
COVERS_FIRST = 1.0
"""Who speaks or is pinned is looked at: nothing that is enlarged will do where there is better."""


class Rung(NamedTuple):
    """One quality: an Encoding up to a spatial and a temporal layer. ``step`` counts the sizes below it."""

    encoding: Encoding
    spatial: int
    temporal: int
    step: int
    bitrate_bps: int
    frames_per_second: float
    width: int | None
    height: int | None
    is_whole: bool

    def is_same(self, other: Rung | None) -> bool:
        """Whether both are the same layers of the same Encoding, whatever their figures."""
        return other is not None and self.encoding is other.encoding and self[1:3] == other[1:3]

    def figures(self) -> LayerFigures:
        """For those who ask."""
        return LayerFigures(
            self.encoding.rid,
            self.spatial,
            self.temporal,
            self.width,
            self.height,
            self.frames_per_second,
            self.bitrate_bps,
        )

    @property
    def name(self) -> str:
        """As RID (or SSRC's place), spatial, temporal layer."""
        return f"{self.encoding.rid or self.encoding.index}/{self.spatial}/{self.temporal}"


Ladder = tuple[Rung, ...]


def build_ladder(encodings: Sequence[Encoding], *, sharp: bool, now: float) -> Ladder:
    """All that can be sent. ``sharp`` (a screen): fewer frames come before a smaller picture; else after."""
    rungs: list[Rung] = []
    step = 0
    for encoding in in_order(e for e in encodings if _can_be_had(e, now)):
        found = _rungs_of(encoding, step, now)
        step = found[-1].step + 1
        rungs += found
    if sharp:
        return tuple(rungs)
    best_of_step = {rung.step: rung for rung in rungs}
    return tuple(rung for rung in rungs if rung.step == 0 or rung is best_of_step[rung.step])


def in_order(encodings: Iterable[Encoding]) -> list[Encoding]:
    """The smallest first: by the size of the pictures, where all tell it, else by bitrate."""
    found = list(encodings)
    if all(encoding.sizes for encoding in found):
        return sorted(found, key=lambda e: (e.sizes[-1][0] * e.sizes[-1][1], _total_bps(e)))
    return sorted(found, key=_total_bps)


def _total_bps(encoding: Encoding) -> int:
    return sum(rate.bitrate_bps for rate in encoding.meter.rates.values())


def _can_be_had(encoding: Encoding, now: float) -> bool:
    """Whether it arrives, or would if it were wanted."""
    return encoding.stream.started and (not encoding.wanted or encoding.steadiness.is_trusted(now))


def _rungs_of(encoding: Encoding, step: int, now: float) -> list[Rung]:
    rates = encoding.meter.rates
    if not rates:
        size = encoding.sizes[-1] if encoding.sizes else (None, None)
        return [Rung(encoding, 0, 0, step, encoding.stream.bitrate_bps(now), 0.0, size[0], size[1], True)]
    spatials = sorted({layer >> 3 for layer in rates})
    temporals = sorted({layer & 7 for layer in rates})
    rungs = []
    for place, spatial in enumerate(spatials):
        width, height = _size(encoding, place, len(spatials))
        for temporal in temporals:
            below = [layer for layer in rates if layer >> 3 <= spatial and layer & 7 <= temporal]
            frames = sum(r.frames_per_second for la, r in rates.items() if la >> 3 == spatial and la & 7 <= temporal)
            rungs.append(
                Rung(
                    encoding,
                    spatial,
                    temporal,
                    step + place,
                    sum(map(encoding.meter.expected_bps, below)),
                    round(frames, 1),
                    width,
                    height,
                    is_whole=spatial == spatials[-1] and temporal == temporals[-1],
                )
            )
    return rungs


def _size(encoding: Encoding, place: int, count: int) -> tuple[int, int] | tuple[None, None]:
    sizes = encoding.sizes
    if len(sizes) >= count:
        return sizes[len(sizes) - count + place]
    return sizes[-1] if sizes and place == count - 1 else (None, None)


def preferred(ladder: Ladder, wish: Wish, mode: Mode, *, covers: float = COVERS) -> int:
    """The place of the best rung that makes sense: as good as it may be, and this share of the size it is shown in."""
    steps = ladder[-1].step
    if mode is Mode.DATA_SAVER or wish.quality is Quality.LOW:
        steps = 0
    elif wish.quality is Quality.MEDIUM:
        steps = max(0, steps - 1)
    if wish.width and wish.height:
        for rung in ladder:
            if rung.step >= steps:
                break
            if rung.width and rung.height and _covers(rung.width, rung.height, wish, covers):
                steps = rung.step
                break
    return max(place for place, rung in enumerate(ladder) if rung.step <= steps)


def _covers(width: int, height: int, wish: Wish, share: float) -> bool:
    """A portrait picture in a landscape tile fills its height only, and the other way round: one side will do."""
    return width >= share * wish.width or height >= share * wish.height
