"""Divides what a path carries among the videos that a subscriber wants: a pure function of values.

Everything that may be seen first gets its lowest layer, in the order of rank and size; what is left raises the first
rank step by step as far as it is wanted, then the next. What is being sent keeps its price, what would be more costs a
margin on top: the choice stays as it is while the estimate moves a little.
"""

from __future__ import annotations

from collections.abc import Iterable
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
