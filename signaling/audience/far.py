"""The far end: rooms of other shards of which an audience is here. Does what their owners say, and tells them news."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import structlog

from sfu.connection import TransportState
from sfu.errors import NegotiationError
from sfu.pipes.track import MAX_TRACKS, PipedTrack
from sfu.pipes.transport import IncomingPipe
from sfu.transport import TransportRole
from sfu.wishes import Mode, Quality, Wish
from signaling.audience.address import own_address
from signaling.closing import end_tasks
from signaling.errors import ErrorCode, RoomError
from signaling.names import check_room_id
from signaling.negotiation import refusal
from signaling.preferences import Preferences, subscription_status
from signaling.shards.internal import Command
from signaling.shards.model import ShardState
from signaling.shards.peers import Unreachable

if TYPE_CHECKING:
    from sfu.consumer import Consumer
    from sfu.engine import Engine
    from sfu.producer import Producer
    from sfu.transport import Transport
    from signaling.shards.ownership import Ownership
    from signaling.shards.peers import Peers

log = structlog.get_logger("plenum.audience")

SILENT_S = 15.0
"""An owner that has said nothing for so long has gone: its audience looks for it elsewhere."""
LOOK_EVERY_S = 2.0
NEWS_PAUSE_S = 0.05
GOODBYE_S = 0.5


@dataclass(slots=True)
class FarSeat:
    """One stay of a subscriber. ``consumers`` by publication."""

    id: str
    transport: Transport | None = None
    consumers: dict[str, Consumer] = field(default_factory=dict)
    preferences: Preferences = field(default_factory=Preferences)


class FarPipe:
    """One room of another shard. It is the listener of the Router that its Producers come to."""

    def __init__(self, far: FarPipes, room_id: str, owner_id: str, host: str) -> None:
        self.id = secrets.token_hex(8)
        self.room_id = room_id
        self.owner_id = owner_id
        self.heard_at = time.monotonic()
        self.seats: dict[str, FarSeat] = {}
        self._seat_of: dict[str, str] = {}
        self._far = far
        self.router = far.engine.create_router(f"{room_id}|{self.id}")
        try:
            self.pipe = IncomingPipe(self.router, host)
        except OSError:
            self.router.close()
            raise
        self.router.listener = self

    # -- commands of the owner -------------------------------------------------------------------------------------

    def take_tracks(self, tracks: list[PipedTrack], groups: Mapping[str, str | None]) -> None:
        """All that there is, and who is in which breakout room."""
        self.router.set_groups(groups)
        self.pipe.receiver.update(tracks)

    def offer(
        self, seat_id: str, username: str, publications: list[str], preferences: Preferences, *, restart: bool
    ) -> Any:
        """Let a subscriber receive these and no others: the offer for its client, if one is due."""
        seat = self.seats.setdefault(seat_id, FarSeat(seat_id))
        seat.preferences = preferences
        producers = {i: p for i in publications if (p := self.router.producers.get(i)) is not None}
        if seat.transport is None or seat.transport.state is TransportState.CLOSED:
            if not producers:
                return {"sdp": None}
            seat.transport = self.router.create_transport(owner=username, role=TransportRole.SUBSCRIBE)
            self._seat_of[seat.transport.id] = seat_id
            seat.consumers.clear()
        transport = seat.transport
        for publication_id in seat.consumers.keys() - producers.keys():
            transport.unconsume(seat.consumers.pop(publication_id))
        for publication_id, producer in producers.items():
            if publication_id not in seat.consumers:
                with contextlib.suppress(NegotiationError):
                    seat.consumers[publication_id] = transport.consume(producer)
        preferences.apply(transport, seat.consumers)
        if not (transport.needs_offer or restart):
            return {"sdp": None}
        sdp = transport.create_offer(ice_restart=restart)
        tracks = {consumer.mid: publication_id for publication_id, consumer in seat.consumers.items()}
        return {"sdp": sdp, "tracks": tracks, "missing": len(publications) - len(producers)}

    def play(self, seat_id: str, sdp: str, publications: list[str]) -> Any:
        """Answer a WHEP client. ``missing``: how many tracks have not come here yet, and then nothing is done."""
        producers = [p for i in publications if (p := self.router.producers.get(i)) is not None]
        missing = len(publications) - len(producers)
        if missing:
            return {"missing": missing}
        transport = self.router.create_transport(owner=f"viewer:{seat_id}", role=TransportRole.SUBSCRIBE)
        try:
            answer = transport.accept_play_offer(sdp, producers)
        except BaseException:
            transport.close()
            raise
        self.seats[seat_id] = FarSeat(seat_id, transport)
        self._seat_of[transport.id] = seat_id
        return {"missing": 0, "sdp": answer, "ice_tag": transport.ice_tag}

    def patch(self, seat_id: str, fragment: str) -> Any:
        """A WHEP client's candidates, or its new ICE credentials."""
        seat = self.seats.get(seat_id)
        if seat is None or seat.transport is None:
            raise RoomError(ErrorCode.SESSION_NOT_FOUND, "That session has ended or never was.")
        return {"fragment": seat.transport.ice_patch(fragment), "ice_tag": seat.transport.ice_tag}

    def answer(self, seat_id: str, sdp: str) -> Any:
        """The client's answer; which publications it cannot receive."""
        seat = self.seats.get(seat_id)
        if seat is None or seat.transport is None:
            raise RoomError(ErrorCode.INVALID_STATE, "No offer is waiting for an answer.")
        refused = seat.transport.accept_answer(sdp)
        for consumer in refused:
            seat.consumers.pop(consumer.producer.id, None)
            seat.transport.unconsume(consumer)
        return {"refused": [consumer.producer.id for consumer in refused]}

    def wish(self, seat_id: str, preferences: Preferences) -> None:
        """What a subscriber wishes to receive."""
        seat = self.seats.get(seat_id)
        if seat is not None:
            seat.preferences = preferences
            preferences.apply(seat.transport, seat.consumers)

    def leave(self, seat_id: str) -> None:
        """A subscriber has gone."""
        seat = self.seats.pop(seat_id, None)
        if seat is not None and seat.transport is not None:
            seat.transport.close()

    def close(self) -> None:
        """The room is piped here no longer."""
        self.router.listener = None
        self.router.close()
        self.pipe.close()

    # -- from the Router -------------------------------------------------------------------------------------------

    def on_speakers(self, dominant: str | None, levels: dict[str, float], group: str | None = None) -> None:
        """The owner tells who speaks."""

    def on_transport_state(self, transport: Transport) -> None:
        """The owner tells the client what follows."""
        seat_id = self._seat_of.get(transport.id, "")
        seat = self.seats.get(seat_id)
        if seat is not None and seat.transport is transport:
            self._far.tell(self, {"seat": seat_id, "state": transport.state.value})
        if transport.state is TransportState.CLOSED:
            self._seat_of.pop(transport.id, None)

    def on_wanted_layers(self, producer: Producer, layers: Mapping[str, bool]) -> None:
        """The pipe tells."""

    def on_subscription(self, transport: Transport) -> None:
        """What a subscriber gets has changed."""
        status = subscription_status(transport).model_dump(mode="json")
        self._far.tell(self, {"seat": self._seat_of.get(transport.id, ""), "status": status})


class FarPipes:
    """All rooms of which an audience is here. ``secret`` is that of all shards."""

    def __init__(self, engine: Engine, ownership: Ownership, peers: Peers, secret: bytes) -> None:
        self.engine = engine
        self.pipes: dict[str, FarPipe] = {}
        self._ownership = ownership
        self._peers = peers
        self._secret = secret
        self._news: dict[str, list[dict[str, Any]]] = {}
        self._telling: asyncio.Task[None] | None = None
        self._looking: asyncio.Task[None] | None = None

    def commands(self) -> dict[str, Command]:
        """By name; each names its pipe but the one that opens it."""
        names = ("open", "tracks", "offer", "answer", "play", "patch", "wishes", "leave", "close")
        return {f"pipe-{name}": getattr(self, f"_{name}") for name in names}

    async def _open(self, body: dict[str, Any]) -> dict[str, Any]:
        room_id = check_room_id(str(body["room_id"]))
        host = await own_address(self._ownership.options.internal_host)
        try:
            far = FarPipe(self, room_id, str(body["shard"]), host)
        except OSError as error:
            raise RoomError(ErrorCode.UNAVAILABLE, f"No port for a pipe: {error.strerror}") from None
        try:
            far.pipe.connect((str(body["host"]), int(body["port"])), self._secret, bytes.fromhex(body["nonce"]))
        except BaseException:
            far.close()
            raise
        self.pipes[far.id] = far
        if self._looking is None:
            self._looking = asyncio.create_task(self._look_after(), name="far pipes")
        log.info("a room is piped here", room=room_id, owner=far.owner_id)
        return {"pipe_id": far.id, "host": host, "port": far.pipe.port, "nonce": far.pipe.nonce.hex()}

    def _of(self, body: Mapping[str, Any]) -> FarPipe:
        far = self.pipes.get(str(body["pipe_id"]))
        if far is None:
            raise RoomError(ErrorCode.NOT_FOUND, "There is no such pipe.")
        far.heard_at = time.monotonic()
        return far

    async def _tracks(self, body: dict[str, Any]) -> dict[str, Any]:
        far = self._of(body)
        tracks = [PipedTrack.read(values) for values in body["tracks"][:MAX_TRACKS]]
        far.take_tracks(tracks, {str(name): group for name, group in body["groups"].items()})
        return {"taken": len(tracks)}

    async def _offer(self, body: dict[str, Any]) -> Any:
        publications = [str(publication_id) for publication_id in body["publications"]]
        far = self._of(body)
        seat_id, username = str(body["seat"]), str(body["username"])
        return far.offer(seat_id, username, publications, _preferences(body), restart=bool(body["restart"]))

    async def _answer(self, body: dict[str, Any]) -> Any:
        with _refusing():
            return self._of(body).answer(str(body["seat"]), str(body["sdp"]))

    async def _play(self, body: dict[str, Any]) -> Any:
        publications = [str(publication_id) for publication_id in body["publications"]]
        with _refusing():
            return self._of(body).play(str(body["seat"]), str(body["sdp"]), publications)

    async def _patch(self, body: dict[str, Any]) -> Any:
        with _refusing():
            return self._of(body).patch(str(body["seat"]), str(body["fragment"]))

    async def _wishes(self, body: dict[str, Any]) -> dict[str, Any]:
        self._of(body).wish(str(body["seat"]), _preferences(body))
        return {}

    async def _leave(self, body: dict[str, Any]) -> dict[str, Any]:
        self._of(body).leave(str(body["seat"]))
        return {}

    async def _close(self, body: dict[str, Any]) -> dict[str, Any]:
        self._end(self._of(body))
        return {}

    def _end(self, far: FarPipe) -> None:
        self.pipes.pop(far.id, None)
        self._news.pop(far.id, None)
        far.close()
        log.info("a room is piped here no longer", room=far.room_id)

    # -- news ------------------------------------------------------------------------------------------------------

    def tell(self, far: FarPipe, news: dict[str, Any]) -> None:
        """Tell the owner soon, with what else there is."""
        if far.id in self.pipes:
            self._news.setdefault(far.id, []).append(news)
            if self._telling is None or self._telling.done():
                self._telling = asyncio.create_task(self._tell(), name="pipe news")

    async def _tell(self) -> None:
        while self._news:
            await asyncio.sleep(NEWS_PAUSE_S)
            news, self._news = self._news, {}
            for pipe_id, items in news.items():
                far = self.pipes.get(pipe_id)
                owner = None if far is None else self._ownership.shards.get(far.owner_id)
                if far is None or owner is None:
                    continue
                body = {"room_id": far.room_id, "pipe_id": pipe_id, "news": items}
                with contextlib.suppress(Unreachable, RoomError):
                    await self._peers.command(owner, "pipe-news", body)

    @property
    def guests(self) -> int:
        """Subscribers of other shards' rooms whom their owners can still send elsewhere."""
        shards = self._ownership.shards
        active = {name for name, shard in shards.items() if shard.state is ShardState.ACTIVE}
        return sum(len(far.seats) for far in self.pipes.values() if far.owner_id in active)

    async def _look_after(self) -> None:
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            now = time.monotonic()
            for far in [far for far in self.pipes.values() if now - far.heard_at > SILENT_S]:
                self._end(far)

    async def close(self) -> None:
        """End all, and tell the owners."""
        await end_tasks(self._looking, self._telling)
        await asyncio.gather(*(self._say_goodbye(far) for far in self.pipes.values()))
        for far in list(self.pipes.values()):
            self._end(far)

    async def _say_goodbye(self, far: FarPipe) -> None:
        owner = self._ownership.shards.get(far.owner_id)
        if owner is not None:
            body = {"room_id": far.room_id, "pipe_id": far.id, "news": [{"seat": "", "gone": True}]}
            with contextlib.suppress(Unreachable, RoomError, TimeoutError):
                async with asyncio.timeout(GOODBYE_S):
                    await self._peers.command(owner, "pipe-news", body)


@contextlib.contextmanager
def _refusing() -> Iterator[None]:
    """What cannot be negotiated is said as a room says it."""
    try:
        yield
    except NegotiationError as error:
        raise refusal(error) from None


def _preferences(body: Mapping[str, Any]) -> Preferences:
    wishes = {
        str(publication_id): Wish(**{**wish, "quality": Quality(wish["quality"])})
        for publication_id, wish in body["wishes"].items()
    }
    return Preferences(Mode(body["mode"]), wishes)
