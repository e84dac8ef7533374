"""How many watch on a platform: asked of YouTube's and Twitch's HTTP interfaces, where the operator has given keys.

A stream key does not say whose channel it is: the caller names the broadcast (YouTube) or the channel (Twitch).
"""

from __future__ import annotations

import time
from typing import Any, Protocol

import httpx
import structlog

from streaming.options import LiveOptions

YOUTUBE_URL = "https://www.googleapis.com/youtube/v3/videos"
TWITCH_TOKEN_URL = "https://id.twitch.tv/oauth2/token"
TWITCH_STREAMS_URL = "https://api.twitch.tv/helix/streams"
_TIMEOUT_S = 5.0
_log = structlog.get_logger("plenum.live")


class ViewerCount(Protocol):
    """A platform's own count."""

    async def viewers(self, channel: str) -> int | None:
        """How many watch now; None: it is not known."""
        ...


class YouTubeCount:
    """``videos.list`` of the YouTube Data API; ``channel`` is the id of the broadcast's video."""

    def __init__(self, client: httpx.AsyncClient, key: str, url: str = YOUTUBE_URL) -> None:
        self._client = client
        self._key = key
        self._url = url

    async def viewers(self, channel: str) -> int | None:
        """``concurrentViewers``, which is missing while the broadcast is not live or hides it."""
        query = {"part": "liveStreamingDetails", "id": channel}
        # The key goes in a header: addresses end up in logs.
        body = await _get(self._client, self._url, query, {"X-Goog-Api-Key": self._key})
        items = body.get("items") if body is not None else None
        details = items[0].get("liveStreamingDetails", {}) if items else {}
        return _number(details.get("concurrentViewers"))


class TwitchCount:
    """``Get Streams`` of Helix with an application's token; ``channel`` is the login name."""

    def __init__(
        self,
        client: httpx.AsyncClient,
        client_id: str,
        client_secret: str,
        token_url: str = TWITCH_TOKEN_URL,
        streams_url: str = TWITCH_STREAMS_URL,
    ) -> None:
        self._client = client
        self._client_id, self._client_secret = client_id, client_secret
        self._token_url, self._streams_url = token_url, streams_url
        self._token = ""
        self._token_until = 0.0

    async def viewers(self, channel: str) -> int | None:
        """``viewer_count``; None while the channel is not live."""
        for _ in range(2):
            if not await self._have_token():
                return None
            headers = {"Client-Id": self._client_id, "Authorization": f"Bearer {self._token}"}
            answer = await _send(self._client, "GET", self._streams_url, {"user_login": channel}, headers)
            if answer is None or answer.status_code != 401:
                break
            self._token = ""  # it was taken back: get another, once
        body = _body(answer)
        streams = body.get("data") if body is not None else None
        return _number(streams[0].get("viewer_count")) if streams else None

    async def _have_token(self) -> bool:
        if self._token and time.monotonic() < self._token_until:
            return True
        form = {
            "client_id": self._client_id,
            "client_secret": self._client_secret,
            "grant_type": "client_credentials",
        }
        body = _body(await _send(self._client, "POST", self._token_url, None, None, form))
        token = body.get("access_token") if body is not None else None
        if not isinstance(token, str):
            return False
        assert body is not None
        self._token = token
        self._token_until = time.monotonic() + max(60, (_number(body.get("expires_in")) or 0) - 60)
        return True


def counts(options: LiveOptions, client: httpx.AsyncClient) -> dict[str, ViewerCount]:
    """The platforms that can be asked, by their names."""
    found: dict[str, ViewerCount] = {}
    if options.youtube_api_key is not None:
        found["youtube"] = YouTubeCount(client, options.youtube_api_key.get_secret_value())
    if options.twitch_client_id is not None and options.twitch_client_secret is not None:
        secret = options.twitch_client_secret.get_secret_value()
        found["twitch"] = TwitchCount(client, options.twitch_client_id, secret)
    return found


async def _get(
    client: httpx.AsyncClient, url: str, query: dict[str, str], headers: dict[str, str]
) -> dict[str, Any] | None:
    return _body(await _send(client, "GET", url, query, headers))


async def _send(
    client: httpx.AsyncClient,
    method: str,
    url: str,
    query: dict[str, str] | None,
    headers: dict[str, str] | None,
    form: dict[str, str] | None = None,
) -> httpx.Response | None:
    try:
        return await client.request(method, url, params=query, headers=headers, data=form, timeout=_TIMEOUT_S)
    except httpx.HTTPError as error:
        _log.info("a platform does not answer", platform=httpx.URL(url).host, error=type(error).__name__)
        return None


def _body(answer: httpx.Response | None) -> dict[str, Any] | None:
    if answer is None or answer.status_code != 200:
        return None
    try:
        body = answer.json()
    except ValueError:
        return None
    return body if isinstance(body, dict) else None


def _number(value: object) -> int | None:
    try:
        return max(0, int(value))  # type: ignore[call-overload,no-any-return]
    except (TypeError, ValueError):
        return None
