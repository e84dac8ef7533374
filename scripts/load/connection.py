"""One peer connection of a client: full ICE over UDP as the controlling side, DTLS, SRTP."""

from __future__ import annotations

import asyncio
import os
import secrets
import socket
import struct
import time
from collections.abc import Callable, Sequence

from sfu.errors import MalformedPacket
from sfu.ice import stun
from sfu.io.certificate import Certificate
from sfu.io.dtls import DtlsEndpoint
from sfu.io.srtp import SrtpKeys, SrtpReceiver, SrtpSender
from sfu.sdp.types import LocalTransport, MediaSection

CHECK_EVERY_S, CONSENT_EVERY_S = 0.1, 4.0
BATCH = 64
DATAGRAM_BYTES = 2_048
RECEIVE_BUFFER_BYTES = 4 << 20
_PRIORITY = struct.pack("!I", 1_853_824_767)

Address = tuple[str, int]


class Connection:
    """``on_rtp`` gets sealed packets, ``on_rtcp`` opened compounds. ``connected`` is done, or fails with OSError."""

    def __init__(
        self,
        certificate: Certificate,
        on_rtp: Callable[[bytes, float], None],
        on_rtcp: Callable[[bytes, float], None],
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self.connected: asyncio.Future[None] = self._loop.create_future()
        self.sender: SrtpSender | None = None
        self.receiver: SrtpReceiver | None = None
        self.closed = False
        self._certificate = certificate
        self._on_rtp, self._on_rtcp = on_rtp, on_rtcp
        self._ufrag, self._pwd = secrets.token_hex(4), secrets.token_hex(12)
        self._remote: tuple[str, str] = ("", "")
        self._candidates: list[Address] = []
        self._selected: Address | None = None
        self._socket: socket.socket | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._fingerprints: Sequence[tuple[str, str]] = ()
        self._dtls = DtlsEndpoint(certificate, self.send, self)
        self._tie_breaker = os.urandom(8)

    def local(self) -> LocalTransport:
        """Our side of a description; the server learns our address from our checks."""
        return LocalTransport(self._ufrag, self._pwd, self._certificate.fingerprints)

    def start(self, remote: MediaSection) -> None:
        """The server's side is known: look for a way to it. Later calls take new ICE credentials."""
        self._remote = (remote.ice_ufrag or "", remote.ice_pwd or "")
        self._fingerprints = remote.fingerprints
        self._candidates = [found for text in remote.candidates if (found := _udp_address(text)) is not None]
        if self._socket is None and self._candidates:
            self._open(":" in self._candidates[0][0])
            self._check()

    def send(self, data: bytes) -> None:
        """Send a datagram the way that was found; what the system does not take is lost."""
        if self._socket is not None and self._selected is not None:
            try:
                self._socket.sendto(data, self._selected)
            except OSError:
                return

    def send_rtcp(self, data: bytes) -> None:
        """Seal and send a compound."""
        if self.sender is not None:
            self.send(self.sender.protect_rtcp(data))

    def close(self) -> None:
        """Say goodbye."""
        if self.closed:
            return
        self.closed = True
        self._dtls.close()
        if self._timer is not None:
            self._timer.cancel()
        if self._socket is not None:
            self._loop.remove_reader(self._socket.fileno())
            self._socket.close()
            self._socket = None
        if not self.connected.done():
            self.connected.cancel()

    # -- ICE -------------------------------------------------------------------------------------------------------

    def _open(self, is_ipv6: bool) -> None:
        family = socket.AF_INET6 if is_ipv6 else socket.AF_INET
        self._socket = sock = socket.socket(family, socket.SOCK_DGRAM)
        sock.setblocking(False)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)
        sock.bind(("::" if is_ipv6 else "0.0.0.0", 0))
        self._loop.add_reader(sock.fileno(), self._drain)

    def _check(self) -> None:
        if self._socket is None:
            return
        is_ipv6 = self._socket.family == socket.AF_INET6
        for address in [self._selected] if self._selected is not None else self._candidates:
            if (":" in address[0]) == is_ipv6:
                self._send_check(address)
        wait_s = CONSENT_EVERY_S if self._selected is not None else CHECK_EVERY_S
        self._timer = self._loop.call_later(wait_s, self._check)

    def _send_check(self, address: Address) -> None:
        assert self._socket is not None
        ufrag, pwd = self._remote
        body = stun.attribute(stun.USERNAME, f"{ufrag}:{self._ufrag}".encode())
        body += stun.attribute(stun.PRIORITY, _PRIORITY)
        body += stun.attribute(stun.ICE_CONTROLLING, self._tie_breaker)
        body += stun.attribute(stun.USE_CANDIDATE, b"")
        try:
            self._socket.sendto(stun.build_message(stun.BINDING_REQUEST, os.urandom(12), body, pwd.encode()), address)
        except OSError:
            return

    def _take_stun(self, data: bytes, address: Address) -> None:
        try:
            message = stun.parse_stun(data)
        except MalformedPacket:
            return
        if message.kind != stun.BINDING_RESPONSE or self._selected is not None:
            return
        if not stun.integrity_matches(message, data, self._remote[1].encode()):
            return
        self._selected = address
        self._dtls.start(is_server=False, fingerprints=self._fingerprints)

    # -- receiving -------------------------------------------------------------------------------------------------

    def _drain(self) -> None:
        sock = self._socket
        if sock is None:
            return
        now = time.monotonic()
        for _ in range(BATCH):
            try:
                data, address = sock.recvfrom(DATAGRAM_BYTES)
            except BlockingIOError:
                return
            except OSError:
                continue
            first = data[0] if data else 255
            if 127 < first < 192 and len(data) > 11:
                if 63 < data[1] & 0x7F < 96:
                    self._take_rtcp(data, now)
                else:
                    self._on_rtp(data, now)
            elif first < 4:
                self._take_stun(data, address[:2])
            elif 19 < first < 64:
                self._dtls.receive(data)

    def _take_rtcp(self, data: bytes, now: float) -> None:
        if self.receiver is None:
            return
        try:
            plain = self.receiver.unprotect_rtcp(data)
        except MalformedPacket:
            return
        self._on_rtcp(plain, now)

    # -- from DTLS -------------------------------------------------------------------------------------------------

    def on_dtls_connected(self, keys: SrtpKeys) -> None:
        """The keys are there."""
        self.sender, self.receiver = SrtpSender(keys), SrtpReceiver(keys)
        if not self.connected.done():
            self.connected.set_result(None)

    def on_dtls_data(self, data: bytes) -> None:
        """No data channels here."""

    def on_dtls_closed(self, reason: str) -> None:
        """It ended."""
        if not self.connected.done():
            self.connected.set_exception(ConnectionError(reason))


def _udp_address(text: str) -> Address | None:
    """Where a candidate line points (RFC 8839 section 5.1); None if it is not UDP."""
    parts = text.split()
    return (parts[4], int(parts[5])) if len(parts) > 7 and parts[2].lower() == "udp" else None
