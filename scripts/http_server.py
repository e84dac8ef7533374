"""The HTTP servers of a process: uvicorn, as we run it."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Iterator

import uvicorn
from starlette.types import ASGIApp

from config.settings import Settings


class HttpServer(uvicorn.Server):
    """uvicorn that leaves signals to us and tells when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.listening.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def stop(self, task: asyncio.Task[None]) -> None:
        self.should_exit = True
        await asyncio.wait({task})


def inner_config(settings: Settings, app: ASGIApp) -> uvicorn.Config:
    """Of the port for other shards."""
    return uvicorn.Config(
        app,
        interface="asgi3",
        http="httptools",
        ws="websockets-sansio",
        ws_max_size=8 * settings.rooms.max_frame_bytes,
        ws_per_message_deflate=False,
        lifespan="off",
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=60,
        timeout_graceful_shutdown=1,
    )


def http_config(settings: Settings, app: ASGIApp) -> uvicorn.Config:
    """Of the port for clients."""
    http = settings.http
    return uvicorn.Config(
        app,
        interface="asgi3",
        http="httptools",
        ws="websockets-sansio",
        # A frame that is too large is answered by an error; only one that is absurdly so ends the session.
        ws_max_size=4 * settings.rooms.max_frame_bytes,
        # Compression would cost each session a third of a megabyte of memory to save a few bytes of small messages.
        ws_per_message_deflate=False,
        lifespan="on",
        # The WebSocket's address carries the token, and the access log would carry the address.
        access_log=False,
        log_config=None,
        server_header=False,
        forwarded_allow_ips=http.trusted_proxies,
        timeout_graceful_shutdown=max(1, round(http.shutdown_timeout_s)),
        ssl_certfile=http.tls_certificate if http.tls else None,
        ssl_keyfile=http.tls_key if http.tls else None,
    )
