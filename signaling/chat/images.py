"""Uploaded images on disk: one folder a room, unguessable names, bounded room by room and altogether."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Collection, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import structlog

from signaling.chat.image_header import read_image_header
from signaling.chat.options import ChatOptions
from signaling.errors import ErrorCode, RoomError
from signaling.messages.chat import ChatImage

log = structlog.get_logger("plenum.chat")

KEEP_INTERVAL_S = 600.0
# Folders of live rooms are touched: one that was not for so long belongs to a room that no server ended.
LEFTOVER_AGE_S = 4 * KEEP_INTERVAL_S
_TRASH = ".removed-"
FOLDER = "chat-images"


class ImageStore:
    """Writes, finds and removes images. Nothing touches the disk before the first image comes."""

    def __init__(self, options: ChatOptions) -> None:
        self._options = options
        self._temporary = options.data_folder is None
        # A folder of our own below the operator's: what is old in it may be removed.
        self._folder = options.data_folder / FOLDER if options.data_folder is not None else None
        self._room_bytes: Counter[str] = Counter()
        self._sizes: dict[tuple[str, str], int] = {}
        self._keep_due = 0.0
        # One thread: what is removed is removed in order, and a slow disk holds up only images.
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="chat images")

    def check(self, data: bytes) -> ChatImage:
        """The image that ``data`` is, without id; raises RoomError ``unsupported_media_type`` or ``too_large``."""
        header = read_image_header(data)
        if header is None or header.media_type not in self._options.image_types:
            raise RoomError(
                ErrorCode.UNSUPPORTED_MEDIA_TYPE,
                "This is no image of a type that is taken.",
                details={"image_types": list(self._options.image_types)},
            )
        if header.width * header.height > self._options.max_image_pixels:
            raise _too_large("The image has too many pixels.", max_image_pixels=self._options.max_image_pixels)
        return ChatImage(
            image_id="",
            url="",
            media_type=header.media_type,
            size_bytes=len(data),
            width=header.width,
            height=header.height,
        )

    async def put(self, room_id: str, data: bytes) -> ChatImage:
        """Store an image; raises RoomError, also ``storage_failed`` when the disk does not take it."""
        checked = self.check(data)
        image_id = secrets.token_urlsafe(24)
        self._reserve(room_id, image_id, len(data))
        try:
            await self._run(self._write, room_id, image_id, data)
        except OSError as error:
            self._release(room_id, image_id)
            log.error("an image could not be stored", room=room_id, error=type(error).__name__)
            raise RoomError(ErrorCode.STORAGE_FAILED, "The image could not be stored.") from None
        url = f"/webrtc/rooms/{room_id}/chat/images/{image_id}"
        return checked.model_copy(update={"image_id": image_id, "url": url})

    def path(self, room_id: str, image_id: str) -> Path:
        """Where an image is; both names have been checked against the room's own list."""
        assert self._folder is not None, "an image is known that was never stored"
        return self._folder / room_id / image_id

    def adopt(self, room_id: str, images: Iterable[ChatImage]) -> None:
        """Count the images of a room that was taken over from before."""
        for image in images:
            self._count(room_id, image.image_id, image.size_bytes)

    def remove(self, room_id: str, image_ids: Iterable[str]) -> None:
        """Remove images, soon."""
        for image_id in image_ids:
            self._release(room_id, image_id)
            if self._folder is not None:
                self._worker.submit(self._unlink, self.path(room_id, image_id))

    def remove_room(self, room_id: str) -> None:
        """Remove all images of a room, soon; a room of the same name that opens now starts empty."""
        for room, image_id in [key for key in self._sizes if key[0] == room_id]:
            self._release(room, image_id)
        if self._folder is None:
            return
        trash = self._folder / f"{_TRASH}{secrets.token_hex(8)}"
        with contextlib.suppress(OSError):
            (self._folder / room_id).rename(trash)
            self._worker.submit(shutil.rmtree, trash, True)

    def sweep(self, now: float, live: Collection[str]) -> None:
        """Now and then: keep the folders of ``live`` rooms young, and remove those of rooms that nobody ended."""
        if now >= self._keep_due and self._folder is not None and not self._temporary:
            self._keep_due = now + KEEP_INTERVAL_S
            self._worker.submit(self._clean, self._folder, frozenset(live))

    async def close(self) -> None:
        """Remove what was only for this process."""
        if self._temporary and self._folder is not None:
            await self._run(shutil.rmtree, self._folder, True)
        self._worker.shutdown(wait=False)

    # -- room for more ---------------------------------------------------------------------------------------------

    def _reserve(self, room_id: str, image_id: str, size_bytes: int) -> None:
        """Count an image before it is written, so that many at once cannot go beyond the bounds."""
        options = self._options
        if self._room_bytes[room_id] + size_bytes > options.max_room_images_bytes:
            raise _too_large("The images of this room take too much already.", max_bytes=options.max_room_images_bytes)
        if self._room_bytes.total() + size_bytes > options.max_images_bytes:
            raise RoomError(ErrorCode.STORAGE_FAILED, "The server has no space for more images now.", retry_after=300)
        self._count(room_id, image_id, size_bytes)

    def _count(self, room_id: str, image_id: str, size_bytes: int) -> None:
        self._room_bytes[room_id] += size_bytes
        self._sizes[room_id, image_id] = size_bytes

    def _release(self, room_id: str, image_id: str) -> None:
        self._room_bytes[room_id] -= self._sizes.pop((room_id, image_id), 0)
        if self._room_bytes[room_id] <= 0:
            del self._room_bytes[room_id]

    # -- on the disk, in the worker thread ---------------------------------------------------------------------------

    async def _run(self, function: object, *arguments: object) -> None:
        await asyncio.get_running_loop().run_in_executor(self._worker, function, *arguments)  # type: ignore[arg-type]

    def _write(self, room_id: str, image_id: str, data: bytes) -> None:
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="plenum-images-"))
        folder = self._folder / room_id
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        (folder / image_id).write_bytes(data)

    @staticmethod
    def _unlink(path: Path) -> None:
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)

    @staticmethod
    def _clean(folder: Path, live: frozenset[str]) -> None:
        oldest_unix = time.time() - LEFTOVER_AGE_S
        with contextlib.suppress(OSError):
            for entry in list(os.scandir(folder)):
                if entry.name in live:
                    os.utime(entry.path)
                elif entry.is_dir(follow_symlinks=False) and entry.stat(follow_symlinks=False).st_mtime < oldest_unix:
                    shutil.rmtree(entry.path, ignore_errors=True)


def _too_large(message: str, **details: int) -> RoomError:
    return RoomError(ErrorCode.TOO_LARGE, message, details=dict(details))
