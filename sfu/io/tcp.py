"""ICE-TCP, passive side: one TCP port where each connection is a path (RFC 6544), framed as in RFC 4571."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
import struct
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

from sfu.errors import PortUnavailable
from sfu.io.addresses import family_of
from sfu.io.path import Path

if TYPE_CHECKING:
    from sfu.io.ports import MediaPorts

MAX_FRAME_BYTES = 4096
MAX_BUFFERED_BYTES = 256 * 1024  # about a second at 2 Mbit/s; more would only arrive too late
MAX_CONNECTIONS = 1000
VALIDATION_TIMEOUT_S = 10.0
_LENGTH = struct.Struct("!H")
_TAKEN = (errno.EADDRINUSE, errno.EACCES)


class TcpPath(Path):
    """One connection; datagrams are dropped and counted while its write buffer is full."""

    __slots__ = ("_ports", "_transport")

    kind = "tcp"

    def __init__(self, ports: MediaPorts, transport: asyncio.Transport, remote: tuple[str, int]) -> None:
        super().__init__(("tcp", id(transport), remote), remote)
        self._ports = ports
        self._transport = transport

    @property
    def local(self) -> tuple[str, int]:
        name = self._transport.get_extra_info("sockname")
        return (name[0], name[1]) if name else ("", 0)

    def send(self, data: bytes) -> None:
        self.send_many((data,))

    def send_many(self, packets: Sequence[bytes]) -> None:
        transport = self._transport
        if transport.is_closing():
            self._ports.count("tcp_closed", len(packets))
        elif transport.get_write_buffer_size() > MAX_BUFFERED_BYTES:
            self._ports.count("tcp_buffer_full", len(packets))
        else:
            transport.write(b"".join([part for data in packets for part in (_LENGTH.pack(len(data)), data)]))

    def forget(self) -> None:
        self.link = None
        self._transport.abort()


class FrameProtocol(asyncio.Protocol):
    """Cuts the byte stream of one connection into datagrams."""

    def __init__(self, listener: TcpListener) -> None:
        self._listener = listener
        self._ports = listener.ports
        self._buffer = bytearray()
        self._path: TcpPath | None = None
        self._transport: asyncio.Transport | None = None
        self._deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        if not self._listener.admit(self):
            self._ports.count("tcp_too_many_connections")
            self._transport.abort()
            return
        sock = transport.get_extra_info("socket")
        with contextlib.suppress(OSError):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        remote = transport.get_extra_info("peername") or ("0.0.0.0", 0)
        self._path = TcpPath(self._ports, self._transport, (remote[0], remote[1]))
        self._deadline = asyncio.get_running_loop().call_later(VALIDATION_TIMEOUT_S, self._expire)

    def data_received(self, data: bytes) -> None:
        buffer = self._buffer
        buffer += data
        now = time.monotonic()
        position = 0
        while len(buffer) - position >= 2 and self._path is not None:
            size = _LENGTH.unpack_from(buffer, position)[0]
            if size > MAX_FRAME_BYTES:
                self._ports.count("tcp_frame_too_long")
                self.abort()
                return
            end = position + 2 + size
            if len(buffer) < end:
                break
            if size and self._ports.path_received(self._path, bytes(buffer[position + 2 : end]), now):
                self._validated()
            position = end
        del buffer[:position]
        self._ports.batch_end()

    def connection_lost(self, exc: Exception | None) -> None:
        self._validated()
        self._listener.release(self)
        path, self._path = self._path, None
        if path is not None and path.link is not None:
            path.link.path_lost(path)

    def _validated(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _expire(self) -> None:
        self._deadline = None
        self._ports.count("tcp_never_validated")
        self.abort()

    def abort(self) -> None:
        """Close at once; what is still buffered is lost."""
        if self._transport is not None:
            self._transport.abort()


class TcpListener:
    """Accepts the connections of all hosts."""

    def __init__(self, ports: MediaPorts) -> None:
        self.ports = ports
        self.connections: set[FrameProtocol] = set()
        self._servers: list[asyncio.Server] = []

    async def start(self, hosts: Sequence[str], port: int) -> int:
        """Listen; returns the port number. Raises PortUnavailable."""
        loop = asyncio.get_running_loop()
        refused: list[str] = []
        for host in dict.fromkeys(hosts):
            try:
                sock = _listening_socket(host, port)
            except OSError as error:
                refused.append(f"{host}: {error.strerror}")
                if error.errno in _TAKEN:
                    break
                continue
            port = sock.getsockname()[1]
            self._servers.append(await loop.create_server(lambda: FrameProtocol(self), sock=sock))
        else:
            if self._servers:
                return port
        raise PortUnavailable(f"TCP port {port} cannot be bound: {'; '.join(refused) or 'no host given'}")

    def admit(self, connection: FrameProtocol) -> bool:
        """Whether one more connection is taken."""
        if len(self.connections) >= MAX_CONNECTIONS:
            return False
        self.connections.add(connection)
        return True

    def release(self, connection: FrameProtocol) -> None:
        """The connection has ended."""
        self.connections.discard(connection)

    async def close(self) -> None:
        """Stop listening and end all connections."""
        for server in self._servers:
            server.close()
        for connection in list(self.connections):
            connection.abort()
        self._servers = []


def _listening_socket(host: str, port: int) -> socket.socket:
    sock = socket.socket(family_of(host), socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if sock.family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.bind((host, port))
        sock.listen(256)
    except OSError:
        sock.close()
        raise
    return sock
