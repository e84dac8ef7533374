"""Live streams: who may, and what comes of it."""

from __future__ import annotations

from signaling.context import Context
from signaling.effects import ArrangeLive, Broadcast, Effects, ForgetLive, SaveLive, StartLive, StopLive
from signaling.envelope import iso_utc
from signaling.errors import ErrorCode, RoomError
from signaling.live.book import LiveRecord, hls_url, shown, told, watch_url
from signaling.messages.live import (
    LivePicture,
    LivePictureChanged,
    LivePictureRequest,
    LiveStarted,
    LiveStartRequest,
    LiveStatus,
    LiveStopped,
    LiveStopRequest,
    LiveStreamInfo,
)
from signaling.room import Participant, Room
from signaling.rules import require


def live_stream_start(room: Room, participant: Participant, message: LiveStartRequest, context: Context) -> Effects:
    """Send the room to an RTMP server, to HLS viewers, or both."""
    _may(room, participant)
    book = room.live
    if len(book.running()) >= book.capacity:
        raise RoomError(
            ErrorCode.INVALID_STATE,
            f"The room has {book.capacity} live streams already.",
            details={"max_streams": book.capacity},
        )
    if message.picture is not None:
        book.picture = _merged(book.picture, message.picture) if book.running() else message.picture
    stream_id = context.new_id()
    info = LiveStreamInfo(
        stream_id=stream_id,
        room_id=room.room_id,
        stream_url=message.stream_url or context.live_urls.get(message.platform.value, ""),
        platform=message.platform,
        started_by=participant.username,
        started_at=iso_utc(context.now_unix),
        status=LiveStatus.STARTING,
        quality=message.quality,
        picture=book.picture,
        hls=message.hls,
        hls_url=hls_url(room.room_id, stream_id) if message.hls is not None else None,
        watch_url=watch_url(room.room_id, stream_id) if message.hls is not None else None,
    )
    record = LiveRecord(info=info, channel=message.channel)
    forgotten = book.add(record)
    return [
        *(ForgetLive(old) for old in forgotten),
        Broadcast(LiveStarted.model_validate(told(info)), sender=participant.username, reply=True),
        StartLive(stream_id, message.stream_key),
        ArrangeLive(),
    ]


def live_stream_stop(room: Room, participant: Participant, message: LiveStopRequest, context: Context) -> Effects:
    """End a live stream."""
    _may(room, participant)
    return end_stream(room, message.stream_id, participant.username, context.now_unix)


def end_stream(room: Room, stream_id: str, stopped_by: str | None, now_unix: float) -> Effects:
    """End one; raises RoomError ``stream_not_found``. ``stopped_by`` None: the operator does."""
    record = room.live.records.get(stream_id)
    if record is None or record.ended:
        raise RoomError(ErrorCode.STREAM_NOT_FOUND, "No such live stream runs.", details={"stream_id": stream_id})
    record.info = record.info.model_copy(
        update={
            "status": LiveStatus.STOPPED,
            "reason": None,
            "stopped_at": iso_utc(now_unix),
            "stopped_by": stopped_by,
            "viewer_count": 0,
        }
    )
    record.sealed_key = None
    return [
        StopLive(stream_id),
        Broadcast(LiveStopped.model_validate(told(record.info)), sender=stopped_by, reply=True),
        SaveLive(stream_id, record.model_dump_json(), running=False),
    ]


def live_stream_picture(room: Room, participant: Participant, message: LivePictureRequest, context: Context) -> Effects:
    """Change the picture."""
    _may(room, participant)
    running = room.live.running()
    if not running:
        raise RoomError(ErrorCode.INVALID_STATE, "No live stream runs.")
    picture = room.live.picture = _merged(room.live.picture, message.picture)
    effects: Effects = [ArrangeLive()]
    for record in running:
        record.info = record.info.model_copy(update={"picture": picture})
        effects.append(SaveLive(record.info.stream_id, record.model_dump_json(), running=True))
    answer = LivePictureChanged(picture=shown(picture), changed_by=participant.username)
    effects.append(Broadcast(answer, sender=participant.username, reply=True))
    return effects


def _merged(before: LivePicture, wish: LivePicture) -> LivePicture:
    """What the wish does not name stays: who changes the layout does not have the logo."""
    return before.model_copy(update={name: getattr(wish, name) for name in wish.model_fields_set})


def _may(room: Room, participant: Participant) -> None:
    require(participant, "can_record")
    if room.live.capacity == 0:
        raise RoomError(
            ErrorCode.NOT_SUPPORTED, "This server makes no live streams.", details={"feature": "live_streaming"}
        )
