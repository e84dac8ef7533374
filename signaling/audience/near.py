"""The near end: where a room is owned. Chooses who receives from where, and keeps each pipe's far end in the know."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import structlog

from sfu.pipes.transport import OutgoingPipe
from signaling.audience.address import own_address
from signaling.audience.placing import choose_far
from signaling.audience.seat import RemoteSeat
from signaling.audience.viewer import RemoteViewer
from signaling.effects import Effects
from signaling.errors import RoomError
from signaling.shards.model import ShardInfo, ShardState
from signaling.shards.peers import Unreachable

if TYPE_CHECKING:
    from sfu.engine import Engine
    from sfu.router import Router
    from signaling.preferences import Preferences
    from signaling.room import Room
    from signaling.shards.ownership import Ownership
    from signaling.shards.peers import Peers

log = structlog.get_logger("plenum.audience")

REFRESH_S = 4.0
IDLE_S = 30.0
"""A pipe without anybody at its far end is kept for so long: who comes back finds it."""


class NearPipe:
    """One room's way to one other shard. ``failed``: it is of no use any more."""

    def __init__(self, audience: Audience, shard: ShardInfo) -> None:
        self.shard = shard
        self.id = ""
        self.seats: dict[str, RemoteSeat | RemoteViewer] = {}
        self.failed = False
        self.idle_since: float | None = None
        self.pipe: OutgoingPipe | None = None
        self._audience = audience
        self._dirty = asyncio.Event()
        self._order = asyncio.Lock()
        self._task = asyncio.create_task(self._run(), name=f"pipe to {shard.id}")
        self._opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def call(self, name: str, body: dict[str, Any]) -> Any:
        """Have the far end do something, after all that was asked before. Raises Unreachable or RoomError."""
        await asyncio.shield(self._opened)
        async with self._order:
            if self._dirty.is_set():
                await self._tell_tracks()
            return await self._command(name, body)

    async def _command(self, name: str, body: Mapping[str, Any]) -> Any:
        services = self._audience.services
        return await services.peers.command(self.shard, name, {"pipe_id": self.id, **body})

    def refresh(self) -> None:
        """What the far end has to know has changed."""
        self._dirty.set()

    async def _tell_tracks(self) -> None:
        assert self.pipe is not None and self.pipe.sender is not None
        self._dirty.clear()
        tracks = [track.values() for track in self.pipe.sender.tracks()]
        await self._command("pipe-tracks", {"tracks": tracks, "groups": self._audience.groups()})

    async def _run(self) -> None:
        services = self._audience.services
        try:
            await self._open()
            if not self._opened.done():
                self._opened.set_result(None)
            while self.pipe is not None and not self.pipe.closed:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(REFRESH_S):
                        await self._dirty.wait()
                async with self._order:
                    await self._tell_tracks()
        except (Unreachable, RoomError, OSError, ValueError, KeyError) as error:
            log.warning("pipe lost", room=self._audience.room.room_id, shard=self.shard.id, error=str(error))
        finally:
            self.failed = True
            if self.id:
                services.later(self._command("pipe-close", {}))
            if not self._opened.done():
                self._opened.set_exception(Unreachable(self.shard.id))
                self._opened.exception()
            if self.pipe is not None:
                self.pipe.close()

    async def _open(self) -> None:
        audience, services = self._audience, self._audience.services
        host = await own_address(services.ownership.options.internal_host)
        pipe = self.pipe = OutgoingPipe(audience.router, host)
        body = {
            "room_id": audience.room.room_id,
            "shard": services.ownership.info.id,
            "host": host,
            "port": pipe.port,
            "nonce": pipe.nonce.hex(),
        }
        opened = await services.peers.command(self.shard, "pipe-open", body)
        self.id = str(opened["pipe_id"])
        address = str(opened["host"]), int(opened["port"])
        pipe.connect(address, services.secret, bytes.fromhex(opened["nonce"]), self.refresh)
        self._dirty.set()
        log.info("room piped", room=audience.room.room_id, shard=self.shard.id)

    def close(self) -> None:
        """Send nothing any more, and let the far end know."""
        self._task.cancel()


class Audience:
    """Of one room. ``apply`` carries effects out; ``send_away`` lets clients come anew, and be placed anew."""

    def __init__(
        self,
        services: AudienceServices,
        room: Room,
        router: Router,
        apply: Callable[[Effects], None],
        send_away: Callable[[str], None],
    ) -> None:
        self.services = services
        self.room = room
        self.router = router
        self.apply = apply
        self.pipes: dict[str, NearPipe] = {}
        self.send_away = send_away

    def seat_for(self, username: str, preferences: Preferences) -> RemoteSeat | None:
        """AudiencePort."""
        pipe = self._pipe_with_place()
        if pipe is None:
            return None
        seat = RemoteSeat(username, preferences, pipe, self)
        pipe.seats[seat.id] = seat
        return seat

    def viewer(self) -> RemoteViewer | None:
        """A place at another shard for a WHEP viewer; None: it receives from this one."""
        pipe = self._pipe_with_place()
        if pipe is None:
            return None
        viewer = RemoteViewer(pipe, self)
        pipe.seats[viewer.id] = viewer
        return viewer

    def _pipe_with_place(self) -> NearPipe | None:
        """The way to where the next is to receive from; None: from this shard itself."""
        services = self.services
        if not services.is_full():
            return None
        taken = {shard_id: len(pipe.seats) for shard_id, pipe in self.pipes.items() if not pipe.failed}
        lost = {shard_id for shard_id, pipe in self.pipes.items() if pipe.failed}
        shards = [shard for shard in services.ownership.shards.values() if shard.id not in lost]
        shard = choose_far(shards, services.ownership.info.id, taken)
        if shard is None:
            return None
        pipe = self.pipes.get(shard.id)
        if pipe is None:
            pipe = self.pipes[shard.id] = NearPipe(self, shard)
        pipe.idle_since = None
        return pipe

    def refresh(self) -> None:
        """AudiencePort."""
        for pipe in self.pipes.values():
            pipe.refresh()

    def groups(self) -> dict[str, str | None]:
        """Who is in which breakout room."""
        return {name: one.breakout_room_id for name, one in self.room.participants.items()}

    def forget(self, seat: RemoteSeat | RemoteViewer) -> None:
        """Somebody receives from there no more."""
        pipe = seat.pipe
        pipe.seats.pop(seat.id, None)

    def take_news(self, pipe_id: str, news: list[Mapping[str, Any]]) -> None:
        """What a far end tells of its subscribers."""
        pipe = next((pipe for pipe in self.pipes.values() if pipe.id == pipe_id), None)
        if pipe is None:
            return
        for item in news:
            if item.get("gone"):
                pipe.failed = True
                self.review(self.services.now())
                return
            seat = pipe.seats.get(str(item["seat"]))
            if seat is not None:
                seat.take(item)

    def review(self, now: float) -> None:
        """Called each second: the audience leaves a far end that is gone or to be emptied; one without is let go."""
        known = self.services.ownership.shards
        for shard_id, pipe in list(self.pipes.items()):
            shard = known.get(shard_id)
            lost = pipe.failed or shard is None or shard.holder != pipe.shard.holder
            if lost or (shard is not None and shard.state is ShardState.DRAINING):
                for seat in list(pipe.seats.values()):
                    seat.send_away()
            if pipe.seats:
                pipe.idle_since = None
                continue
            pipe.idle_since = pipe.idle_since or now
            if lost or now - pipe.idle_since > IDLE_S:
                pipe.close()
                del self.pipes[shard_id]

    def close(self) -> None:
        """The room has ended here."""
        self.end_viewers()
        for pipe in self.pipes.values():
            pipe.close()
        self.pipes.clear()

    def end_viewers(self) -> None:
        """The room is no longer here; WHEP viewers do not follow it by themselves."""
        for pipe in self.pipes.values():
            for seat in list(pipe.seats.values()):
                if isinstance(seat, RemoteViewer):
                    seat.end()


class AudienceServices:
    """What the audiences of all rooms of a shard share. ``secret`` is that of all shards."""

    def __init__(self, engine: Engine, ownership: Ownership, peers: Peers, secret: bytes) -> None:
        self.ownership = ownership
        self.peers = peers
        self.secret = secret
        self._engine = engine
        self._tasks: set[asyncio.Task[None]] = set()

    def now(self) -> float:
        """Monotonic seconds."""
        return time.monotonic()

    def is_full(self) -> bool:
        """Whether no more participants should receive from this shard itself."""
        limit = self.ownership.options.max_subscribers
        return limit is not None and self._engine.subscribers >= limit

    def later(self, action: Any) -> None:
        """Do something of whose failure nobody needs to know."""

        async def quietly() -> None:
            with contextlib.suppress(Unreachable, RoomError):
                await action

        task = asyncio.create_task(quietly())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Wait for what is under way."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=1.0)
