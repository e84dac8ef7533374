"""Addresses of files in the local store: signed, good for a while, with ranges, so that players can seek."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import NamedTuple

from fastapi import APIRouter, Response
from fastapi.responses import FileResponse, JSONResponse

from recorder.storage.local import LocalStore
from recorder.storage.store import StoreError

PATH = "/webrtc/recordings/files"
INLINE = ("video/", "audio/", "image/", "text/vtt")


class Grant(NamedTuple):
    """What an address opens: an object, its type, and the name it is saved under (None: it is shown)."""

    key: str
    content_type: str
    download_name: str | None


class FileLinks:
    """Makes and reads addresses. ``secret`` is the same on all shards."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def url(self, grant: Grant, lifetime_s: int, now_unix: float | None = None) -> str:
        """The path that opens a file."""
        until = round((time.time() if now_unix is None else now_unix) + lifetime_s)
        body = urlsafe_b64encode(json.dumps([until, *grant]).encode()).decode().rstrip("=")
        return f"{PATH}/{body}.{self._sign(body)}"

    def read(self, token: str, now_unix: float | None = None) -> Grant | None:
        """What an address opens; None if it is false or too old."""
        body, _, signature = token.partition(".")
        if not hmac.compare_digest(signature.encode(), self._sign(body).encode()):
            return None
        try:
            until, *grant = json.loads(urlsafe_b64decode(body + "=" * (-len(body) % 4)))
        except ValueError:
            return None
        return Grant(*grant) if (time.time() if now_unix is None else now_unix) < until else None

    def _sign(self, body: str) -> str:
        digest = hmac.new(self._secret, body.encode(), hashlib.sha256).digest()
        return urlsafe_b64encode(digest).decode().rstrip("=")


def create_router(links: FileLinks, store: LocalStore) -> APIRouter:
    """The route that serves files."""
    router = APIRouter(tags=["recording and live output"])

    @router.get(
        PATH + "/{token}",
        summary="A file of a recording",
        response_class=FileResponse,
        responses={403: {"description": "The address is false or too old."}, 404: {"description": "It is deleted."}},
    )
    async def file(token: str) -> Response:
        """Addresses come from the list of a room's recordings. Ranges are answered."""
        grant = links.read(token)
        if grant is None:
            return _refusal(403, "permission_denied", "This address is not valid any more.")
        try:
            path = store.path(grant.key)
        except StoreError:
            return _refusal(403, "permission_denied", "This address is not valid.")
        if not path.is_file():
            return _refusal(404, "not_found", "The file is deleted.")
        inline = grant.download_name is None and grant.content_type.startswith(INLINE)
        return FileResponse(
            path,
            media_type=grant.content_type,
            filename=grant.download_name or path.name,
            content_disposition_type="inline" if inline else "attachment",
            headers={"X-Content-Type-Options": "nosniff", "Cache-Control": "private"},
        )

    return router


def _refusal(status: int, code: str, message: str) -> JSONResponse:
    body: dict[str, object] = {"error_code": code, "message": message, "details": {}, "retry_after": None}
    return JSONResponse(body, status_code=status)
