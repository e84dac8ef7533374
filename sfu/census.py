"""How many Consumers there are of each kind, kept as they change: to go through all of them would hold packets up."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from sfu.consumer import Consumer


class Place(NamedTuple):
    """What Consumers are counted by. ``layer``: (size, temporal), None where none is chosen."""

    kind: str
    state: str
    held: str | None
    reason: str | None
    chosen: bool
    layer: tuple[int, int] | None

    @property
    def is_sent(self) -> bool:
        """Whether something of the Producer goes to the subscriber, or would if it came."""
        return self.held is None and (self.layer is not None or not self.chosen)


def place_of(consumer: Consumer) -> Place:
    """Where a Consumer is to be counted now."""
    target = consumer.target
    layer = None if target is None else (target.encoding.index + target.spatial, target.temporal)
    held = consumer.held_reason()
    return Place(consumer.kind, consumer.state.value, held, consumer.reason, consumer.chosen, layer)


class Census:
    """To be told of each Consumer that is new, whenever it has changed, and when it ends."""

    def __init__(self) -> None:
        self._counts: dict[Place, int] = {}
        self._place_of: dict[Consumer, Place] = {}

    def note(self, consumer: Consumer) -> None:
        """A Consumer is new, or has changed."""
        place = place_of(consumer)
        before = self._place_of.get(consumer)
        if before == place:
            return
        self._leave(before)
        self._place_of[consumer] = place
        self._counts[place] = self._counts.get(place, 0) + 1

    def forget(self, consumer: Consumer) -> None:
        """A Consumer has ended; harmless if it was never noted."""
        self._leave(self._place_of.pop(consumer, None))

    def _leave(self, place: Place | None) -> None:
        if place is not None:
            self._counts[place] -= 1
            if not self._counts[place]:
                del self._counts[place]

    def counts(self) -> Iterable[tuple[Place, int]]:
        """How many there are in each place where there are any."""
        return self._counts.items()
