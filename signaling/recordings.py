"""What signaling needs of whoever records: a port, filled by the composition root; without one nothing is recorded."""

from __future__ import annotations

import builtins
from typing import TYPE_CHECKING, Protocol

from signaling.errors import ErrorCode, RoomError
from signaling.messages.recordings import RecordingInfo, RecordingOptions, RecordingStatus

if TYPE_CHECKING:
    from signaling import effects as fx
    from signaling.live_room import LiveRoom

OVER = (RecordingStatus.STOPPED, RecordingStatus.FAILED)


class RecordingPort(Protocol):
    """Recordings of all rooms of this process. Synchronous calls return at once."""

    @property
    def available(self) -> bool:
        """Whether rooms may be recorded."""
        ...

    def start(
        self, live: LiveRoom, recording_id: str, started_by: str | None, options: RecordingOptions
    ) -> RecordingInfo:
        """Begin; raises RoomError. What follows is told by ``LiveRoom.recording_changed``."""
        ...

    def stop(self, live: LiveRoom, recording_id: str, stopped_by: str | None) -> RecordingInfo:
        """Let one finish; raises RoomError ``recording_not_found``."""
        ...

    def observe(self, live: LiveRoom, effect: fx.Effect) -> None:
        """Something happened in a room that is being recorded."""
        ...

    def room_closed(self, live: LiveRoom) -> None:
        """A room ends."""
        ...

    async def look_up(self, room_id: str) -> None:
        """A room is about to come from another shard: learn what was being recorded there."""
        ...

    def adopt(self, live: LiveRoom) -> builtins.list[RecordingInfo]:
        """A room has come from another shard: go on with its recordings, each as a further part."""
        ...

    def hand_over(self, live: LiveRoom) -> None:
        """A room has gone to another shard, where its recordings go on."""
        ...

    async def list(self, room_id: str, *, with_urls: bool) -> list[RecordingInfo]:
        """All recordings of a room that are remembered, the newest last."""
        ...

    async def delete(self, room_id: str, recording_id: str) -> RecordingInfo:
        """Delete one that is over, with its files; raises RoomError."""
        ...


class NoRecordings:
    """A server that cannot record."""

    available = False

    def start(
        self, live: LiveRoom, recording_id: str, started_by: str | None, options: RecordingOptions
    ) -> RecordingInfo:
        raise _not_supported()

    def stop(self, live: LiveRoom, recording_id: str, stopped_by: str | None) -> RecordingInfo:
        raise _not_supported()

    def observe(self, live: LiveRoom, effect: fx.Effect) -> None:
        return

    def room_closed(self, live: LiveRoom) -> None:
        return

    async def look_up(self, room_id: str) -> None:
        return

    def adopt(self, live: LiveRoom) -> builtins.list[RecordingInfo]:
        return []

    def hand_over(self, live: LiveRoom) -> None:
        return

    async def list(self, room_id: str, *, with_urls: bool) -> list[RecordingInfo]:
        return []

    async def delete(self, room_id: str, recording_id: str) -> RecordingInfo:
        raise _not_supported()


def _not_supported() -> RoomError:
    return RoomError(ErrorCode.NOT_SUPPORTED, "This server does not record.", details={"feature": "recording"})
