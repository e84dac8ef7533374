"""HLS over HTTP: playlists that wait for what comes next, media with byte ranges, and who may have them.

Everything is below ``/webrtc/hls/{room_id}/{stream_id}/``:

- ``index.m3u8?token=…`` the multivariant playlist; it opens a viewer session
- ``state.json?token=…`` how it is: waiting, live, ended, closed (a token is needed) or none; the server's clock
- ``s/{session}/{rendition}.m3u8`` a media playlist; asking for it counts as watching
- ``s/{session}/viewers.json`` how many watch
- ``m/{secret}/{rendition}/{file}`` media: the same addresses for all viewers, so that caches can hold them

It stands in front of the application, because a request must cost as little as it can: hundreds of viewers ask several
times a second each.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import parse_qs, unquote

from starlette.types import ASGIApp, Receive, Scope, Send

from streaming.hls.rendition import Rendition
from streaming.hls.stream import HlsStream, blocking_timeout_s

PREFIX = "/webrtc/hls/"
PLAYLIST_TYPE = b"application/vnd.apple.mpegurl"
MEDIA_TYPE = b"video/mp4"
_MEDIA_CACHE = b"public, max-age=86400, immutable"
_ENDED_CACHE = b"max-age=3600"
_CORS = [
    (b"access-control-allow-origin", b"*"),
    (b"access-control-expose-headers", b"content-length, content-range, date"),
    (b"timing-allow-origin", b"*"),
    (b"cross-origin-resource-policy", b"cross-origin"),
    (b"x-content-type-options", b"nosniff"),
]
_PREFLIGHT = [
    (b"access-control-allow-methods", b"GET, HEAD, OPTIONS"),
    (b"access-control-allow-headers", b"range, authorization"),
    (b"access-control-max-age", b"86400"),
]
_FILE = re.compile(r"(?:init|seg|part)\d{1,12}\.(?:mp4|m4s)")
_RANGE = re.compile(r"bytes=(\d{0,15})-(\d{0,15})")
_MAX_WAITING = 5_000
_BEGINS_WITHIN_S = 10.0
_LOOK_EVERY_S = 0.1


class HlsGate(Protocol):
    """The streams of this process, and who may watch them."""

    def stream(self, room_id: str, stream_id: str) -> HlsStream | None:
        """A stream that is served here."""
        ...

    async def past(self, room_id: str, stream_id: str) -> HlsStream | None:
        """A stream that an earlier process served, and that has ended."""
        ...

    def may_watch(self, room_id: str, stream: HlsStream, token: str | None) -> bool:
        """Whether ``token`` opens a stream that is not public."""
        ...


@dataclass(frozen=True, slots=True)
class Answer:
    """A response."""

    status: int
    content_type: bytes
    body: bytes
    cache: bytes = b"no-store"
    extra: tuple[tuple[bytes, bytes], ...] = ()


class HlsServer:
    """Answers what is below ``PREFIX`` and is a stream of ``gate``; passes everything else to ``app``.

    ``expected``: whether a stream that is not known yet is about to be, because its room has just come from elsewhere.
    ``last``: no other process is asked behind this one, so that what is not here is nowhere.
    """

    def __init__(
        self,
        app: ASGIApp,
        gate: HlsGate,
        expected: Callable[[str, str], bool] = lambda room_id, stream_id: False,
        *,
        last: bool = True,
    ) -> None:
        self._app = app
        self._gate = gate
        self._expected = expected
        self._last = last
        self._waiting = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path: str = scope["path"] if scope["type"] == "http" else ""
        if not path.startswith(PREFIX):
            await self._app(scope, receive, send)
            return
        pieces = path[len(PREFIX) :].split("/")
        stream = await self._find(pieces[0], pieces[1]) if len(pieces) > 2 else None
        if stream is None and len(pieces) > 2 and self._last:
            stream = await self._gate.past(pieces[0], pieces[1])
        if stream is None and self._last and pieces[2:] == ["state.json"] and scope["method"] in ("GET", "HEAD"):
            await _send(send, _state("none"), head=scope["method"] == "HEAD")
            return
        if stream is None:
            await self._app(scope, receive, send)
            return
        method = scope["method"]
        if method == "OPTIONS":
            answer = Answer(204, b"text/plain", b"", extra=tuple(_PREFLIGHT))
        elif method not in ("GET", "HEAD"):
            answer = _refusal(
                405, "method_not_allowed", "Only GET, HEAD and OPTIONS.", (b"allow", b"GET, HEAD, OPTIONS")
            )
        else:
            answer = await self._answer(stream, pieces[2:], scope)
        await _send(send, answer, head=method == "HEAD")

    async def _find(self, room_id: str, stream_id: str) -> HlsStream | None:
        deadline = time.monotonic() + _BEGINS_WITHIN_S
        while (stream := self._gate.stream(room_id, stream_id)) is None:
            if not self._expected(room_id, stream_id) or time.monotonic() > deadline:
                return None
            await asyncio.sleep(_LOOK_EVERY_S)
        return stream

    async def _answer(self, stream: HlsStream, pieces: list[str], scope: Scope) -> Answer:
        match pieces:
            case ["index.m3u8"]:
                return await self._multivariant(stream, scope)
            case ["state.json"]:
                return self._state(stream, scope)
            case ["s", session, playlist] if playlist.endswith(".m3u8"):
                return await self._media_playlist(stream, unquote(session), playlist[:-5], scope)
            case ["s", session, "viewers.json"]:
                return self._viewers(stream, unquote(session))
            case ["m", stream.media_path, name, file] if _FILE.fullmatch(file):
                return await self._media(stream, name, file, scope)
        return _refusal(404, "not_found", "There is no such file.")

    def _admits(self, stream: HlsStream, scope: Scope) -> bool:
        if stream.public:
            return True
        token = _query(scope).get("token") or _bearer(scope)
        return self._gate.may_watch(stream.room_id, stream, token)

    def _state(self, stream: HlsStream, scope: Scope) -> Answer:
        if not self._admits(stream, scope):
            return _state("closed")
        return _state("ended" if stream.ended and stream.ready else "live" if stream.ready else "waiting")

    async def _multivariant(self, stream: HlsStream, scope: Scope) -> Answer:
        if not self._admits(stream, scope):
            return _refusal(401, "unauthorized", "A token of this room is needed to watch.")
        if not stream.ready and not await self._hold(stream, lambda: stream.ready, _BEGINS_WITHIN_S):
            return _refusal(503, "unavailable", "The stream has not begun.", (b"retry-after", b"2"))
        session = stream.viewers.new_session(os.urandom(16))
        stream.viewers.seen(session, time.monotonic())
        body = stream.multivariant_text(session).encode()
        return Answer(200, PLAYLIST_TYPE, body)

    async def _media_playlist(self, stream: HlsStream, session: str, name: str, scope: Scope) -> Answer:
        rendition = stream.renditions.get(name)
        if rendition is None and not stream.ready and not stream.ended:
            # Its encoder is only just beginning, as after the stream has come from another shard.
            await self._hold(stream, lambda: stream.ready, _BEGINS_WITHIN_S)
            rendition = stream.renditions.get(name)
            if rendition is None and not stream.ready:
                return _refusal(503, "unavailable", "The stream has not begun.", (b"retry-after", b"1"))
        if rendition is None:
            return _refusal(404, "not_found", "There is no such rendition.")
        if not stream.viewers.seen(session, time.monotonic()):
            return _refusal(403, "permission_denied", "This address is not valid: open the stream anew.")
        query = _query(scope) if scope["query_string"] else {}
        refusal = await self._block(stream, rendition, query)
        if refusal is not None:
            return refusal
        text = rendition.text(stream.reports(name), skip=query.get("_HLS_skip") in ("YES", "v2"))
        cache = _ENDED_CACHE if stream.ended else b"no-cache"
        if b"gzip" in _header(scope, b"accept-encoding"):
            return Answer(
                200, PLAYLIST_TYPE, text.gzipped, cache, ((b"content-encoding", b"gzip"), (b"vary", b"accept-encoding"))
            )
        return Answer(200, PLAYLIST_TYPE, text.plain, cache, ((b"vary", b"accept-encoding"),))

    def _viewers(self, stream: HlsStream, session: str) -> Answer:
        now = time.monotonic()
        if not stream.viewers.seen(session, now):
            return _refusal(403, "permission_denied", "This address is not valid: open the stream anew.")
        body = {"viewers": stream.viewers.count(now), "live": not stream.ended}
        return Answer(200, b"application/json", json.dumps(body).encode())

    async def _block(self, stream: HlsStream, rendition: Rendition, query: Mapping[str, str]) -> Answer | None:
        """Hold a blocking reload until the playlist has what is asked for (section 6.2.5.2)."""
        wanted_msn, wanted_part = query.get("_HLS_msn"), query.get("_HLS_part")
        if wanted_msn is None:
            return None if wanted_part is None else _refusal(400, "invalid_message", "_HLS_part needs _HLS_msn.")
        playlist = rendition.playlist
        try:
            msn, part = int(wanted_msn), int(wanted_part) if wanted_part is not None else None
        except ValueError:
            return _refusal(400, "invalid_message", "_HLS_msn and _HLS_part are numbers.")
        if not playlist.ended and playlist.is_absurd(msn):
            return _refusal(400, "invalid_message", "_HLS_msn is too far in the future.")
        limit_s = blocking_timeout_s(playlist.target_duration_s)
        if playlist.has(msn, part) or await self._hold(stream, lambda: playlist.has(msn, part), limit_s):
            return None
        return _refusal(503, "unavailable", "Nothing new came.", (b"retry-after", b"1"))

    async def _media(self, stream: HlsStream, name: str, file: str, scope: Scope) -> Answer:
        rendition = stream.renditions.get(name)
        if rendition is None:
            return _refusal(404, "not_found", "There is no such rendition.")
        playlist = rendition.playlist
        if file == playlist.hinted_part and not playlist.ended:
            limit_s = blocking_timeout_s(playlist.target_duration_s)
            await self._hold(stream, lambda: file in rendition.blobs or playlist.ended, limit_s)
        data = await stream.read(name, file)
        if data is None:
            return _refusal(404, "not_found", "There is no such file, or not any more.")
        wanted = _header(scope, b"range")
        if not wanted:
            return Answer(200, MEDIA_TYPE, data, _MEDIA_CACHE, ((b"accept-ranges", b"bytes"),))
        return _ranged(data, wanted.decode("latin-1"))

    async def _hold(self, stream: HlsStream, wanted: Callable[[], bool], limit_s: float) -> bool:
        if self._waiting >= _MAX_WAITING:
            return False
        self._waiting += 1
        try:
            return await stream.changed(wanted, limit_s)
        finally:
            self._waiting -= 1


def _ranged(data: bytes, wanted: str) -> Answer:
    """One byte range (RFC 9110 section 14); several at once, or nonsense, get all."""
    match = _RANGE.fullmatch(wanted.strip())
    if match is None or match.group(0) == "bytes=-":
        return Answer(200, MEDIA_TYPE, data, _MEDIA_CACHE, ((b"accept-ranges", b"bytes"),))
    first_text, last_text = match.groups()
    size = len(data)
    if first_text:
        first, last = int(first_text), min(int(last_text), size - 1) if last_text else size - 1
    else:
        first, last = max(0, size - int(last_text)), size - 1
    if first > last or first >= size:
        return _refusal(416, "invalid_range", "The range is not in the file.", (b"content-range", b"bytes */%d" % size))
    content_range = (b"content-range", b"bytes %d-%d/%d" % (first, last, size))
    return Answer(206, MEDIA_TYPE, data[first : last + 1], _MEDIA_CACHE, (content_range, (b"accept-ranges", b"bytes")))


def _state(state: str) -> Answer:
    body = {"state": state, "now_ms": round(time.time() * 1000)}
    return Answer(200, b"application/json", json.dumps(body).encode())


def _refusal(status: int, code: str, message: str, *extra: tuple[bytes, bytes]) -> Answer:
    body: dict[str, object] = {"error_code": code, "message": message, "details": {}, "retry_after": None}
    return Answer(status, b"application/json", json.dumps(body).encode(), extra=extra)


def _query(scope: Scope) -> dict[str, str]:
    parsed = parse_qs(scope["query_string"].decode("latin-1"), keep_blank_values=True, max_num_fields=20)
    return {name: values[-1] for name, values in parsed.items()}


def _header(scope: Scope, name: bytes) -> bytes:
    for key, value in scope["headers"]:
        if key == name:
            return bytes(value)
    return b""


def _bearer(scope: Scope) -> str | None:
    scheme, _, token = _header(scope, b"authorization").decode("latin-1").partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None


async def _send(send: Send, answer: Answer, *, head: bool) -> None:
    headers = [
        (b"content-type", answer.content_type),
        (b"content-length", b"%d" % len(answer.body)),
        (b"cache-control", answer.cache),
        *answer.extra,
        *_CORS,
    ]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if head else answer.body})
