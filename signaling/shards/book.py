"""What a shard knows of the leases it holds. Pure: time comes in as ``now``, monotonic seconds."""

from __future__ import annotations

from collections.abc import Container, Iterator
from dataclasses import dataclass


@dataclass(slots=True)
class Held:
    """A lease of ours. ``sure_until``: until then nobody else can have taken the room, whatever happens.

    ``since``: when it was last wanted, to find those that no room was opened for.
    """

    fence: str
    sure_until: float
    since: float


class LeaseBook:
    """The leases of this shard by room."""

    def __init__(self, lifetime_s: float) -> None:
        self._lifetime_s = lifetime_s
        self._held: dict[str, Held] = {}

    def __len__(self) -> int:
        return len(self._held)

    def __iter__(self) -> Iterator[tuple[str, str]]:
        """Rooms with their fences; may be changed meanwhile."""
        return iter([(room_id, held.fence) for room_id, held in self._held.items()])

    def took(self, room_id: str, fence: str, asked_at: float) -> None:
        """A lease was granted; it runs from when it was asked for, not from when the answer came.

        An answer that comes after that to a later question changes nothing: fences only grow.
        """
        held = self._held.get(room_id)
        if held is None or int(fence) >= int(held.fence):
            self._held[room_id] = Held(fence, asked_at + self._lifetime_s, asked_at)

    def wanted(self, room_id: str, now: float) -> str | None:
        """The fence of a room of ours that is about to be opened; None: it is not ours."""
        held = self._held.get(room_id)
        if held is None:
            return None
        held.since = now
        return held.fence

    def renewed(self, room_id: str, fence: str, asked_at: float) -> None:
        """A lease was renewed, unless it was given up meanwhile."""
        held = self._held.get(room_id)
        if held is not None and held.fence == fence:
            held.sure_until = asked_at + self._lifetime_s

    def drop(self, room_id: str, fence: str | None = None) -> bool:
        """A lease is no longer ours; False if it was not, or not with that fence."""
        held = self._held.get(room_id)
        if held is None or (fence is not None and held.fence != fence):
            return False
        del self._held[room_id]
        return True

    def fence(self, room_id: str) -> str | None:
        """The fence of a room of ours; None: it is not."""
        held = self._held.get(room_id)
        return held.fence if held is not None else None

    def is_sure(self, room_id: str, now: float) -> bool:
        """Whether the room is certainly ours at this moment."""
        held = self._held.get(room_id)
        return held is not None and now < held.sure_until

    def idle(self, rooms: Container[str], before: float) -> list[str]:
        """Rooms of ours that nobody has wanted since that time and that are not open."""
        return [room_id for room_id, held in self._held.items() if room_id not in rooms and held.since < before]
