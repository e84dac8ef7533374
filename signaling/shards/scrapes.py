"""Figures of one shard, asked for at any: behind one public port nobody else can choose which shard answers."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from starlette.types import ASGIApp, Receive, Scope, Send

from signaling.shards.internal import answer
from signaling.shards.peers import Peers, Unreachable
from signaling.shards.signing import Origin

if TYPE_CHECKING:
    from signaling.shards.ownership import Ownership

PATH = "/webrtc/metrics"


class Scrapes:
    """ASGI application before the door: ``GET /webrtc/metrics?shard=ID`` goes to that shard."""

    def __init__(self, app: ASGIApp, ownership: Ownership, peers: Peers) -> None:
        self._app = app
        self._ownership = ownership
        self._peers = peers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        wanted = _shard_of(scope)
        if wanted is None or wanted == self._ownership.info.id:
            await self._app(scope, receive, send)
            return
        shard = self._ownership.shards.get(wanted)
        if shard is None:
            await self._ownership.look_around()
            shard = self._ownership.shards.get(wanted)
        if shard is None:
            await answer(send, 404, {"error_code": "not_found", "message": "There is no such shard."})
            return
        client = scope.get("client")
        origin = Origin(1, client[0] if client else "", scope.get("scheme", "http"))
        try:
            await self._peers.pass_on(shard, scope, receive, send, origin)
        except Unreachable:
            await answer(send, 503, {"error_code": "unavailable", "message": "The shard does not answer."})


def _shard_of(scope: Scope) -> str | None:
    if scope["type"] != "http" or scope["path"] != PATH or scope["method"] != "GET" or not scope["query_string"]:
        return None
    found = parse_qs(scope["query_string"].decode("latin-1")).get("shard")
    return found[0] if found else None
