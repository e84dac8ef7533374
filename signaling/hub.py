"""All rooms of this process: opens them, finds them, and watches over their sessions."""

from __future__ import annotations

import asyncio
import contextvars
import secrets
import time
from collections import deque
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import structlog
from prometheus_client.registry import Collector

from signaling import effects as fx
from signaling.chat.services import ChatServices
from signaling.closing import end_tasks
from signaling.errors import CloseCode, ErrorCode, RoomError
from signaling.live_room import LiveRoom
from signaling.messages.base import Outgoing
from signaling.offer_turns import SLICE_S, OfferTurns
from signaling.options import SignalingOptions
from signaling.quality_watch import QualityWatch
from signaling.replay import ReplayBuffer
from signaling.restoring import restore
from signaling.room import Room
from signaling.room_writes import RoomClosed, RoomOpened
from signaling.seats import read as read_seats
from signaling.session import Session, SessionPort
from signaling.snapshot import snapshot
from signaling.store import RoomStore
from signaling.stored_room import StoredRoom
from signaling.surroundings import Surroundings
from signaling.tokens import Identity
from signaling.tracing import step

if TYPE_CHECKING:
    from sfu.engine import Engine
    from signaling.shards.ownership import Ownership

log = structlog.get_logger("plenum.hub")

SWEEP_INTERVAL_S = 1.0
MAX_TAKES = 3
RECENT_EVENTS = 60

Resumed = tuple[LiveRoom, Session]


def new_id() -> str:
    """An identifier that cannot be guessed."""
    return secrets.token_urlsafe(15)


class Hub:
    """The live rooms."""

    def __init__(
        self,
        options: SignalingOptions,
        engine: Engine,
        store: RoomStore,
        count_opening: Callable[[str, str], Awaitable[object]] | None = None,
        ownership: Ownership | None = None,
    ) -> None:
        self.rooms: dict[str, LiveRoom] = {}
        self.collectors: list[Collector] = []
        self.recent: deque[dict[str, object]] = deque(maxlen=RECENT_EVENTS)
        self.started_unix = time.time()
        self.closing = False
        self.loop_lag_s = 0.0
        self.around = Surroundings(
            options.rooms,
            save=store.save,
            on_empty=self._on_empty,
            new_id=new_id,
            events=options.events,
            append=self._append,
            offers=OfferTurns(SLICE_S),
        )
        self.chat = ChatServices(options.rooms.chat, self.rooms, self.around.counters, self.around.unix)
        self.around.fetch_preview = self.chat.fetch_preview
        self.around.drop_images = self.chat.images.remove
        self.quality = QualityWatch(self.rooms, self.around.unix)
        self.sweepers: list[Callable[[float], None]] = [
            self._drop_silent,
            self._renew_encoders(),
            self.quality.sweep,
            self._review_audiences,
            self.chat.sweep,
        ]
        self.engine = engine
        self._store = store
        self._count_opening = count_opening
        self._ownership = ownership
        self._command_timeout_s = options.redis.command_timeout_s
        self._shard_options = options.shards
        self._departing: dict[str, asyncio.TimerHandle] = {}
        self._sweep_task: asyncio.Task[None] | None = None

    # -- rooms -----------------------------------------------------------------------------------------------------

    async def open(self, room_id: str, username: str) -> LiveRoom:
        """The live room of that name, opened for a user with what is remembered of it if need be; raises RoomError.

        The caller joins somebody before it waits for anything again, or calls ``close_if_empty``.
        """
        if self.closing:
            raise RoomError(ErrorCode.UNAVAILABLE, "The server is going down.", retry_after=5)
        live = self.rooms.get(room_id)
        if live is not None:
            return live
        self._check_place()
        stored = await self._take_and_load(room_id)
        if self._count_opening is not None and not stored.seats:
            await self._count_opening(username, room_id)
        return self._open(room_id, stored)

    async def adopt(self, room_id: str) -> None:
        """Go on with a room that another shard had; one in which nobody is any more ends here."""
        if self.closing or room_id in self.rooms:
            return
        stored = await self._take_and_load(room_id)
        self._open(room_id, stored).close_if_empty()

    async def _take_and_load(self, room_id: str) -> StoredRoom:
        """Make a room ours and read what is remembered of it; again if it ended or was lost meanwhile."""
        for _ in range(MAX_TAKES):
            with step("take the room"):
                await self._take(room_id)
            with step("read the room's state"):
                stored = await self._load(room_id)
            if self._is_ours(room_id):
                return stored
        raise RoomError(ErrorCode.UNAVAILABLE, "The room cannot be opened now.", retry_after=1)

    def _is_ours(self, room_id: str) -> bool:
        return self._ownership is None or self._ownership.fence_of(room_id) is not None

    def _check_place(self) -> None:
        """Raises RoomError when this shard takes no more rooms."""
        if len(self.rooms) >= self._shard_options.max_rooms:
            raise RoomError(ErrorCode.UNAVAILABLE, "The server is full.", retry_after=10)

    async def _take(self, room_id: str) -> None:
        """Make the room ours; raises RoomError."""
        if self._ownership is None:
            return
        # What is still to be written of the room's last life comes first, and gives its lease back.
        if not await self._store.settled(room_id, self._command_timeout_s):
            raise RoomError(ErrorCode.UNAVAILABLE, "The room cannot be opened now.", retry_after=2)
        await self._ownership.hold(room_id)

    async def _load(self, room_id: str) -> StoredRoom:
        stored = await self._store.load(room_id)
        if not stored.known and self._ownership is not None:
            raise RoomError(ErrorCode.UNAVAILABLE, "The room cannot be opened now.", retry_after=2)
        if stored.seats:
            await self.around.recordings.look_up(room_id)
        return stored

    def _open(self, room_id: str, stored: StoredRoom) -> LiveRoom:
        # Another may have opened it meanwhile.
        live = self.rooms.get(room_id)
        if live is not None:
            return live
        if self.closing:
            raise RoomError(ErrorCode.UNAVAILABLE, "The server is going down.", retry_after=5)
        if not self._is_ours(room_id):  # it was while its opening was counted
            raise RoomError(ErrorCode.UNAVAILABLE, "The room cannot be opened now.", retry_after=1)
        settings = stored.settings or self.around.options.settings
        room = Room(room_id, settings, self.around.unix())
        room.chat = stored.chat
        self.chat.images.adopt(room_id, room.chat.images())
        restore(room, stored, self.around.options, self.around.unix())
        self._end_departed(room_id)
        live = LiveRoom(room, self.engine.create_router(room_id), self.around)
        seats = read_seats(stored.seats)
        self.rooms[room_id] = live
        self._store.save(room_id, RoomOpened(again=bool(seats)))
        if seats:
            live.reform(seats)
        if self.around.live is not None:
            self.around.live.adopt(live)
        self._watch()
        log.info("room opened", room=room_id, seats=len(seats))
        return live

    async def reopen_live(self) -> None:
        """Open the rooms whose live streams ran when a process ended, so that they go on."""
        if self.around.live is None:
            return
        for room_id in await self._store.live_rooms():
            try:
                await self.adopt(room_id)
            except RoomError as error:
                log.warning("a room with a live stream cannot be opened", room=room_id, reason=error.code.value)

    # -- other shards ----------------------------------------------------------------------------------------------

    def depart(self, room_id: str, farewell: Outgoing | None = None) -> None:
        """The room is another shard's now: its clients are sent there, and media flows on until they have changed."""
        live = self.rooms.pop(room_id, None)
        if live is None:
            return
        live.dismiss(CloseCode.RESTART, "room_moved", farewell, moved=True)
        overlap_s = self._shard_options.move_overlap_s
        loop = asyncio.get_running_loop()
        self._departing[room_id] = loop.call_later(overlap_s, self._end_departed, room_id, live)
        log.info("room left for another shard", room=room_id)

    async def pause_outputs(self, room_id: str) -> None:
        """The room has been given to another shard, which makes its live streams from now on."""
        live = self.rooms.get(room_id)
        if live is not None and self.around.live is not None and live.keepers:
            await self.around.live.pause(live)

    def streams(self, room_id: str, stream_id: str) -> bool:
        """Whether a room that is open here has such a live stream, or may have it because it is just being opened."""
        live = self.rooms.get(room_id)
        if live is None:
            return self.ownership is not None and self.ownership.fence_of(room_id) is not None
        record = live.room.live.records.get(stream_id)
        return record is not None and not record.ended

    def _end_departed(self, room_id: str, live: LiveRoom | None = None) -> None:
        """End the media of a room that has gone; at once if it comes back."""
        timer = self._departing.pop(room_id, None)
        if timer is None:
            return
        timer.cancel()
        router = self.engine.routers.get(room_id)
        if router is not None:
            router.close()

    @property
    def departing(self) -> int:
        """Rooms that have moved and whose clients are still changing over."""
        for room_id in list(self._departing):
            router = self.engine.routers.get(room_id)
            if router is None or not router.transports:
                self._end_departed(room_id)
        return len(self._departing)

    def write_back(self, room_id: str) -> None:
        """Redis has lost its data, or did not take all of it: write all of a room."""
        live = self.rooms.get(room_id)
        if live is None:
            return
        self._store.save(room_id, RoomOpened(again=True, anew=True))
        for effect in snapshot(live.room, self.around.options.permissions, live.seat_for_another):
            self._store.save(room_id, effect)

    def _append(self, room_id: str, event: fx.AppendEvent) -> None:
        """Keep an event in the room's log, and for a while here, without what it holds: it may be private."""
        self.recent.append({"at_unix": event.at_unix, "room_id": room_id, "type": event.type, "actor": event.actor})
        self._store.save(room_id, event)

    def find(self, room_id: str) -> LiveRoom:
        """The live room of that name; raises RoomError ``room_not_found``."""
        live = self.rooms.get(room_id)
        if live is None:
            raise RoomError(ErrorCode.ROOM_NOT_FOUND, "No such room is open.")
        return live

    async def join(
        self, room_id: str, identity: Identity, session: Session, *, follows: str = "", last_seq: int = 0
    ) -> LiveRoom:
        """Let a session into a room; raises RoomError. ``follows``, ``last_seq``: of its client's session before."""
        live = await self.open(room_id, identity.username)
        if (
            identity.username not in live.room.participants
            and self.participants >= self._shard_options.max_participants
        ):
            live.close_if_empty()
            raise RoomError(ErrorCode.UNAVAILABLE, "The server is full.", retry_after=10)
        try:
            live.join(identity, session, follows=follows, last_seq=max(0, last_seq))
        except BaseException:
            # Whatever went wrong half-way: nobody stays behind in the room.
            live.leave(session.username, session.session_id, "disconnected")
            raise
        finally:
            live.close_if_empty()
        return live

    def resume(self, room_id: str, username: str, session_id: str, last_seq: int, port: SessionPort) -> Resumed | None:
        """Let a session go on with a new socket; None if it cannot: then the client joins anew."""
        live = self.rooms.get(room_id)
        if live is None or self.closing:
            return None
        session = live.away.resume(username, session_id, last_seq, port, time.monotonic())
        return None if session is None else (live, session)

    def new_session(self, username: str, port: SessionPort) -> Session:
        """A session that has not joined yet."""
        options = self.around.options
        # What is sent again must fit into the queue of the new socket.
        max_messages = min(options.resume_max_messages, options.max_queue_messages - 1)
        max_characters = min(options.resume_max_bytes, options.max_queue_bytes // 2)
        return Session(new_id(), username, port, time.monotonic(), ReplayBuffer(max_messages, max_characters))

    def _on_empty(self, live: LiveRoom) -> None:
        room_id = live.room.room_id
        if self.rooms.get(room_id) is live:
            del self.rooms[room_id]
            if not self.closing:
                self.chat.images.remove_room(room_id)
            self._store.save(room_id, RoomClosed(restarting=self.closing))
            if self._ownership is not None:
                self._ownership.forget(room_id)

    # -- time ------------------------------------------------------------------------------------------------------

    def _watch(self) -> None:
        if self._sweep_task is None:
            # It outlives the request that opened the first room, and must not carry its id.
            self._sweep_task = asyncio.get_running_loop().create_task(
                self._sweep(), name="session sweep", context=contextvars.Context()
            )

    async def _sweep(self) -> None:
        while True:
            due = time.monotonic() + SWEEP_INTERVAL_S
            await asyncio.sleep(SWEEP_INTERVAL_S)
            now = time.monotonic()
            self.loop_lag_s = max(0.0, now - due)
            for sweeper in self.sweepers:
                try:
                    sweeper(now)
                except Exception:
                    log.exception("sweep failed")
                await asyncio.sleep(0)  # packets may go on between them

    def _drop_silent(self, now: float) -> None:
        oldest = now - self.around.options.session_timeout_s
        for live in list(self.rooms.values()):
            live.away.end_overdue(now)
            for session in list(live.all_sessions()):
                if session.away_since is None and session.last_heard < oldest:
                    session.close(CloseCode.TIMEOUT, "timeout")
                    live.leave(session.username, session.session_id, "timeout")

    def _review_audiences(self, now: float) -> None:
        for live in list(self.rooms.values()):
            if live.audience is not None:
                live.audience.review(now)

    def _renew_encoders(self) -> Callable[[float], None]:
        """WHIP publishers send no heartbeats: their presence is renewed for them."""
        due = 0.0

        def renew(now: float) -> None:
            nonlocal due
            if now < due:
                return
            due = now + self.around.options.heartbeat_interval_s
            for live in self.rooms.values():
                for participant in live.room.participants.values():
                    if participant.by_whip:
                        self.around.save(live.room.room_id, fx.RenewPresence(participant.username))

        return renew

    async def close(self) -> None:
        """Tell all sessions that the server restarts, and end all rooms."""
        self.closing = True
        await end_tasks(self._sweep_task)
        self.quality.close()
        self.around.offers.close()
        if self.around.traces is not None:
            self.around.traces.close()
        if self.around.live is not None:
            await self.around.live.close()
        for room_id, live in list(self.rooms.items()):
            self._suspend(room_id, live)
        for room_id in list(self._departing):
            self._end_departed(room_id)
        await self.chat.close()
        await self._store.close()

    def _suspend(self, room_id: str, live: LiveRoom) -> None:
        """End a room here only: who was in it finds it as it was, on the next shard or after the restart."""
        live.dismiss(CloseCode.RESTART, "server_restart")
        live.router.close()
        del self.rooms[room_id]
        self._store.save(room_id, RoomClosed(restarting=True))
        if self._ownership is not None:
            self._ownership.forget(room_id)

    # -- figures ---------------------------------------------------------------------------------------------------

    @property
    def participants(self) -> int:
        """All participants of all rooms."""
        return sum(len(live.room.participants) for live in self.rooms.values())

    @property
    def subscribers(self) -> int:
        """All who receive media from here, also of rooms of other shards."""
        return self.engine.subscribers

    @property
    def sessions(self) -> int:
        """All open WebSockets."""
        return sum(s.away_since is None for live in self.rooms.values() for s in live.all_sessions())

    @property
    def ownership(self) -> Ownership | None:
        """What this process is among other shards."""
        return self._ownership

    @property
    def redis_up(self) -> bool:
        """Whether Redis takes what is written."""
        return self._store.healthy

    def media_stats(self) -> dict[str, object]:
        """Figures of the media engine."""
        return self.engine.stats()
