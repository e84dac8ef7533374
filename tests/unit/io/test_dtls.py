"""Two DTLS endpoints joined by lists: handshake, loss, fingerprints, the end."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sfu.io import dtls
from sfu.io.dtls import Certificate, DtlsEndpoint, split_records
from sfu.io.srtp import SrtpKeys

SERVER_CERTIFICATE, CLIENT_CERTIFICATE = Certificate(), Certificate()


class Side:
    """One endpoint, what it sent and what it was told."""

    def __init__(self, certificate: Certificate) -> None:
        self.sent: list[bytes] = []
        self.keys: SrtpKeys | None = None
        self.data: list[bytes] = []
        self.closed: list[str] = []
        self.endpoint = DtlsEndpoint(certificate, self.sent.append, self)

    def on_dtls_connected(self, keys: SrtpKeys) -> None:
        self.keys = keys

    def on_dtls_data(self, data: bytes) -> None:
        self.data.append(data)

    def on_dtls_closed(self, reason: str) -> None:
        self.closed.append(reason)

    def take(self) -> list[bytes]:
        sent, self.sent[:] = list(self.sent), []
        return sent


def exchange(a: Side, b: Side, deliver: Callable[[bytes], bool] = lambda data: True) -> None:
    """Carry datagrams until both are silent."""
    while a.sent or b.sent:
        for source, target in ((a, b), (b, a)):
            for datagram in source.take():
                assert len(datagram) <= dtls.MTU_BYTES + 64
                if deliver(datagram):
                    target.endpoint.receive(datagram)


def connect() -> tuple[Side, Side]:
    server, client = Side(SERVER_CERTIFICATE), Side(CLIENT_CERTIFICATE)
    server.endpoint.start(True, CLIENT_CERTIFICATE.fingerprints)
    client.endpoint.start(False, SERVER_CERTIFICATE.fingerprints)
    exchange(server, client)
    return server, client


async def test_handshake_yields_matching_keys() -> None:
    server, client = connect()
    assert server.keys is not None
    assert client.keys is not None
    ours, theirs = server.keys, client.keys
    assert ours.profile == theirs.profile == "SRTP_AEAD_AES_128_GCM"
    assert (ours.local_key, ours.local_salt) == (theirs.remote_key, theirs.remote_salt)
    assert (ours.remote_key, ours.remote_salt) == (theirs.local_key, theirs.local_salt)
    assert ours.local_key != ours.remote_key
    assert not server.endpoint._timer
    assert not client.endpoint._timer


async def test_datagrams_before_start_are_kept() -> None:
    """The ClientHello may overtake the answer."""
    server, client = Side(SERVER_CERTIFICATE), Side(CLIENT_CERTIFICATE)
    client.endpoint.start(False, SERVER_CERTIFICATE.fingerprints)
    for datagram in client.take():
        server.endpoint.receive(datagram)
    for _ in range(100):
        server.endpoint.receive(b"\x16 junk")
    assert len(server.endpoint._early) == 16
    server.endpoint.start(True, CLIENT_CERTIFICATE.fingerprints)
    exchange(server, client)
    assert server.keys
    assert client.keys


async def test_application_data_both_ways() -> None:
    server, client = connect()
    messages = [bytes([index]) * size for index, size in enumerate((1, 100, 1189))]
    for message in messages:
        server.endpoint.send_application(message)
        client.endpoint.send_application(message)
    exchange(server, client)
    assert server.data == client.data == messages


async def test_a_lost_datagram_is_sent_again() -> None:
    """Each of the handshake's datagrams is lost once, side by side: OpenSSL waits a second before it repeats."""
    pairs = [(Side(SERVER_CERTIFICATE), Side(CLIENT_CERTIFICATE)) for _ in range(4)]
    for dropped, (server, client) in enumerate(pairs):
        server.endpoint.start(True, CLIENT_CERTIFICATE.fingerprints)
        client.endpoint.start(False, SERVER_CERTIFICATE.fingerprints)
        carried = iter(range(1000))
        exchange(server, client, lambda data, carried=carried, dropped=dropped: next(carried) != dropped)  # type: ignore[misc]
    assert not all(client.keys for _, client in pairs)
    async with asyncio.timeout(5):
        while not all(server.keys and client.keys for server, client in pairs):
            await asyncio.sleep(0.05)
            for server, client in pairs:
                exchange(server, client)


@pytest.mark.parametrize("algorithm", ["sha-256", "sha-384", "sha-512"])
async def test_fingerprint_algorithms(algorithm: str) -> None:
    server, client = Side(SERVER_CERTIFICATE), Side(CLIENT_CERTIFICATE)
    server.endpoint.start(True, [("md5", "00"), (algorithm, fingerprint_of(CLIENT_CERTIFICATE, algorithm).lower())])
    client.endpoint.start(False, SERVER_CERTIFICATE.fingerprints)
    exchange(server, client)
    assert server.keys


def fingerprint_of(certificate: Certificate, algorithm: str) -> str:
    """The digest, by way of a handshake with somebody who accepts only SHA-256."""
    watcher, owner = Side(SERVER_CERTIFICATE), Side(certificate)
    watcher.endpoint.start(True, certificate.fingerprints)
    owner.endpoint.start(False, SERVER_CERTIFICATE.fingerprints)
    exchange(watcher, owner)
    connection = watcher.endpoint._connection
    assert connection is not None
    peer = connection.get_peer_certificate()
    assert peer is not None
    return peer.digest(algorithm.replace("-", "")).decode()


@pytest.mark.parametrize("promised", [[], [("sha-256", "00:11")], list(SERVER_CERTIFICATE.fingerprints)])
async def test_wrong_fingerprint(promised: list[tuple[str, str]]) -> None:
    server, client = Side(SERVER_CERTIFICATE), Side(CLIENT_CERTIFICATE)
    server.endpoint.start(True, promised)
    client.endpoint.start(False, SERVER_CERTIFICATE.fingerprints)
    exchange(server, client)
    assert server.closed == ["fingerprint_mismatch"]
    assert server.keys is None
    assert not server.data


async def test_close_tells_the_other_side_once() -> None:
    server, client = connect()
    server.endpoint.close()
    server.endpoint.close()
    exchange(server, client)
    assert (server.closed, client.closed) == ([], ["close_notify"])
    client.endpoint.send_application(b"late")
    client.endpoint.receive(b"late")
    assert not client.sent


async def test_handshake_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dtls, "HANDSHAKE_TIMEOUT_S", 0.05)
    client = Side(CLIENT_CERTIFICATE)
    client.endpoint.start(False, SERVER_CERTIFICATE.fingerprints)
    await asyncio.sleep(0.2)
    assert client.closed == ["handshake_timeout"]


async def test_close_while_shaking_hands_leaves_no_timer() -> None:
    client = Side(CLIENT_CERTIFICATE)
    client.endpoint.start(False, SERVER_CERTIFICATE.fingerprints)
    client.endpoint.close()
    assert client.endpoint._timer is None
    assert not client.closed


def record(size: int) -> bytes:
    return b"\x16\xfe\xfd" + bytes(8) + struct.pack("!H", size) + bytes(size)


@pytest.mark.parametrize(
    ("sizes", "datagrams"),
    [([], 0), ([10], 1), ([500, 500], 1), ([800, 800], 2), ([1180, 1, 1], 2), ([3000, 10], 2), ([10, 3000], 2)],
)
def test_split_records(sizes: list[int], datagrams: int) -> None:
    data = b"".join(record(size) for size in sizes)
    parts = list(split_records(data, 1200))
    assert len(parts) == datagrams
    assert b"".join(parts) == data


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.binary(min_size=1, max_size=100).map(lambda b: b"\x16\xfe\xfd" + b) | st.binary(min_size=1), max_size=5)
)
async def test_any_bytes_during_a_handshake(datagrams: list[bytes]) -> None:
    server, client = Side(SERVER_CERTIFICATE), Side(CLIENT_CERTIFICATE)
    server.endpoint.start(True, CLIENT_CERTIFICATE.fingerprints)
    for datagram in datagrams:
        server.endpoint.receive(datagram)
    client.endpoint.start(False, SERVER_CERTIFICATE.fingerprints)
    exchange(server, client)
    server.endpoint.close()
    client.endpoint.close()


async def test_any_bytes_after_a_handshake() -> None:
    server, client = connect()
    for first in range(20, 64):
        for tail in (b"", b"\xfe\xfd", record(50)[1:], bytes(200)):
            server.endpoint.receive(bytes([first]) + tail)
    client.endpoint.send_application(b"still here")
    exchange(server, client)
    assert server.data == [b"still here"]
