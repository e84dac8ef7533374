"""Between rooms, which know no recorder, and recordings, which know no rooms."""

from __future__ import annotations

import builtins
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import structlog
from fastapi import APIRouter

from media.feed import Message, Participant, Speaker
from recorder.desk import RecordingDesk, Refused
from recorder.links import FileLinks, Grant, create_router
from recorder.model import OVER, File, Options, Recording, Status
from recorder.storage.local import LocalStore
from signaling import effects as fx
from signaling.errors import ErrorCode, RoomError
from signaling.messages.chat import ChatMessage
from signaling.messages.media import ActiveSpeakers
from signaling.messages.people import ParticipantUpdate
from signaling.messages.recordings import RecordingFile, RecordingInfo, RecordingOptions
from signaling.messages.room import UserJoined, UserLeft

if TYPE_CHECKING:
    from signaling.hub import Hub
    from signaling.live_room import LiveRoom

log = structlog.get_logger("plenum.recordings")


class RecordingsBridge:
    """``signaling.recordings.RecordingPort`` over a RecordingDesk. ``hub`` is set once the application is built."""

    def __init__(self, desk: RecordingDesk, links: FileLinks | None, store: LocalStore | None) -> None:
        self._store = store
        self.hub: Hub | None = None
        self._desk = desk
        self._links = links
        self._interrupted: dict[str, builtins.list[Recording]] = {}
        desk.on_change = self._on_change

    def routers(self) -> Sequence[APIRouter]:
        """What serves files of the local store."""
        return () if self._links is None or self._store is None else (create_router(self._links, self._store),)

    @property
    def available(self) -> bool:
        """Whether rooms may be recorded here."""
        return self._desk.options.enabled

    def start(
        self, live: LiveRoom, recording_id: str, started_by: str | None, options: RecordingOptions
    ) -> RecordingInfo:
        """RecordingPort."""
        wish = Options.model_validate(options.model_dump())
        try:
            recording = self._desk.begin(
                recording_id, live.room.room_id, started_by, wish, live.router, lambda: _news(live)
            )
        except Refused as refusal:
            raise _told(refusal) from None
        return self._info(recording)

    def stop(self, live: LiveRoom, recording_id: str, stopped_by: str | None) -> RecordingInfo:
        """RecordingPort."""
        try:
            return self._info(self._desk.end(live.room.room_id, recording_id, stopped_by))
        except Refused as refusal:
            raise _told(refusal) from None

    def observe(self, live: LiveRoom, effect: fx.Effect) -> None:
        """RecordingPort: what a recording shows or keeps of the main room."""
        if not isinstance(effect, fx.Broadcast) or effect.area not in (None, fx.EVERYWHERE):
            return
        found = _OBSERVED.get(type(effect.message))
        if found is not None:
            found(self._desk, live, effect.message)

    def room_closed(self, live: LiveRoom) -> None:
        """RecordingPort."""
        closing = self.hub is not None and self.hub.closing
        self._desk.end_room(live.room.room_id, "server_stop" if closing else "room_closed")

    async def look_up(self, room_id: str) -> None:
        """RecordingPort."""
        self._interrupted[room_id] = await self._desk.interrupted(room_id)

    def adopt(self, live: LiveRoom) -> builtins.list[RecordingInfo]:
        """RecordingPort."""
        adopted = []
        for recording in self._interrupted.pop(live.room.room_id, []):
            try:
                further = self._desk.go_on(recording, live.router, lambda: _news(live))
            except Refused as refusal:
                log.error("recording does not go on here", recording=recording.recording_id, reason=refusal.message)
                ended = {"status": Status.STOPPED, "error": refusal.code, "error_message": refusal.message}
                further = recording.model_copy(update=ended)
            adopted.append(self._info(further))
        return adopted

    def hand_over(self, live: LiveRoom) -> None:
        """RecordingPort."""
        self._desk.hand_over(live.room.room_id)

    async def list(self, room_id: str, *, with_urls: bool) -> list[RecordingInfo]:
        """RecordingPort."""
        return [self._info(recording, with_urls=with_urls) for recording in await self._desk.all_of(room_id)]

    async def delete(self, room_id: str, recording_id: str) -> RecordingInfo:
        """RecordingPort."""
        found = [r for r in await self._desk.all_of(room_id) if r.recording_id == recording_id]
        if not found:
            raise RoomError(ErrorCode.RECORDING_NOT_FOUND, "There is no such recording.")
        try:
            await self._desk.delete(found[0])
        except Refused as refusal:
            raise _told(refusal) from None
        return self._info(found[0])

    # -- told ------------------------------------------------------------------------------------------------------

    def _on_change(self, recording: Recording) -> None:
        live = self.hub.rooms.get(recording.room_id) if self.hub is not None else None
        if live is not None and not live.closed:
            live.recording_changed(self._info(recording))

    def _info(self, recording: Recording, *, with_urls: bool = False) -> RecordingInfo:
        over = recording.status in OVER and not recording.upload_pending
        return RecordingInfo(
            **recording.model_dump(
                include=set(RecordingInfo.model_fields) & set(Recording.model_fields) - {"files"}, mode="json"
            ),
            mode=recording.options.mode,
            audio_only=recording.options.audio_only,
            error_code=recording.error,
            files=[self._file(file, with_urls=with_urls and over) for file in recording.files],
        )

    def _file(self, file: File, *, with_urls: bool) -> RecordingFile:
        values = file.model_dump(include=set(RecordingFile.model_fields), mode="json")
        if not with_urls:
            return RecordingFile(**values)
        return RecordingFile(**values, download_url=self._url(file, True), stream_url=self._url(file, False))

    def _url(self, file: File, download: bool) -> str | None:
        if self._links is None:
            return self._desk.url(file, download=download)
        grant = Grant(file.key, file.content_type, file.name if download else None)
        return self._links.url(grant, self._desk.options.url_lifetime_s)


def _told(refusal: Refused) -> RoomError:
    retry_after = 30 if refusal.code == ErrorCode.UNAVAILABLE else None
    return RoomError(ErrorCode(refusal.code), refusal.message, details=refusal.details, retry_after=retry_after)


def _news(live: LiveRoom) -> list[Message]:
    """Who is there, for a worker that begins."""
    people = live.room.participants.values()
    return [Participant(p.username, p.display_name) for p in people if p.breakout_room_id is None]


def _joined(desk: RecordingDesk, live: LiveRoom, message: UserJoined) -> None:
    desk.tell(live.room.room_id, Participant(message.username, message.display_name))


def _left(desk: RecordingDesk, live: LiveRoom, message: UserLeft) -> None:
    participant = live.room.participants.get(message.username)
    name = message.username if participant is None else participant.display_name
    desk.tell(live.room.room_id, Participant(message.username, name, present=False))


def _updated(desk: RecordingDesk, live: LiveRoom, message: ParticipantUpdate) -> None:
    participant = live.room.participants.get(message.username)
    if participant is not None:
        desk.tell(
            live.room.room_id,
            Participant(participant.username, participant.display_name, present=participant.breakout_room_id is None),
        )


def _speakers(desk: RecordingDesk, live: LiveRoom, message: ActiveSpeakers) -> None:
    desk.tell(live.room.room_id, Speaker(message.dominant))


def _chat(desk: RecordingDesk, live: LiveRoom, message: ChatMessage) -> None:
    if message.target_user_id is None:
        kept = ("message_id", "sender_id", "sender_name", "message", "timestamp")
        desk.note_chat(live.room.room_id, message.model_dump(mode="json", include=set(kept)))


_OBSERVED: dict[type, Callable[..., None]] = {
    UserJoined: _joined,
    UserLeft: _left,
    ParticipantUpdate: _updated,
    ActiveSpeakers: _speakers,
    ChatMessage: _chat,
}
