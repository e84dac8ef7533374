"""Groups of one Router: who is in the same group hears, sees and reaches each other, nobody else.

An owner that was never put anywhere is in the group None. Each group has a dominant speaker of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from sfu.speakers.dominant import DominantSpeaker
from sfu.speakers.loudest import Loudest

Group = str | None
Heard = tuple[str | None, dict[str, float]]

_NOTHING: Heard = (None, {})
AUDIBLE_LEVEL = 0.01


class _Floor:
    """Who speaks in one group, and what the Room was told of it last."""

    __slots__ = ("loudest", "speakers", "told")

    def __init__(self, max_voices: int) -> None:
        self.speakers = DominantSpeaker()
        self.loudest = Loudest(max_voices) if max_voices else None
        self.told: Heard | None = _NOTHING


class Groups:
    """Which owner is in which group, and who speaks in each."""

    def __init__(self, max_voices: int = 0) -> None:
        self._max_voices = max_voices
        self._group_of: dict[str, str] = {}
        self._floors: dict[Group, _Floor] = {None: _Floor(max_voices)}
        # Looked up for each audio packet: the speakers among which a Producer counts.
        self._speakers_of: dict[str, DominantSpeaker] = {}
        self._unheard: set[str] = set()

    def of(self, owner: str) -> Group:
        """The group of ``owner``."""
        return self._group_of.get(owner)

    def move(self, moves: Mapping[str, Group]) -> frozenset[str]:
        """Put owners into groups; those whose group has changed. All who are concerned are told anew who speaks."""
        moved = frozenset(owner for owner, group in moves.items() if self._group_of.get(owner) != group)
        for owner in moved:
            left, group = self._group_of.pop(owner, None), moves[owner]
            if group is not None:
                self._group_of[owner] = group
            for concerned in (left, group):
                self._floors.setdefault(concerned, _Floor(self._max_voices)).told = None
        for emptied in self._floors.keys() - {None, *self._group_of.values()}:
            del self._floors[emptied]
        return moved

    # -- who speaks ------------------------------------------------------------------------------------------------

    def on_level(self, producer_id: str, owner: str | None, level_dbov: int, now: float) -> None:
        """An RFC 6464 level of a Producer of ``owner``; None: a Producer that is not known (yet)."""
        speakers = self._speakers_of.get(producer_id)
        if speakers is None:
            if owner is None:
                return
            speakers = self._floors.setdefault(self.of(owner), _Floor(self._max_voices)).speakers
            self._speakers_of[producer_id] = speakers
        speakers.on_level(producer_id, level_dbov, now)

    def forget(self, producer_id: str) -> None:
        """A Producer has ended, or its owner has moved: it is heard here no more."""
        speakers = self._speakers_of.pop(producer_id, None)
        if speakers is not None:
            speakers.remove(producer_id)

    def dominant(self, owner: str) -> str | None:
        """The Producer that is dominant in an owner's group."""
        floor = self._floors.get(self.of(owner))
        return floor.told[0] if floor is not None and floor.told is not None else None

    def is_heard(self, producer_id: str) -> bool:
        """Whether a Producer is among the loudest of its group, or there is no limit."""
        return not self._max_voices or producer_id not in self._unheard

    def voices(self, now: float) -> tuple[set[str], set[str]]:
        """Producers that are to be heard again, and those that are not to be heard any more, since the last call."""
        if not self._max_voices:
            return set(), set()
        unheard: set[str] = set()
        for floor in self._floors.values():
            assert floor.loudest is not None
            levels = floor.speakers.levels(now)
            unheard |= levels.keys() - floor.loudest.choose(levels, now)
        before, self._unheard = self._unheard, unheard
        return before - unheard, unheard - before

    def changes(self, now: float) -> Iterator[tuple[Group, Heard]]:
        """Groups in which another is dominant, or somebody louder or quieter, than when this was called last."""
        for group, floor in list(self._floors.items()):
            dominant = floor.speakers.evaluate(now)
            levels = {
                key: round(level, 2) for key, level in floor.speakers.levels(now).items() if level >= AUDIBLE_LEVEL
            }
            if (dominant, levels) != floor.told:
                floor.told = (dominant, levels)
                yield group, (dominant, levels)
