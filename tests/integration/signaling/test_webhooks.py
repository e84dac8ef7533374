"""Webhooks against a real receiver that fails, hangs, redirects, goes away and comes back."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import hmac
import json
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError
from redis.asyncio import Redis

from scripts.embedded_redis import EmbeddedRedis
from signaling import effects as fx
from signaling.events import courier as courier_module
from signaling.events.courier import Courier
from signaling.events.options import EventOptions, WebhookOptions, WebhookReceiver
from signaling.options import RedisOptions, RoomOptions
from signaling.redis_client import connect
from signaling.store import RoomStore
from tests.integration.signaling.conftest import running

SECRET = "a-secret-of-the-receiver"
OPTIONS = RedisOptions(key_prefix="test", command_timeout_s=1.0)
Behaviour = Callable[[int], str]


class Receiver:
    """An HTTP server. ``behaviour`` says by the number of the request what it does: ``ok``, a status, hang, drop…"""

    def __init__(self, behaviour: Behaviour = lambda n: "ok") -> None:
        self.behaviour = behaviour
        self.requests: list[tuple[dict[str, str], bytes]] = []
        self.taken: list[dict[str, Any]] = []
        self.port = 0
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
            for writer in self._writers:
                writer.transport.abort()
            self._server = None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        with contextlib.suppress(asyncio.IncompleteReadError, OSError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
                headers = {k.lower(): v for k, _, v in (line.partition(": ") for line in head[1:] if line)}
                body = await reader.readexactly(int(headers["content-length"]))
                self.requests.append((headers, body))
                what = self.behaviour(len(self.requests))
                if what == "hang":
                    await asyncio.sleep(60)
                if what == "drop":
                    break
                if what == "ok":
                    self.taken.append(json.loads(body))
                    writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")
                elif what == "endless":
                    self.taken.append(json.loads(body))
                    writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
                    while not writer.is_closing():
                        writer.write(b"400\r\n" + b"x" * 1024 + b"\r\n")
                        await writer.drain()
                else:
                    more = "Location: http://127.0.0.1:1/\r\n" if what.startswith("3") else ""
                    writer.write(f"HTTP/1.1 {what} X\r\n{more}Content-Length: 0\r\n\r\n".encode())
        writer.transport.abort()

    def seqs(self, room: str = "demo") -> list[int]:
        return [event["seq"] for event in self.taken if event["room_id"] == room]


class Post:
    """A store and a courier, as a process has them."""

    def __init__(self, redis_url: str, *receivers: WebhookReceiver, **options: Any) -> None:
        defaults: dict[str, Any] = {"timeout_s": 0.3, "first_retry_s": 0.02, "longest_retry_s": 0.1}
        webhooks = WebhookOptions(receivers=list(receivers), **{**defaults, **options})
        self.events = EventOptions(webhooks=webhooks, max_events=100)
        self.redis: Redis = connect(redis_url, OPTIONS)
        self.counters: Counter[str] = Counter()
        self.store = RoomStore(self.redis, OPTIONS, self.events)
        self.courier = Courier(self.redis, OPTIONS, self.events, self.counters)
        self.store.on_events = self.courier.wake
        self._number = 0
        self._writer = f"writer{id(self)}"

    async def __aenter__(self) -> Post:
        self.courier.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.store.close()
        await self.courier.close()
        await self.redis.aclose()

    def happen(self, count: int = 1, room: str = "demo", event_type: str = "chat-message") -> None:
        for _ in range(count):
            self._number += 1
            event = fx.AppendEvent(f"{self._writer}{room}", self._number, event_type, "bob", 1e9, '{"n":1}', "", "")
            self.store.save(room, event)


def told(receiver: Receiver, *events: str) -> WebhookReceiver:
    return WebhookReceiver(url=receiver.url, secret=SecretStr(SECRET), events=list(events))


async def until(condition: Callable[[], object], timeout_s: float = 8.0) -> None:
    async with asyncio.timeout(timeout_s):
        while not condition():  # noqa: ASYNC110 - what another task does
            await asyncio.sleep(0.01)


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    await receiver.start()
    yield receiver
    await receiver.stop()


def verify(headers: dict[str, str], body: bytes, secret: str, now: float) -> bool:
    """The example of docs/webhooks.md."""
    parts = dict(part.split("=", 1) for part in headers["plenum-signature"].split(","))
    expected = hmac.new(secret.encode(), parts["t"].encode() + b"." + body, hashlib.sha256).hexdigest()
    return abs(now - int(parts["t"])) <= 300 and hmac.compare_digest(expected, parts["v1"])


async def test_signed_and_in_order(redis_server: EmbeddedRedis, receiver: Receiver) -> None:
    async with Post(redis_server.url, told(receiver)) as post:
        post.happen(20)
        await until(lambda: post.counters["webhooks_delivered"] == 20)
    assert receiver.seqs() == list(range(1, 21))
    headers, body = receiver.requests[0]
    assert verify(headers, body, SECRET, time.time())
    assert not verify(headers, body + b" ", SECRET, time.time())
    assert not verify(headers, body, "another", time.time())
    assert not verify(headers, body, SECRET, time.time() + 301)
    assert (headers["content-type"], headers["plenum-event"]) == ("application/json", "chat-message")
    assert json.loads(body) == {
        "event_id": receiver.taken[0]["event_id"],
        "room_id": "demo",
        "seq": 1,
        "type": "chat-message",
        "actor": "bob",
        "timestamp": "2001-09-09T01:46:40.000Z",
        "payload": {"n": 1},
    }


@pytest.mark.parametrize("trouble", ["500", "404", "302", "hang", "drop"])
async def test_what_is_not_taken_is_tried_again_before_what_follows(
    redis_server: EmbeddedRedis, receiver: Receiver, trouble: str
) -> None:
    receiver.behaviour = lambda n: trouble if n in (2, 3, 5) else "ok"
    async with Post(redis_server.url, told(receiver)) as post:
        post.happen(5)
        await until(lambda: len(receiver.taken) == 5)
    assert receiver.seqs() == [1, 2, 3, 4, 5]
    assert [json.loads(body)["seq"] for _, body in receiver.requests] == [1, 2, 2, 2, 3, 3, 4, 5]
    assert post.counters["webhook_tries_failed"] == 3


async def test_an_answer_without_end_is_not_read(redis_server: EmbeddedRedis, receiver: Receiver) -> None:
    receiver.behaviour = lambda n: "endless"
    async with Post(redis_server.url, told(receiver)) as post:
        post.happen(2)
        await until(lambda: len(receiver.taken) == 2)
        await until(lambda: post.counters["webhooks_delivered"] == 2)


async def test_a_receiver_that_goes_away_and_comes_back(redis_server: EmbeddedRedis, receiver: Receiver) -> None:
    async with Post(redis_server.url, told(receiver)) as post:
        post.happen(3)
        await until(lambda: len(receiver.taken) == 3)
        await receiver.stop()
        post.happen(3)
        await until(lambda: post.counters["webhook_tries_failed"] >= 3)
        await receiver.start()
        await until(lambda: len(receiver.taken) == 6)
    assert receiver.seqs() == [1, 2, 3, 4, 5, 6]


async def test_a_slow_receiver_and_a_slow_room_hold_up_nobody(redis_server: EmbeddedRedis, receiver: Receiver) -> None:
    slow = Receiver(lambda n: "hang")
    await slow.start()
    async with Post(redis_server.url, told(slow), told(receiver), timeout_s=30) as post:
        for room in range(10):
            post.happen(5, room=f"room{room}")
        await until(lambda: len(receiver.taken) == 50, 5)
        assert all(receiver.seqs(f"room{room}") == [1, 2, 3, 4, 5] for room in range(10))
        await until(lambda: len(slow.requests) == 8)
        await asyncio.sleep(0.1)
        assert len(slow.requests) == 8, "only so many posts at a time"
    await slow.stop()


async def test_a_restart_loses_nothing(redis_server: EmbeddedRedis, receiver: Receiver) -> None:
    receiver.behaviour = lambda n: "ok" if n <= 2 else "500"
    async with Post(redis_server.url, told(receiver)) as post:
        post.happen(6)
        await until(lambda: post.counters["webhook_tries_failed"] >= 2)
    assert receiver.seqs() == [1, 2]
    receiver.behaviour = lambda n: "ok"
    async with Post(redis_server.url, told(receiver)):
        # Nothing happens in the room any more: the new process finds it by itself.
        await until(lambda: len(receiver.taken) == 6)
    assert receiver.seqs() == [1, 2, 3, 4, 5, 6]


async def test_what_is_never_taken_is_given_up_and_counted(redis_server: EmbeddedRedis, receiver: Receiver) -> None:
    receiver.behaviour = lambda n: "500" if len(receiver.taken) == 1 else "ok"
    async with Post(redis_server.url, told(receiver), give_up_after_s=0.3) as post:
        post.happen(3)
        await until(lambda: post.counters["webhooks_given_up"] == 1)
        receiver.behaviour = lambda n: "ok"
        await until(lambda: len(receiver.taken) >= 2)
        await until(lambda: receiver.seqs()[-1] == 3)
    assert receiver.seqs()[0] == 1
    assert 2 not in receiver.seqs()


async def test_only_the_events_that_are_wanted(redis_server: EmbeddedRedis, receiver: Receiver) -> None:
    async with Post(redis_server.url, told(receiver, "user-joined")) as post:
        post.happen(3)
        post.happen(1, event_type="user-joined")
        post.happen(2)
        await until(lambda: len(receiver.taken) == 1)
    assert receiver.seqs() == [4]


async def test_events_that_were_dropped_are_counted(redis_server: EmbeddedRedis, receiver: Receiver) -> None:
    async with Post(redis_server.url) as silent:  # nobody is told, and much happens
        silent.happen(500)
        assert await silent.store.flush(5)
    async with Post(redis_server.url, told(receiver)) as post:
        post.happen(1)
        await until(lambda: bool(receiver.seqs()) and receiver.seqs()[-1] == 501)
    assert post.counters["webhook_events_missed"] == 500 - len(receiver.taken) + 1 > 0


async def test_of_two_processes_one_delivers(redis_server: EmbeddedRedis, receiver: Receiver) -> None:
    async with Post(redis_server.url, told(receiver)) as one, Post(redis_server.url, told(receiver)) as two:
        one.happen(1)
        await until(lambda: len(receiver.taken) == 1)
        for _ in range(10):
            one.happen(1)
            one.courier.wake({"demo"})
            two.courier.wake({"demo"})
        await until(lambda: len(receiver.taken) == 11)
        await asyncio.sleep(0.1)
        assert two.counters["webhooks_delivered"] == 0
    assert receiver.seqs() == list(range(1, 12))


async def test_rooms_without_news_are_forgotten(
    redis_server: EmbeddedRedis, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(courier_module, "SCAN_INTERVAL_S", 0.05)
    async with Post(redis_server.url, told(receiver)) as post:
        post.happen(2)
        await until(lambda: len(receiver.taken) == 2)
        async with asyncio.timeout(5):
            while await post.redis.smembers("test:webhooks:rooms"):  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        post.happen(1)
        await until(lambda: len(receiver.taken) == 3)


async def test_redis_goes_away_for_a_while(redis_server: EmbeddedRedis, receiver: Receiver) -> None:
    async with Post(redis_server.url, told(receiver)) as post:
        post.happen(1)
        await until(lambda: len(receiver.taken) == 1)
        await redis_server.stop()
        post.courier.wake({"demo"})
        await until(lambda: post.counters["webhook_redis_failures"] >= 1)


async def test_a_meeting_end_to_end(redis_server: EmbeddedRedis, receiver: Receiver) -> None:
    events = EventOptions(webhooks=WebhookOptions(receivers=[told(receiver)]))
    async with running(redis_server.url, RoomOptions(), events=events) as house:
        alice, _ = await house.join("alice")
        await alice.say("chat-message", {"message": "not for the log"})
        await alice.socket.close()
        await until(lambda: len(receiver.taken) == 5)
    types = [event["type"] for event in receiver.taken]
    assert types == ["room-opened", "user-joined", "chat-message", "user-left", "room-closed"]
    assert "not for the log" not in str(receiver.taken)


@pytest.mark.parametrize(
    ("url", "secret"),
    [("ftp://x", SECRET), ("https://a b", SECRET), ("", SECRET), ("https://x", "short"), ("//x", SECRET)],
)
def test_receivers_that_make_no_sense(url: str, secret: str) -> None:
    with pytest.raises(ValidationError):
        WebhookReceiver(url=url, secret=SecretStr(secret))
