"""Who was there and what happened, as the feed tells it; kept on disk, so that a crash loses nothing."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from media.feed import Message, Participant, Speaker, TrackAdded, TrackRemoved
from recorder.worker.chapters import Event

EVENTS = "events.jsonl"


class Chronicle:
    """Participants and events of a recording."""

    def __init__(self, folder: Path, origin: float) -> None:
        self.events: list[Event] = []
        self.names: dict[str, str] = {}
        self.present: set[str] = set()
        self._screens: dict[int, str] = {}
        self._origin = origin
        self._path = folder / EVENTS
        self._load()

    def feed(self, message: Message, now: float) -> None:
        """Take note of what is news."""
        match message:
            case Participant():
                self.names[message.user_id] = message.display_name
                if message.present != (message.user_id in self.present):
                    (self.present.add if message.present else self.present.discard)(message.user_id)
                    self._note("joined" if message.present else "left", message.user_id, now)
            case Speaker() if message.user_id is not None:
                self._note("speaker", message.user_id, now)
            case TrackAdded() if message.source == "screen":
                self._screens[message.track] = message.user_id
                self._note("screen", message.user_id, now)
            case TrackRemoved() if message.track in self._screens:
                self._note("screen-ended", self._screens.pop(message.track), now)

    def _note(self, kind: str, user_id: str, now: float) -> None:
        event = Event(round(now - self._origin, 3), kind, user_id, self.names.get(user_id, user_id))
        self.events.append(event)
        with contextlib.suppress(OSError), self._path.open("a") as file:
            file.write(json.dumps(asdict(event)) + "\n")

    def _load(self) -> None:
        """What earlier attempts noted."""
        with contextlib.suppress(OSError):
            for line in self._path.read_text().splitlines():
                with contextlib.suppress(ValueError, TypeError):
                    event = Event(**json.loads(line))
                    self.events.append(event)
                    if event.user_id is not None:
                        self.names[event.user_id] = event.name
                        if event.kind == "joined":
                            self.present.add(event.user_id)
                        elif event.kind == "left":
                            self.present.discard(event.user_id)


def participants(events: Iterable[Event], names: Mapping[str, str]) -> list[dict[str, Any]]:
    """For the manifest: who was there, and when. ``names``: as they are now, of those who are known here."""
    spans: dict[str, list[list[float | None]]] = {}
    names = dict(names)
    for event in events:
        if event.user_id is None:
            continue
        names.setdefault(event.user_id, event.name)
        if event.kind == "joined":
            spans.setdefault(event.user_id, []).append([event.at_s, None])
        elif event.kind == "left" and spans.get(event.user_id):
            spans[event.user_id][-1][1] = event.at_s
    return [{"user_id": user_id, "display_name": names[user_id], "present": times} for user_id, times in spans.items()]
