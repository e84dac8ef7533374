"""The conference page and its files, with the headers that keep them safe and fresh."""

from __future__ import annotations

import sys
from pathlib import Path

from fastapi import FastAPI, Request
from starlette.datastructures import MutableHeaders
from starlette.responses import FileResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from signaling.api_pages import API_PAGES_POLICY
from signaling.errors import ErrorCode, RoomError
from signaling.options import PageOptions

# Finds people in pictures, for virtual backgrounds; `plenum backgrounds` puts it into this installation.
PERSON_MODEL = Path(sys.prefix) / "share" / "plenum" / "person.tflite"
API_POLICY = "default-src 'none'; frame-ancestors 'none'"
# Files have no version in their names: browsers ask each time, and get 304 by the ETag.
_CACHE = "no-cache"
_DOCS_PATHS = ("/docs", "/redoc")


def content_security_policy(frame_ancestors: list[str], media_sources: list[str]) -> str:
    """The policy of the conference page: nothing from elsewhere, no inline script, no plug-in."""
    rules = {
        "default-src": "'self'",
        "script-src": "'self' 'wasm-unsafe-eval'",
        "style-src": "'self'",
        "img-src": " ".join(["'self' data: blob: https:", *(s for s in media_sources if s != "https:")]),
        "media-src": " ".join(["'self' blob: mediastream:", *media_sources]),
        "connect-src": " ".join(["'self' ws: wss:", *media_sources]),  # chapters are read beside what is played
        "worker-src": "'self' blob:",
        "object-src": "'none'",
        "base-uri": "'none'",
        "form-action": "'self'",
        "frame-ancestors": " ".join(frame_ancestors) or "'none'",
    }
    return "; ".join(f"{name} {value}" for name, value in rules.items())


class SecurityHeaders:
    """Adds the security headers to every HTTP response."""

    def __init__(self, app: ASGIApp, options: PageOptions) -> None:
        self._app = app
        self._page_policy = content_security_policy(options.frame_ancestors, options.media_sources)
        self._headers = {
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer",
            "Permissions-Policy": "camera=(self), microphone=(self), display-capture=(self), geolocation=()",
            "Cross-Origin-Opener-Policy": "same-origin-allow-popups",
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        policy = self._policy_of(scope["path"])

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(self._headers)
                headers.setdefault("Content-Security-Policy", policy)
            await send(message)

        await self._app(scope, receive, send_with_headers)

    def _policy_of(self, path: str) -> str:
        if path in ("/", "/watch", "/admin") or path.startswith("/static"):
            return self._page_policy
        return API_PAGES_POLICY if path.startswith(_DOCS_PATHS) else API_POLICY


class _FreshFiles(StaticFiles):
    """Static files that browsers revalidate each time."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        response.headers["Cache-Control"] = _CACHE
        return response


def add_pages(app: FastAPI, web_root: Path) -> None:
    """Serve ``index.html`` at ``/``, ``watch.html`` at ``/watch``, ``admin.html`` at ``/admin``, ``static/`` there."""
    static = web_root / "static"

    @app.api_route("/", methods=["GET", "HEAD"], include_in_schema=False)
    async def page(request: Request) -> Response:
        return _page(request, web_root / "index.html")

    @app.api_route("/watch", methods=["GET", "HEAD"], include_in_schema=False)
    async def watch_page(request: Request) -> Response:
        return _page(request, web_root / "watch.html")

    @app.api_route("/admin", methods=["GET", "HEAD"], include_in_schema=False)
    async def admin_page(request: Request) -> Response:
        return _page(request, web_root / "admin.html")

    def _page(request: Request, index: Path) -> Response:
        if not index.is_file():
            raise RoomError(ErrorCode.NOT_FOUND, "This server brings no page.")
        response = FileResponse(index, media_type="text/html; charset=utf-8", stat_result=index.stat())
        response.headers["Cache-Control"] = _CACHE
        if request.headers.get("if-none-match") == response.headers.get("etag"):
            return Response(status_code=304, headers={"ETag": response.headers["etag"], "Cache-Control": _CACHE})
        return response

    @app.api_route("/static/models/person.tflite", methods=["GET", "HEAD"], include_in_schema=False)
    def person_model() -> Response:
        # Where there is none the page says so: that is no error.
        if not PERSON_MODEL.is_file():
            return Response(status_code=204)
        response = FileResponse(PERSON_MODEL, media_type="application/octet-stream", stat_result=PERSON_MODEL.stat())
        response.headers["Cache-Control"] = "max-age=86400"
        return response

    if static.is_dir():
        app.mount("/static", _FreshFiles(directory=static), name="static")
