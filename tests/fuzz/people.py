"""Participants that stay in a room while a server is attacked: who is thrown out comes back."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator

from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException

from tests.support.server import PlenumServer

ROOM = "demo"
# Limits have tests of their own; here they would only keep the attack from what is behind them.
NO_LIMITS = {
    "PLENUM_ROOMS__REQUESTS_PER_MINUTE": "10000000",
    "PLENUM_ROOMS__MESSAGES_PER_MINUTE": "10000000",
    "PLENUM_ROOMS__JOINS_PER_MINUTE": "10000000",
    "PLENUM_ROOMS__HAND_RAISES_PER_MINUTE": "10000000",
    "PLENUM_ROOMS__REACTIONS_PER_MINUTE": "10000000",
    "PLENUM_ROOMS__FILES__OFFERS_PER_HOUR": "10000000",
    "PLENUM_ROOMS__ROOMS_CREATED_PER_HOUR": "10000000",
    "PLENUM_ROOMS__FLOOD_MESSAGES_PER_SECOND": "10000000",
    "PLENUM_ROOMS__FLOOD_BURST": "10000000",
}
_HEARTBEAT = json.dumps({"type": "heartbeat", "payload": {}})


@contextlib.asynccontextmanager
async def present(server: PlenumServer, *names_and_roles: tuple[str, str]) -> AsyncIterator[None]:
    """These are in the room until the end of the block, as far as the room lets them."""
    tasks = [asyncio.create_task(_stay(server, name, role)) for name, role in names_and_roles]
    await asyncio.sleep(0.3)
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _stay(server: PlenumServer, name: str, role: str) -> None:
    address = f"ws://127.0.0.1:{server.port}/webrtc/ws/{ROOM}?token={server.token(name, role=role)}"
    while True:
        with contextlib.suppress(OSError, WebSocketException):
            async with connect(address, max_size=None) as socket:
                while True:
                    await socket.send(_HEARTBEAT)
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(5):
                            while True:
                                await socket.recv()
        await asyncio.sleep(0.2)
