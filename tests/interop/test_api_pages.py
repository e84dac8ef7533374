"""Swagger UI and ReDoc work without anything from outside."""

from __future__ import annotations

import pytest

from tests.interop.conftest import People
from tests.support.server import PlenumServer


@pytest.mark.parametrize(("path", "selector"), [("/docs", ".opblock"), ("/redoc", "[data-section-id]")])
async def test_api_page_needs_nothing_from_outside(
    people: People, server: PlenumServer, path: str, selector: str
) -> None:
    tab = await people.open(f"{server.url}/webrtc/health")
    asked: list[str] = []
    tab.page.on("request", lambda request: asked.append(request.url))
    await tab.page.goto(f"{server.url}{path}")
    await tab.page.wait_for_selector(selector, timeout=60_000)
    assert await tab.page.locator(selector).count() > 20
    blocked = [error for error in tab.errors if "Content Security Policy" not in error]
    assert blocked == []
    tab.errors.clear()
    outside = [url for url in asked if not url.startswith((server.url, "data:", "blob:"))]
    assert outside == []
