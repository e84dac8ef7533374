"""What the operator may have done about recordings and live streams of this shard."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from signaling import effects as fx
from signaling.errors import ErrorCode, RoomError
from signaling.handlers.live import end_stream
from signaling.live.book import told
from signaling.live_room import LiveRoom
from signaling.messages.live import LiveStreamInfo
from signaling.names import check_room_id
from signaling.shards.internal import Command

if TYPE_CHECKING:
    from signaling.hub import Hub


def build_output_commands(hub: Hub) -> dict[str, Command]:
    """The commands by name."""

    def rooms_of(body: dict[str, Any]) -> list[LiveRoom]:
        if body.get("room_id") is None:
            return list(hub.rooms.values())
        live = hub.rooms.get(check_room_id(str(body["room_id"])))
        return [] if live is None else [live]

    async def recordings(body: dict[str, Any]) -> list[dict[str, Any]]:
        """Recordings of one room, also of one that is not open any more; without a room, those under way here."""
        if body.get("room_id") is not None:
            room_id = check_room_id(str(body["room_id"]))
            found = await hub.around.recordings.list(room_id, with_urls=False)
        else:
            found = [info for live in hub.rooms.values() for info in live.room.recordings.values()]
        return [info.model_dump(mode="json") for info in found]

    async def stop_recording(body: dict[str, Any]) -> dict[str, Any]:
        """Let one recording finish, or all of a room."""
        live = hub.find(check_room_id(str(body["room_id"])))
        wanted = body.get("recording_id")
        ids = [str(wanted)] if wanted is not None else list(live.room.recordings)
        if not ids:
            raise RoomError(ErrorCode.RECORDING_NOT_FOUND, "No recording of this room is under way.")
        for recording_id in ids:
            live.apply([fx.StopRecording(recording_id, None)])
        return {"stopped": ids}

    async def streams(body: dict[str, Any]) -> list[dict[str, Any]]:
        """Live streams of one room or of all that are open here: those that run, and of one room those that ended."""
        every = body.get("room_id") is not None
        found = [
            record for live in rooms_of(body) for record in live.room.live.records.values() if every or not record.ended
        ]
        return [LiveStreamInfo.model_validate(told(record.info)).model_dump(mode="json") for record in found]

    async def stop_stream(body: dict[str, Any]) -> dict[str, Any]:
        """End one live stream, or all of a room."""
        live = hub.find(check_room_id(str(body["room_id"])))
        wanted = body.get("stream_id")
        ids = [str(wanted)] if wanted is not None else [r.info.stream_id for r in live.room.live.running()]
        if not ids:
            raise RoomError(ErrorCode.STREAM_NOT_FOUND, "No live stream of this room runs.")
        for stream_id in ids:
            live.apply(end_stream(live.room, stream_id, None, hub.around.unix()))
        return {"stopped": ids}

    commands = (recordings, stop_recording, streams, stop_stream)
    return {command.__name__.replace("_", "-"): command for command in commands}
