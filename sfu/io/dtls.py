"""DTLS over a link: the handshake that yields the SRTP keys, and the channel for SCTP (RFC 5763, RFC 5764).

Event driven over OpenSSL's memory buffers: datagrams go in by ``receive``, out by the ``send`` given; one timer
of the loop while a handshake is under way, none afterwards, no task.
"""

from __future__ import annotations

import asyncio
import contextlib
import struct
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

from OpenSSL import SSL

from sfu.io.certificate import Certificate
from sfu.io.nobody import NOBODY, ignore
from sfu.io.srtp import PROFILES, SrtpKeys

__all__ = ["Certificate", "DtlsEndpoint", "DtlsHandler"]

MTU_BYTES = 1200
HANDSHAKE_TIMEOUT_S = 30.0
_MAX_EARLY_DATAGRAMS = 16
_RECORD_HEADER_BYTES = 13
_READ_BYTES = 16_384
_EXPORT_LABEL = b"EXTRACTOR-dtls_srtp"
_DIGESTS = {"sha-256": "sha256", "sha-384": "sha384", "sha-512": "sha512"}


class DtlsHandler(Protocol):
    """Who is told about a DTLS connection; called from within ``receive`` or a timer."""

    def on_dtls_connected(self, keys: SrtpKeys) -> None:
        """The handshake is done and the peer's certificate has the promised fingerprint."""

    def on_dtls_data(self, data: bytes) -> None:
        """Decrypted application data: one SCTP packet."""

    def on_dtls_closed(self, reason: str) -> None:
        """The end, once: ``close_notify``, ``fingerprint_mismatch``, ``handshake_failed``, ``handshake_timeout``,
        ``no_srtp_profile`` or ``alert``."""


class DtlsEndpoint:
    """One side of a DTLS connection.

    Datagrams that come before ``start`` (the ClientHello overtakes the answer's way through signaling) are
    kept, a few of them. Nothing that is received raises.
    """

    def __init__(self, certificate: Certificate, send: Callable[[bytes], None], handler: DtlsHandler) -> None:
        self.is_server = True
        self.connected = False
        self.closed = False
        self._certificate = certificate
        self._send = send
        self._handler = handler
        self._early: list[bytes] = []
        self._connection: SSL.Connection | None = None
        self._fingerprints: list[tuple[str, str]] = []
        self._timer: asyncio.TimerHandle | None = None
        self._deadline = 0.0

    def start(self, is_server: bool, fingerprints: Sequence[tuple[str, str]]) -> None:
        """Begin: the role and the peer's fingerprints are known. As client this sends the first flight.

        ``fingerprints``: pairs of algorithm (sha-256, sha-384, sha-512) and colon-separated hexadecimal value.
        """
        if self._connection is not None or self.closed:
            return
        self.is_server = is_server
        self._fingerprints = [(algorithm.lower(), value.upper()) for algorithm, value in fingerprints]
        connection = SSL.Connection(self._certificate.context, None)
        connection.set_ciphertext_mtu(MTU_BYTES)
        if is_server:
            connection.set_accept_state()
        else:
            connection.set_connect_state()
        self._connection = connection
        self._deadline = time.monotonic() + HANDSHAKE_TIMEOUT_S
        early, self._early = self._early, []
        if not is_server or not early:
            self._advance()
        for datagram in early:
            self.receive(datagram)

    def receive(self, data: bytes) -> None:
        """Take one datagram."""
        if self.closed:
            return
        connection = self._connection
        if connection is None:
            if len(self._early) < _MAX_EARLY_DATAGRAMS:
                self._early.append(data)
            return
        try:
            connection.bio_write(data)
        except SSL.Error:
            return  # out of memory for it, as good as lost
        self._advance()

    def send_application(self, data: bytes) -> None:
        """Send one SCTP packet; dropped before the handshake is done and after the end."""
        connection = self._connection
        if connection is None or not self.connected or self.closed:
            return
        try:
            connection.send(data)
        except SSL.Error:
            return  # OpenSSL has nothing to wait for here: the packet is lost, SCTP sends it again
        self._flush()

    def close(self) -> None:
        """Say close_notify and end; the handler is not told. May be called again."""
        if self.closed:
            return
        connection = self._connection
        self._finish()
        if connection is not None and self.connected:
            with contextlib.suppress(SSL.Error):
                connection.shutdown()
            self._transmit(connection)
        self._let_go()

    # -- the engine --------------------------------------------------------
    def _advance(self) -> None:
        """Let OpenSSL work on what it has, send what it produced, and see how far it came."""
        connection = self._connection
        if connection is None or self.closed:
            return
        if not self.connected:
            try:
                connection.do_handshake()
            except SSL.WantReadError:
                self._flush()
                self._schedule()
                return
            except SSL.Error:
                self._flush()  # the alert
                self._end("handshake_failed")
                return
            self._flush()
            if not self._complete(connection):
                return
        self._read(connection)

    def _complete(self, connection: SSL.Connection) -> bool:
        """The handshake is done: check who it was, hand over the keys. False when the connection ends instead."""
        self._cancel_timer()
        if not self._fingerprint_matches(connection):
            self._abandon(connection, "fingerprint_mismatch")
            return False
        keys = self._export_keys(connection)
        if keys is None:
            self._abandon(connection, "no_srtp_profile")
            return False
        self.connected = True
        self._handler.on_dtls_connected(keys)
        return not self.closed

    def _fingerprint_matches(self, connection: SSL.Connection) -> bool:
        """Any one of the promised fingerprints suffices (RFC 8122 section 5); none known is a mismatch."""
        certificate = connection.get_peer_certificate()
        if certificate is None:
            return False
        for algorithm, value in self._fingerprints:
            name = _DIGESTS.get(algorithm)
            if name is not None and certificate.digest(name).decode() == value:
                return True
        return False

    def _export_keys(self, connection: SSL.Connection) -> SrtpKeys | None:
        """SRTP keys and salts from the handshake (RFC 5764 section 4.2)."""
        name = connection.get_selected_srtp_profile().decode()
        profile = PROFILES.get(name)
        if profile is None:
            return None
        key, salt = profile.key_bytes, profile.salt_bytes
        material = connection.export_keying_material(_EXPORT_LABEL, 2 * (key + salt))
        client = (material[:key], material[2 * key : 2 * key + salt])
        server = (material[key : 2 * key], material[2 * key + salt :])
        local, remote = (server, client) if self.is_server else (client, server)
        return SrtpKeys(name, local[0], local[1], remote[0], remote[1])

    def _read(self, connection: SSL.Connection) -> None:
        """Hand on application data, until OpenSSL has no more."""
        while not self.closed:
            try:
                data = connection.recv(_READ_BYTES)
            except SSL.WantReadError:
                break
            except SSL.ZeroReturnError:
                self._end("close_notify")
                return
            except SSL.Error:
                self._end("alert")
                return
            self._handler.on_dtls_data(data)
        # A repeated flight of the peer makes OpenSSL repeat its last one.
        self._flush()

    # -- sending -----------------------------------------------------------
    def _flush(self) -> None:
        if self._connection is not None:
            self._transmit(self._connection)

    def _transmit(self, connection: SSL.Connection) -> None:
        while True:
            try:
                produced = connection.bio_read(_READ_BYTES)
            except SSL.Error:
                return
            for datagram in split_records(produced):
                self._send(datagram)

    # -- the timer ---------------------------------------------------------
    def _schedule(self) -> None:
        """Wake up when the last flight is to be repeated (RFC 6347 section 4.2.4), or when patience ends."""
        self._cancel_timer()
        if self._connection is None:
            return
        wait = self._connection.DTLSv1_get_timeout()
        left = max(self._deadline - time.monotonic(), 0.0)
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(left if wait is None else min(wait, left), self._on_timer)

    def _on_timer(self) -> None:
        self._timer = None
        if self._connection is None or self.closed:
            return
        if time.monotonic() >= self._deadline:
            self._end("handshake_timeout")
            return
        try:
            self._connection.DTLSv1_handle_timeout()
        except SSL.Error:
            self._end("handshake_timeout")
            return
        self._flush()
        self._schedule()

    def _cancel_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    # -- the end -----------------------------------------------------------
    def _abandon(self, connection: SSL.Connection, reason: str) -> None:
        """End a connection that OpenSSL holds for good."""
        with contextlib.suppress(SSL.Error):
            connection.shutdown()
        self._transmit(connection)
        self._end(reason)

    def _end(self, reason: str) -> None:
        handler = self._handler
        self._finish()
        self._let_go()
        handler.on_dtls_closed(reason)

    def _finish(self) -> None:
        self.closed = True
        self._cancel_timer()
        self._connection = None
        self._early = []

    def _let_go(self) -> None:
        self._handler, self._send = NOBODY, ignore


def split_records(data: bytes, limit: int = MTU_BYTES) -> Iterator[bytes]:
    """Cut what OpenSSL wrote into datagrams of whole records, none above ``limit`` unless one record is."""
    start = position = 0
    while position + _RECORD_HEADER_BYTES <= len(data):
        end = position + _RECORD_HEADER_BYTES + struct.unpack_from("!H", data, position + 11)[0]
        if end - start > limit and position > start:
            yield data[start:position]
            start = position
        position = end
    if start < len(data):
        yield data[start:]
