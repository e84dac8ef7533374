"""A whole server in the benchmark's own process, whose clients are sessions without a wire, held there for minutes."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Coroutine
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import uvloop

from config.options import LoggingOptions
from config.settings import Settings
from scripts import logs
from scripts.app import SWITCH_S, PlenumServer
from scripts.garbage import GarbageCollector
from sfu.ice import agent
from sfu.io import dtls
from sfu.io.certificate import Certificate
from sfu.sdp.types import LocalTransport
from signaling.hub import Hub
from tests.support.tokens import SECRET

T = TypeVar("T")
LOCAL = LocalTransport("peer", "p" * 24, Certificate().fingerprints)
HELD_S = 300
"""Nobody here says that he is still there, or answers checks and handshakes: who times out would be measured."""


class Client:
    """A session's socket that keeps the offers it gets."""

    def __init__(self) -> None:
        self.offers: list[str] = []

    def put(self, text: str) -> bool:
        message = json.loads(text)
        if message["type"] == "offer":
            self.offers.append(message["payload"]["sdp"])
        return True

    def close(self, code: int, reason: str) -> None:
        return


@contextlib.asynccontextmanager
async def serving() -> AsyncIterator[tuple[PlenumServer, Hub]]:
    """A server that takes as many as there are, keeps nothing, and collects its garbage as ``plenum serve`` does."""
    agent.CONNECT_TIMEOUT_S = dtls.HANDSHAKE_TIMEOUT_S = HELD_S
    sys.setswitchinterval(SWITCH_S)
    with tempfile.TemporaryDirectory() as name:
        async with PlenumServer(_settings(Path(name))) as server:
            assert server.app is not None
            collecting = GarbageCollector(server.is_quiet).start()
            try:
                yield server, server.app.state.hub
            finally:
                collecting.cancel()


def _settings(directory: Path) -> Settings:
    return Settings.model_validate(
        {
            "auth": {"secret": SECRET},
            "http": {"host": "127.0.0.1", "port": 0},
            "media": {"hosts": ["127.0.0.1"], "port": 0, "tcp": False},
            "recording": {"enabled": False, "folder": str(directory)},
            "live": {"enabled": False},
            "rooms": {"rooms_created_per_hour": 100_000, "session_timeout_s": HELD_S},
            "shards": {"max_participants": 100_000, "max_rooms": 10_000},
        }
    )


async def longest_ms(work: Awaitable[T]) -> tuple[float, T]:
    """What somebody who comes at any moment meanwhile has to wait at most, and what the work leads to."""
    gaps_ms: list[float] = []

    async def tick() -> None:
        while True:
            began = time.perf_counter()
            await asyncio.sleep(0.001)
            gaps_ms.append((time.perf_counter() - began) * 1000 - 1)

    ticking = asyncio.create_task(tick())
    await asyncio.sleep(0.1)
    done = await work
    await asyncio.sleep(0.1)
    ticking.cancel()
    return max(gaps_ms), done


def judge(measuring: Coroutine[Any, Any, bool]) -> NoReturn:
    """Run a measurement that says whether its target is met, as the server runs; the exit code tells it, too."""
    logs.configure(LoggingOptions(level="warning"))
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        ok = runner.run(measuring)
    print("PASS" if ok else "FAIL")
    sys.exit(0 if ok else 1)
