"""A bad network in user space: a UDP relay in front of the server's media port that loses, delays and reorders.

Each client address gets an upstream socket of its own, so that the server sees as many peers as there are. All of
them share the two lines of the relay, as the connections of one household share its access: a relay each for
participants who are on different paths. What the lines do is in impairment.py; here are sockets and timers. A
measurement that loads the process of the test runs it in one of its own, see relay_process.py.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Sequence
from dataclasses import replace

from tests.support.impairment import Counters, Impairment, Line, Step

__all__ = ["Address", "Counters", "Impairment", "Step", "UdpRelay"]

Address = tuple[str, int]
Tap = Callable[[Address, bytes], None]
Parcel = tuple[Callable[[bytes], None], bytes]
_RECEIVE_BUFFER_BYTES = 1 << 21


class _Upstream(asyncio.DatagramProtocol):
    """The socket that stands for one client towards the server."""

    def __init__(self, relay: UdpRelay, client: Address) -> None:
        self.relay = relay
        self.client = client
        self.transport: asyncio.DatagramTransport | None = None
        self.early: list[bytes] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # type: ignore[assignment]
        for data in self.early:
            self.send(data)
        self.early.clear()

    def datagram_received(self, data: bytes, addr: Address) -> None:
        self.relay.from_server(self, data)

    def error_received(self, exc: Exception) -> None:
        """A server that restarts: its port is closed for a while."""

    def send(self, data: bytes) -> None:
        if self.transport is None:
            self.early.append(data)
        elif not self.transport.is_closing():
            self.transport.sendto(data)

    def to_client(self, data: bytes) -> None:
        self.relay.to_client(self.client, data)


class _Timed:
    """One line and the timer that empties it."""

    def __init__(self, line: Line[Parcel]) -> None:
        self.line = line
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None

    def push(self, send: Callable[[bytes], None], data: bytes) -> None:
        self.line.push(self._loop.time(), (send, data), len(data))
        self.run()

    def run(self) -> None:
        """Send what is due and wake up for the next."""
        for send, data in self.line.poll(self._loop.time()):
            send(data)
        if self._timer is not None:
            self._timer.cancel()
        due = self.line.next_time()
        self._timer = None if due is None else self._loop.call_at(due, self.run)

    def change(self, path: Impairment) -> None:
        self.line.change(self._loop.time(), path)
        self.run()

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()


class UdpRelay(asyncio.DatagramProtocol):
    """Listens on a free port of loopback; ``up`` and ``down`` may be exchanged while it runs."""

    def __init__(self, server: Address, *, seed: int = 1) -> None:
        self.server = server
        self._up = _Timed(Line(f"{seed} up"))
        self._down = _Timed(Line(f"{seed} down"))
        self.clients: dict[Address, _Upstream] = {}
        self.tap: Tap | None = None
        self._transport: asyncio.DatagramTransport | None = None
        self._loop = asyncio.get_running_loop()
        self._opening: set[asyncio.Task[object]] = set()
        self._steps: list[asyncio.TimerHandle] = []

    async def __aenter__(self) -> UdpRelay:
        await self._loop.create_datagram_endpoint(lambda: self, local_addr=("127.0.0.1", 0))
        return self

    async def __aexit__(self, *failure: object) -> None:
        self._forget_steps()
        self._up.stop()
        self._down.stop()
        for upstream in self.clients.values():
            if upstream.transport is not None:
                upstream.transport.close()
        if self._transport is not None:
            self._transport.close()
        await asyncio.sleep(0)

    @property
    def address(self) -> Address:
        if self._transport is None:
            raise RuntimeError("the relay is not running")
        name: Address = self._transport.get_extra_info("sockname")
        return name

    @property
    def page_setup(self) -> dict[str, object]:
        """What a page has to be told (probe.js) so that its media goes through here."""
        return {"relay": {"address": self.address[0], "port": self.address[1]}}

    @property
    def up(self) -> Impairment:
        return self._up.line.path

    @up.setter
    def up(self, path: Impairment) -> None:
        self._up.change(path)

    @property
    def down(self) -> Impairment:
        return self._down.line.path

    @down.setter
    def down(self, path: Impairment) -> None:
        self._down.change(path)

    @property
    def up_count(self) -> Counters:
        return self._up.line.count

    @property
    def down_count(self) -> Counters:
        return self._down.line.count

    def sample(self) -> dict[str, dict[str, float]]:
        """Counters of both directions, with how long a packet would wait in the queue now."""
        return {
            name: {**timed.line.count.take(), "waiting_ms": timed.line.waiting_ms}
            for name, timed in (("up", self._up), ("down", self._down))
        }

    def set_both(self, path: Impairment) -> None:
        self.up = self.down = path

    def play(self, steps: Sequence[Step]) -> None:
        """Change by a schedule that starts now and replaces an earlier one."""
        self._forget_steps()
        for step in steps:
            if step.at_s <= 0:
                self._take(step)  # before the next packet, not after it
            else:
                self._steps.append(self._loop.call_later(step.at_s, self._take, step))

    def block(self, blocked: bool) -> None:
        """The network is away, or back."""
        self.up, self.down = replace(self.up, blocked=blocked), replace(self.down, blocked=blocked)

    def inject(self, client: Address, data: bytes) -> None:
        """A datagram to the server that seems to come from this client."""
        self.clients[client].send(data)

    async def rebind(self, client: Address) -> None:
        """What a NAT does that forgets: the client's packets come from another port from now on."""
        old = self.clients.pop(client)
        if old.transport is not None:
            old.transport.close()
        await self._open(client)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]
        _widen(transport)

    def datagram_received(self, data: bytes, addr: Address) -> None:
        upstream = self.clients.get(addr)
        if upstream is None:
            upstream = self._announce(addr)
        if self.tap is not None:
            self.tap(addr, data)
        self._up.push(upstream.send, data)

    def from_server(self, upstream: _Upstream, data: bytes) -> None:
        self._down.push(upstream.to_client, data)

    def to_client(self, client: Address, data: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.sendto(data, client)

    def error_received(self, exc: Exception) -> None:
        """A browser that closed its socket."""

    def _take(self, step: Step) -> None:
        self.up, self.down = step.up, step.down

    def _forget_steps(self) -> None:
        for timer in self._steps:
            timer.cancel()
        self._steps.clear()

    def _announce(self, client: Address) -> _Upstream:
        upstream = _Upstream(self, client)
        self.clients[client] = upstream
        task: asyncio.Task[object] = self._loop.create_task(self._connect(upstream))
        self._opening.add(task)
        task.add_done_callback(self._opening.discard)
        return upstream

    async def _open(self, client: Address) -> None:
        upstream = _Upstream(self, client)
        self.clients[client] = upstream
        await self._connect(upstream)

    async def _connect(self, upstream: _Upstream) -> None:
        transport, _ = await self._loop.create_datagram_endpoint(lambda: upstream, remote_addr=self.server)
        _widen(transport)


def _widen(transport: asyncio.BaseTransport) -> None:
    """The relay loses by its dice alone, not because the kernel's buffer is short while the process waits."""
    transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER_BYTES)
