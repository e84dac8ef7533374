"""The files that a worker writes: each a spool with a label that says what it is, so that another can finish it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from recorder.model import File
from recorder.storage.spool import Budget, Spool, write_whole
from recorder.storage.store import ObjectInfo

LABEL = "label.json"


@dataclass(slots=True)
class Part:
    """One spool: the part of a file that one attempt wrote. ``origin``: monotonic time 0 of the file's timestamps."""

    file: File
    spool: Spool
    attempt: int
    origin: float | None

    @property
    def identity(self) -> tuple[str, str]:
        """Parts with the same one are parts of one file."""
        return (self.file.kind, self.file.publication_id or self.file.name)

    def label(self) -> None:
        """Write down what this is."""
        values = {"file": self.file.model_dump(mode="json"), "attempt": self.attempt, "origin": self.origin}
        write_whole(self.spool.folder / LABEL, json.dumps(values).encode())


class PartShelf:
    """The spools below a recording's folder."""

    def __init__(self, folder: Path, attempt: int, *, part_size: int, budget: Budget, metadata: dict[str, str]) -> None:
        self.folder = folder
        self._attempt = attempt
        self._part_size = part_size
        self._budget = budget
        self._metadata = metadata
        self._count = 0

    def create(self, file: File, origin: float | None, *, continues: bool = False) -> Part:
        """A new part, to be written; raises OSError.

        One that ``continues`` a file gets a key of its own until they are joined.
        """
        self._count += 1
        key = f"{file.key}.part{self._attempt}-{self._count}" if continues else file.key
        info = ObjectInfo(file.content_type, {**self._metadata, "kind": file.kind})
        folder = self.folder / f"{self._attempt:03d}-{self._count:04d}"
        part = Part(
            file,
            Spool.create(folder, key, info, part_size=self._part_size, budget=self._budget),
            self._attempt,
            origin,
        )
        part.label()
        return part

    def left_behind(self) -> Iterator[Part]:
        """What earlier attempts wrote, in order; what cannot be read is passed over."""
        for label in sorted(self.folder.glob(f"*/{LABEL}")):
            try:
                values = json.loads(label.read_text())
                file = File.model_validate(values["file"])
                yield Part(file, Spool.open(label.parent, self._budget), values["attempt"], values["origin"])
            except (OSError, ValueError, KeyError, TypeError):
                continue
