"""Files that were interrupted: repaired, and the parts of one joined, through the store and a bounded spool."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from media.containers.repair import Repair, repair
from recorder.storage.spool import MIB, Spool, SpoolFull
from recorder.storage.store import Store

BLOCK_BYTES = 4 * MIB
WAIT_S = 0.1

ReadAt = Callable[[int, int], bytes]


class Source(Protocol):
    """Something to read from."""

    size: int

    def read_at(self, offset: int, length: int) -> bytes:
        """A range, shorter at the end."""
        ...


class StoredSource:
    """An object of the store, read in blocks of which the last few are kept."""

    def __init__(self, store: Store, key: str, size: int) -> None:
        self.size = size
        self._store = store
        self._key = key
        self._blocks: dict[int, bytes] = {}

    def read_at(self, offset: int, length: int) -> bytes:
        """A range, shorter at the end. Raises StoreError."""
        end = min(offset + length, self.size)
        pieces = []
        while offset < end:
            number, within = divmod(offset, BLOCK_BYTES)
            piece = self._block(number)[within : within + end - offset]
            if not piece:
                break
            pieces.append(piece)
            offset += len(piece)
        return b"".join(pieces)

    def _block(self, number: int) -> bytes:
        block = self._blocks.get(number)
        if block is None:
            start = number * BLOCK_BYTES
            block = self._store.read(self._key, start, min(BLOCK_BYTES, self.size - start))
            while len(self._blocks) >= 2:
                del self._blocks[next(iter(self._blocks))]
            self._blocks[number] = block
        return block


class SpooledSource:
    """A spool none of whose parts has gone yet."""

    def __init__(self, spool: Spool) -> None:
        self.size = spool.size
        self._spool = spool
        self._part_size = spool.journal.part_size

    def read_at(self, offset: int, length: int) -> bytes:
        """A range, shorter at the end."""
        end = min(offset + length, self.size)
        pieces = []
        while offset < end:
            number, within = divmod(offset, self._part_size)
            with self._spool.part_path(number + 1).open("rb") as file:
                file.seek(within)
                piece = file.read(min(end - offset, self._part_size - within))
            if not piece:
                break
            pieces.append(piece)
            offset += len(piece)
        return b"".join(pieces)


@dataclass(frozen=True, slots=True)
class Slice:
    """Bytes ``start`` to ``end`` of a source."""

    source: Source
    start: int
    end: int


class Held:
    """Bytes in memory: an index that is put behind a file."""

    def __init__(self, data: bytes) -> None:
        self.size = len(data)
        self._data = data

    def read_at(self, offset: int, length: int) -> bytes:
        """A range, shorter at the end."""
        return self._data[offset : offset + length]


class Joined:
    """Slices one after the other, as one source."""

    def __init__(self, slices: Sequence[Slice]) -> None:
        self._slices = [s for s in slices if s.end > s.start]
        self.size = sum(s.end - s.start for s in self._slices)

    def read_at(self, offset: int, length: int) -> bytes:
        """A range, shorter at the end."""
        pieces = []
        for piece in self._slices:
            size = piece.end - piece.start
            if length > 0 and offset < size:
                data = piece.source.read_at(piece.start + offset, min(length, size - offset))
                pieces.append(data)
                offset += len(data)
                length -= len(data)
                if len(data) == 0:
                    break
            offset -= size
            if offset < 0:
                offset = 0
        return b"".join(pieces)


def repaired(source: Source) -> Repair:
    """How far a file is whole, and what completes it."""
    return repair(source.read_at, source.size)


def join(sources: Sequence[Source]) -> tuple[Joined, Repair]:
    """The whole parts of ``sources`` as one file: all of the first, the others without their heads.

    One that did not get as far as a head is passed over. Raises ValueError if none did.
    """
    slices: list[Slice] = []
    for source in sources:
        try:
            found = repaired(source)
        except ValueError:
            continue
        start = found.header_bytes if slices else 0
        slices.append(Slice(source, start, max(start, found.length)))
    found = repaired(Joined(slices))
    tail = Slice(Held(found.tail), 0, len(found.tail))
    return Joined([*slices, tail]), replace(found, length=found.length + len(found.tail))


def pour(source: Source, length: int, spool: Spool, beat: Callable[[], None]) -> None:
    """Append ``length`` bytes of ``source`` to ``spool`` as the store makes room. Raises StoreError or OSError."""
    offset = 0
    while offset < length:
        data = source.read_at(offset, min(MIB, length - offset))
        if not data:
            return
        while data:
            before = spool.size
            try:
                spool.append(data)
            except SpoolFull:
                time.sleep(WAIT_S)  # the uploader makes room
            beat()
            written = spool.size - before
            data = data[written:]
            offset += written
