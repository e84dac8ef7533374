"""What REST answers tell of rate limits: ``RateLimit-*`` headers, on refusals and on what counted for a limit."""

from __future__ import annotations

import math
from typing import Any

from fastapi import Request
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from signaling.limits import Standing

_STATE = "rate_limit"


def note_standing(request: Request, standing: Standing) -> None:
    """Tell the caller how it stands with the limit that this call counted for."""
    setattr(request.state, _STATE, standing)


class RateLimitHeaders:
    """Adds the noted standing to answers that do not tell of a limit already."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        state: dict[str, Any] = scope.setdefault("state", {})

        async def send_with_headers(message: Message) -> None:
            standing = state.get(_STATE)
            if message["type"] == "http.response.start" and standing is not None:
                headers = MutableHeaders(scope=message)
                headers.setdefault("RateLimit-Limit", str(standing.limit))
                headers.setdefault("RateLimit-Remaining", str(standing.remaining))
                headers.setdefault("RateLimit-Reset", str(math.ceil(standing.reset_s)))
            await send(message)

        await self._app(scope, receive, send_with_headers)
