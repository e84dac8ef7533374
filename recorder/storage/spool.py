"""A file of a recording on this machine's disk, cut into parts, until the store has it.

A spool is a folder: ``journal.json`` says where the file goes and which parts are there already; ``000001.part`` and
so on hold what is not. The writer appends (each write goes to the system at once, so a killed process loses
nothing of it). Part 1 stays until the end, because a file's header is only known then: it is uploaded last.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any

from recorder.storage.store import ObjectInfo, StoredPart

JOURNAL = "journal.json"
MIB = 1 << 20


class SpoolFull(Exception):
    """The spool may not grow further; what was written stays."""


class Budget:
    """How many bytes the spools of a recording may keep together."""

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self.used_bytes = 0
        self._lock = threading.Lock()

    def take(self, size: int) -> None:
        """Raises SpoolFull."""
        with self._lock:
            if self.used_bytes + size > self.max_bytes:
                raise SpoolFull
            self.used_bytes += size

    def give_back(self, size: int) -> None:
        """A part is gone from the disk."""
        with self._lock:
            self.used_bytes -= size


@dataclass(slots=True)
class Journal:
    """What must be known after a crash to go on with a file."""

    key: str
    part_size: int
    content_type: str = "application/octet-stream"
    metadata: dict[str, str] = field(default_factory=dict)
    upload_id: str | None = None
    parts: list[StoredPart] = field(default_factory=list)
    closed: bool = False
    done: bool = False

    @property
    def info(self) -> ObjectInfo:
        """What the store is told."""
        return ObjectInfo(self.content_type, self.metadata)

    @classmethod
    def load(cls, path: Path) -> Journal:
        """Raises OSError or ValueError."""
        values: dict[str, Any] = json.loads(path.read_text())
        values["parts"] = [StoredPart(**part) for part in values["parts"]]
        return cls(**values)


class Spool:
    """One file. One thread appends; others may upload meanwhile."""

    def __init__(self, folder: Path, journal: Journal, budget: Budget) -> None:
        self.folder = folder
        self.journal = journal
        self.lock = threading.Lock()
        self.size = 0
        self._budget = budget
        self._part: IO[bytes] | None = None
        self._part_number = 0
        self._part_left = 0

    @classmethod
    def create(cls, folder: Path, key: str, info: ObjectInfo, *, part_size: int, budget: Budget) -> Spool:
        """A new file; raises OSError."""
        folder.mkdir(parents=True, exist_ok=False)
        spool = cls(folder, Journal(key, part_size, info.content_type, dict(info.metadata)), budget)
        spool.save()
        return spool

    @classmethod
    def open(cls, folder: Path, budget: Budget) -> Spool:
        """What was left behind; raises OSError or ValueError."""
        spool = cls(folder, Journal.load(folder / JOURNAL), budget)
        spool.size = sum(part.size for part in spool.journal.parts)
        stored = {part.number for part in spool.journal.parts}
        for number, path in spool.local_parts().items():
            if number in stored:
                path.unlink()  # a crash came between the journal and the deletion
            else:
                spool.size += path.stat().st_size
                budget.used_bytes += path.stat().st_size
        return spool

    # -- writing ---------------------------------------------------------------------------------------------------

    def append(self, data: bytes | memoryview) -> None:
        """Write to the end. Raises SpoolFull or OSError (a full disk); what fitted is there."""
        view = memoryview(data)
        while view:
            if self._part_left == 0:
                self._next_part()
            assert self._part is not None
            piece = view[: self._part_left]
            self._budget.take(len(piece))
            try:
                written = self._part.write(piece)
            except OSError:
                self._budget.give_back(len(piece))
                raise
            self._budget.give_back(len(piece) - written)
            self._part_left -= written
            self.size += written
            view = view[written:]

    def _next_part(self) -> None:
        number = self._part_number + 1
        part = self.part_path(number).open("xb", buffering=0)
        if self._part is not None:
            self._part.close()
        self._part, self._part_number, self._part_left = part, number, self.journal.part_size

    def truncate(self, size: int) -> None:
        """Cut a file none of whose parts has gone yet; what is appended then goes behind the cut."""
        self.leave()
        part_size = self.journal.part_size
        for number, path in self.local_parts().items():
            keep = min(max(size - (number - 1) * part_size, 0), path.stat().st_size)
            self._budget.give_back(path.stat().st_size - keep)
            if keep == 0:
                path.unlink()
            else:
                os.truncate(path, keep)
        self.size = min(self.size, size)
        last = max(self.local_parts(), default=0)
        if last:
            self._part = self.part_path(last).open("ab", buffering=0)
            self._part_number, self._part_left = last, part_size - self._part.tell()

    def leave(self) -> None:
        """Let go of the files; all stays as a crash would leave it."""
        if self._part is not None:
            self._part.close()
            self._part = None
            self._part_left = 0

    def close(self, patches: Iterable[tuple[int, bytes]] = ()) -> None:
        """The file is whole once ``patches`` (offset, bytes) are in its first part."""
        self.leave()
        patches = list(patches)
        if patches:
            with self.part_path(1).open("r+b") as first:
                for offset, data in patches:
                    assert offset + len(data) <= self.journal.part_size
                    first.seek(offset)
                    first.write(data)
                first.flush()
                os.fsync(first.fileno())
        with self.lock:
            self.journal.closed = True
            self.save()

    # -- uploading -------------------------------------------------------------------------------------------------

    def part_path(self, number: int) -> Path:
        """Where a part is while it is here."""
        return self.folder / f"{number:06d}.part"

    def local_parts(self) -> dict[int, Path]:
        """The parts that are here."""
        return {int(path.stem): path for path in sorted(self.folder.glob("*.part"))}

    def next_upload(self) -> int | None:
        """The part to upload now; None: there is none yet. Part 1 comes last, parts being written not at all."""
        stored = {part.number for part in self.journal.parts}
        if self.journal.closed:
            waiting = [number for number in self.local_parts() if number not in stored]
            return min((number for number in waiting if number > 1), default=1 if waiting else None)
        if self._part_number > 2:
            return next((n for n in range(2, self._part_number) if n not in stored), None)
        return None

    @property
    def lag_parts(self) -> int:
        """Full parts that wait here, part 1 and the one being written apart."""
        here = len(self.local_parts())
        return max(0, here - (0 if self.journal.closed else 2))

    def stored(self, part: StoredPart) -> None:
        """A part has arrived: note it, then delete it here."""
        with self.lock:
            self.journal.parts = [p for p in self.journal.parts if p.number != part.number] + [part]
            self.save()
        self.part_path(part.number).unlink(missing_ok=True)
        self._budget.give_back(part.size)

    def save(self) -> None:
        """Write the journal, whole or not at all."""
        write_whole(self.folder / JOURNAL, json.dumps(asdict(self.journal)).encode())

    def remove(self) -> None:
        """Delete the folder."""
        self.leave()
        for path in self.folder.iterdir():
            if path.suffix == ".part":
                self._budget.give_back(path.stat().st_size)
            path.unlink()
        self.folder.rmdir()


def write_whole(path: Path, data: bytes) -> None:
    """Replace a small file, so that after a crash the old or the new one is there."""
    fresh = path.with_suffix(".new")
    with fresh.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
