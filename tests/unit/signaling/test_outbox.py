"""The queue in front of a socket."""

from __future__ import annotations

import asyncio

import pytest
from starlette.websockets import WebSocketDisconnect

from signaling import outbox as outbox_module
from signaling.outbox import Outbox


class Socket:
    """A socket whose peer reads only while ``reading`` is set."""

    def __init__(self) -> None:
        self.sent: list[str] = []
        self.closed: tuple[int, str | None] | None = None
        self.reading = asyncio.Event()
        self.reading.set()
        self.failure: Exception | None = None

    async def send_text(self, data: str) -> None:
        await self.reading.wait()
        if self.failure is not None:
            raise self.failure
        self.sent.append(data)

    async def close(self, code: int = 1000, reason: str | None = None) -> None:
        self.closed = (code, reason)


class Fixture:
    def __init__(self, max_messages: int = 3, max_bytes: int = 100) -> None:
        self.socket = Socket()
        self.through = asyncio.Event()
        self.outbox = Outbox(self.socket, max_messages=max_messages, max_bytes=max_bytes, on_closed=self.through.set)


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_in_order() -> None:
    f = Fixture()
    for text in "abc":
        assert f.outbox.put(text)
    await settle()
    assert f.outbox.put("d")
    await settle()
    assert f.socket.sent == list("abcd")


async def test_close_comes_after_what_waits() -> None:
    f = Fixture()
    f.outbox.put("a")
    f.outbox.close(4409, "why")
    f.outbox.close(1000, "twice")
    assert f.outbox.put("too late")
    await f.through.wait()
    assert f.socket.sent == ["a"]
    assert f.socket.closed == (4409, "why")


@pytest.mark.parametrize(("texts", "fits"), [(["x"] * 5, 4), (["x" * 60] * 3, 2)])
async def test_too_much_for_a_slow_reader(texts: list[str], fits: int) -> None:
    f = Fixture()
    f.socket.reading.clear()
    f.outbox.put(texts[0])  # this one is being written already
    await settle()
    assert [f.outbox.put(text) for text in texts[1:]] == [True] * (fits - 1) + [False] * (len(texts) - fits)
    f.outbox.close(1013, "slow_reader")
    await f.through.wait()
    assert f.socket.sent == []
    assert f.socket.closed == (1013, "slow_reader")


async def test_close_does_not_wait_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox_module, "CLOSE_TIMEOUT_S", 0.01)
    f = Fixture()
    f.socket.reading.clear()
    f.outbox.put("a")
    f.outbox.close(4408, "timeout")
    await f.through.wait()
    assert f.socket.closed == (4408, "timeout")


@pytest.mark.parametrize("failure", [RuntimeError("gone"), OSError("gone"), WebSocketDisconnect(1006)])
async def test_ended_socket(failure: Exception) -> None:
    f = Fixture()
    f.socket.failure = failure
    f.outbox.put("a")
    f.outbox.put("b")
    await settle()
    f.outbox.close(1000, "")
    await f.through.wait()
    assert f.socket.sent == []


async def test_discard_leaves_no_task() -> None:
    f = Fixture()
    f.socket.reading.clear()
    f.outbox.put("a")
    await settle()
    f.outbox.discard()
    await settle()
    assert asyncio.all_tasks() == {asyncio.current_task()}
