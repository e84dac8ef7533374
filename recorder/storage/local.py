"""A folder as a store, for servers without object storage."""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from recorder.storage.store import Failure, ObjectInfo, StoredPart, StoreError

PARTIAL = ".partial-"


class LocalStore:
    """Keys are paths below ``root``. An upload is a hidden file beside its object, which it becomes in one step."""

    def __init__(self, root: Path) -> None:
        self._root = root.absolute()

    def path(self, key: str) -> Path:
        """Where an object is. Raises StoreError ``refused`` for a key that leads out of the folder."""
        path = self._root / key
        if not key or key.startswith("/") or ".." in Path(key).parts:
            raise StoreError(Failure.REFUSED, "the key leads out of the folder")
        return path

    def _partial(self, key: str, upload_id: str) -> Path:
        path = self.path(key)
        return path.with_name(f"{PARTIAL}{upload_id}-{path.name}")

    def begin(self, key: str, info: ObjectInfo, part_size: int) -> str:
        upload_id = secrets.token_hex(8)
        with _told():
            partial = self._partial(key, upload_id)
            partial.parent.mkdir(parents=True, exist_ok=True)
            partial.touch()
        return upload_id

    def put_part(self, key: str, upload_id: str, number: int, data: bytes, part_size: int) -> StoredPart:
        try:
            with _told(), self._partial(key, upload_id).open("r+b") as file:
                file.seek((number - 1) * part_size)
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
        except FileNotFoundError:
            raise StoreError(Failure.LOST, "the upload is gone") from None
        return StoredPart(number, len(data), "")

    def complete(self, key: str, upload_id: str, parts: list[StoredPart]) -> None:
        size = sum(part.size for part in parts)
        partial, path = self._partial(key, upload_id), self.path(key)
        with _told():
            if not partial.exists():
                if path.exists() and path.stat().st_size == size:
                    return
                raise StoreError(Failure.LOST, "the upload is gone")
            if partial.stat().st_size != size:
                raise StoreError(Failure.CORRUPT, "the file has not the size of its parts")
            partial.replace(path)

    def abort(self, key: str, upload_id: str) -> None:
        with _told():
            self._partial(key, upload_id).unlink(missing_ok=True)

    def put(self, key: str, data: bytes, info: ObjectInfo) -> None:
        upload_id = self.begin(key, info, len(data))
        self.complete(key, upload_id, [self.put_part(key, upload_id, 1, data, len(data))])

    def read(self, key: str, start: int, length: int) -> bytes:
        try:
            with _told(), self.path(key).open("rb") as file:
                file.seek(start)
                return file.read(length)
        except FileNotFoundError:
            raise StoreError(Failure.LOST, "no such object") from None

    def size(self, key: str) -> int | None:
        try:
            with _told():
                return self.path(key).stat().st_size
        except FileNotFoundError:
            return None

    def delete(self, key: str) -> None:
        path = self.path(key)
        with _told():
            path.unlink(missing_ok=True)
            for folder in path.parents:
                if folder == self._root:
                    break
                try:
                    folder.rmdir()
                except OSError:
                    break  # not empty

    def check(self) -> None:
        with _told():
            self._root.mkdir(parents=True, exist_ok=True)
            if not os.access(self._root, os.W_OK):
                raise StoreError(Failure.REFUSED, "the folder of recordings is not writable")

    def url(self, key: str, lifetime_s: int, download_name: str | None) -> str | None:
        return None


@contextmanager
def _told() -> Iterator[None]:
    """Turn the system's errors into ours; a missing file stays what it is."""
    try:
        yield
    except FileNotFoundError:
        raise
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
        refused = error.errno in (errno.EACCES, errno.EPERM, errno.EROFS)
        failure = Failure.FULL if full else Failure.REFUSED if refused else Failure.UNREACHABLE
        raise StoreError(failure, f"the folder of recordings: {error.strerror}") from None
