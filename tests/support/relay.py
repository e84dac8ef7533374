"""A bad network in user space: a UDP relay in front of the server's media port that loses, delays and reorders.

Each client address gets an upstream socket of its own, so that the server sees as many peers as there are. The
random numbers are seeded: the same packets meet the same fate as long as they come in the same order.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass, replace

Address = tuple[str, int]
Tap = Callable[[Address, bytes], None]
_QUEUE_LIMIT_S = 0.5  # of a rate limit: a router's buffer is not endless


@dataclass(frozen=True)
class Impairment:
    """What one direction of the path does to its packets."""

    loss: float = 0.0  # share, 0 to 1
    delay_ms: float = 0.0
    jitter_ms: float = 0.0  # added, uniform; packets keep their order
    reorder: float = 0.0  # share of packets that overtake nobody and are overtaken: they come 20 ms later
    rate_bps: float | None = None
    blocked: bool = False


@dataclass
class Counters:
    """Packets of one direction."""

    received: int = 0
    lost: int = 0
    queue_full: int = 0


class _Direction:
    """Fate and departure time of each packet of one direction of one client."""

    def __init__(self, seed: str) -> None:
        self._random = random.Random(seed)
        self._latest = 0.0
        self._line_free_at = 0.0

    def departure(self, now: float, size: int, path: Impairment) -> float | None:
        """When the packet leaves; None if it never does."""
        if path.blocked or self._random.random() < path.loss:
            return None
        leaves = now
        if path.rate_bps is not None:
            self._line_free_at = max(self._line_free_at, now)
            if self._line_free_at - now > _QUEUE_LIMIT_S:
                return None
            self._line_free_at += size * 8 / path.rate_bps
            leaves = self._line_free_at
        leaves += (path.delay_ms + self._random.random() * path.jitter_ms) / 1000
        if self._random.random() < path.reorder:
            return leaves + 0.02
        self._latest = max(self._latest, leaves)
        return self._latest


class _Upstream(asyncio.DatagramProtocol):
    """The socket that stands for one client towards the server."""

    def __init__(self, relay: UdpRelay, client: Address) -> None:
        self.relay = relay
        self.client = client
        self.transport: asyncio.DatagramTransport | None = None
        self.early: list[bytes] = []
        self.up = _Direction(f"{relay.seed} up {len(relay.clients)}")
        self.down = _Direction(f"{relay.seed} down {len(relay.clients)}")

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


class UdpRelay(asyncio.DatagramProtocol):
    """Listens on a free port of loopback; ``up`` and ``down`` may be exchanged while it runs."""

    def __init__(self, server: Address, *, seed: int = 1) -> None:
        self.server = server
        self.seed = seed
        self.up = self.down = Impairment()
        self.up_count, self.down_count = Counters(), Counters()
        self.clients: dict[Address, _Upstream] = {}
        self.tap: Tap | None = None
        self._transport: asyncio.DatagramTransport | None = None
        self._loop = asyncio.get_running_loop()
        self._opening: set[asyncio.Task[object]] = set()

    async def __aenter__(self) -> UdpRelay:
        await self._loop.create_datagram_endpoint(lambda: self, local_addr=("127.0.0.1", 0))
        return self

    async def __aexit__(self, *failure: object) -> None:
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

    def set_both(self, path: Impairment) -> None:
        self.up = self.down = path

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

    def datagram_received(self, data: bytes, addr: Address) -> None:
        upstream = self.clients.get(addr)
        if upstream is None:
            upstream = self._announce(addr)
        if self.tap is not None:
            self.tap(addr, data)
        self.up_count.received += 1
        self._pass(upstream.up, self.up, self.up_count, data, upstream.send)

    def from_server(self, upstream: _Upstream, data: bytes) -> None:
        self.down_count.received += 1
        self._pass(upstream.down, self.down, self.down_count, data, lambda late: self._to_client(upstream, late))

    def error_received(self, exc: Exception) -> None:
        """A browser that closed its socket."""

    def _to_client(self, upstream: _Upstream, data: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.sendto(data, upstream.client)

    def _pass(
        self, direction: _Direction, path: Impairment, count: Counters, data: bytes, send: Callable[[bytes], None]
    ) -> None:
        now = self._loop.time()
        leaves = direction.departure(now, len(data), path)
        if leaves is None:
            count.lost += 1
        elif leaves <= now:
            send(data)
        else:
            self._loop.call_at(leaves, send, data)

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
        await self._loop.create_datagram_endpoint(lambda: upstream, remote_addr=self.server)
