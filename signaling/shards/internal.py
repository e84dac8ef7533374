"""The inner door of a shard: lets in only what another shard has signed."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

import structlog
from starlette.types import ASGIApp, Receive, Scope, Send

from signaling.errors import RoomError
from signaling.scopes import header_of
from signaling.shards.signing import HEADER, Signer

log = structlog.get_logger("plenum.shards")

PREFIX = "/internal/"
MAX_BODY_BYTES = 2_000_000
ORIGIN = "plenum.origin"
"""Where the ASGI scope says what a request of another shard is; see ``signing.Origin``."""

Command = Callable[[dict[str, Any]], Awaitable[Any]]


class InnerDoor:
    """ASGI application of the internal port. ``commands``: what other shards and the operator may have done here."""

    def __init__(self, app: ASGIApp, signer: Signer, shard_id: str, commands: dict[str, Command]) -> None:
        self._app = app
        self._signer = signer
        self._shard_id = shard_id
        self._commands = commands

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            return
        query = scope["query_string"].decode("latin-1")
        target = scope["path"] + (f"?{query}" if query else "")
        found = (header_of(scope, HEADER.encode()) or b"").decode("latin-1")
        method = scope.get("method", "GET")
        try:
            origin = self._signer.check(method, target, self._shard_id, found)
        except ValueError:
            origin = None
        if origin is None:
            log.warning("refused: not signed by a shard", path=scope["path"])
            if scope["type"] == "websocket":
                await send({"type": "websocket.close", "code": 4401})
            else:
                await answer(send, 401, {"error_code": "unauthorized"})
            return
        if scope["path"].startswith(PREFIX):
            await self._command(scope["path"].removeprefix(PREFIX), receive, send)
            return
        secure = origin.scheme == "https"
        scheme = ("wss" if secure else "ws") if scope["type"] == "websocket" else origin.scheme
        scope = {**scope, ORIGIN: origin, "client": (origin.client, 0), "scheme": scheme}
        await self._app(scope, receive, send)

    async def _command(self, name: str, receive: Receive, send: Send) -> None:
        command = self._commands.get(name)
        if command is None:
            await answer(send, 404, {"error_code": "not_found", "message": "No such command."})
            return
        try:
            result = await command(json.loads(await _body(receive) or b"{}"))
        except RoomError as error:
            await answer(send, error.status, error.body().model_dump(mode="json"))
            return
        except (ValueError, KeyError, TypeError) as error:
            await answer(send, 400, {"error_code": "invalid_message", "message": str(error)[:200]})
            return
        await answer(send, 200, result)


async def answer(send: Send, status: int, body: Any) -> None:
    """Send a JSON response."""
    data = json.dumps(body).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(data)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": data})


async def _body(receive: Receive) -> bytes:
    data = b""
    while True:
        message = await receive()
        if message["type"] != "http.request":
            raise ValueError("the request was given up")
        data += bytes(message.get("body", b""))
        if len(data) > MAX_BODY_BYTES:
            raise ValueError("the body is too large")
        if not message.get("more_body"):
            return data
