"""The chat of one room: what was written, who may see it, what was read. No sockets, no clock, no Redis."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from signaling.chat.options import ChatOptions
from signaling.chat.text import render_html
from signaling.messages.chat import ChatImage, LinkPreview

MAX_UPLOADS_WAITING = 16
UPLOAD_LIFETIME_S = 600.0
# A page is one WebSocket frame: many long messages are spread over more pages than asked for.
PAGE_CHARACTERS = 100_000

M = TypeVar("M", bound=BaseModel)


class ChatEntry(BaseModel):
    """One message as it is kept. ``kept``: whether those who join later may see it.

    ``origin``: session and message id that brought it, so that nothing is written twice when both are sent again.
    ``breakout_room_id``: where it was written; ``to_all_rooms``: it is for the main room and all breakout rooms.
    """

    number: int
    message_id: str
    sender_id: str | None
    sender_name: str
    message: str
    target_user_id: str | None = None
    breakout_room_id: str | None = None
    to_all_rooms: bool = False
    written_unix: float
    kept: bool = True
    reply_to_id: str | None = None
    thread_root_id: str | None = None
    edited_unix: float | None = None
    deleted_by: str | None = None
    images: list[ChatImage] = []
    previews: list[LinkPreview] = []
    reactions: dict[str, list[str]] = {}
    origin: str = ""

    @property
    def deleted(self) -> bool:
        """Whether only its place is left."""
        return self.deleted_by is not None

    @property
    def html(self) -> str:
        """The text as safe HTML."""
        return render_html(self.message) if self.message else ""

    def other(self, username: str) -> str | None:
        """The other end of a direct conversation; None: the room."""
        if self.target_user_id is None:
            return None
        return self.target_user_id if username == self.sender_id else self.sender_id

    def is_for(self, username: str) -> bool:
        """Whether ``username`` is in the conversation."""
        return self.target_user_id is None or username in (self.sender_id, self.target_user_id)


class ReadMark(BaseModel):
    """How far ``reader`` has read its conversation with ``other``, or (None) the main room or a breakout room."""

    reader: str
    other: str | None
    number: int
    message_id: str
    breakout_room_id: str | None = None

    @property
    def place(self) -> tuple[str, str | None, str | None]:
        """Whose mark it is, and of what: there is one of each."""
        return self.reader, self.other, self.breakout_room_id

    @property
    def key(self) -> str:
        """Its name in Redis."""
        return json.dumps(list(self.place))


@dataclass(frozen=True, slots=True)
class Upload:
    """An image that is in no message yet."""

    owner: str
    image: ChatImage
    uploaded_unix: float


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who looks: ``since_unix`` is the time of joining; ``sees_earlier`` the room's setting for history.

    ``breakout_room_id``: where it is now; None: in the main room.
    """

    username: str
    since_unix: float
    sees_earlier: bool
    breakout_room_id: str | None = None

    def sees(self, entry: ChatEntry) -> bool:
        """Whether the message may be shown: never another's direct message, what is said elsewhere, or was before."""
        if not entry.is_for(self.username):
            return False
        elsewhere = entry.breakout_room_id != self.breakout_room_id and not entry.to_all_rooms
        if entry.target_user_id is None and elsewhere:
            return False
        return entry.written_unix >= self.since_unix or (entry.kept and self.sees_earlier)


@dataclass(frozen=True, slots=True)
class Query:
    """Which messages are looked for; see ``ChatHistoryRequest``."""

    before: str | None = None
    limit: int = 50
    text: str | None = None
    other: str | None = None
    thread_root_id: str | None = None

    def fits(self, entry: ChatEntry, reader: str) -> bool:
        """Whether a message is one of those, whoever may see it."""
        if self.other is not None and entry.other(reader) != self.other:
            return False
        if self.thread_root_id is not None and self.thread_root_id not in (entry.message_id, entry.thread_root_id):
            return False
        # Case folding, not lower case: "STRASSE" finds "Straße".
        return self.text is None or (not entry.deleted and self.text.casefold() in entry.message.casefold())


@dataclass(frozen=True, slots=True)
class Page:
    """Messages in order of writing; ``next_before``: where the next older page begins."""

    entries: list[ChatEntry]
    next_before: str | None


@dataclass(frozen=True, slots=True)
class Trimmed:
    """What was forgotten to keep the bounds."""

    message_ids: tuple[str, ...] = ()
    image_ids: tuple[str, ...] = ()
    read_keys: tuple[str, ...] = ()


@dataclass(slots=True)
class ChatLog:
    """The messages of a room, oldest first, with the read marks and the images that wait to be used."""

    uploads: dict[str, Upload] = field(default_factory=dict)
    marks: dict[tuple[str, str | None, str | None], ReadMark] = field(default_factory=dict)
    _entries: dict[str, ChatEntry] = field(default_factory=dict)
    _image_owner: dict[str, str] = field(default_factory=dict)
    _characters: int = 0
    _last_number: int = 0

    @classmethod
    def restored(cls, entries: Iterable[str], marks: Iterable[str]) -> ChatLog:
        """The log of records as ``model_dump_json`` wrote them; what another version wrote is passed over."""
        log = cls()
        for entry in sorted(_read(ChatEntry, entries), key=lambda entry: entry.number):
            log._keep(entry)
        log.marks = {mark.place: mark for mark in _read(ReadMark, marks)}
        return log

    def __len__(self) -> int:
        return len(self._entries)

    # -- messages --------------------------------------------------------------------------------------------------

    def next_number(self) -> int:
        """The number of the next message."""
        return self._last_number + 1

    def get(self, message_id: str) -> ChatEntry | None:
        """The message, whoever asks."""
        return self._entries.get(message_id)

    def seen_by(self, viewer: Viewer, message_id: str) -> ChatEntry | None:
        """The message, if ``viewer`` may see it."""
        entry = self._entries.get(message_id)
        return entry if entry is not None and viewer.sees(entry) else None

    def add(self, entry: ChatEntry, options: ChatOptions) -> Trimmed:
        """Keep a message, and forget the oldest that are too many."""
        self._keep(entry)
        gone: list[ChatEntry] = []
        while len(self._entries) > options.history_messages or (
            self._characters > options.history_characters and len(self._entries) > 1
        ):
            gone.append(self._entries.pop(next(iter(self._entries))))
            self._characters -= len(gone[-1].message)
        if not gone:
            return Trimmed()
        images = tuple(image_id for old in gone for image_id in self.drop_images(old))
        read_keys = tuple(mark.key for mark in self._forget_marks(gone[-1].number))
        return Trimmed(tuple(old.message_id for old in gone), images, read_keys)

    def set_text(self, entry: ChatEntry, text: str) -> None:
        """Change the text of a message."""
        self._characters += len(text) - len(entry.message)
        entry.message = text

    def drop_images(self, entry: ChatEntry) -> tuple[str, ...]:
        """Take the images out of a message; their ids."""
        ids = tuple(image.image_id for image in entry.images)
        for image_id in ids:
            self._image_owner.pop(image_id, None)
        entry.images = []
        return ids

    def page(self, viewer: Viewer, query: Query) -> Page:
        """The newest messages that fit and may be seen."""
        start = None
        if query.before is not None:
            start = self.seen_by(viewer, query.before)
            if start is None:  # forgotten meanwhile, and all before it
                return Page([], None)
        found: list[ChatEntry] = []
        characters = 0
        for entry in reversed(self._entries.values()):
            if start is not None and entry.number >= start.number:
                continue
            if not (viewer.sees(entry) and query.fits(entry, viewer.username)):
                continue
            characters += len(entry.message)
            if len(found) == query.limit or (found and characters > PAGE_CHARACTERS):
                return Page(found[::-1], found[-1].message_id)
            found.append(entry)
        return Page(found[::-1], None)

    def reply_counts(self, viewer: Viewer, roots: Iterable[ChatEntry]) -> dict[str, int]:
        """How many answers ``viewer`` can see below each of ``roots``; those without any are left out."""
        wanted = {root.message_id for root in roots}
        return dict(
            Counter(
                entry.thread_root_id
                for entry in self._entries.values()
                if entry.thread_root_id in wanted and not entry.deleted and viewer.sees(entry)
            )
        )

    # -- reading ---------------------------------------------------------------------------------------------------

    def mark_read(self, viewer: Viewer, entry: ChatEntry) -> tuple[ReadMark, frozenset[str]]:
        """Move a read mark forward; the mark as it is now, and whose messages were newly read."""
        reader, other = viewer.username, entry.other(viewer.username)
        place = viewer.breakout_room_id if other is None else None
        mark = self.marks.get((reader, other, place))
        if mark is not None and mark.number >= entry.number:
            return mark, frozenset()
        before = mark.number if mark is not None else 0
        read = [found for found in self._newer_than(before) if found.number <= entry.number and viewer.sees(found)]
        senders = {found.sender_id for found in read if found.other(reader) == other}
        mark = self.marks[reader, other, place] = ReadMark(
            reader=reader, other=other, number=entry.number, message_id=entry.message_id, breakout_room_id=place
        )
        return mark, frozenset(sender for sender in senders if sender is not None and sender != reader)

    # -- images ----------------------------------------------------------------------------------------------------

    def kept(self) -> Iterator[ChatEntry]:
        """All messages that those who come later may see."""
        return (entry for entry in self._entries.values() if entry.kept)

    def ids_from(self, session_id: str) -> list[str]:
        """The ids that a session gave the messages it wrote."""
        start = f"{session_id}:"
        return [e.origin.removeprefix(start) for e in self._entries.values() if e.origin.startswith(start)]

    def images(self) -> list[ChatImage]:
        """All images of all messages."""
        return [image for entry in self._entries.values() for image in entry.images]

    def image_for(self, viewer: Viewer, image_id: str) -> ChatImage | None:
        """An image of a message that ``viewer`` may see, or one that it uploaded itself."""
        upload = self.uploads.get(image_id)
        if upload is not None:
            return upload.image if upload.owner == viewer.username else None
        entry = self.seen_by(viewer, self._image_owner.get(image_id, ""))
        if entry is None:
            return None
        return next((image for image in entry.images if image.image_id == image_id), None)

    def add_upload(self, upload: Upload) -> tuple[str, ...]:
        """Keep an image until it is used; the ids of those of the same user that are given up for it."""
        waiting = [image_id for image_id, other in self.uploads.items() if other.owner == upload.owner]
        given_up = tuple(waiting[: max(0, len(waiting) + 1 - MAX_UPLOADS_WAITING)])
        for image_id in given_up:
            del self.uploads[image_id]
        self.uploads[upload.image.image_id] = upload
        return given_up

    def take_stale_uploads(self, now_unix: float) -> tuple[str, ...]:
        """Forget images that nobody used in time; their ids."""
        stale = tuple(i for i, u in self.uploads.items() if u.uploaded_unix < now_unix - UPLOAD_LIFETIME_S)
        for image_id in stale:
            del self.uploads[image_id]
        return stale

    # -- inside ----------------------------------------------------------------------------------------------------

    def _keep(self, entry: ChatEntry) -> None:
        self._entries[entry.message_id] = entry
        self._characters += len(entry.message)
        self._last_number = max(self._last_number, entry.number)
        for image in entry.images:
            self._image_owner[image.image_id] = entry.message_id

    def _newer_than(self, number: int) -> Iterator[ChatEntry]:
        for entry in reversed(self._entries.values()):
            if entry.number <= number:
                return
            yield entry

    def _forget_marks(self, number: int) -> list[ReadMark]:
        """Marks of forgotten messages say nothing any more."""
        old = [mark for mark in self.marks.values() if mark.number <= number]
        for mark in old:
            del self.marks[mark.place]
        return old


def _read(model: type[M], records: Iterable[str]) -> Iterator[M]:
    for record in records:
        try:
            yield model.model_validate_json(record)
        except ValidationError:
            continue
