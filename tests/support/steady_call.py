"""A publisher and a subscriber of sound at a real server, 50 packets a second: what is lost between them is counted."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import struct
import time
from typing import Any

from sfu.ice import stun
from tests.integration.io.client import UdpWire
from tests.integration.signaling.peer import Peer

INTERVAL_S = 0.02
CONSENT_S = 2.0


class SteadyCall:
    """``begin`` with two members of one room; ``end`` gives what was sent, lost, and the longest gap in seconds."""

    def __init__(self) -> None:
        self.sent = 0
        self.got: set[int] = set()
        self.longest_gap_s = 0.0
        self._peers: list[Peer] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._stopped = False

    async def begin(self, publisher: Any, subscriber: Any) -> None:
        """Negotiate, and let media flow."""
        up, down = (Peer.create(9) for _ in range(2))
        self._peers = [up, down]
        offer = up.offer(direction="sendonly", kinds=("audio",))
        payload = {"transport": "publish", "sdp": offer, "tracks": {"0": {"source": "microphone"}}}
        answer = await publisher.say("offer", payload)
        assert answer["type"] == "answer", answer
        self._go_to(up, answer["payload"]["sdp"])
        up.learn(answer["payload"]["sdp"])
        await up.connect()
        offered = (await subscriber.next("offer"))["payload"]
        reply = down.answer(offered["sdp"])
        self._go_to(down, offered["sdp"])
        assert (await subscriber.say("answer", {"transport": "subscribe", "sdp": reply}))["type"] == "ack"
        await down.connect()
        loop = asyncio.get_running_loop()
        self._tasks = [loop.create_task(self._send(up)), loop.create_task(self._receive(down))]
        self._tasks += [loop.create_task(self._consent(peer)) for peer in self._peers]
        async with asyncio.timeout(10):
            while not self.got:  # noqa: ASYNC110 - the first packet
                await asyncio.sleep(0.02)
        self.longest_gap_s = 0.0
        self.first = max(self.got)

    @staticmethod
    def _go_to(peer: Peer, description: str) -> None:
        found = re.search(r"a=candidate:\S+ 1 udp \d+ (127\.0\.0\.1) (\d+)", description, re.IGNORECASE)
        assert found is not None, description
        peer.client.wire.close()
        peer.client.wire = UdpWire(found[1], int(found[2]))

    async def _send(self, peer: Peer) -> None:
        due = time.monotonic()
        while not self._stopped:
            self.sent += 1
            await peer.send_audio(self.sent)
            due += INTERVAL_S
            await asyncio.sleep(max(0.0, due - time.monotonic()))

    async def _receive(self, peer: Peer) -> None:
        last = time.monotonic()
        while True:
            with contextlib.suppress(TimeoutError):
                _, payload = await peer.receive_audio()
                now = time.monotonic()
                self.longest_gap_s = max(self.longest_gap_s, now - last)
                last = now
                self.got.add(int(payload.removeprefix(b"opus")))

    @staticmethod
    async def _consent(peer: Peer) -> None:
        """RFC 7675; the answers are among what the receiver drops."""
        while True:
            ufrag, password = peer.client.remote
            body = stun.attribute(stun.USERNAME, f"{ufrag}:peer".encode())
            body += stun.attribute(stun.PRIORITY, struct.pack("!I", 1853824767))
            body += stun.attribute(stun.ICE_CONTROLLING, os.urandom(8)) + stun.attribute(stun.USE_CANDIDATE, b"")
            request = stun.build_message(stun.BINDING_REQUEST, os.urandom(12), body, password.encode())
            await peer.client.wire.send(request)
            await asyncio.sleep(CONSENT_S)

    async def end(self) -> dict[str, float]:
        """Stop, wait for what is under way, and count."""
        self._stopped = True
        await asyncio.sleep(0.5)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for peer in self._peers:
            peer.close()
        expected = set(range(self.first, self.sent + 1))
        return {
            "sent": len(expected),
            "lost": len(expected - self.got),
            "longest_gap_s": round(self.longest_gap_s, 3),
        }
