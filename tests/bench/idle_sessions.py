"""What idle sessions cost a server: memory of each beyond its socket, and processor time of all heartbeats.

    python -m tests.bench.idle_sessions [--sessions 2000] [--room-size 20] [--seconds 30]

The socket alone is measured by a bare WebSocket application under the same HTTP server with the same options.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import os
import resource
import sys
import tempfile
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path

from tests.bench.ws_client import LightClient
from tests.support.ports import free_tcp_port
from tests.support.server import PlenumServer

HEARTBEAT_S = 10.0
TARGET_BYTES, TARGET_SHARE = 20_000, 0.10
MAX_TRIES, TRY_AGAIN_S = 100, 0.5
_BARE = """
import sys, uvicorn
async def app(scope, receive, send):
    if scope["type"] != "websocket":
        return
    await receive()
    await send({"type": "websocket.accept"})
    await send({"type": "websocket.send", "text": "{}"})
    while (await receive())["type"] != "websocket.disconnect":
        await send({"type": "websocket.send", "text": "{}"})
uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), ws="websockets-sansio", ws_per_message_deflate=False,
            ws_ping_interval=None, lifespan="off", log_config=None)
"""
Join = Callable[[int], Awaitable[LightClient]]


def rss_bytes(pid: int) -> int:
    """Memory that is the process's own."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


class Crowd:
    """Clients that do nothing but send a heartbeat every ten seconds, from the moment they have joined."""

    def __init__(self) -> None:
        self.clients: list[LightClient] = []
        self._beating = asyncio.create_task(self._beat())

    async def fill(self, count: int, join: Join) -> None:
        """So many more, a few at a time."""
        for start in range(0, count, 20):
            joins = (join(number) for number in range(start, min(start + 20, count)))
            self.clients += await asyncio.gather(*joins)

    def close(self) -> None:
        self._beating.cancel()
        for client in self.clients:
            client.close()

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(0.01)
            for client in list(self.clients):
                client.beat()
                await asyncio.sleep(HEARTBEAT_S / len(self.clients))


def _ignore(data: bytes, at: float) -> None:
    pass


async def bare_bytes(count: int) -> float:
    """Memory of one socket."""
    port = free_tcp_port()
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", _BARE, str(port))
    try:
        await asyncio.sleep(2)
        crowd = Crowd()
        await crowd.fill(20, lambda number: LightClient.join(port, "r", "t", _ignore))
        before = rss_bytes(process.pid)
        await crowd.fill(count, lambda number: LightClient.join(port, "r", "t", _ignore))
        await asyncio.sleep(HEARTBEAT_S)
        cost = (rss_bytes(process.pid) - before) / count
        crowd.close()
        return cost
    finally:
        process.kill()
        await process.wait()


async def measure(count: int, room_size: int, seconds: float) -> tuple[float, float]:
    """Bytes of a session, its socket included, and the share of a core that heartbeats take."""
    settings = {
        "PLENUM_ROOMS__SETTINGS__MAX_PARTICIPANTS": str(room_size + 10),
        "PLENUM_SHARDS__MAX_PARTICIPANTS": str(count + 100),
    }
    with tempfile.TemporaryDirectory() as name:
        async with PlenumServer(Path(name), settings) as server:

            async def join(number: int) -> LightClient:
                token = server.token(f"user{number}")
                for _ in range(MAX_TRIES):
                    # All come at once, and a server whose core is busy opens no room for a moment.
                    with contextlib.suppress(ConnectionError):
                        return await LightClient.join(server.port, f"room{number // room_size}", token, _ignore)
                    await asyncio.sleep(TRY_AGAIN_S)
                raise AssertionError("the server takes no more sessions")

            crowd = Crowd()
            await crowd.fill(20, lambda n: LightClient.join(server.port, "warm", server.token(f"warm{n}"), _ignore))
            await asyncio.sleep(2)
            before = server.rss_bytes()
            await crowd.fill(count, join)
            await asyncio.sleep(HEARTBEAT_S)
            each = (server.rss_bytes() - before) / count
            cpu = server.cpu_s()
            await asyncio.sleep(seconds)
            share = (server.cpu_s() - cpu) / seconds
            codes = Counter(client.close_code for client in crowd.clients if client.closed or client.close_code)
            assert not codes, f"sessions were closed: {codes}"
            crowd.close()
            return each, share


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sessions", type=int, default=2_000)
    parser.add_argument("--room-size", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=30.0)
    arguments = parser.parse_args()
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    gc.disable()
    socket = asyncio.run(bare_bytes(arguments.sessions))
    each, share = asyncio.run(measure(arguments.sessions, arguments.room_size, arguments.seconds))
    own = each - socket
    print(f"{arguments.sessions} sessions in rooms of {arguments.room_size}")
    print(f"memory of each: {each / 1000:.1f} KB: socket {socket / 1000:.1f} KB, session {own / 1000:.1f} KB")
    print(f"heartbeats of all: {share:.1%} of a core")
    return 0 if own < TARGET_BYTES and share < TARGET_SHARE else 1


if __name__ == "__main__":
    raise SystemExit(main())
