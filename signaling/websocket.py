"""The WebSocket of a room: ``/webrtc/ws/{room_id}?token=``."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable
from dataclasses import dataclass

import structlog
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketDisconnect

from signaling.catalogue import CATALOGUE
from signaling.envelope import InvalidFrame, Letter, parse_frame
from signaling.errors import CloseCode, ErrorCode, RoomError
from signaling.flood import FloodGate
from signaling.hub import Hub
from signaling.limits import RateLimiter
from signaling.live_room import LiveRoom
from signaling.messages.room import ErrorMessage
from signaling.names import check_room_id
from signaling.outbox import CLOSE_TIMEOUT_S, Outbox
from signaling.request_ids import request_id_of
from signaling.rest.bearer import bearer_of
from signaling.scopes import header_of
from signaling.session import Session
from signaling.tokens import TokenVerifier
from signaling.tracing import HEADER as TRACEPARENT
from signaling.tracing import JoinTrace

log = structlog.get_logger("plenum.websocket")


PATH = "/webrtc/ws/"
MAX_SESSION_ID_CHARACTERS = 64
MAX_SEQ_DIGITS = 15
FLOOD_PAUSE_S = 60
TRACED = {"offer": "publish offer", "answer": "subscribe answer"}
FLOOD_CLOSE_S = 3 * CLOSE_TIMEOUT_S


@dataclass(frozen=True, slots=True)
class ResumeWish:
    """A client's wish to go on with a session, from the message after ``last_seq``; -1: to begin anew in its place."""

    session_id: str
    last_seq: int


def resume_wish(session_id: str | None, last_seq: str | None) -> ResumeWish | None:
    """Read the wish from the address; what is no wish is a normal join."""
    if not session_id or len(session_id) > MAX_SESSION_ID_CHARACTERS:
        return None
    readable = last_seq is not None and len(last_seq) <= MAX_SEQ_DIGITS and last_seq.isascii() and last_seq.isdigit()
    return ResumeWish(session_id, int(last_seq) if readable and last_seq else -1)


class RoomSockets:
    """Connects WebSockets with rooms."""

    def __init__(self, hub: Hub, verifier: TokenVerifier, limiter: RateLimiter) -> None:
        self._hub = hub
        self._verifier = verifier
        self._limiter = limiter

    async def serve(self, socket: WebSocket, room_id: str, token: str | None, wish: ResumeWish | None = None) -> None:
        """Run one socket from its join, or from where a lost one left off, to its end.

        A refused client is accepted first and closed then: browsers see the close code only after an accept.
        """
        await socket.accept()
        options = self._hub.around.options
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(None) as life:

            def end() -> None:
                with contextlib.suppress(RuntimeError):  # the client was quicker: the session is over already
                    life.reschedule(loop.time())

            outbox = Outbox(
                socket, max_messages=options.max_queue_messages, max_bytes=options.max_queue_bytes, on_closed=end
            )
            await self._run(socket, outbox, room_id, token, wish)

    async def _run(
        self, socket: WebSocket, outbox: Outbox, room_id: str, token: str | None, wish: ResumeWish | None
    ) -> None:
        session = self._hub.new_session("", outbox)
        trace = self._trace(socket, room_id)
        try:
            identity = self._verifier.verify_for_room(token, check_room_id(room_id))
            self._limiter.check_here("joins", identity.username)
            resumed = wish and self._hub.resume(room_id, identity.username, wish.session_id, wish.last_seq, outbox)
            if resumed:
                live, session = resumed
                outcome = "resumed"
            else:
                session.username = identity.username
                follows, last_seq = (wish.session_id, wish.last_seq) if wish is not None else ("", 0)
                live = await self._hub.join(room_id, identity, session, follows=follows, last_seq=last_seq)
                outcome = "joined" if live.sessions.get(session.username) is session else "waits"
        except RoomError as error:
            if trace is not None and self._hub.around.traces is not None:
                self._hub.around.traces.refused(trace, error.code.value)
            await self._refuse(socket, session, error)
            return
        if trace is not None and self._hub.around.traces is not None:
            self._hub.around.traces.entered(trace, room_id, session.username, outcome)
        del trace
        left = False
        try:
            await self._read(socket, outbox, session, live)
        except WebSocketDisconnect as ended:
            left = ended.code in (CloseCode.NORMAL, CloseCode.GOING_AWAY)
        finally:
            outbox.discard()
            # Else a newer socket has the session: this one was given up.
            if session.is_on(outbox):
                self._end(session, live, left=left)

    def _trace(self, socket: WebSocket, room_id: str) -> JoinTrace | None:
        traces = self._hub.around.traces
        if traces is None:
            return None
        return traces.begin(room_id, header_of(socket.scope, TRACEPARENT), request_id_of(socket.scope))

    def _end(self, session: Session, live: LiveRoom, *, left: bool) -> None:
        if session.closed or left:
            session.closed = True
            live.leave(session.username, session.session_id, "left" if left else "disconnected")
        else:
            live.away.lose(session, time.monotonic())

    async def _refuse(self, socket: WebSocket, session: Session, error: RoomError) -> None:
        self._hub.around.counters[f"join_refused_{error.code.value}"] += 1
        body = ErrorMessage(**error.body().model_dump())
        session.send(Letter(body.type_name, body.model_dump_json(), None, self._hub.around.unix()))
        session.close(error.close_code, error.code.value)
        while True:  # until the client has taken leave; the close has a time-out of its own
            if (await socket.receive())["type"] == "websocket.disconnect":
                return

    async def _read(self, socket: WebSocket, outbox: Outbox, session: Session, live: LiveRoom) -> None:
        options = self._hub.around.options
        max_bytes = options.max_frame_bytes
        counters, traces = self._hub.around.counters, self._hub.around.traces
        gate = FloodGate(options.flood_messages_per_second, options.flood_burst, time.monotonic())
        while True:
            message = await socket.receive()
            if message["type"] == "websocket.disconnect":
                raise WebSocketDisconnect(message.get("code", 1006), message.get("reason"))
            if not session.is_on(outbox):
                continue  # given up; its client sends this again by the new socket
            session.last_heard = now = time.monotonic()
            counters["messages_received"] += 1
            text = message.get("text")
            if not gate.admit(len(text if text is not None else message.get("bytes") or b""), now):
                self._end_flood(session, live)
                await asyncio.sleep(FLOOD_CLOSE_S)  # nothing more is read; the end of the close ends this first
                return
            if gate.is_busy:
                await asyncio.sleep(0)  # what one sends without a pause must not keep the others waiting
            try:
                if text is None:
                    raise InvalidFrame("Messages are text frames.")
                frame = parse_frame(text, max_bytes)
            except InvalidFrame as error:
                if await self._allow("messages", session, live, error.message_id):
                    live.delivery.refuse(session, error, error.message_id)
                continue
            line = CATALOGUE.get(frame.type)
            limit = line.limit_for(frame.payload) if line is not None and line.receives is not None else "messages"
            allowed = limit is None or await self._allow(limit, session, live, frame.id)
            if allowed and session.is_on(outbox):
                live.receive(session, frame)
                if traces is not None and frame.type in TRACED:
                    traces.on_message(live.room.room_id, session.username, TRACED[frame.type], now)
            self._hub.around.message_seconds.observe(time.monotonic() - now)

    def _end_flood(self, session: Session, live: LiveRoom) -> None:
        self._hub.around.counters["floods"] += 1
        log.warning("closed: floods", room=live.room.room_id, participant=session.username)
        error = RoomError(ErrorCode.RATE_LIMITED, "Far too many messages.", retry_after=FLOOD_PAUSE_S)
        live.delivery.refuse(session, error, None)
        session.close(CloseCode.FLOODED, "flooded")
        live.leave(session.username, session.session_id, "flooded")

    async def _allow(self, limit: str, session: Session, live: LiveRoom, message_id: str | None) -> bool:
        try:
            await self._limiter.check(limit, session.username)
        except RoomError as error:
            live.delivery.refuse(session, error, message_id)
            return False
        return True


class RoomEntrance:
    """ASGI middleware that leads the WebSockets of rooms past what concerns HTTP alone.

    Frames and exit stacks of a dozen layers, kept for as long as a socket is open, would take as much as its session.
    """

    def __init__(self, app: ASGIApp, sockets: RoomSockets) -> None:
        self._app = app
        self._sockets = sockets

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """ASGI."""
        path = scope.get("path", "")
        if scope["type"] != "websocket" or not path.startswith(PATH) or "/" in (room_id := path[len(PATH) :]):
            return self._app(scope, receive, send)
        return self._enter(WebSocket(scope, receive, send), room_id)

    async def _enter(self, socket: WebSocket, room_id: str) -> None:
        query = socket.query_params
        wish = resume_wish(query.get("session_id"), query.get("last_seq"))
        token = query.get("token") or bearer_of(socket.headers.get("authorization"))
        try:
            await self._sockets.serve(socket, room_id, token, wish)
        except (WebSocketDisconnect, TimeoutError):
            return  # the other side was quicker, or our close is through
        except Exception:
            log.exception("session failed", room=room_id)
            with contextlib.suppress(RuntimeError, OSError, WebSocketDisconnect):  # the client may be gone by now
                await socket.close(CloseCode.INTERNAL, ErrorCode.INTERNAL.value)
