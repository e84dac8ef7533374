"""A recording that went on at another shard. Each shard that had the room made one leg of it; the worker of a later leg
puts its own behind what the legs before have left in the store, as their manifest tells.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from recorder.model import File
from recorder.storage.store import Store
from recorder.worker.chapters import Event

MANIFEST = "manifest.json"
_MAX_MANIFEST_BYTES = 64 * 1024 * 1024


def leg_name(name: str, leg: int) -> str:
    """The name of a file of a leg; those of later legs must not take the place of the first one's."""
    stem, _, suffix = name.rpartition(".")
    return name if leg == 1 else f"{stem}-{leg}.{suffix}"


@dataclass(frozen=True, slots=True)
class Whole:
    """What ``legs`` legs have made together."""

    legs: int
    files: list[File]
    events: list[Event]

    def file(self, kind: str) -> File | None:
        """The first file of a kind."""
        return next((file for file in self.files if file.kind == kind), None)


def stored_whole(store: Store, key_prefix: str) -> Whole | None:
    """What is in the store; None: no leg has been finished. Raises StoreError."""
    size = store.size(key_prefix + MANIFEST)
    if size is None:
        return None
    try:
        values: dict[str, Any] = json.loads(store.read(key_prefix + MANIFEST, 0, min(size, _MAX_MANIFEST_BYTES)))
        files = [File.model_validate({**file, "key": key_prefix + file["name"]}) for file in values["files"]]
        events = [Event(**event) for event in values["events"]]
        return Whole(int(values.get("legs", 1)), files, events)
    except (ValueError, KeyError, TypeError):
        return None


def read_whole(store: Store, file: File | None) -> bytes:
    """The bytes of a small file; none if it is not there. Raises StoreError."""
    if file is None:
        return b""
    size = store.size(file.key)
    return b"" if not size else store.read(file.key, 0, size)


def merged(before: Sequence[Event], after: Iterable[Event]) -> list[Event]:
    """Events of two legs: who was there when the room went over has not come anew."""
    present: set[str | None] = set()
    for event in before:
        if event.kind == "joined":
            present.add(event.user_id)
        elif event.kind == "left":
            present.discard(event.user_id)
    events = list(before)
    for event in after:
        if event.kind == "joined" and event.user_id in present:
            present.discard(event.user_id)
            continue
        if event.kind == "left":
            present.discard(event.user_id)
        events.append(event)
    return events


def joined_vtt(before: str, after: str) -> str:
    """The cues of two WebVTT files in one, counted through."""
    blocks = [
        block.split("\n") for text in (before, after) for block in text.strip().split("\n\n")[1:] if "-->" in block
    ]
    cues = [block[1:] if "-->" not in block[0] else block for block in blocks]
    return "\n".join(["WEBVTT", "", *("\n".join([str(n), *cue, ""]) for n, cue in enumerate(cues, 1))])
