"""The composition root: the one place where Redis, engine, signaling, WHIP/WHEP and HTTP are wired together."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import TracebackType

import httpx
import structlog
import uvloop
from fastapi import FastAPI
from redis.asyncio import Redis
from redis.exceptions import RedisError
from starlette.types import ASGIApp

from config.settings import Settings
from media.jobs.manager import Jobs
from media.jobs.metrics import JobsCollector
from recorder import links
from recorder.desk import RecordingDesk
from recorder.registry import Registry
from recorder.storage.local import LocalStore
from scripts import sockets
from scripts.embedded_redis import EmbeddedRedis
from scripts.failures import CommandError, ExitCode
from scripts.garbage import GarbageCollector
from scripts.http_server import HttpServer, http_config, inner_config
from scripts.ingest_gate import TokenGate
from scripts.live_bridge import LiveBridge, make_live_service
from scripts.live_storage import bucket_writer
from scripts.recordings_bridge import RecordingsBridge
from scripts.shard_info import describe
from scripts.stopping import (
    DRAIN_MARGIN_S,
    END_S,
    HTTP_MARGIN_S,
    JOBS_MARGIN_S,
    closes,
    end_by_force,
    longest_stop_s,
)
from scripts.telemetry import start_tracing
from sfu.engine import Engine
from sfu.errors import PortUnavailable
from signaling.app import create_app
from signaling.closing import close_within
from signaling.live.port import LiveOutputs
from signaling.options import SignalingOptions
from signaling.redis_client import connect
from signaling.shards.model import ShardInfo
from signaling.shards.mover import Mover
from signaling.shards.wiring import build_front
from signaling.tokens import TokenVerifier
from signaling.tracing import Tracer
from streaming import whep, whip
from streaming.hls.http import HlsServer
from streaming.ingest.listener import RtmpListener
from streaming.live.service import LiveService

WEB_ROOT = Path(__file__).resolve().parent.parent / "web"
_log = structlog.get_logger("plenum")


def build_app(
    options: SignalingOptions,
    engine: Engine,
    client: Redis,
    web_root: Path = WEB_ROOT,
    shard: ShardInfo | None = None,
    live_outputs: LiveOutputs | None = None,
    recordings: RecordingsBridge | None = None,
    tracer: Tracer | None = None,
) -> FastAPI:
    """The whole application: signaling with WHIP and WHEP, and recordings. Starts nothing."""
    app = create_app(
        options=options,
        engine=engine,
        redis=client,
        web_root=web_root,
        media_routers=(whip.create_router, whep.create_router),
        shard=shard,
        live_outputs=live_outputs,
        recorder=recordings,
        extra_routers=() if recordings is None else recordings.routers(),
        tracer=tracer,
    )
    if recordings is not None:
        recordings.hub = app.state.hub
    return app


class PlenumServer:
    """A whole server in the running event loop: ``start``, then ``close``; or an asynchronous context manager.

    ``http_port`` and ``media_port`` are the ports in use, also where the settings say 0. ``listeners``: sockets to
    accept from, in place of those of the settings.
    """

    def __init__(
        self, settings: Settings, *, web_root: Path = WEB_ROOT, listeners: list[socket.socket] | None = None
    ) -> None:
        self.settings = settings
        self._listeners = listeners
        self.http_port = 0
        self.media_port = 0
        self.media_tcp_port: int | None = None
        self.shard_id = ""
        self.ingest_port: int | None = None
        self.app: FastAPI | None = None
        self._mover: Mover | None = None
        self._web_root = web_root
        self._stack = contextlib.AsyncExitStack()
        self._http_task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Bind, connect and listen. Raises ``CommandError``; what was started until then is stopped again."""
        async with contextlib.AsyncExitStack() as stack:
            listeners = self._listeners or sockets.bind(self.settings.http.host, self.settings.http.port)
            for listener in listeners:
                stack.callback(listener.close)
            self.http_port = listeners[0].getsockname()[1]
            client = await self._connect_redis(stack)
            engine = await self._start_engine(stack)
            inner = self._bind_inner(stack)
            options = self.settings.signaling()
            shard = describe(self.settings, inner, self.media_port)
            self.shard_id = shard.id
            jobs = self._start_jobs(stack)
            live = self._start_live(stack, jobs)
            outputs = LiveBridge(live) if live is not None else None
            recordings = await self._start_recordings(stack, jobs, client)
            tracer = self._start_tracing(stack)
            app = build_app(options, engine, client, self._web_root, shard, outputs, recordings, tracer)
            app.state.hub.collectors.append(JobsCollector(jobs))
            await _warm_up(app)
            served: ASGIApp = app if live is None else HlsServer(app, live, app.state.hub.streams)
            front = build_front(app, options, served)
            closes(stack, "connections to other shards", front.peers.close)
            closes(stack, "audiences of other shards", front.far.close)
            closes(stack, "moves of rooms", front.mover.close)
            self._mover = front.mover
            # The inner port opens first and closes last: others ask for rooms of ours until we have given them up.
            await self._start_inner(stack, front.inner, inner)
            self.app = app
            # Last is what tells others that the server is there: by then every port is ours.
            await self._start_ingest(stack)
            public = front.public if live is None else HlsServer(front.public, live, last=False)
            await self._start_http(stack, public, listeners)
            self._stack = stack.pop_all()
        _log.info("listening", http_port=self.http_port, media_port=self.media_port)

    async def wait(self) -> None:
        """Wait until the HTTP server ends; only a failure ends it before ``close``."""
        assert self._http_task is not None, "the server is not started"
        await asyncio.shield(self._http_task)

    def is_quiet(self) -> bool:
        """Whether no media goes through this process, of its own rooms or of others."""
        return self.app is None or not self.app.state.hub.engine.routers

    async def drain(self) -> None:
        """Move all rooms to other shards, as far as there are any, and take no new ones."""
        if self._mover is not None:
            timeout_s = self.settings.shards.drain_timeout_s
            await close_within("drain", self._mover.drain(timeout_s), timeout_s + DRAIN_MARGIN_S)

    async def close(self) -> None:
        """Close rooms and sessions, then the engine, then Redis."""
        await self._stack.aclose()

    async def __aenter__(self) -> PlenumServer:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def _connect_redis(self, stack: contextlib.AsyncExitStack) -> Redis:
        options = self.settings.redis
        url = options.url
        if url is None:
            embedded = EmbeddedRedis()
            await embedded.start()
            closes(stack, "embedded Redis", embedded.stop)
            url = embedded.url
        try:
            client = connect(url, options)
        except ValueError as error:
            raise CommandError(f"redis.url is not usable: {error}", _REDIS_HINT, ExitCode.CONFIG) from error
        closes(stack, "connections to Redis", client.aclose)
        try:
            await client.ping()
        except (RedisError, OSError, TimeoutError) as error:
            raise CommandError(f"cannot use the Redis server of redis.url: {error}", _REDIS_HINT) from error
        return client

    def _start_tracing(self, stack: contextlib.AsyncExitStack) -> Tracer | None:
        started = start_tracing(self.settings.tracing, self.shard_id)
        if started is None:
            return None
        tracer, close = started
        closes(stack, "traces", close)
        return tracer

    def _start_jobs(self, stack: contextlib.AsyncExitStack) -> Jobs:
        jobs = Jobs(self.settings.jobs)
        closes(stack, "jobs", jobs.close, self.settings.jobs.stop_timeout_s + JOBS_MARGIN_S)
        return jobs

    async def _start_recordings(
        self, stack: contextlib.AsyncExitStack, jobs: Jobs, client: Redis
    ) -> RecordingsBridge | None:
        options = self.settings.recording
        if not options.enabled:
            return None
        registry = Registry(client, self.settings.redis.key_prefix, self.shard_id)
        desk = RecordingDesk(options, jobs, registry)
        store = None if options.s3.bucket else LocalStore(options.folder)
        made = None if store is None else links.FileLinks(await registry.secret())
        await desk.start()
        closes(stack, "recordings", desk.close)
        # Workers finish their files before the desk that writes down how they ended.
        closes(stack, "jobs", jobs.close, self.settings.jobs.stop_timeout_s + JOBS_MARGIN_S)
        return RecordingsBridge(desk, made, store)

    async def _start_engine(self, stack: contextlib.AsyncExitStack) -> Engine:
        engine = Engine(self.settings.media)
        try:
            await engine.start()
        except PortUnavailable as error:
            raise CommandError(
                error.message, "Stop the program that has it, or choose another port with --media-port."
            ) from error
        closes(stack, "media engine", engine.close)
        self.media_port, self.media_tcp_port = engine.port, engine.tcp_port
        return engine

    def _start_live(self, stack: contextlib.AsyncExitStack, jobs: Jobs) -> LiveService | None:
        if not self.settings.live.enabled:
            return None
        put = bucket_writer(self.settings.live, self.settings.recording.s3)
        service = make_live_service(jobs, self.settings.live, self.settings.auth, put)
        service.begin()
        closes(stack, "live streams", service.close)
        return service

    async def _start_ingest(self, stack: contextlib.AsyncExitStack) -> None:
        options, http = self.settings.live, self.settings.http
        if options.ingest_port is None:
            return
        base = f"{'https' if http.tls else 'http'}://{_own_host(http.host)}:{self.http_port}"
        listener = RtmpListener(
            TokenGate(TokenVerifier(self.settings.auth), base), options.ingest_host, options.ingest_port
        )
        try:
            await listener.start()
        except OSError as error:
            raise CommandError(
                f"the port {options.ingest_port} of live.ingest_port cannot be used: {error.strerror}",
                "Stop the program that has it, or choose another port.",
            ) from error
        closes(stack, "RTMP in", listener.close)
        self.ingest_port = listener.port

    def _bind_inner(self, stack: contextlib.AsyncExitStack) -> list[socket.socket]:
        options = self.settings.shards
        listeners = sockets.bind(options.internal_host, options.internal_port)
        for listener in listeners:
            stack.callback(listener.close)
        return listeners

    async def _start_inner(
        self, stack: contextlib.AsyncExitStack, app: ASGIApp, listeners: list[socket.socket]
    ) -> None:
        server = HttpServer(inner_config(self.settings, app))
        task = asyncio.create_task(server.serve(listeners), name="inner http")
        closes(stack, "inner HTTP", partial(server.stop, task))
        await server.listening.wait()

    async def _start_http(self, stack: contextlib.AsyncExitStack, app: ASGIApp, listeners: list[socket.socket]) -> None:
        server = HttpServer(http_config(self.settings, app))
        task = self._http_task = asyncio.create_task(server.serve(listeners), name="http")
        closes(stack, "HTTP", partial(server.stop, task), self.settings.http.shutdown_timeout_s + HTTP_MARGIN_S)
        listening = asyncio.create_task(server.listening.wait())
        try:
            await asyncio.wait({task, listening}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            listening.cancel()
        if task.done():
            await task
            raise CommandError("the HTTP server did not start; the log says why", code=ExitCode.INTERNAL)


async def _warm_up(app: FastAPI) -> None:
    """Ask for what no route has: the first to look at them all builds them, and no packet has to wait for it now."""
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost") as client:
        await client.get("/webrtc/nothing")


SWITCH_S = 0.0005
_REDIS_HINT = "Check redis.url (PLENUM_REDIS__URL), or leave it away to use the embedded server."


def run(
    settings: Settings, on_listening: Callable[[PlenumServer], None], listeners: list[socket.socket] | None = None
) -> ExitCode:
    """Serve until SIGTERM or SIGINT, then stop in good order. Raises ``CommandError`` if it cannot start."""
    # Whatever a thread computes, packets do not wait for it for five milliseconds, which is Python's own measure.
    sys.setswitchinterval(SWITCH_S)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_serve(settings, on_listening, listeners))


async def _serve(
    settings: Settings, on_listening: Callable[[PlenumServer], None], listeners: list[socket.socket] | None
) -> ExitCode:
    loop = asyncio.get_running_loop()
    serving = asyncio.create_task(_serve_until_cancelled(settings, on_listening, listeners))
    stopped = False

    def stop() -> None:
        nonlocal stopped
        stopped = True
        end_by_force(longest_stop_s(settings))
        serving.cancel()
        # Whoever asks twice does not want to wait for the good order.
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    try:
        await serving
    except asyncio.CancelledError:
        if not stopped:
            raise
        return ExitCode.OK
    finally:
        end_by_force(END_S)
    return ExitCode.INTERNAL


async def _serve_until_cancelled(
    settings: Settings, on_listening: Callable[[PlenumServer], None], listeners: list[socket.socket] | None
) -> None:
    stops_at = 0.0
    try:
        async with PlenumServer(settings, listeners=listeners) as server:
            collecting = GarbageCollector(server.is_quiet).start()
            on_listening(server)
            try:
                await server.wait()
            finally:
                collecting.cancel()
                _log.info("stopping")
                stops_at = time.monotonic()
                await server.drain()
    finally:
        if stops_at:
            _log.info("stopped", took_s=round(time.monotonic() - stops_at, 1))


def _own_host(host: str) -> str:
    """How this machine reaches its own HTTP port."""
    if host in ("", "0.0.0.0"):
        return "127.0.0.1"
    if host == "::":
        return "[::1]"
    return f"[{host}]" if ":" in host else host
