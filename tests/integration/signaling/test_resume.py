"""A client behind a network that breaks, over real sockets with real media transports."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from signaling.options import RoomOptions
from tests.integration.signaling.conftest import House, Member, token
from tests.integration.signaling.peer import Peer

MESSAGES = 100


class BrokenNetwork:
    """A TCP relay that swallows everything while ``dead``, as a lost network does, or ends connections roughly."""

    def __init__(self, port: int) -> None:
        self._target = port
        self.dead = False
        self.port = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._writers: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    def reset(self) -> None:
        """End all connections without a farewell."""
        for writer in self._writers:
            writer.transport.abort()
        self._writers.clear()

    async def close(self) -> None:
        assert self._server is not None
        self._server.close()
        self.reset()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        up_reader, up_writer = await asyncio.open_connection("127.0.0.1", self._target)
        self._writers |= {writer, up_writer}
        for one, other in ((reader, up_writer), (up_reader, writer)):
            task = asyncio.create_task(self._pump(one, other))
            self._tasks.add(task)

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            lost = False
            while data := await reader.read(65_536):
                lost = lost or self.dead
                if not lost:  # what was swallowed once has left a hole: nothing goes through this connection any more
                    writer.write(data)
            if not lost:
                writer.close()


class Wanderer:
    """A client that keeps to the rules: resumes, sends again what was not answered, and drops nothing."""

    def __init__(self, user: str, port: int) -> None:
        self.user, self.port = user, port
        self.received: list[dict[str, Any]] = []
        self.unanswered: dict[str, str] = {}
        self.resumed: list[dict[str, Any]] = []
        self.session_id = ""
        self.last_seq = 0
        self.first: list[str] = []
        self._socket: ClientConnection | None = None
        self._ids = iter(range(10_000))

    async def connect(self) -> None:
        query = f"?token={token(self.user)}"
        if self.session_id:
            query += f"&session_id={self.session_id}&last_seq={self.last_seq}"
        self._socket = await connect(f"ws://127.0.0.1:{self.port}/webrtc/ws/demo{query}", close_timeout=0.1)
        first = json.loads(await self._socket.recv())
        self.first.append(first["type"])
        if first["type"] == "session-resumed":
            self.resumed.append(first["payload"])
            assert first["seq"] == self.last_seq
            for _ in range(first["payload"]["replayed"]):
                await self._take()
            for text in list(self.unanswered.values()):
                await self._socket.send(text)
        else:
            self.session_id = first["payload"]["session_id"]
            self.last_seq = first["seq"]

    async def _take(self) -> dict[str, Any]:
        assert self._socket is not None
        message: dict[str, Any] = json.loads(await self._socket.recv())
        assert message["seq"] == self.last_seq + 1
        self.last_seq = message["seq"]
        self.unanswered.pop(message.get("reply_to") or "", None)
        self.received.append(message)
        return message

    async def say(self, message_type: str, payload: dict[str, Any]) -> None:
        message_id = f"w{next(self._ids)}"
        self.unanswered[message_id] = json.dumps({"type": message_type, "payload": payload, "id": message_id})
        with contextlib.suppress(ConnectionClosed):
            assert self._socket is not None
            await self._socket.send(self.unanswered[message_id])

    async def listen(self, seconds: float) -> None:
        """Until nothing comes for ``seconds``, or the connection ends."""
        with contextlib.suppress(TimeoutError, ConnectionClosed):
            while True:
                async with asyncio.timeout(seconds):
                    await self._take()

    def drop(self) -> None:
        """The client gives its socket up without the other side noticing."""
        assert self._socket is not None
        self._socket.transport.abort()

    def texts(self, sender: str) -> list[str]:
        return [m["payload"]["message"] for m in self.received if m["type"] == "chat-message" and m["sender"] == sender]


@pytest.fixture
def rooms() -> RoomOptions:
    return RoomOptions(messages_per_minute=10_000)


@pytest.fixture
async def network(house: House) -> AsyncIterator[BrokenNetwork]:
    network = BrokenNetwork(house.port)
    await network.start()
    yield network
    await network.close()


def transports(house: House) -> list[str]:
    return sorted(house.hub.rooms["demo"].router.transports)


@pytest.fixture
def peer(house: House) -> Iterator[Peer]:
    peer = Peer.create(house.engine.port)
    yield peer
    peer.close()


@pytest.mark.parametrize(
    ("rough", "lost_s"), [(True, 0.5), (False, 10.0)], ids=["connection reset", "ten seconds of silence"]
)
async def test_a_hundred_messages_through_a_lost_network(
    house: House, network: BrokenNetwork, peer: Peer, rough: bool, lost_s: float
) -> None:
    alice, _ = await house.join("alice")
    bob = Wanderer("bob", network.port)
    await bob.connect()
    offer = peer.offer(direction="sendonly", kinds=("audio",))
    await bob.say("offer", {"transport": "publish", "sdp": offer, "tracks": {"0": {"source": "microphone"}}})
    await bob.listen(0.3)
    assert [m["type"] for m in bob.received] == ["answer"]
    media = transports(house)
    assert media

    async def write() -> None:
        for n in range(MESSAGES):
            await alice.say("chat-message", {"message": str(n)})
            await asyncio.sleep(lost_s / 80)  # some before, most during, some after

    writing = asyncio.create_task(write())
    await asyncio.sleep(0.2)
    if rough:
        network.reset()
    network.dead = True
    await bob.say("chat-message", {"message": "into the void"})
    missed_from = bob.last_seq
    await asyncio.sleep(lost_s)
    network.dead = False
    bob.drop()
    await bob.connect()
    assert bob.last_seq - missed_from >= 10 and not writing.done()
    await writing
    await bob.listen(0.5)
    assert bob.first == ["room-state", "session-resumed"]
    assert bob.texts("alice") == [str(n) for n in range(MESSAGES)]
    assert bob.texts("bob") == ["into the void"]
    assert transports(house) == media, "media is as it was"
    assert "bob" in house.hub.rooms["demo"].room.participants


async def test_a_session_that_is_lost_again_and_again(house: House, network: BrokenNetwork) -> None:
    alice, _ = await house.join("alice")
    bob = Wanderer("bob", network.port)
    await bob.connect()
    said: list[str] = []
    for round_number in range(5):
        for n in range(4):
            await bob.say("chat-message", {"message": f"{round_number}.{n}"})
            said.append(f"{round_number}.{n}")
            if n == 1:
                network.reset()
        await bob.listen(0.05)
        bob.drop()
        await bob.connect()
        await bob.listen(0.1)
    heard = []
    with contextlib.suppress(TimeoutError):
        while True:
            async with asyncio.timeout(0.3):
                heard.append((await alice.next("chat-message"))["payload"]["message"])
    assert sorted(heard) == sorted(said), "nothing lost, nothing twice"
    assert bob.first == ["room-state"] + ["session-resumed"] * 5
    assert bob.unanswered == {}


async def test_what_cannot_be_resumed_is_joined_anew(house: House) -> None:
    bob, state = await house.join("bob")
    bob.socket.transport.abort()
    thief = await house.dial("demo", f"?token={token('mallory')}&session_id={state['session_id']}&last_seq=1")
    first = await thief.next()
    assert (first["type"], first["payload"]["user_id"]) == ("room-state", "mallory")
    again = await house.dial("demo", f"?token={token('bob')}&session_id={state['session_id']}&last_seq=77")
    first = await again.next()
    assert first["type"] == "room-state"
    assert first["payload"]["session_id"] != state["session_id"]
    for query in ("&session_id=nonsense&last_seq=1", "&session_id=&last_seq=", "&last_seq=4", "&session_id=x"):
        other = await house.dial("demo", f"?token={token('carol')}{query}")
        assert (await other.next())["type"] == "room-state"


class TestShortWindow:
    @pytest.fixture
    def rooms(self) -> RoomOptions:
        return RoomOptions(resume_window_s=0.5)

    async def test_who_does_not_come_back_is_gone(self, house: House) -> None:
        alice, _ = await house.join("alice")
        bob, state = await house.join("bob")
        await alice.next("user-joined")
        bob.socket.transport.abort()
        left = await alice.next("user-left")
        assert left["payload"] == {"username": "bob", "reason": "disconnected"}
        assert house.hub.sessions == 1
        late = await house.dial("demo", f"?token={token('bob')}&session_id={state['session_id']}&last_seq=1")
        assert (await late.next())["type"] == "room-state"


@pytest.mark.parametrize("code", [1000, 1001])
async def test_a_farewell_ends_the_session_at_once(house: House, code: int) -> None:
    alice, _ = await house.join("alice")
    bob, _ = await house.join("bob")
    await alice.next("user-joined")
    await bob.socket.close(code)
    assert (await alice.next("user-left"))["payload"]["reason"] == "left"


async def test_a_bad_token_resumes_nothing(house: House) -> None:
    _, state = await house.join("bob")
    member: Member = await house.dial("demo", f"?token=garbage&session_id={state['session_id']}&last_seq=1")
    assert (await member.next())["payload"]["error_code"] == "unauthorized"
    assert (await member.closed())[0] == 4401
