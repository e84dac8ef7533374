"""Divides what a path carries among the videos that a subscriber wants: a pure function of values.

Everything that may be seen first gets its lowest layer, in the order of rank and size; what is left raises the first
rank step by step as far as it is wanted, then the next. What is being sent keeps its price, what would be more costs a
margin on top: the choice stays as it is while the estimate moves a little.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import groupby

RAISE_MARGIN = 1.15
"""A layer above the current one must fit with this much to spare."""
PAUSED = -1


@dataclass(frozen=True, slots=True)
class Demand:
    """What one video could take.

    ``costs_bps`` of its layers, the least wanted first; ``current``: the one that is being sent, -1 for none; ``most``:
    the best one that may be chosen. Lower ``rank`` goes first; in one rank the larger ``size``.
    """

    key: str
    costs_bps: tuple[int, ...]
    current: int = PAUSED
    most: int = PAUSED
    rank: int = 0
    size: int = 0


def allocate(budget_bps: float, demands: Iterable[Demand]) -> dict[str, int]:
    """The layer to send of each video, by its place in ``costs_bps``; -1: none.

    The costs of what is chosen never add up to more than ``budget_bps``.
    """
    ordered = sorted(demands, key=lambda demand: (demand.rank, -demand.size))
    chosen = {demand.key: PAUSED for demand in ordered}
    left_bps = budget_bps
    for demand in ordered:
        left_bps -= _raise(demand, chosen, left_bps)
    for _, group in groupby(ordered, key=lambda demand: demand.rank):
        raising = list(group)
        while raising:
            # One step each in turn, so that equals stay equal; who cannot go on is out.
            still = []
            for demand in raising:
                before = chosen[demand.key]
                if before == PAUSED:
                    continue
                left_bps -= _raise(demand, chosen, left_bps)
                if chosen[demand.key] != before:
                    still.append(demand)
            raising = still
    return chosen


def spare_first(roof_bps: float, demands: Iterable[Demand], chosen: Mapping[str, int]) -> dict[str, int] | None:
    """In place of ``chosen``, for a moment: what is being sent of the first rank, and the least of the others.

    None if nobody of the first rank has to give way, if the others have nothing to give, or if even that is more than
    ``roof_bps``.
    """
    ordered = sorted(demands, key=lambda demand: (demand.rank, -demand.size))
    first = [d for d in ordered if d.rank == ordered[0].rank]
    others = ordered[len(first) :]
    kept = {d.key: d.current for d in first} | {d.key: min(d.current, 0) for d in others}
    gives_way = any(chosen[d.key] < d.current <= d.most for d in first)
    if not gives_way or not any(d.current > 0 for d in others):
        return None
    takes_bps = sum(_price(d, kept[d.key]) for d in ordered)
    return kept if takes_bps <= roof_bps else None


def _raise(demand: Demand, chosen: dict[str, int], left_bps: float) -> float:
    """Choose the next better layer that fits, if any; returns what that costs in addition."""
    now = chosen[demand.key]
    paid_bps = _price(demand, now)
    for layer in range(now + 1, demand.most + 1):
        more_bps = _price(demand, layer) - paid_bps
        if more_bps <= left_bps:
            chosen[demand.key] = layer
            return more_bps
    return 0.0


def _price(demand: Demand, layer: int) -> float:
    if layer == PAUSED:
        return 0.0
    cost_bps = demand.costs_bps[layer]
    return cost_bps if layer <= demand.current else cost_bps * RAISE_MARGIN
