"""How long a chat message takes from socket to socket in a large room; server and clients in processes of their own.

    python -m tests.bench.message_latency [--participants 200] [--rate 20] [--seconds 30]

Each message goes to all participants; every arrival is one measurement. All of the server's work is in it: limits in
Redis, safe HTML, the event log, history.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from tests.bench.ws_client import LightClient
from tests.support.server import PlenumServer

ROOM = "hall"
HEARTBEAT_S = 10.0
TARGET_P99_MS = 20.0


@dataclass
class Figures:
    """What was measured. ``times_ms``: of every arrival."""

    sent: int = 0
    times_ms: list[float] = field(default_factory=list)
    cpu_share: float = 0.0

    def percentile(self, percent: float) -> float:
        ordered = sorted(self.times_ms)
        return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]


class Hall:
    """All participants, as one process."""

    def __init__(self, server: PlenumServer, participants: int) -> None:
        self.figures = Figures()
        self._server = server
        self._names = [f"p{number}" for number in range(participants)]
        self._clients: list[LightClient] = []
        self._sent_at: dict[str, float] = {}

    async def fill(self) -> None:
        for name in self._names:
            role = "host" if name == "p0" else "participant"
            token = self._server.token(name, role=role)
            self._clients.append(await LightClient.join(self._server.port, ROOM, token, self._arrived))

    async def talk(self, rate: float, seconds: float) -> None:
        """Messages evenly in time, each by the next participant; heartbeats beside them."""
        started, cpu = time.perf_counter(), self._server.cpu_s()
        beats = asyncio.create_task(self._beat())
        count = int(rate * seconds)
        for number in range(count):
            await asyncio.sleep(max(0.0, started + number / rate - time.perf_counter()))
            text = f"message number {number} of the benchmark"
            self._sent_at[text] = time.perf_counter()
            self._clients[number % len(self._clients)].send("chat-message", {"message": text})
            self.figures.sent += 1
        await asyncio.sleep(1)
        self.figures.cpu_share = (self._server.cpu_s() - cpu) / (time.perf_counter() - started)
        beats.cancel()
        assert not any(client.closed for client in self._clients), "a participant was closed"

    async def _beat(self) -> None:
        while True:
            for client in self._clients:
                client.beat()
                await asyncio.sleep(HEARTBEAT_S / len(self._clients))

    def _arrived(self, data: bytes, at: float) -> None:
        if data.startswith(b'{"type":"chat-message"'):
            sent_at = self._sent_at.get(json.loads(data)["payload"]["message"])
            if sent_at is not None:
                self.figures.times_ms.append((at - sent_at) * 1000)


async def measure(participants: int, rate: float, seconds: float) -> Figures:
    settings = {"PLENUM_ROOMS__SETTINGS__MAX_PARTICIPANTS": str(participants + 10)}
    with tempfile.TemporaryDirectory() as name:
        async with PlenumServer(Path(name), settings) as server:
            hall = Hall(server, participants)
            await hall.fill()
            gc.collect()
            gc.disable()  # a pause of the clients is not the server's
            await hall.talk(rate, seconds)
            return hall.figures


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--participants", type=int, default=200)
    parser.add_argument("--rate", type=float, default=20.0)
    parser.add_argument("--seconds", type=float, default=30.0)
    arguments = parser.parse_args()
    figures = asyncio.run(measure(arguments.participants, arguments.rate, arguments.seconds))
    expected = figures.sent * arguments.participants
    print(f"{arguments.participants} participants, {arguments.rate:.0f} messages a second, {figures.sent} messages")
    print(f"arrived: {len(figures.times_ms)} of {expected}; server: {figures.cpu_share:.0%} of a core")
    print("  ".join(f"p{percent:g} {figures.percentile(percent):.1f} ms" for percent in (50, 90, 99, 99.9, 100)))
    return 0 if len(figures.times_ms) == expected and figures.percentile(99) < TARGET_P99_MS else 1


if __name__ == "__main__":
    raise SystemExit(main())
