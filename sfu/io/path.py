"""One way to a peer: a remote address at one of our UDP sockets, or one ICE-TCP connection."""

from __future__ import annotations

import errno
import socket
import struct
import sys
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sfu.io.link import IceLink

SOL_UDP = 17
UDP_SEGMENT = 103
MAX_SEGMENTS = 64  # UDP_MAX_SEGMENTS of Linux
MAX_GROUP_BYTES = 65_000
_SEGMENT = struct.Struct("=H")
SO_TIMESTAMPNS = 35  # Linux; the socket module does not name it
_TIMESPEC = struct.Struct("@ll")
_STAMP_SPACE = socket.CMSG_SPACE(_TIMESPEC.size)
# EIO comes from a device without checksum offload; none of these gets better at the same socket.
_OFFLOAD_REFUSED = (errno.EINVAL, errno.EIO, errno.ENOPROTOOPT, errno.EOPNOTSUPP)

# An address of a socket as Python gives it: (ip, port) or (ip, port, flow, scope).
SocketAddress = tuple[Any, ...]
Counters = Counter[str]


class Path(ABC):
    """A validated or candidate path; ``link`` is set once a check was authenticated."""

    __slots__ = ("key", "link", "remote")

    kind: str = ""

    def __init__(self, key: object, remote: tuple[str, int]) -> None:
        self.key = key
        self.remote = remote  # ip, port
        self.link: IceLink | None = None

    @property
    @abstractmethod
    def local(self) -> tuple[str, int]:
        """Our address and port of it."""

    @abstractmethod
    def send(self, data: bytes) -> None:
        """Send one datagram; what the system does not take is dropped and counted, nothing is raised."""

    @abstractmethod
    def send_many(self, packets: Sequence[bytes]) -> None:
        """Send datagrams in order, in as few system calls as possible."""

    @abstractmethod
    def forget(self) -> None:
        """The path is no longer part of a link: its entry or connection is freed."""


def segmentation_offload(sock: socket.socket) -> bool:
    """Whether the kernel knows UDP_SEGMENT (Linux 4.18); an older one would send one huge datagram instead."""
    if not sys.platform.startswith("linux"):
        return False
    try:
        sock.getsockopt(SOL_UDP, UDP_SEGMENT)
    except OSError:
        return False
    return True


def kernel_stamps(sock: socket.socket) -> bool:
    """Have the kernel note when each datagram came; False where it cannot."""
    if not sys.platform.startswith("linux"):
        return False
    try:
        sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
    except OSError:
        return False
    return True


class UdpSocket:
    """A bound UDP socket, its paths by remote address, and the way it sends groups."""

    __slots__ = ("counters", "gso", "host", "paths", "port", "sampled_at", "sock", "stamped")

    def __init__(self, sock: socket.socket, counters: Counters) -> None:
        self.sock = sock
        self.counters = counters
        self.host, self.port = sock.getsockname()[:2]
        self.paths: dict[SocketAddress, UdpPath] = {}
        self.gso = segmentation_offload(sock)
        self.stamped = kernel_stamps(sock)
        self.sampled_at: float | None = None

    def receive_stamped(self, size_bytes: int) -> tuple[bytes, SocketAddress]:
        """As ``recvfrom``; the first one since it was None also sets ``sampled_at``, when the kernel got it (Unix)."""
        if self.sampled_at is not None:
            return self.sock.recvfrom(size_bytes)
        data, extras, _, address = self.sock.recvmsg(size_bytes, _STAMP_SPACE)
        for level, kind, value in extras:
            if level == socket.SOL_SOCKET and kind == SO_TIMESTAMPNS and len(value) == _TIMESPEC.size:
                seconds, nanoseconds = _TIMESPEC.unpack(value)
                self.sampled_at = seconds + nanoseconds / 1e9
        return data, address

    def count(self, name: str, amount: int = 1) -> None:
        self.counters[name] += amount


class UdpPath(Path):
    """A remote address at one UDP socket."""

    __slots__ = ("_sendmsg", "_sendto", "_socket", "address")

    kind = "udp"

    def __init__(self, sock: UdpSocket, address: SocketAddress) -> None:
        # The same remote address may reach two of our addresses: two paths.
        super().__init__((sock.host, address), (address[0], address[1]))
        self._socket = sock
        self.address = address
        self._sendto = sock.sock.sendto
        self._sendmsg = sock.sock.sendmsg

    @property
    def local(self) -> tuple[str, int]:
        return self._socket.host, self._socket.port

    def send(self, data: bytes) -> None:
        try:
            self._sendto(data, self.address)
        except BlockingIOError:
            self._socket.count("udp_send_would_block")
        except OSError:
            self._socket.count("udp_send_error")

    def send_many(self, packets: Sequence[bytes]) -> None:
        """Runs of equal size go out in one call (generic segmentation offload); the last may be shorter."""
        total = len(packets)
        start = 0
        while start < total:
            end = self._run_end(packets, start) if self._socket.gso else start + 1
            if end - start == 1:
                self.send(packets[start])
            else:
                self._send_group(packets[start:end])
            start = end

    @staticmethod
    def _run_end(packets: Sequence[bytes], start: int) -> int:
        """End of the longest run from ``start`` that one call may carry."""
        size = len(packets[start])
        end = start + 1
        limit = min(len(packets), start + MAX_SEGMENTS, start + MAX_GROUP_BYTES // max(size, 1))
        while end < limit:
            following = len(packets[end])
            if following == size:
                end += 1
                continue
            if 0 < following < size:
                end += 1
            break
        return end

    def _send_group(self, group: Sequence[bytes]) -> None:
        try:
            self._sendmsg(group, ((SOL_UDP, UDP_SEGMENT, _SEGMENT.pack(len(group[0]))),), 0, self.address)
        except BlockingIOError:
            self._socket.count("udp_send_would_block", len(group))
        except OSError as error:
            # Others, such as EMSGSIZE or an unreachable network, are about this path only.
            if error.errno in _OFFLOAD_REFUSED:
                self._socket.gso = False
                self._socket.count("udp_gso_disabled")
            for packet in group:
                self.send(packet)

    def register(self) -> None:
        """The path is validated: datagrams from its address find it."""
        self._socket.paths[self.address] = self

    def forget(self) -> None:
        self.link = None
        if self._socket.paths.get(self.address) is self:
            del self._socket.paths[self.address]
