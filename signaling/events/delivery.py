"""One event to one receiver: the body, its signature, and the HTTP call."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import hmac
import json
from collections.abc import Callable

import httpx

from signaling.envelope import iso_utc
from signaling.events.log import RoomEvent
from signaling.events.options import WebhookOptions, WebhookReceiver
from signaling.version import VERSION

SIGNATURE_HEADER = "Plenum-Signature"
# What a receiver says is of no interest; a little is read so that the connection can be used again.
MAX_ANSWER_BYTES = 8_192
MAX_ANSWER_S = 1.0


def body_of(room_id: str, event: RoomEvent) -> bytes:
    """What is posted."""
    fields = {
        "event_id": event.event_id,
        "room_id": room_id,
        "seq": event.seq,
        "type": event.type,
        "actor": event.actor,
        "timestamp": iso_utc(event.at_unix),
        "payload": event.payload,
    }
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode()


def sign(secret: str, body: bytes, now_unix: float) -> str:
    """The signature header: HMAC-SHA256 (RFC 2104) over time, a dot and the body."""
    stamp = str(int(now_unix))
    mac = hmac.new(secret.encode(), stamp.encode() + b"." + body, hashlib.sha256)
    return f"t={stamp},v1={mac.hexdigest()}"


class Postman:
    """Posts events; at most so many at a time to one receiver."""

    def __init__(self, options: WebhookOptions, unix: Callable[[], float]) -> None:
        self._options = options
        self._unix = unix
        self._slots: dict[str, asyncio.Semaphore] = {}
        self._client = httpx.AsyncClient(
            timeout=options.timeout_s,
            follow_redirects=False,  # a signed body goes to the address that the operator named, and nowhere else
            trust_env=False,
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=32),
            headers={"User-Agent": f"Plenum/{VERSION}", "Content-Type": "application/json"},
        )

    async def post(self, receiver: WebhookReceiver, room_id: str, event: RoomEvent) -> str | None:
        """None if the receiver has taken it (2xx in time), else why not."""
        slots = self._slots.setdefault(receiver.url, asyncio.Semaphore(self._options.max_connections))
        async with slots:
            body = body_of(room_id, event)
            secret = receiver.secret.get_secret_value()
            headers = {SIGNATURE_HEADER: sign(secret, body, self._unix()), "Plenum-Event": event.type}
            try:
                async with asyncio.timeout(self._options.timeout_s):
                    return await self._send(receiver.url, body, headers)
            except TimeoutError:
                return "timeout"
            except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
                return type(error).__name__

    async def _send(self, url: str, body: bytes, headers: dict[str, str]) -> str | None:
        async with self._client.stream("POST", url, content=body, headers=headers) as response:
            if not response.is_success:
                return f"status {response.status_code}"
            with contextlib.suppress(httpx.HTTPError, TimeoutError):
                async with asyncio.timeout(MAX_ANSWER_S):
                    await _drain(response)
            return None

    async def close(self) -> None:
        """Close all connections."""
        await self._client.aclose()


async def _drain(response: httpx.Response) -> None:
    size = 0
    async for chunk in response.aiter_raw():
        size += len(chunk)
        if size > MAX_ANSWER_BYTES:
            return
