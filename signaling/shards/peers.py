"""Requests to other shards: passed-on HTTP and WebSockets, and commands. Streams both ways; nothing is collected."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

import structlog
from starlette.types import Receive, Scope, Send
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from signaling.errors import CloseCode, ErrorCode, RoomError
from signaling.shards.model import ShardInfo
from signaling.shards.signing import HEADER, Origin, Signer

if TYPE_CHECKING:
    import httpx

log = structlog.get_logger("plenum.shards")

CONNECT_TIMEOUT_S = 1.0
ANSWER_TIMEOUT_S = 30.0
COMMAND_TIMEOUT_S = 15.0
MAX_IDLE_CONNECTIONS = 64
# Of one connection only, never of the request (RFC 9110 section 7.6.1).
_HOP_BY_HOP = frozenset(
    {b"connection", b"keep-alive", b"proxy-connection", b"te", b"trailer", b"transfer-encoding", b"upgrade"}
)
_NOT_FOR_SOCKETS = (b"sec-websocket-", b"host", b"content-length", HEADER.encode())


class Unreachable(Exception):
    """A shard could not be asked at all: nothing has been done, and another may be asked."""


class Peers:
    """The way to other shards."""

    def __init__(self, signer: Signer, max_frame_bytes: int) -> None:
        self._signer = signer
        self._max_frame_bytes = max_frame_bytes
        self._client: httpx.AsyncClient | None = None

    async def close(self) -> None:
        """End idle connections."""
        if self._client is not None:
            await self._client.aclose()

    # -- HTTP ------------------------------------------------------------------------------------------------------

    async def pass_on(self, shard: ShardInfo, scope: Scope, receive: Receive, send: Send, origin: Origin) -> None:
        """Let ``shard`` answer an HTTP request; raises Unreachable before anything of the body was read."""
        import httpx

        client = self._http()
        target = _target(scope)
        method = scope["method"]
        headers = [(n, v) for n, v in scope["headers"] if n not in _HOP_BY_HOP and n != HEADER.encode()]
        headers.append((HEADER.encode(), self._signer.sign(method, target, shard.id, origin).encode("latin-1")))
        has_body = any(n in (b"content-length", b"transfer-encoding") for n, _ in scope["headers"])
        reader = _BodyReader(receive)
        request = client.build_request(
            method, shard.internal_url + target, headers=headers, content=reader.chunks() if has_body else None
        )
        gone = asyncio.create_task(reader.gone(has_body))
        answered = asyncio.create_task(self._answer(client, request, send))
        try:
            await asyncio.wait({gone, answered}, return_when=asyncio.FIRST_COMPLETED)
            if answered.done():
                answered.result()
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise Unreachable(str(error)) from error
        finally:
            for task in (gone, answered):
                task.cancel()
            await asyncio.gather(gone, answered, return_exceptions=True)

    async def _answer(self, client: httpx.AsyncClient, request: httpx.Request, send: Send) -> None:
        import httpx

        started = False
        try:
            response = await client.send(request, stream=True)
            try:
                headers = [(n.lower(), v) for n, v in response.headers.raw if n.lower() not in _HOP_BY_HOP]
                await send({"type": "http.response.start", "status": response.status_code, "headers": headers})
                started = True
                async for chunk in response.aiter_raw():
                    await send({"type": "http.response.body", "body": chunk, "more_body": True})
                await send({"type": "http.response.body", "body": b""})
            finally:
                await response.aclose()
        except (httpx.ConnectError, httpx.ConnectTimeout):
            raise
        except httpx.HTTPError as error:
            if started:
                raise  # half an answer cannot be mended: the connection to the client breaks as ours did
            raise RoomError(ErrorCode.UNAVAILABLE, "The shard does not answer.", retry_after=1) from error

    def _http(self) -> httpx.AsyncClient:
        if self._client is None:
            import httpx  # takes its time to import, and many servers are alone

            timeout = httpx.Timeout(ANSWER_TIMEOUT_S, connect=CONNECT_TIMEOUT_S)
            limits = httpx.Limits(max_connections=None, max_keepalive_connections=MAX_IDLE_CONNECTIONS)
            self._client = httpx.AsyncClient(timeout=timeout, limits=limits, trust_env=False, follow_redirects=False)
        return self._client

    async def command(self, shard: ShardInfo, name: str, body: dict[str, Any]) -> Any:
        """Have a shard do something; raises Unreachable, or RoomError with what it says."""
        import httpx

        target = f"/internal/{name}"
        headers = {HEADER: self._signer.sign("POST", target, shard.id, Origin(1, "", "http"))}
        try:
            answer = await self._http().post(
                shard.internal_url + target, headers=headers, content=json.dumps(body), timeout=COMMAND_TIMEOUT_S
            )
        except httpx.HTTPError as error:
            raise Unreachable(f"{shard.id}: {type(error).__name__}") from error
        try:
            found = answer.json()
        except ValueError:
            raise Unreachable(f"{shard.id} answers what is no JSON") from None
        if answer.status_code != 200:
            code = ErrorCode(found.get("error_code", "internal"))
            raise RoomError(code, str(found.get("message", "")), details=found.get("details") or {})
        return found

    # -- WebSockets ------------------------------------------------------------------------------------------------

    async def open_socket(self, shard: ShardInfo, scope: Scope, origin: Origin) -> ClientConnection:
        """A WebSocket to ``shard`` for one of a client; raises Unreachable."""
        target = _target(scope)
        headers = [
            (n.decode("latin-1"), v.decode("latin-1"))
            for n, v in scope["headers"]
            if n not in _HOP_BY_HOP and not n.startswith(_NOT_FOR_SOCKETS)
        ]
        headers.append((HEADER, self._signer.sign("GET", target, shard.id, origin)))
        try:
            return await connect(
                shard.internal_url.replace("http", "ws", 1) + target,
                additional_headers=headers,
                user_agent_header=None,
                compression=None,
                max_size=self._max_frame_bytes,
                open_timeout=CONNECT_TIMEOUT_S,
                ping_interval=None,
                close_timeout=2,
                proxy=None,
            )
        except (OSError, TimeoutError, InvalidHandshake, ConnectionClosed) as error:
            raise Unreachable(f"{shard.id}: {type(error).__name__}") from error

    async def join_sockets(self, upstream: ClientConnection, receive: Receive, send: Send) -> None:
        """Carry messages both ways until one side ends; a shard that is lost sends its clients to the next."""
        await send({"type": "websocket.accept"})
        up = asyncio.create_task(_client_to_shard(upstream, receive))
        down = asyncio.create_task(_shard_to_client(upstream, send))
        try:
            await asyncio.wait({up, down}, return_when=asyncio.FIRST_COMPLETED)
            if down.done() and not up.done():
                code, reason = upstream.close_code, upstream.close_reason
                if code in (None, 1005, 1006):
                    code, reason = CloseCode.RESTART, "room_moved"
                with contextlib.suppress(RuntimeError, OSError):
                    await send({"type": "websocket.close", "code": code, "reason": reason or ""})
        finally:
            for task in (up, down):
                task.cancel()
            await asyncio.gather(up, down, return_exceptions=True)
            await upstream.close()


async def _client_to_shard(upstream: ClientConnection, receive: Receive) -> None:
    while True:
        message = await receive()
        if message["type"] == "websocket.disconnect":
            code = message.get("code") or 1006
            # 1005 and 1006 are never sent; to the shard its client is lost then, and may come back.
            if code in (1005, 1006):
                upstream.transport.abort()
            else:
                await upstream.close(code, message.get("reason") or "")
            return
        text = message.get("text")
        try:
            await upstream.send(text if text is not None else message.get("bytes") or b"")
        except ConnectionClosed:
            return


async def _shard_to_client(upstream: ClientConnection, send: Send) -> None:
    try:
        async for message in upstream:
            if isinstance(message, str):
                await send({"type": "websocket.send", "text": message})
            else:
                await send({"type": "websocket.send", "bytes": message})
    except (ConnectionClosed, RuntimeError, OSError):
        return


class _BodyReader:
    """The body of an ASGI request, and when its client goes away."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._read = asyncio.Event()
        self._gone = asyncio.Event()

    async def chunks(self) -> AsyncIterator[bytes]:
        """The body in parts, as the shard takes them."""
        while True:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                self._gone.set()
                raise asyncio.CancelledError
            yield message.get("body", b"")
            if not message.get("more_body"):
                self._read.set()
                return

    async def gone(self, has_body: bool) -> None:
        """Until the client is gone."""
        if has_body:
            waits = [asyncio.ensure_future(event.wait()) for event in (self._read, self._gone)]
            try:
                await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for wait in waits:
                    wait.cancel()
            if self._gone.is_set():
                return
        while (await self._receive())["type"] != "http.disconnect":
            continue


def _target(scope: Scope) -> str:
    raw: bytes = scope.get("raw_path") or scope["path"].encode()
    query: bytes = scope["query_string"]
    return raw.split(b"?")[0].decode("latin-1") + (f"?{query.decode('latin-1')}" if query else "")
