"""The relay's sockets, in this process and in its own: packets pass, and schedules are kept."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator

import pytest

from tests.support.impairment import Impairment, Step
from tests.support.relay import Address, UdpRelay
from tests.support.relay_process import RelayProcess


class _Echo(asyncio.DatagramProtocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, addr: Address) -> None:
        self.transport.sendto(data, addr)  # type: ignore[attr-defined]


@pytest.fixture
async def echo() -> AsyncIterator[Address]:
    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(_Echo, local_addr=("127.0.0.1", 0))
    yield transport.get_extra_info("sockname")
    transport.close()
    await asyncio.sleep(0)


class Caller:
    """A client that asks and waits."""

    def __init__(self, to: Address) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setblocking(False)
        self.to = to

    async def ask(self, data: bytes, timeout_s: float = 5.0) -> bytes | None:
        loop = asyncio.get_running_loop()
        await loop.sock_sendto(self.socket, data, self.to)
        try:
            return (await asyncio.wait_for(loop.sock_recvfrom(self.socket, 2000), timeout_s))[0]
        except TimeoutError:
            return None


async def test_packets_pass_and_are_counted(echo: Address) -> None:
    async with UdpRelay(echo) as relay:
        caller = Caller(relay.address)
        relay.set_both(Impairment(delay_ms=10))
        started = asyncio.get_running_loop().time()
        assert await caller.ask(b"hello") == b"hello"
        assert asyncio.get_running_loop().time() - started >= 0.02
        caller.socket.close()
        assert relay.sample()["down"]["sent_bytes"] == 5


async def test_a_relay_of_its_own_process_keeps_a_schedule(echo: Address) -> None:
    async with RelayProcess() as process:
        path = await process.open(echo)
        caller = Caller(path.address)
        assert await caller.ask(b"one") == b"one"
        away = Impairment(blocked=True)
        await path.play([Step(0.0, away, Impairment()), Step(1.0, Impairment(), Impairment())])
        assert await caller.ask(b"two", timeout_s=0.3) is None
        await asyncio.sleep(1.2)
        assert await caller.ask(b"three") == b"three"
        caller.socket.close()
        _, (sample,) = await process.sample()
        assert sample["up"]["lost"] == 1 and sample["down"]["sent"] == 2
