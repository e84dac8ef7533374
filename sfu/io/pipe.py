"""The wire of a pipe between two shards: a UDP socket of its own at each end, SRTP with keys that both derive.

The keys come from a secret that all shards have and a nonce of each end, so no key travels. Every pipe has fresh
nonces: with AES-GCM the same key must never seal two streams.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import socket
import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Protocol

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from sfu.errors import MalformedPacket
from sfu.io.path import UdpPath, UdpSocket
from sfu.io.srtp import SrtpKeys, SrtpReceiver, SrtpSender
from sfu.rtp.rtcp import is_rtcp

NONCE_BYTES = 32
_PROFILE = "SRTP_AEAD_AES_256_GCM"
_KEY_BYTES, _SALT_BYTES = 32, 12
_BATCH = 64
_DATAGRAM_BYTES = 2048
_BUFFER_BYTES = 4 << 20


class PipeHandler(Protocol):
    """What a wire hands over."""

    def on_rtp(self, data: bytes, now: float) -> None:
        """One decrypted RTP packet."""
        ...

    def on_rtcp(self, data: bytes, now: float) -> None:
        """One decrypted RTCP compound."""
        ...


def derive_keys(secret: bytes, sender_nonce: bytes, receiver_nonce: bytes, *, is_sender: bool) -> SrtpKeys:
    """The keys of one end. Raises ValueError for nonces that are too short."""
    if min(len(sender_nonce), len(receiver_nonce)) < NONCE_BYTES:
        raise ValueError("a nonce is too short")
    half = _KEY_BYTES + _SALT_BYTES
    data = HKDF(SHA256(), 2 * half, salt=sender_nonce + receiver_nonce, info=b"plenum pipe srtp").derive(secret)
    sender = data[:_KEY_BYTES], data[_KEY_BYTES:half]
    receiver = data[half : half + _KEY_BYTES], data[half + _KEY_BYTES :]
    local, remote = (sender, receiver) if is_sender else (receiver, sender)
    return SrtpKeys(_PROFILE, *local, *remote)


class PipeWire:
    """Bound at once; carries packets from ``connect`` on. Only datagrams of the other end's address are looked at."""

    def __init__(self, host: str, counters: Counter[str], on_batch_end: Callable[[], object]) -> None:
        """Raises OSError if the host's address cannot be bound."""
        family = socket.AF_INET6 if ipaddress.ip_address(host).version == 6 else socket.AF_INET
        bound = socket.socket(family, socket.SOCK_DGRAM)
        try:
            bound.setblocking(False)
            for option in (socket.SO_RCVBUF, socket.SO_SNDBUF):
                with contextlib.suppress(OSError):
                    bound.setsockopt(socket.SOL_SOCKET, option, _BUFFER_BYTES)
            bound.bind((host, 0))
        except OSError:
            bound.close()
            raise
        self._socket = UdpSocket(bound, counters)
        self._counters = counters
        self._on_batch_end = on_batch_end
        self._path: UdpPath | None = None
        self._receiver: SrtpReceiver | None = None
        self._handler: PipeHandler | None = None
        self._remote: tuple[str, int] | None = None
        self.sender: SrtpSender | None = None
        self.packets_sent = 0
        self._loop = asyncio.get_running_loop()

    @property
    def port(self) -> int:
        """Where the other end sends to."""
        return int(self._socket.port)

    def connect(self, address: tuple[str, int], keys: SrtpKeys, handler: PipeHandler) -> SrtpSender:
        """Carry packets from and to ``address`` from now on."""
        self._remote = (str(ipaddress.ip_address(address[0])), address[1])
        self._path = UdpPath(self._socket, self._remote)
        self._receiver = SrtpReceiver(keys)
        self.sender = SrtpSender(keys)
        self._handler = handler
        self._loop.add_reader(self._socket.sock.fileno(), self._drain)
        return self.sender

    def send_rtcp(self, data: bytes) -> None:
        """Seal and send one RTCP packet."""
        if self.sender is not None and self._path is not None:
            self._path.send(self.sender.protect_rtcp(data))

    def send_many(self, packets: Sequence[bytes]) -> None:
        """Send sealed packets in as few system calls as possible."""
        if self._path is not None:
            self.packets_sent += len(packets)
            self._counters["pipe_packets_sent"] += len(packets)
            self._path.send_many(packets)

    def _drain(self) -> None:
        now = time.monotonic()
        receive = self._socket.sock.recvfrom
        for _ in range(_BATCH):
            try:
                data, address = receive(_DATAGRAM_BYTES)
            except BlockingIOError:
                break
            except OSError:
                self._counters["udp_receive_error"] += 1
                continue
            if address[:2] == self._remote:
                self._take(data, now)
            else:
                self._counters["pipe_stranger"] += 1
        self._on_batch_end()

    def _take(self, data: bytes, now: float) -> None:
        assert self._receiver is not None and self._handler is not None
        try:
            if is_rtcp(data):
                self._handler.on_rtcp(self._receiver.unprotect_rtcp(data), now)
            else:
                plain = self._receiver.unprotect_rtp(data)
                self._counters["pipe_packets_received"] += 1
                self._handler.on_rtp(plain, now)
        except MalformedPacket as error:
            self._counters[error.reason] += 1

    def close(self) -> None:
        """Let go of the port; may be called again."""
        if self._socket.sock.fileno() >= 0:
            self._loop.remove_reader(self._socket.sock.fileno())
            self._socket.sock.close()
        self._path = None
