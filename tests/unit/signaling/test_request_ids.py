"""Ids of requests: kept or made, in the answer and in the log."""

from __future__ import annotations

from typing import Any

import pytest
import structlog
from starlette.types import Receive, Scope, Send

from signaling.request_ids import RequestIds, request_id_of


async def ask(given: bytes | None, kind: str = "http") -> tuple[str, dict[bytes, bytes], dict[str, Any]]:
    """What the application sees, the answer's headers, and what the log has."""
    seen: list[str] = []
    bound: dict[str, Any] = {}
    answered: dict[bytes, bytes] = {}

    async def app(scope: Scope, _receive: Receive, send: Send) -> None:
        seen.append(request_id_of(scope))
        bound.update(structlog.contextvars.get_contextvars())
        headers = [(b"X-Request-Id", b"of another shard"), (b"a", b"b")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})

    async def send(message: Any) -> None:
        answered.update(message["headers"])

    async def receive() -> Any:
        raise AssertionError

    headers = [] if given is None else [(b"x-request-id", given)]
    await RequestIds(app)({"type": kind, "headers": headers}, receive, send)
    return seen[0], answered, bound


@pytest.mark.parametrize("given", [b"abc-123", b"0af7651916cd43dd8448eb211c80319c", b"Root=1-67:x/y+z"])
async def test_a_callers_id_is_kept(given: bytes) -> None:
    seen, answered, bound = await ask(given)
    assert seen.encode() == answered[b"x-request-id"] == given and bound["request"] == seen
    assert b"X-Request-Id" not in answered and answered[b"a"] == b"b"


@pytest.mark.parametrize("given", [None, b"", b"a b", b"x" * 65, b"line\nbreak", "é".encode(), b'"quoted"'])
async def test_what_is_no_id_is_replaced(given: bytes | None) -> None:
    seen, answered, bound = await ask(given)
    assert len(seen) == 16 and answered[b"x-request-id"] == seen.encode() and bound["request"] == seen


async def test_a_socket_has_one_too_and_others_pass() -> None:
    seen, _, bound = await ask(b"abc", "websocket")
    assert seen == bound["request"] == "abc"
    assert (await ask(None, "lifespan"))[0] == ""
