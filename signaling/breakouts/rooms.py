"""The breakout rooms of one room: which there are, who belongs where, who may go where. No sockets, no clock."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from pydantic import BaseModel

DEFAULT_NAME = "Breakout room"


class Breakout(BaseModel):
    """One breakout room as it is kept. ``notified``: that it closes soon has been told."""

    breakout_room_id: str
    name: str
    created_unix: float
    created_by: str
    max_participants: int | None = None
    ends_unix: float | None = None
    self_assign: bool = False
    notified: bool = False

    def due_unix(self, notice_s: float) -> float | None:
        """When something is to happen by itself next: the notice, then the end."""
        if self.ends_unix is None:
            return None
        return self.ends_unix if self.notified else self.ends_unix - notice_s


@dataclass(slots=True)
class Breakouts:
    """``rooms`` by id in order of making. ``places``: where each user belongs, whether it is here now or not; who is in
    none of them belongs to the main room.
    """

    rooms: dict[str, Breakout] = field(default_factory=dict)
    places: dict[str, str] = field(default_factory=dict)

    def place_of(self, username: str) -> str | None:
        """Where a user belongs; None: the main room."""
        place = self.places.get(username)
        return place if place in self.rooms else None

    def next_due_unix(self, notice_s: float) -> float | None:
        """When something is to happen by itself next."""
        dues = (breakout.due_unix(notice_s) for breakout in self.rooms.values())
        return min((due for due in dues if due is not None), default=None)

    def names_for(self, wanted: str | None, count: int) -> list[str]:
        """Names for ``count`` new ones; numbers go on where there are such already."""
        if count == 1 and wanted is not None:
            return [wanted]
        taken = {breakout.name for breakout in self.rooms.values()}
        numbers = range(1, len(taken) + count + 1)
        free = (name for number in numbers if (name := f"{wanted or DEFAULT_NAME} {number}") not in taken)
        return [name for _, name in zip(range(count), free, strict=False)]


def deal(usernames: Sequence[str], places: Sequence[str]) -> dict[str, str]:
    """Deal users out in turn, as cards."""
    return {username: places[index % len(places)] for index, username in enumerate(usernames)}


def spread(
    usernames: Iterable[str], filled: Mapping[str, int], limits: Mapping[str, int | None]
) -> tuple[dict[str, str], list[str]]:
    """Put each user where fewest are, in order; who finds no place is left over.

    ``filled``: how many are in each already; ``limits``: how many may be, None being any number.
    """
    counts = dict(filled)
    assigned: dict[str, str] = {}
    left_over: list[str] = []
    for username in usernames:
        free = [place for place, count in counts.items() if (limit := limits[place]) is None or count < limit]
        if not free:
            left_over.append(username)
            continue
        place = min(free, key=lambda one: counts[one])
        counts[place] += 1
        assigned[username] = place
    return assigned, left_over
