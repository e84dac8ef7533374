"""Send bent messages over the WebSocket as people of all roles, and judge what the server makes of them.

    python -m tests.fuzz.messages [1000000] [--seed 1]

Ends with 1 if a message got no reply or more than one, a refusal is not in the error model, an innocent participant had
to wait, a socket was closed without a reason, or the log holds an exception.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import random
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from pydantic import ValidationError
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from signaling.errors import CLOSE_CODES, ErrorBody
from tests.fuzz.frames import MAX_FRAME_BYTES, FrameMaker
from tests.fuzz.people import NO_LIMITS, ROOM, present
from tests.support.server import PlenumServer

ROLES = ("host", "moderator", "participant", "guest")
BATCH = 32
REPLY_TIMEOUT_S = 20.0
# Those of the WebSocket protocol itself (RFC 6455 section 7.4.1): not text, too large.
PROTOCOL_CODES = frozenset({1000, 1007, 1009})
ABNORMAL = 1006
WAIT_OF_AN_INNOCENT_S = 3.0


@dataclass
class Report:
    """What became of the frames."""

    sent: int = 0
    seconds: float = 0.0
    replies: Counter[str] = field(default_factory=Counter)
    closes: Counter[int] = field(default_factory=Counter)
    slowest_ms: float = 0.0
    wrong: list[str] = field(default_factory=list)

    def lines(self) -> list[str]:
        rate = self.sent / max(self.seconds, 0.001)
        return [
            f"{self.sent:,} frames in {self.seconds:.0f} s ({rate:,.0f} a second); closes {dict(self.closes)}",
            f"replies: {dict(self.replies.most_common())}",
            f"slowest heartbeat of an innocent participant: {self.slowest_ms:.0f} ms",
            *self.wrong[:30],
        ]


async def attack(frames: int, *, seed: int = 1) -> Report:
    """Start a server and send it ``frames`` frames from one attacker of each role."""
    report = Report()
    with tempfile.TemporaryDirectory() as name:
        async with PlenumServer(Path(name), NO_LIMITS) as server, present(server, ("victim", "participant")):
            others = [asyncio.create_task(_innocent(server, report)), asyncio.create_task(_keep_open(server))]
            started = time.monotonic()
            async with asyncio.TaskGroup() as group:
                for number, role in enumerate(ROLES):
                    group.create_task(Attacker(server, role, seed * 100 + number, report).run(frames // len(ROLES)))
            report.seconds = time.monotonic() - started
            for task in others:
                task.cancel()
            await asyncio.gather(*others, return_exceptions=True)
            report.wrong += server.log_trouble()
    if report.slowest_ms > WAIT_OF_AN_INNOCENT_S * 1000:
        report.wrong.append(f"an innocent participant waited for {report.slowest_ms:.0f} ms")
    return report


async def _innocent(server: PlenumServer, report: Report) -> None:
    """Somebody in another room who only wants its heartbeats answered."""
    address = f"ws://127.0.0.1:{server.port}/webrtc/ws/quiet?token={server.token('innocent')}"
    async with connect(address) as socket:
        await socket.recv()
        while True:
            started = time.monotonic()
            await socket.send('{"type":"heartbeat","payload":{}}')
            await socket.recv()
            report.slowest_ms = max(report.slowest_ms, (time.monotonic() - started) * 1000)
            await asyncio.sleep(0.05)


async def _keep_open(server: PlenumServer) -> None:
    """Undo what would keep the attackers at the door: there they could do no harm."""
    headers = {"Authorization": f"Bearer {server.token('owner', role='host')}"}
    settings = {"lock_room": False, "enable_waiting_room": False, "require_host_approval": False, "enable_chat": True}
    async with httpx.AsyncClient(base_url=f"{server.url}/webrtc/rooms/{ROOM}", headers=headers) as client:
        while True:
            await client.post("/settings", json=settings | {"max_participants": 100, "enable_reactions": True})
            await client.post("/waiting-room/admit", json={"all": True})
            await asyncio.sleep(0.1)


class Attacker:
    """One user who sends nonsense, reads all that comes back, and comes again when it was thrown out."""

    def __init__(self, server: PlenumServer, role: str, seed: int, report: Report) -> None:
        self.role, self.report = role, report
        self.maker = FrameMaker(seed)
        self.rng = random.Random(seed)
        self._name = f"attacker-{role}"
        self._server = server
        self._waiting: dict[str, str] = {}
        self._lives = 0
        self._sent_too_much = False

    async def run(self, frames: int) -> None:
        left = frames
        while left > 0:
            self._lives += 1
            # A banned one comes under another name.
            token = self._server.token(f"{self._name}-{self._lives}", role=self.role)
            address = f"ws://127.0.0.1:{self._server.port}/webrtc/ws/{ROOM}?token={token}"
            async with connect(address, max_size=None, ping_interval=None) as socket:
                try:
                    while left > 0:
                        batch = min(BATCH, left)
                        left -= batch
                        await self._exchange(socket, batch)
                except ConnectionClosed:
                    self._judge_close(socket)
            self._waiting.clear()

    async def _exchange(self, socket: ClientConnection, count: int) -> None:
        """Send some frames, and take all replies."""
        reading = asyncio.create_task(self._read(socket))
        try:
            await self._send(socket, count)
            async with asyncio.timeout(REPLY_TIMEOUT_S):
                await reading
        except TimeoutError:
            self.report.wrong.append(f"the server was silent for {REPLY_TIMEOUT_S:.0f} s")
        finally:
            reading.cancel()
            with contextlib.suppress(asyncio.CancelledError, ConnectionClosed):
                await reading
        self.report.wrong += [f"no reply to {text}" for text in self._waiting.values()]
        self._waiting.clear()

    async def _send(self, socket: ClientConnection, count: int) -> None:
        for _ in range(count):
            frame, message_id = self.maker.frame()
            self.report.sent += 1
            self._sent_too_much |= len(frame) > MAX_FRAME_BYTES
            if message_id is not None:
                self._waiting[message_id] = str(frame[:300])
            await socket.send(frame)
        # Messages are done in order: when this is answered, all before it have been.
        self._waiting["last"] = "heartbeat"
        await socket.send('{"type":"heartbeat","payload":{},"id":"last"}')

    async def _read(self, socket: ClientConnection) -> None:
        while True:
            message = json.loads(await socket.recv())
            payload = message["payload"]
            self.maker.learn(payload)
            if message["type"] == "error":
                self._judge_refusal(payload)
            reply_to = message.get("reply_to")
            if reply_to is None:
                continue
            self.report.replies[payload["error_code"] if message["type"] == "error" else "done"] += 1
            if self._waiting.pop(reply_to, None) is None:
                self.report.wrong.append(f"a second reply to {reply_to}: {message}")
            if reply_to == "last":
                return

    def _judge_refusal(self, payload: dict[str, Any]) -> None:
        try:
            error = ErrorBody.model_validate(payload)
        except ValidationError:
            self.report.wrong.append(f"not in the error model: {payload}")
            return
        if error.error_code == "internal":
            self.report.wrong.append(f"internal: one of {list(self._waiting.values())[:3]}")

    def _judge_close(self, socket: ClientConnection) -> None:
        code = socket.close_code or 0
        self.report.closes[code] += 1
        # Who goes on sending after what is not read may find the connection reset before the close code arrives.
        was_reset = code == ABNORMAL and self._sent_too_much
        self._sent_too_much = False
        if code not in CLOSE_CODES and code not in PROTOCOL_CODES and not was_reset:
            self.report.wrong.append(f"closed with {code} {socket.close_reason}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("frames", type=int, nargs="?", default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    report = asyncio.run(attack(arguments.frames, seed=arguments.seed))
    print(*report.lines(), sep="\n")
    return 1 if report.wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
