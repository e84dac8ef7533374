"""Writes a room's event log: looks at every effect that is carried out, and keeps what the table names."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Mapping
from typing import Any

from signaling import effects as fx
from signaling.events.options import EventOptions
from signaling.events.table import FORGOTTEN, RULES, SAVED, Rule, Tally

Save = Callable[[fx.AppendEvent], None]


class Batch:
    """The events of one command: what is told to several in the same words has happened once."""

    __slots__ = ("seen",)

    def __init__(self) -> None:
        self.seen: set[tuple[str, str]] = set()


class Journal:
    """The log of one open room. ``writer`` names it, so that a write that is repeated is done once."""

    def __init__(self, writer: str, options: EventOptions, save: Save, unix: Callable[[], float]) -> None:
        self._writer = writer
        self._options = options
        self._save = save
        self._unix = unix
        self._numbers = itertools.count(1)
        self._begun = False

    def note(self, effect: fx.Effect, batch: Batch) -> None:
        """Keep what an effect tells of, if anything."""
        if isinstance(effect, (fx.Broadcast, fx.Send)):
            rule = RULES.get(effect.message.type_name)
            if rule is not None:
                self._message(rule, effect.message.type_name, effect.message.model_dump(mode="json"), effect, batch)
        elif isinstance(effect, fx.Relay):
            rule = RULES.get(effect.type)
            if rule is not None:
                self._message(rule, effect.type, effect.payload, effect, batch)
        elif isinstance(effect, (fx.SaveEntry, fx.ForgetEntry)):
            self._entry(effect)
        elif isinstance(effect, fx.Record):
            self.write(effect.type, effect.actor, effect.payload)

    def write(
        self,
        event_type: str,
        actor: str | None,
        payload: Mapping[str, Any],
        *,
        tally: Tally = Tally.NOTHING,
        user: str = "",
    ) -> None:
        """Put an event at the end of the log."""
        if not self._begun:
            self._begun = True
            self.write("room-opened", None, {})
        text = json.dumps(payload, ensure_ascii=False, separators=(",", ":"))
        number = next(self._numbers)
        self._save(fx.AppendEvent(self._writer, number, event_type, actor, self._unix(), text, tally.value, user))

    def go_on(self) -> None:
        """The room was open before, on another shard."""
        self._begun = True

    def close(self) -> None:
        """The room has ended. One that nobody ever entered leaves no trace."""
        if self._begun:
            self.write("room-closed", None, {})

    def _message(
        self,
        rule: Rule,
        event_type: str,
        payload: Mapping[str, Any],
        effect: fx.Broadcast | fx.Send | fx.Relay,
        batch: Batch,
    ) -> None:
        kept = {name: payload[name] for name in rule.keep if payload.get(name) is not None}
        if rule.text:
            direct = payload.get("target_user_id") is not None
            kept["direct"] = direct
            if self._options.chat_text and not direct:
                kept.update({name: payload[name] for name in rule.text if name in payload})
        key = (event_type, json.dumps(kept, sort_keys=True))
        if key in batch.seen:
            return
        batch.seen.add(key)
        counts = not payload.get("is_system_message") and payload.get("status") != "failed"
        tally = rule.tally if counts else Tally.NOTHING
        self.write(event_type, effect.sender, kept, tally=tally, user=str(payload.get("username") or ""))

    def _entry(self, effect: fx.SaveEntry | fx.ForgetEntry) -> None:
        saved = isinstance(effect, fx.SaveEntry)
        rule = (SAVED if saved else FORGOTTEN).get(effect.table)
        if rule is not None:
            value = effect.value if isinstance(effect, fx.SaveEntry) else ""
            actor = effect.key if rule.by_itself else None
            self.write(rule.type, actor, rule.payload(effect.key, value))
