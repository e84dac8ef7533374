"""What a store of recordings can do, whichever it is; and how it fails."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import Protocol


class Failure(enum.StrEnum):
    """Why a store did not do something."""

    REFUSED = "refused"  # credentials, bucket, rights: trying again helps only once somebody changed something
    UNREACHABLE = "unreachable"  # not there, too slow, or ill: worth trying again
    LOST = "lost"  # the upload or the object is gone
    FULL = "full"  # no room left
    CORRUPT = "corrupt"  # what arrived is not what was sent


class StoreError(Exception):
    """A store failed; the message names neither keys nor secrets."""

    def __init__(self, failure: Failure, message: str) -> None:
        super().__init__(message)
        self.failure = failure
        self.message = message


@dataclass(frozen=True, slots=True)
class ObjectInfo:
    """What is said about an object: its media type and metadata (ASCII)."""

    content_type: str = "application/octet-stream"
    metadata: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StoredPart:
    """A part that has arrived and was compared: its number (from 1), size and the store's tag of it."""

    number: int
    size: int
    tag: str


class Store(Protocol):
    """Objects under keys. All calls may block and raise StoreError; they come from worker threads."""

    def begin(self, key: str, info: ObjectInfo, part_size: int) -> str:
        """Open an upload in parts of ``part_size`` bytes, the last one shorter; its id."""
        ...

    def put_part(self, key: str, upload_id: str, number: int, data: bytes, part_size: int) -> StoredPart:
        """Bring one part, in any order; returns when the store has it, whole and compared."""
        ...

    def complete(self, key: str, upload_id: str, parts: list[StoredPart]) -> None:
        """Make the parts an object, and compare its size and checksum. Harmless if it was done before."""
        ...

    def abort(self, key: str, upload_id: str) -> None:
        """Drop an upload; harmless if it is gone."""
        ...

    def put(self, key: str, data: bytes, info: ObjectInfo) -> None:
        """Write a small object at once."""
        ...

    def read(self, key: str, start: int, length: int) -> bytes:
        """A range of an object, shorter at its end."""
        ...

    def size(self, key: str) -> int | None:
        """The size of an object; None if there is none."""
        ...

    def delete(self, key: str) -> None:
        """Delete an object; harmless if it is gone."""
        ...

    def check(self) -> None:
        """Raises StoreError if the store cannot be used now."""
        ...

    def url(self, key: str, lifetime_s: int, download_name: str | None) -> str | None:
        """An address that opens the object for a while, as a download of that name; None: ask the server."""
        ...
