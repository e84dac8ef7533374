"""A participant: joins by WebSocket, publishes, receives everybody else, and notes how that went."""

from __future__ import annotations

import asyncio
import contextlib
import json
import ssl
import time
from dataclasses import dataclass, field
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from scripts.load.clip import Clip
from scripts.load.connection import Connection
from scripts.load.descriptions import answer, offer
from scripts.load.downstream import Downstream
from scripts.load.upstream import Upstream
from sfu.io.certificate import Certificate
from sfu.io.nobody import ignore
from sfu.sdp.parse import parse_sdp
from sfu.sdp.write import write_sdp

OPEN_TIMEOUT_S = 20.0
MEDIA_TIMEOUT_S = 20.0
FEEDBACK_EVERY_S = 0.05
HEARTBEAT_EVERY_S = 10.0


@dataclass
class Wish:
    """What one participant is to do; ``clip`` None: it only receives."""

    url: str
    room: str
    user: str
    token: str
    clip: Clip | None
    is_probe: bool = False
    feedback: bool = True
    tls: ssl.SSLContext | None = None


@dataclass
class Story:
    """How it went: seconds from the first try; ``trouble``: in words, each kind once."""

    began: float = 0.0
    joined_s: float | None = None
    publishing_s: float | None = None
    first_packet_s: float | None = None
    trouble: list[str] = field(default_factory=list)


class Participant:
    """One of many in this process."""

    def __init__(self, wish: Wish, certificate: Certificate) -> None:
        self.wish = wish
        self.story = Story()
        self.up = Upstream(wish.clip) if wish.clip is not None else None
        self.down = Downstream(wish.is_probe)
        self._publish = Connection(certificate, ignore, self.up.on_rtcp if self.up is not None else ignore)
        self._subscribe = Connection(certificate, self.down.on_rtp, self.down.on_rtcp)
        self._socket: ClientConnection | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._answers = 0

    async def join(self) -> None:
        """Join, and publish if that is wished; what goes wrong is noted, nothing is raised."""
        wish, story = self.wish, self.story
        story.began = time.monotonic()
        try:
            self._socket = await connect(
                f"{wish.url}/webrtc/ws/{wish.room}",
                additional_headers={"Authorization": f"Bearer {wish.token}"},
                ssl=wish.tls,
                compression=None,
                open_timeout=OPEN_TIMEOUT_S,
                max_size=4 << 20,
                ping_interval=None,
                proxy=None,
            )
            first = json.loads(await asyncio.wait_for(self._socket.recv(), OPEN_TIMEOUT_S))
            if first["type"] != "room-state":
                raise ConnectionError(first["payload"].get("message") or first["type"])
            story.joined_s = time.monotonic() - story.began
            self._tasks = [asyncio.create_task(self._read()), asyncio.create_task(self._tick())]
            if self.up is not None:
                await self._begin_publishing()
        except (OSError, TimeoutError, WebSocketException, ValueError, KeyError) as error:
            self._note(f"joining: {_said(error)}")

    async def _begin_publishing(self) -> None:
        assert self.up is not None
        ssrcs = self.up.ssrcs
        tracks = {str(m): {"source": "microphone" if k == "audio" else "camera"} for m, k in enumerate(ssrcs)}
        text = write_sdp(offer(self._publish.local(), ssrcs))
        await self._say("offer", {"transport": "publish", "sdp": text, "tracks": tracks})
        await asyncio.wait_for(asyncio.shield(self._publish.connected), MEDIA_TIMEOUT_S)
        self.story.publishing_s = time.monotonic() - self.story.began
        self.up.begin(self._publish)

    async def leave(self) -> None:
        """Stop sending, and go."""
        if self.down.first_at is not None:
            self.story.first_packet_s = self.down.first_at - self.story.began
        if self.up is not None:
            self.up.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._socket is not None:
            with contextlib.suppress(WebSocketException, OSError, TimeoutError):
                await self._say("leave", {})
                await self._socket.close()
        for connection in (self._publish, self._subscribe):
            connection.close()

    # -- messages --------------------------------------------------------------------------------------------------

    async def _say(self, kind: str, payload: dict[str, Any]) -> None:
        assert self._socket is not None
        await self._socket.send(json.dumps({"type": kind, "payload": payload}))

    async def _read(self) -> None:
        assert self._socket is not None
        try:
            async for text in self._socket:
                message = json.loads(text)
                await self._take(message["type"], message["payload"])
            code = self._socket.close_code
            self._note(f"the server closed the session with {code} {self._socket.close_reason or ''}".strip())
        except (WebSocketException, OSError, ValueError, KeyError) as error:
            self._note(f"session: {_said(error)}")

    async def _take(self, kind: str, payload: dict[str, Any]) -> None:
        if kind == "answer":
            self._publish.start(parse_sdp(payload["sdp"]).sections[0])
        elif kind == "offer" and payload.get("transport") == "subscribe":
            offered = parse_sdp(payload["sdp"])
            self.down.learn(offered)
            self._answers += 1
            ours = answer(offered, self._subscribe.local(), self._answers, feedback=self.wish.feedback)
            await self._say("answer", {"transport": "subscribe", "sdp": write_sdp(ours)})
            self.down.use(self._subscribe)
            self._subscribe.start(next(s for s in offered.sections if not s.rejected))
        elif kind == "error":
            self._note(f"{payload.get('error_code')}: {payload.get('message')}")
        elif kind == "room-moved":
            self._note("the room moved to another shard, which this client does not follow")

    async def _tick(self) -> None:
        beat = report = time.monotonic()
        while True:
            await asyncio.sleep(FEEDBACK_EVERY_S)
            now = time.monotonic()
            self.down.give_feedback(now)
            if now - report >= 1:
                report = now
                self.down.report(now)
            if now - beat >= HEARTBEAT_EVERY_S:
                beat = now
                with contextlib.suppress(WebSocketException, OSError):
                    await self._say("heartbeat", {})

    def _note(self, text: str) -> None:
        if text not in self.story.trouble:
            self.story.trouble.append(text)


def _said(error: BaseException) -> str:
    return str(error) or type(error).__name__
