"""The recordings of one room: begun, ended, and told to those who are in it."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING

import structlog

from signaling import effects as fx
from signaling.errors import RoomError
from signaling.messages.recordings import RecordingChanged, RecordingInfo, RecordingOptions
from signaling.recordings import OVER

if TYPE_CHECKING:
    from signaling.live_room import LiveRoom
    from signaling.surroundings import Surroundings

log = structlog.get_logger("plenum.room")


class RoomRecordings:
    """What is asked of the recorder, and what it says."""

    def __init__(self, live: LiveRoom, around: Surroundings) -> None:
        self._live = weakref.ref(live)  # whose own this is
        self._room = live.room
        self._around = around
        self._log = log.bind(room=live.room.room_id)

    def start(self, effect: fx.StartRecording) -> fx.Effects:
        """Begin one; raises RoomError."""
        started = self._around.recordings.start(self._room_here(), effect.recording_id, effect.username, effect.options)
        return self.note(started, effect.username)

    def stop(self, effect: fx.StopRecording) -> fx.Effects:
        """End one; raises RoomError."""
        stopped = self._around.recordings.stop(self._room_here(), effect.recording_id, effect.username)
        return self.note(stopped, effect.username)

    def _room_here(self) -> LiveRoom:
        live = self._live()
        assert live is not None
        return live

    def look(self) -> fx.Effects:
        """Begin one if the room's settings want that and none is there."""
        settings = self._room.settings
        wanted = settings.automatic_recording and settings.enable_recording and self._room.participants
        if not wanted or self._room.recordings or not self._around.recordings.available:
            return []
        try:
            return self.start(fx.StartRecording(self._around.new_id(), None, RecordingOptions()))
        except RoomError as error:
            self._log.error("automatic recording does not start", code=error.code.value, reason=error.message)
            return []

    def note(self, info: RecordingInfo, by: str | None = None) -> fx.Effects:
        """Keep what newcomers are told, and tell everybody; ``by``: whom it answers."""
        if info.status in OVER:
            self._room.recordings.pop(info.recording_id, None)
        else:
            self._room.recordings[info.recording_id] = info
        return [fx.Broadcast(RecordingChanged(**info.model_dump()), sender=by, reply=by is not None)]
