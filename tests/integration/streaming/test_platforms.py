"""The viewer counts of YouTube and Twitch, against a local server that answers as theirs are documented to."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from urllib.parse import parse_qs

import httpx
import pytest
from starlette.types import Receive, Scope, Send

from streaming.live.platforms import TwitchCount, YouTubeCount


class Platform:
    """Both interfaces, and what was asked of them."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, dict[str, list[str]], dict[str, str]]] = []
        self.tokens = 0
        self.revoked = False
        self.status = 200
        self.broken = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = (await receive()).get("body", b"")
        query = parse_qs((scope["query_string"] or body).decode())
        headers = {key.decode(): value.decode() for key, value in scope["headers"]}
        self.asked.append((scope["method"], scope["path"], query, headers))
        status, answer = self._answer(scope["path"], query, headers)
        text = b"<html>" if self.broken else json.dumps(answer).encode()
        await send({"type": "http.response.start", "status": self.status if status == 200 else status, "headers": []})
        await send({"type": "http.response.body", "body": text})

    def _answer(self, path: str, query: dict[str, list[str]], headers: dict[str, str]) -> tuple[int, object]:
        if path == "/youtube":
            if headers.get("x-goog-api-key") != "yt-key":
                return 403, {"error": {"code": 403}}
            details = {"actualStartTime": "2026-11-27T00:00:00Z", "concurrentViewers": "1234"}
            return 200, {"items": [{"liveStreamingDetails": details}] if query["id"] == ["live-video"] else []}
        if path == "/token":
            if query.get("client_secret") != ["tw-secret"] or query.get("grant_type") != ["client_credentials"]:
                return 403, {"status": 403}
            self.tokens += 1
            return 200, {"access_token": f"token{self.tokens}", "expires_in": 5_000, "token_type": "bearer"}
        if self.revoked or headers.get("authorization") != f"Bearer token{self.tokens}":
            self.revoked = False
            return 401, {"error": "Unauthorized"}
        return 200, {"data": [{"type": "live", "viewer_count": 56}] if query["user_login"] == ["assembly"] else []}


@pytest.fixture
def platform() -> Platform:
    return Platform()


@pytest.fixture
async def client(platform: Platform) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(platform)) as made:
        yield made


def twitch(client: httpx.AsyncClient, secret: str = "tw-secret") -> TwitchCount:
    return TwitchCount(client, "tw-id", secret, "http://x/token", "http://x/streams")


async def test_youtube(client: httpx.AsyncClient, platform: Platform) -> None:
    count = YouTubeCount(client, "yt-key", "http://x/youtube")
    assert [await count.viewers("live-video"), await count.viewers("another")] == [1_234, None]
    assert "key" not in platform.asked[0][2]  # not in the address, where it would be logged


async def test_twitch(client: httpx.AsyncClient, platform: Platform) -> None:
    count = twitch(client)
    assert [await count.viewers("assembly"), await count.viewers("offline")] == [56, None]
    assert platform.tokens == 1
    platform.revoked = True
    assert await count.viewers("assembly") == 56
    assert platform.tokens == 2


async def test_wrong_credentials_are_no_count(client: httpx.AsyncClient) -> None:
    assert await YouTubeCount(client, "wrong", "http://x/youtube").viewers("live-video") is None
    assert await twitch(client, "wrong").viewers("assembly") is None


@pytest.mark.parametrize("trouble", ["status", "broken"])
async def test_a_platform_in_trouble_is_no_count(client: httpx.AsyncClient, platform: Platform, trouble: str) -> None:
    platform.status = 500 if trouble == "status" else 200
    platform.broken = trouble == "broken"
    assert await YouTubeCount(client, "yt-key", "http://x/youtube").viewers("live-video") is None
    assert await twitch(client).viewers("assembly") is None


async def test_a_platform_that_is_away_is_no_count() -> None:
    async with httpx.AsyncClient() as client:
        assert await YouTubeCount(client, "k", "http://127.0.0.1:9/x").viewers("v") is None
