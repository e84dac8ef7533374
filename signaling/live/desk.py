"""Between rooms and whoever makes live streams: carries out what handlers decide, and tells rooms how it goes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

import structlog

from signaling import effects as fx
from signaling.envelope import iso_utc
from signaling.live.book import LiveRecord, as_picture, told
from signaling.live.port import LiveOutputs, Order, Person, Report, Unavailable
from signaling.live.sealing import Sealer
from signaling.messages.live import LiveHealth, LiveHealthUpdate, LiveStarted, LiveStatus, LiveStopped
from signaling.messages.media import ActiveSpeakers
from signaling.messages.people import ParticipantUpdate
from signaling.messages.room import UserJoined, UserLeft

if TYPE_CHECKING:
    from signaling.live_room import LiveRoom

_log = structlog.get_logger("plenum.live")
_HEALTH_INTERVAL_S = 3.0
_LOST_KEY = "the stream's key cannot be read any more; start the stream anew"


@dataclass(slots=True)
class _Watched:
    """A stream that runs: what was last reported, and when the room was last told figures. ``viewers``: of its own."""

    live: LiveRoom
    viewers: int = 0
    told_at: float = float("-inf")
    told: tuple[object, ...] = field(default_factory=tuple)


class LiveDesk:
    """The live streams of all rooms of this process."""

    def __init__(self, outputs: LiveOutputs, sealer: Sealer, unix: Callable[[], float]) -> None:
        self.outputs = outputs
        self.closing = False
        self._sealer = sealer
        self._unix = unix
        self._watched: dict[str, _Watched] = {}
        self._empty_since: dict[str, float] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def urls(self) -> dict[str, str]:
        """Where platforms take streams."""
        return {platform: self.outputs.default_url(platform) for platform in ("youtube", "twitch", "custom")}

    def adopt(self, live: LiveRoom) -> None:
        """A room is opened: its streams go on, if it had any."""
        live.room.live.capacity = self.outputs.max_streams
        for record in live.room.live.running():
            key = self._sealer.open(record.sealed_key, record.info.stream_id) if record.sealed_key else ""
            if key is None:
                self._end(live, record, LiveStatus.FAILED, _LOST_KEY)
            else:
                self._begin(live, record, key, goes_on=True)

    def start(self, live: LiveRoom, stream_id: str, key: str) -> None:
        """A stream begins."""
        record = live.room.live.records[stream_id]
        record.sealed_key = self._sealer.seal(key, stream_id) if key else None
        self._save(live, record)
        self._begin(live, record, key)

    def stop(self, live: LiveRoom, stream_id: str) -> None:
        """A stream ends; its record tells that already."""
        self.outputs.stop(live.room.room_id, stream_id)
        self._forget(live, stream_id)

    def arrange(self, live: LiveRoom) -> None:
        """The picture has changed."""
        self.outputs.arrange(live.room.room_id, as_picture(live.room.live.picture))

    def note(self, live: LiveRoom, effect: fx.Effect) -> None:
        """Look at what is told in a room for what the picture shows of it."""
        if not live.keepers or not isinstance(effect, fx.Broadcast):
            return
        room_id, message = live.room.room_id, effect.message
        if isinstance(message, UserJoined | ParticipantUpdate):
            participant = live.room.participants.get(message.username)
            if participant is not None:
                self.outputs.person(room_id, Person(participant.username, participant.display_name))
        elif isinstance(message, UserLeft):
            self.outputs.person(room_id, Person(message.username, "", present=False))
        elif isinstance(message, ActiveSpeakers):
            self.outputs.speaker(room_id, message.dominant)

    def sweep(self, now: float) -> None:
        """Count who watches, and end streams of rooms that have been empty for too long."""
        self._count_viewers()
        for watched in list({id(w.live): w for w in self._watched.values()}.values()):
            room = watched.live.room
            if room.participants:
                self._empty_since.pop(room.room_id, None)
                continue
            since = self._empty_since.setdefault(room.room_id, now)
            if now - since > self.outputs.empty_room_s:
                for record in room.live.running():
                    self._watched.pop(record.info.stream_id, None)
                    self.outputs.stop(room.room_id, record.info.stream_id)
                    self._end(watched.live, record, LiveStatus.STOPPED, "nobody was in the room any more")

    async def pause(self, live: LiveRoom) -> None:
        """The room is about to go on at another shard; returns when that can read what was made here."""
        for record in live.room.live.running():
            self._watched.pop(record.info.stream_id, None)
            self.outputs.pause(live.room.room_id, record.info.stream_id)
        await self.outputs.settled()

    def leave(self, live: LiveRoom) -> None:
        """The process goes down, or the room moves away: its streams are made elsewhere from now on."""
        for record in live.room.live.running():
            # What is reported of its end here is not the stream's.
            self._watched.pop(record.info.stream_id, None)
            self.outputs.leave(live.room.room_id, record.info.stream_id)
        live.keepers.clear()

    async def close(self) -> None:
        """Nothing is begun any more."""
        self.closing = True
        for task in list(self._tasks):
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    # -- a stream's life -------------------------------------------------------------------------------------------

    def _begin(self, live: LiveRoom, record: LiveRecord, key: str, *, goes_on: bool = False) -> None:
        stream_id = record.info.stream_id
        live.keepers.add(f"live:{stream_id}")
        self._watched[stream_id] = _Watched(live)
        task = asyncio.get_running_loop().create_task(self._start(live, record, key, goes_on), name=f"live {stream_id}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _start(self, live: LiveRoom, record: LiveRecord, key: str, goes_on: bool) -> None:
        info = record.info
        begun_unix = datetime.fromisoformat(info.started_at).timestamp()
        order = Order(
            room_id=info.room_id,
            stream_id=info.stream_id,
            quality=info.quality,
            url=info.stream_url,
            key=key,
            platform=info.platform.value,
            channel=record.channel,
            hls=info.hls is not None,
            hls_public=info.hls is None or info.hls.public,
            dvr_s=info.hls.dvr_s if info.hls is not None else 0.0,
            picture=as_picture(live.room.live.picture),
            elapsed_s=max(1.0, self._unix() - begun_unix) if goes_on else 0.0,
        )

        def people() -> list[Person]:
            return [Person(p.username, p.display_name) for p in live.room.participants.values()]

        try:
            await self.outputs.start(order, live.router, people, lambda report: self._on_report(live, record, report))
        except Unavailable as error:
            self._end(live, record, LiveStatus.FAILED, str(error))
        except Exception:
            _log.exception("a live stream could not be started", room=info.room_id)
            self._end(live, record, LiveStatus.FAILED, "the server failed to start it")
        else:
            if record.ended:
                self.outputs.stop(info.room_id, info.stream_id)  # it was stopped meanwhile

    def _on_report(self, live: LiveRoom, record: LiveRecord, report: Report) -> None:
        watched = self._watched.get(record.info.stream_id)
        if watched is None or record.ended:
            return
        status = LiveStatus(report.state)
        health = LiveHealth(
            uplink_bps=report.uplink_bps,
            video_bps=report.video_bps,
            dropped_frames=report.dropped_frames,
            reconnects=report.reconnects,
        )
        changed = (status, report.reason) != (record.info.status, record.info.reason)
        watched.viewers = report.viewers
        changes: dict[str, Any] = {"health": health, "viewer_count": self._viewers(live, record, watched)}
        if status in (LiveStatus.FAILED, LiveStatus.STOPPED):
            record.info = record.info.model_copy(update=changes)
            self._end(live, record, status, report.reason)
            return
        record.info = record.info.model_copy(update=changes | {"status": status, "reason": report.reason})
        if changed:
            live.apply([fx.Broadcast(LiveStarted.model_validate(told(record.info)))])
            self._save(live, record)
        self._tell_health(live, record, watched)

    def _viewers(self, live: LiveRoom, record: LiveRecord, watched: _Watched) -> int:
        """Who watches by WHEP watches the room: the first stream counts them, so that the sum is right."""
        first = next(iter(live.room.live.running()), None)
        return watched.viewers + (len(live.viewers) if first is record else 0)

    def _count_viewers(self) -> None:
        for watched in list(self._watched.values()):
            for record in watched.live.room.live.running():
                if self._watched.get(record.info.stream_id) is watched:
                    count = self._viewers(watched.live, record, watched)
                    record.info = record.info.model_copy(update={"viewer_count": count})
                    self._tell_health(watched.live, record, watched)

    def _tell_health(self, live: LiveRoom, record: LiveRecord, watched: _Watched) -> None:
        info, now = record.info, live.monotonic()
        figures = (info.viewer_count, *info.health.model_dump().values())
        if figures == watched.told or now - watched.told_at < _HEALTH_INTERVAL_S:
            return
        watched.told, watched.told_at = figures, now
        update = LiveHealthUpdate(stream_id=info.stream_id, viewer_count=info.viewer_count, **info.health.model_dump())
        live.apply([fx.Broadcast(update)])

    def _end(self, live: LiveRoom, record: LiveRecord, status: LiveStatus, reason: str | None) -> None:
        changes = {"status": status, "reason": reason, "stopped_at": iso_utc(self._unix()), "viewer_count": 0}
        record.info = record.info.model_copy(update=changes)
        record.sealed_key = None
        live.apply([fx.Broadcast(LiveStopped.model_validate(told(record.info)))])
        self._save(live, record)
        self._forget(live, record.info.stream_id)

    def _forget(self, live: LiveRoom, stream_id: str) -> None:
        self._watched.pop(stream_id, None)
        live.keepers.discard(f"live:{stream_id}")
        live.close_if_empty()

    def _save(self, live: LiveRoom, record: LiveRecord) -> None:
        live.apply([fx.SaveLive(record.info.stream_id, record.model_dump_json(), running=not record.ended)])
