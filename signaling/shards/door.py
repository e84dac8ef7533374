"""Any door: a request for a room goes to the shard that has it, whichever shard was asked.

What is for no room, or for one of our own, goes on to the application untouched. A request has gone through at most
``MAX_HOPS`` shards: two that disagree about an owner do not send it to and fro for ever.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import structlog
from starlette.types import ASGIApp, Receive, Scope, Send

from signaling.errors import CloseCode, ErrorCode, RoomError
from signaling.redis_client import REDIS_FAILURES
from signaling.shards.internal import ORIGIN, answer
from signaling.shards.model import ShardInfo, shard_of
from signaling.shards.ownership import Ownership
from signaling.shards.peers import Peers, Unreachable
from signaling.shards.signing import Origin
from signaling.tracing import Tracer, start_span

log = structlog.get_logger("plenum.shards")

MAX_HOPS = 3
RETRY_PAUSE_S = 0.1
MAX_KNOWN = 10_000
ASK_TIMEOUT_S = 1.0
FAREWELL_S = 20.0
"""So long a living shard may take to end the sockets of a room that it has given away: longer than any command."""
_ROOM_PATH = re.compile(r"/webrtc/(ws|rooms|whip|whep|hls)/([A-Za-z0-9_-]{1,64})(?:/|$)")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a request wants: its room, and whether it opens one that is not open."""

    room_id: str
    opens: bool


def wanted(scope: Scope) -> Wanted | None:
    """The room that a request is for; None: it is for any shard."""
    found = _ROOM_PATH.match(scope["path"])
    if found is None:
        return None
    kind, room_id = found[1], found[2]
    if scope["type"] == "websocket":
        return Wanted(room_id, opens=True) if kind == "ws" else None
    if scope["method"] == "OPTIONS" or (kind == "rooms" and scope["path"] == "/webrtc/rooms/active"):
        return None
    return Wanted(room_id, opens=kind == "whip" and scope["method"] == "POST")


class Door:
    """ASGI middleware around the application. ``adopt`` re-forms a room here; ``has_seats`` says if there is one to."""

    def __init__(
        self,
        app: ASGIApp,
        ownership: Ownership,
        peers: Peers,
        *,
        adopt: Callable[[str], Awaitable[None]],
        has_seats: Callable[[str], Awaitable[bool]],
    ) -> None:
        self._app = app
        self._ownership = ownership
        self._peers = peers
        self._adopt = adopt
        self._has_seats = has_seats
        self._known: dict[str, str] = {}
        self._passed: dict[str, dict[object, Callable[[], None]]] = {}
        self._holders: dict[str, str] = {}
        self.tracer: Tracer | None = None
        self._suspected: dict[str, float] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        want = wanted(scope) if scope["type"] in ("http", "websocket") else None
        if want is None or self._ownership.fence_of(want.room_id) is not None:
            await self._app(scope, receive, send)
            return
        origin: Origin | None = scope.get(ORIGIN)
        hop = origin.hop if origin is not None else 0
        if origin is None:
            client = scope.get("client")
            secure = scope.get("scheme") in ("https", "wss")
            origin = Origin(0, client[0] if client else "", "https" if secure else "http")
        onward = Origin(hop + 1, origin.client, origin.scheme)
        carry = self._carry_socket if scope["type"] == "websocket" else self._carry_request
        try:
            await self._serve(want, scope, receive, send, onward, carry)
        except RoomError as error:
            await _refuse(scope, receive, send, error)

    async def _serve(
        self,
        want: Wanted,
        scope: Scope,
        receive: Receive,
        send: Send,
        onward: Origin,
        carry: Callable[[ShardInfo, Wanted, Scope, Receive, Send, Origin], Awaitable[None]],
    ) -> None:
        deadline = time.monotonic() + self._ownership.options.takeover_wait_s
        while True:
            try:
                shard = await self._where(want, onward.hop)
                if shard is None:
                    await self._app(scope, receive, send)
                    return
                if onward.hop > MAX_HOPS:
                    raise RoomError(ErrorCode.UNAVAILABLE, "The shards do not agree whose room it is.", retry_after=1)
                await carry(shard, want, scope, receive, send, onward)
                return
            except Unreachable:
                self._ownership.counters["shards_unreachable"] += 1
            if time.monotonic() > deadline:
                raise RoomError(ErrorCode.UNAVAILABLE, "The room's shard does not answer.", retry_after=1)
            await asyncio.sleep(RETRY_PAUSE_S)

    async def _where(self, want: Wanted, hop: int) -> ShardInfo | None:
        """The shard that a request is for; None: this one. Raises Unreachable while that is not known yet."""
        own = self._ownership
        try:
            lease = await own.find(want.room_id)
        except REDIS_FAILURES:
            return await self._ask_around(want.room_id)
        if lease is not None:
            if lease.holder == own.me:
                return None
            shard = own.shards.get(shard_of(lease.holder))
            if shard is None or shard.holder != lease.holder:
                await own.look_around()
                shard = own.shards.get(shard_of(lease.holder))
            if shard is None or shard.holder != lease.holder:
                raise Unreachable(lease.holder)
            self._remember(want.room_id, lease.holder)
            return shard
        return await self._place(want, hop)

    async def _ask_around(self, room_id: str) -> ShardInfo | None:
        """Without Redis: the shard that has the room as it says itself, of those that lived lately; None: none of them.

        The one that had it when Redis last answered is asked alone first.
        """
        own = self._ownership
        known = shard_of(self._known.get(room_id, ""))
        others = [shard for shard in own.shards.values() if shard.id != own.info.id]
        for asked in ([shard for shard in others if shard.id == known], others):
            answers = await asyncio.gather(*(self._has(shard, room_id) for shard in asked))
            if any(answers):
                return asked[answers.index(True)]
        return None

    async def _has(self, shard: ShardInfo, room_id: str) -> bool:
        try:
            async with asyncio.timeout(ASK_TIMEOUT_S):
                answer = await self._peers.command(shard, "has", {"room_id": room_id})
        except (Unreachable, RoomError, TimeoutError):
            return False
        return bool(answer.get("has"))

    async def _place(self, want: Wanted, hop: int) -> ShardInfo | None:
        """Where a room that nobody has is opened, or goes on."""
        own = self._ownership
        re_formed = not want.opens and await self._has_seats(want.room_id)
        if not (want.opens or re_formed):
            return None
        chosen = own.choose(want.room_id) if hop <= 1 else own.info
        if chosen is None:
            raise RoomError(ErrorCode.UNAVAILABLE, "All shards are full.", retry_after=10)
        if chosen.id != own.info.id:
            return chosen
        if re_formed:
            await self._adopt(want.room_id)
        return None

    def _remember(self, room_id: str, holder: str) -> None:
        """For times without Redis."""
        self._known.pop(room_id, None)
        self._known[room_id] = holder
        if len(self._known) > MAX_KNOWN:
            self._known.pop(next(iter(self._known)))

    async def _carry_request(
        self, shard: ShardInfo, want: Wanted, scope: Scope, receive: Receive, send: Send, onward: Origin
    ) -> None:
        self._ownership.counters["requests_passed_on"] += 1
        await self._peers.pass_on(shard, scope, receive, send, onward)

    async def _carry_socket(
        self, shard: ShardInfo, want: Wanted, scope: Scope, receive: Receive, send: Send, onward: Origin
    ) -> None:
        began_ns = time.time_ns()
        span = None
        if self.tracer is not None:
            span, scope = start_span(self.tracer, scope, want.room_id, began_ns)
        upstream = None
        try:
            upstream = await self._peers.open_socket(shard, scope, onward)
        finally:
            if span is not None:
                error = "" if upstream is not None else "unreachable"
                span.end(time.time_ns(), {"plenum.shard": self._ownership.info.id, "plenum.owner": shard.id}, error)
        self._ownership.counters["sockets_passed_on"] += 1
        # The client's "connect" has been waiting all the time.
        await receive()
        token = object()
        self._passed.setdefault(want.room_id, {})[token] = upstream.transport.abort
        self._holders[want.room_id] = shard.holder
        try:
            await self._peers.join_sockets(upstream, receive, send)
        finally:
            rest = self._passed[want.room_id]
            del rest[token]
            if not rest:
                del self._passed[want.room_id]
                self._holders.pop(want.room_id, None)

    async def look_after_sockets(self) -> None:
        """Cut passed-on sockets off from a shard that has lost their room: it may be silent without having ended.

        One that lives tells its clients of the move and ends their sockets itself, when the other has adopted the room.
        """
        before, self._suspected = self._suspected, {}
        now = time.monotonic()
        for room_id, holder in list(self._holders.items()):
            lease = await self._ownership.find(room_id)
            if lease is not None and lease.holder == holder:
                continue
            since = before.get(room_id, now)
            if self._has_time(lease is None, holder, now - since, is_new=room_id not in before):
                self._suspected[room_id] = since
                continue
            self._ownership.counters["sockets_cut_off"] += 1
            for cut in list(self._passed.get(room_id, {}).values()):
                cut()

    def _has_time(self, is_nobodys: bool, holder: str, waited_s: float, *, is_new: bool) -> bool:
        """Whether the shard that sockets go to may still end them itself."""
        if is_nobodys:
            return is_new  # nobody has a room for a moment while its first participant is let in
        found = self._ownership.shards.get(shard_of(holder))
        return found is not None and found.holder == holder and waited_s < FAREWELL_S


async def _refuse(scope: Scope, receive: Receive, send: Send, error: RoomError) -> None:
    if scope["type"] == "http":
        await answer(send, error.status, error.body().model_dump(mode="json"))
        return
    await receive()
    await send({"type": "websocket.accept"})
    await send({"type": "websocket.close", "code": CloseCode.TRY_LATER, "reason": error.code.value})
