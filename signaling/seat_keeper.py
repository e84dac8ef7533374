"""Keeps the seats of a room written down: looks at every effect, and saves the records that it has changed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from signaling import effects as fx
from signaling.room import Room
from signaling.seats import record


@dataclass(slots=True)
class SeatKeeper:
    """Of one live room. ``save`` takes what is to be written."""

    room: Room
    save: Callable[[fx.StateEffect], None]
    _touched: set[str] = field(default_factory=set)
    _saved: dict[str, str] = field(default_factory=dict)

    def note(self, effect: fx.Effect) -> None:
        """Remember whom an effect may have changed."""
        if isinstance(effect, (fx.SaveParticipant, fx.SaveRole, fx.ForgetParticipant)):
            self._touched.add(effect.username)
        elif isinstance(effect, (fx.Broadcast, fx.Send)):
            for name in (effect.sender, getattr(effect.message, "user_id", None)):
                if name is not None:
                    self._touched.add(name)
        elif isinstance(effect, fx.MoveMedia):
            self._touched.update(effect.places)

    def write(self) -> None:
        """Save what has changed."""
        touched, self._touched = self._touched, set()
        for name in touched:
            participant = self.room.participants.get(name)
            if participant is not None:
                text = record(participant)
                if self._saved.get(name) != text:
                    self._saved[name] = text
                    self.save(fx.SaveEntry(fx.Table.SEATS, name, text))
            elif self._saved.pop(name, None) is not None:
                self.save(fx.ForgetEntry(fx.Table.SEATS, name))

    def adopt(self, name: str) -> None:
        """A seat that is written down already, by another shard."""
        self._saved[name] = ""
