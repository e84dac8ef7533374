"""Each request has an id: the caller's ``X-Request-Id`` or a new one. It is in the answer, and in each line of the log
that the request leads to, on every shard that it passes."""

from __future__ import annotations

import re
import secrets
from collections.abc import Awaitable

from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog.contextvars import bind_contextvars

from signaling.scopes import header_of, with_header

HEADER = b"x-request-id"
_USABLE = re.compile(rb"[A-Za-z0-9._:/+=-]{1,64}\Z")


def request_id_of(scope: Scope) -> str:
    """The id that the middleware gave the request; empty if it has none."""
    return (header_of(scope, HEADER) or b"").decode("latin-1")


class RequestIds:
    """ASGI middleware. A WebSocket is led past without a frame of our own, which would last as long as it does."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """ASGI."""
        if scope["type"] not in ("http", "websocket"):
            return self._app(scope, receive, send)
        given = header_of(scope, HEADER) or b""
        request_id = given if _USABLE.match(given) else secrets.token_hex(8).encode()
        if request_id is not given:
            scope = with_header(scope, HEADER, request_id)
        bind_contextvars(request=request_id.decode())
        if scope["type"] == "websocket":
            return self._app(scope, receive, send)
        return self._app(scope, receive, _telling(send, request_id))


def _telling(send: Send, request_id: bytes) -> Send:
    async def tell(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = with_header(message, HEADER, request_id)
        await send(message)

    return tell
