"""No request may fill the memory: bodies have a limit before anything reads them."""

from __future__ import annotations

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from signaling.errors import ErrorCode, RoomError
from signaling.rest.failures import answer


class BodyLimit:
    """Refuses announced bodies over the limit by 413, and ends unannounced ones at the limit."""

    def __init__(self, app: ASGIApp, max_bytes: int) -> None:
        self._app = app
        self._max_bytes = max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        announced = dict(scope["headers"]).get(b"content-length", b"0")
        if not announced.isdigit() or int(announced) > self._max_bytes:
            await answer(self._too_large())(scope, receive, send)
            return
        received = 0

        async def receive_limited() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > self._max_bytes:
                raise self._too_large()
            return message

        await self._app(scope, receive_limited, send)

    def _too_large(self) -> RoomError:
        message = f"The body has more than {self._max_bytes} bytes."
        return RoomError(ErrorCode.TOO_LARGE, message, details={"max_bytes": self._max_bytes})
