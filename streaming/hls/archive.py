"""Segments on disk: for rewinding further than memory reaches, for watching after the end, and for a new process.

Each rendition has a folder with its files and ``journal.jsonl``, one line a segment, written after its bytes. One
thread writes, in order.
"""

from __future__ import annotations

import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from streaming.hls.playlist import SegmentEntry
from streaming.hls.rendition import Saved

_JOURNAL = "journal.jsonl"
_UNKNOWN_PARTS = 1_000
_log = structlog.get_logger("plenum.live")


@dataclass(slots=True)
class Past:
    """What was served of a rendition: its segments, and how many initialisation segments and parts have been named."""

    segments: list[SegmentEntry] = field(default_factory=list)
    inits: int = 0
    parts_made: int = 0


class Archive:
    """The folder of one stream. Failures to write are logged once and lose the past, never the present."""

    def __init__(self, directory: Path, executor: ThreadPoolExecutor) -> None:
        self.directory = directory
        self._executor = executor
        self._failed = False

    def save(self, rendition: str, saved: Saved) -> None:
        """Keep a file; returns at once."""
        self._executor.submit(self._write, rendition, saved.name, saved.data, _line(saved.segment))

    def describe(self, name: str, text: str) -> None:
        """Keep a file that tells of the stream as a whole; returns at once."""
        self._executor.submit(self._replace, name, text)

    def read(self, rendition: str, name: str) -> bytes | None:
        """The bytes of a file; None when there is none. Blocks."""
        try:
            return (self.directory / rendition / name).read_bytes()
        except OSError:
            return None

    def remove(self) -> None:
        """Delete all of it; returns at once."""
        self._executor.submit(shutil.rmtree, self.directory, ignore_errors=True)

    def load(self) -> dict[str, Past]:
        """What an earlier process has kept of each rendition. Blocks."""
        return {journal.parent.name: _load(journal) for journal in sorted(self.directory.glob(f"*/{_JOURNAL}"))}

    def _replace(self, name: str, text: str) -> None:
        try:
            self.directory.mkdir(parents=True, exist_ok=True)
            fresh = self.directory / f"{name}.new"
            fresh.write_text(text)
            fresh.replace(self.directory / name)
        except OSError as error:
            self._complain(error)

    def _complain(self, error: OSError) -> None:
        if not self._failed:
            self._failed = True
            _log.error("the archive of a live stream cannot be written", reason=str(error))

    def _write(self, rendition: str, name: str, data: bytes, line: str) -> None:
        folder = self.directory / rendition
        try:
            folder.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(data)
            if line:
                with (folder / _JOURNAL).open("a") as journal:
                    journal.write(line)
        except OSError as error:
            self._complain(error)


def _load(journal: Path) -> Past:
    past = Past()
    for line in journal.read_text().splitlines():
        try:
            entry = json.loads(line)
            segment = SegmentEntry(entry["msn"], entry["init"], entry["at"], entry["discontinuity"])
            segment.duration_s, segment.size_bytes = entry["duration_s"], entry["size_bytes"]
            parts_made, inits = entry["parts_made"], int(segment.init_uri[4:-4]) + 1
        except (ValueError, KeyError, TypeError):
            break  # the process died while it wrote this line
        past.segments.append(segment)
        # The parts of a segment that never ended have been named too.
        past.parts_made, past.inits = max(past.parts_made, parts_made + _UNKNOWN_PARTS), max(past.inits, inits)
    return past


def _line(segment: SegmentEntry | None) -> str:
    if segment is None:
        return ""
    last_part = segment.parts[-1].uri if segment.parts else "part0.m4s"
    entry = {
        "msn": segment.msn,
        "init": segment.init_uri,
        "at": segment.at_unix,
        "discontinuity": segment.discontinuity,
        "duration_s": segment.duration_s,
        "size_bytes": segment.size_bytes,
        "parts_made": int(last_part[4:-4]) + 1,
    }
    return json.dumps(entry) + "\n"
