"""Swagger UI at ``/docs`` and ReDoc at ``/redoc``, from files that were installed with the server: nothing is fetched
from elsewhere, and no inline script is needed.
"""

from __future__ import annotations

import functools
import html
import importlib.util
from pathlib import Path

from fastapi import FastAPI
from starlette.responses import HTMLResponse, Response
from starlette.staticfiles import StaticFiles

# ReDoc writes its styles into the page and searches in a worker.
API_PAGES_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "font-src 'self' data:; connect-src 'self'; worker-src blob:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
_ASSETS = "/docs/files"
_HEAD = (
    '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
    '<meta name="viewport" content="width=device-width, initial-scale=1">'
    '<link rel="icon" href="/static/favicon.svg">'
)
_SWAGGER = (
    _HEAD + f'<link rel="stylesheet" href="{_ASSETS}/swagger-ui.css"></head><body><div id="swagger-ui"></div>'
    f'<script src="{_ASSETS}/swagger-ui-bundle.js"></script><script src="/docs/start.js"></script></body></html>'
)
_START = (
    'SwaggerUIBundle({url: "/openapi.json", dom_id: "#swagger-ui", deepLinking: true, persistAuthorization: false,'
    " validatorUrl: null});"
)
_REDOC = (
    _HEAD + '<style>body { margin: 0 }</style></head><body><redoc spec-url="/openapi.json"></redoc>'
    f'<script src="{_ASSETS}/redoc.standalone.js"></script></body></html>'
)
# The one thing ReDoc would fetch from its makers.
_LOGO_ELSEWHERE = "https://cdn.redoc.ly/redoc/logo-mini.svg"
_LOGO_HERE = "data:,"


def add_api_pages(app: FastAPI) -> None:
    """Serve both pages of ``app``'s OpenAPI document."""
    swagger, redoc = (page.replace("{title}", html.escape(f"{app.title} API")) for page in (_SWAGGER, _REDOC))

    @app.get("/docs", include_in_schema=False)
    async def swagger_ui() -> Response:
        return HTMLResponse(swagger)

    @app.get("/docs/start.js", include_in_schema=False)
    async def start() -> Response:
        return Response(_START, media_type="text/javascript")

    @app.get("/redoc", include_in_schema=False)
    async def redoc_page() -> Response:
        return HTMLResponse(redoc)

    # Not async: reading and changing a megabyte is for a thread.
    @app.get(f"{_ASSETS}/redoc.standalone.js", include_in_schema=False)
    def redoc_program() -> Response:
        return Response(_redoc_program(), media_type="text/javascript", headers={"Cache-Control": "max-age=3600"})

    app.mount(_ASSETS, StaticFiles(directory=_assets()), name="api-pages")


@functools.cache
def _redoc_program() -> str:
    return (_assets() / "redoc.standalone.js").read_text().replace(_LOGO_ELSEWHERE, _LOGO_HERE)


def _assets() -> Path:
    """The folder with both programs; the package is not imported, only its files are wanted."""
    found = importlib.util.find_spec("fastapi_offline")
    assert found is not None and found.origin is not None, "a dependency is missing: fastapi-offline"
    return Path(found.origin).parent / "static"
