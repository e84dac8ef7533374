"""No request may fill the memory: bodies have a limit before anything reads them."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from signaling.errors import ErrorCode, RoomError
from signaling.rest.failures import answer


class BodyLimit:
    """Refuses announced bodies over the limit by 413, and ends unannounced ones at the limit.

    ``larger``: other limits for paths that end so.
    """

    def __init__(self, app: ASGIApp, max_bytes: int, larger: Mapping[str, int]) -> None:
        self._app = app
        self._max_bytes = max_bytes
        self._larger = larger

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        limit = self._limit(scope["path"])
        announced = dict(scope["headers"]).get(b"content-length", b"0")
        if not announced.isdigit() or int(announced) > limit:
            await answer(_too_large(limit))(scope, receive, send)
            return
        received = 0

        async def receive_limited() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > limit:
                raise _too_large(limit)
            return message

        await self._app(scope, receive_limited, send)

    def _limit(self, path: str) -> int:
        return next((limit for end, limit in self._larger.items() if path.endswith(end)), self._max_bytes)


def _too_large(limit: int) -> RoomError:
    return RoomError(ErrorCode.TOO_LARGE, f"The body has more than {limit} bytes.", details={"max_bytes": limit})
