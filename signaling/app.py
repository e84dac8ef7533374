"""The application: everything of signaling behind one ASGI app."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable, Iterable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from fastapi import APIRouter, FastAPI
from redis.asyncio import Redis
from starlette.middleware.cors import CORSMiddleware

from signaling import websocket
from signaling.api_pages import add_api_pages
from signaling.closing import close_within
from signaling.events.courier import Courier
from signaling.events.log import EventLog
from signaling.hub import Hub, new_id
from signaling.invites import InviteDesk
from signaling.limits import RateLimiter
from signaling.live.desk import LiveDesk
from signaling.live.port import LiveOutputs
from signaling.live.sealing import Sealer
from signaling.options import SignalingOptions
from signaling.pages import SecurityHeaders, add_pages
from signaling.recordings import RecordingPort
from signaling.redis_metrics import RedisCollector, guard_of
from signaling.rest import (
    admin,
    breakouts,
    chat,
    events,
    explain,
    failures,
    live,
    openapi,
    people,
    recordings,
    routes,
    waiting,
)
from signaling.rest.body_limit import BodyLimit
from signaling.rest.calls import RestServices
from signaling.rest.limits import RateLimitHeaders
from signaling.shards.model import ShardInfo
from signaling.shards.ownership import Ownership
from signaling.shards.wiring import wire
from signaling.store import RoomStore
from signaling.tokens import TokenVerifier
from signaling.tracing import JoinTraces, Tracer
from signaling.version import VERSION
from signaling.whip_gate import WhipGate

if TYPE_CHECKING:
    from sfu.engine import Engine

_TAGS = [
    {"name": "client", "description": "What a client needs before it joins."},
    {"name": "rooms", "description": "Who is in a room."},
    {"name": "people", "description": "Roles, permissions, settings, moderation and raised hands."},
    {"name": "waiting room", "description": "Who waits, and letting them in."},
    {"name": "breakout rooms", "description": "Meetings of their own within a room."},
    {"name": "chat", "description": "What is written in a room."},
    {"name": "recording and live output", "description": "Recordings, and sending a room to streaming services."},
    {"name": "events", "description": "What happened in a room, and what it adds up to."},
    {"name": "whip", "description": "Publish with any WHIP client (RFC 9725)."},
    {"name": "whep", "description": "Play with any WHEP client."},
    {"name": "operations", "description": "For those who run the server."},
]
_EXPOSED = ["Location", "ETag", "Link", "Accept-Patch", "Accept-Post", "Allow"]
_EXPOSED += ["Retry-After", "RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset", "X-Request-Id"]
# Beyond the largest description that options allow.
MAX_BODY_BYTES = 2_097_152
HUB_CLOSE_S = 4.0
MediaRouter = Callable[[WhipGate], APIRouter]


def create_app(
    *,
    options: SignalingOptions,
    engine: Engine,
    redis: Redis,
    web_root: Path,
    media_routers: Iterable[MediaRouter] = (),
    extra_routers: Iterable[APIRouter] = (),
    recorder: RecordingPort | None = None,
    shard: ShardInfo | None = None,
    live_outputs: LiveOutputs | None = None,
    tracer: Tracer | None = None,
) -> FastAPI:
    """Build the application; raises TokenConfigurationError when no token could ever be accepted.

    ``media_routers`` are called with the gate through which WHIP and WHEP enter rooms. The engine and Redis are the
    caller's to start and to close. ``app.state.hub`` is the Hub, which the app's lifespan closes. ``shard``: what this
    process is among others that share the Redis; without it, it takes all rooms for its own. ``live_outputs``
    makes live streams; None: there are none. ``tracer``: where traces of joins go.
    """
    store = RoomStore(redis, options.redis, options.events)
    limiter = RateLimiter(redis, options.redis, options.rooms)
    ownership = Ownership(redis, options.redis, options.shards, shard) if shard is not None else None
    hub = Hub(options, engine, store, partial(limiter.check, "rooms_created"), ownership)
    if (guard := guard_of(redis)) is not None:
        hub.collectors.append(RedisCollector(guard))
    if recorder is not None:
        hub.around.recordings = recorder
    if ownership is not None:
        wire(ownership, hub, store)
    if tracer is not None:
        hub.around.traces = JoinTraces(tracer, shard.id if shard is not None else "")
        hub.sweepers.append(hub.around.traces.sweep)
    verifier = TokenVerifier(options.auth)
    if live_outputs is not None:
        secret = options.auth.secret.get_secret_value() if options.auth.secret is not None else new_id()
        hub.around.live = LiveDesk(live_outputs, Sealer(secret.encode()), hub.around.unix)
        hub.sweepers.append(hub.around.live.sweep)
    gate = WhipGate(hub, verifier)

    courier = Courier(redis, options.redis, options.events, hub.around.counters)
    store.on_events = courier.wake

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        courier.start()
        if ownership is not None:
            await ownership.start()
        await hub.reopen_live()
        yield
        answer_s = options.redis.command_timeout_s
        await close_within("rooms", hub.close(), HUB_CLOSE_S + answer_s)
        if ownership is not None:
            await close_within("leases", ownership.close(), answer_s + 1)
        await close_within("webhooks", courier.close(), answer_s + 1)

    app = FastAPI(
        title="Plenum",
        version=VERSION,
        summary="Rooms for audio, video and chat over WebRTC.",
        openapi_tags=_TAGS,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
    )
    app.state.hub = hub
    app.state.store = store
    app.state.ownership = ownership
    app.state.tracer = tracer
    app.state.verifier = verifier
    app.state.rest = RestServices(hub, verifier, limiter)
    failures.install(app)
    app.add_middleware(
        BodyLimit, max_bytes=MAX_BODY_BYTES, larger={chat.UPLOAD_END: chat.max_body_bytes(options.rooms)}
    )
    app.add_middleware(
        CORSMiddleware,
        allow_origins=options.page.allowed_origins,
        allow_methods=["GET", "POST", "PATCH", "DELETE", "OPTIONS"],
        allow_headers=["Authorization", "Content-Type", "If-Match"],
        expose_headers=_EXPOSED,
        max_age=3600,
    )
    app.add_middleware(SecurityHeaders, options=options.page)
    app.add_middleware(RateLimitHeaders)
    app.add_middleware(websocket.RoomEntrance, sockets=websocket.RoomSockets(hub, verifier, limiter))
    app.include_router(
        routes.create_router(routes.Services(options, hub, store, verifier, InviteDesk(options.auth), gate, limiter))
    )
    app.include_router(people.create_router())
    app.include_router(admin.create_router(hub, verifier, limiter))
    app.include_router(explain.create_router())
    app.include_router(waiting.create_router())
    app.include_router(breakouts.create_router())
    app.include_router(recordings.create_router())
    app.include_router(live.create_router())
    app.include_router(chat.create_router(chat.ChatRoutes(hub, verifier, limiter)))
    app.include_router(
        events.create_router(events.EventRoutes(hub, store, verifier, limiter, EventLog(redis, options.redis)))
    )
    for build in media_routers:
        app.include_router(build(gate))
    for router in extra_routers:
        app.include_router(router)
    openapi.install(app)
    add_api_pages(app)
    add_pages(app, web_root)
    return app
