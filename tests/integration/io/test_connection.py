"""ICE, DTLS and SRTP over real sockets: both families, both protocols, every profile, moving and restarting."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Callable

import pytest

from sfu.errors import PortUnavailable
from sfu.ice import stun
from sfu.io import tcp
from sfu.io.dtls import Certificate
from sfu.io.ports import MediaPorts
from tests.integration.io.client import Client, TcpWire, UdpWire, Wire, close_wires, is_dtls
from tests.integration.io.server import Endpoint

PROFILES = ["SRTP_AEAD_AES_128_GCM", "SRTP_AEAD_AES_256_GCM", "SRTP_AES128_CM_SHA1_80"]
ANY = ":".join(reversed(PROFILES))
CERTIFICATE = Certificate()
SSRC = 0x11223344


def has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sock:
            sock.bind(("::1", 0))
    except OSError:
        return False
    return True


HOSTS = ["127.0.0.1", pytest.param("::1", marks=pytest.mark.skipif(not has_ipv6(), reason="no IPv6 here"))]


def rtp(seq: int, payload: bytes = b"payload") -> bytes:
    return header(seq) + payload


def header(seq: int) -> bytes:
    return b"\x80\x60" + seq.to_bytes(2, "big") + bytes(4) + SSRC.to_bytes(4, "big")


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110 - plain values of the endpoint
            await asyncio.sleep(0.002)


@pytest.fixture
async def ports() -> AsyncIterator[MediaPorts]:
    ports = MediaPorts()
    await ports.start(["0.0.0.0", "::"], 0, 0)
    yield ports
    await ports.close()
    close_wires()
    await asyncio.sleep(0.01)
    assert ports.counters["bug"] == 0


@pytest.fixture
async def endpoint(ports: MediaPorts) -> AsyncIterator[Endpoint]:
    endpoint = Endpoint(ports, CERTIFICATE)
    yield endpoint
    endpoint.close()


async def connect(endpoint: Endpoint, wire: Wire, profiles: str = ANY, *, server_is_server: bool = True) -> Client:
    client = Client(wire, endpoint.link.local_ufrag, endpoint.link.local_pwd, profiles)
    assert (await client.check()).kind == stun.BINDING_RESPONSE
    first = b""
    endpoint.dtls.start(server_is_server, [("sha-256", client.fingerprint)])
    if not server_is_server:
        first = await client.receive(is_dtls)
    await client.handshake(as_client=server_is_server, first=first)
    await until(lambda: endpoint.sender)
    return client


async def exchange(endpoint: Endpoint, client: Client, seq: int) -> None:
    """Media and reports both ways."""
    await client.send_rtp(rtp(seq))
    await client.send_rtcp(b"\x81\xc9\x00\x01" + SSRC.to_bytes(4, "big"))
    await until(lambda: rtp(seq) in endpoint.rtp and endpoint.rtcp)
    endpoint.send_rtp([header(seq)], b"payload")
    assert await client.receive_rtp() == rtp(seq)


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("host", HOSTS)
async def test_udp(ports: MediaPorts, endpoint: Endpoint, host: str, profile: str) -> None:
    client = await connect(endpoint, UdpWire(host, ports.udp_port), profile)
    assert client.profile == profile
    await exchange(endpoint, client, 1)
    assert endpoint.link.selected is not None
    assert (endpoint.link.selected.kind, endpoint.link.selected.remote) == ("udp", client.wire.address)


@pytest.mark.parametrize("host", HOSTS)
async def test_tcp(ports: MediaPorts, endpoint: Endpoint, host: str) -> None:
    assert ports.tcp_port
    client = await connect(endpoint, await TcpWire.connect(host, ports.tcp_port))
    await exchange(endpoint, client, 1)
    assert endpoint.link.selected is not None
    assert endpoint.link.selected.kind == "tcp"
    client.wire.close()
    await until(lambda: endpoint.link.selected is None)


async def test_best_profile_of_many(ports: MediaPorts, endpoint: Endpoint) -> None:
    client = await connect(endpoint, UdpWire("127.0.0.1", ports.udp_port), ANY)
    assert client.profile == PROFILES[0]


async def test_dtls_client(ports: MediaPorts, endpoint: Endpoint) -> None:
    """A peer that insists on being the DTLS server (setup:passive in its offer)."""
    client = await connect(endpoint, UdpWire("127.0.0.1", ports.udp_port), PROFILES[0], server_is_server=False)
    await exchange(endpoint, client, 1)


async def test_application_data_and_goodbye(ports: MediaPorts, endpoint: Endpoint) -> None:
    client = await connect(endpoint, UdpWire("127.0.0.1", ports.udp_port))
    await client.send_application(b"sctp" * 290)
    await until(lambda: endpoint.data)
    assert endpoint.data == [b"sctp" * 290]
    endpoint.dtls.send_application(b"back" * 290)
    assert await client.receive_application() == b"back" * 290
    await client.hang_up()
    await until(lambda: endpoint.closed)
    assert endpoint.closed == ["close_notify"]


async def test_client_hello_before_the_answer_is_known(ports: MediaPorts, endpoint: Endpoint) -> None:
    client = Client(UdpWire("127.0.0.1", ports.udp_port), endpoint.link.local_ufrag, endpoint.link.local_pwd, ANY)
    await client.check()
    await client.first_flight()
    await until(lambda: endpoint.dtls._early)
    endpoint.link.set_remote("peer", "p" * 24)
    endpoint.dtls.start(True, [("sha-256", client.fingerprint)])
    await client.handshake()
    await exchange(endpoint, client, 1)


async def test_wrong_fingerprint(ports: MediaPorts, endpoint: Endpoint) -> None:
    client = Client(UdpWire("127.0.0.1", ports.udp_port), endpoint.link.local_ufrag, endpoint.link.local_pwd, ANY)
    await client.check()
    endpoint.dtls.start(True, [("sha-256", "00:" * 31 + "00")])
    await client.handshake()
    await until(lambda: endpoint.closed)
    assert endpoint.closed == ["fingerprint_mismatch"]
    assert endpoint.sender is None


async def test_wrong_password(ports: MediaPorts, endpoint: Endpoint) -> None:
    client = Client(UdpWire("127.0.0.1", ports.udp_port), endpoint.link.local_ufrag, endpoint.link.local_pwd, ANY)
    assert stun.read_error_code(await client.check(pwd="wrong")) == 401
    await client.first_flight()
    await until(lambda: ports.counters["unknown_source"])
    assert not endpoint.dtls._early


async def test_moving_to_another_path(ports: MediaPorts, endpoint: Endpoint) -> None:
    """A new port, then TCP, then back: no handshake, no packet refused."""
    client = await connect(endpoint, UdpWire("127.0.0.1", ports.udp_port))
    await exchange(endpoint, client, 1)
    old = client.wire
    client.wire = UdpWire("127.0.0.1", ports.udp_port)
    await client.check(nominate=False)
    await client.send_rtp(rtp(2))  # on a validated path that is not nominated
    await until(lambda: rtp(2) in endpoint.rtp)
    await client.check()
    await exchange(endpoint, client, 3)
    client.wire = await TcpWire.connect("127.0.0.1", ports.tcp_port or 0)
    await client.check()
    await exchange(endpoint, client, 4)
    client.wire.close()
    client.wire = old
    await client.check()
    await exchange(endpoint, client, 5)
    assert not endpoint.refused


async def test_ice_restart(ports: MediaPorts, endpoint: Endpoint) -> None:
    client = await connect(endpoint, UdpWire("127.0.0.1", ports.udp_port))
    old = client.remote
    new = endpoint.link.restart()
    assert (await client.check()).kind == stun.BINDING_RESPONSE
    client.remote = (new.ufrag, new.pwd)
    client.wire.close()
    client.wire = UdpWire("127.0.0.1", ports.udp_port)
    assert (await client.check()).kind == stun.BINDING_RESPONSE
    await exchange(endpoint, client, 1)
    client.remote = old
    assert stun.read_error_code(await client.check()) == 401


@pytest.mark.parametrize("gso", [True, False])
async def test_many_packets_at_once(ports: MediaPorts, endpoint: Endpoint, gso: bool) -> None:
    """By segmentation offload where the kernel has it, and one by one."""
    for sock in ports.sockets:
        if gso and not sock.gso:
            pytest.skip("no segmentation offload here")
        sock.gso = gso
    client = await connect(endpoint, UdpWire("127.0.0.1", ports.udp_port), PROFILES[0])
    payload = os.urandom(1100)
    endpoint.send_rtp([header(seq) for seq in range(100)], payload)
    endpoint.send_rtp([header(seq) for seq in range(100, 103)], payload[:10])
    for seq in range(103):
        assert await client.receive_rtp() == rtp(seq, payload if seq < 100 else payload[:10])
    assert all(sock.gso == gso for sock in ports.sockets)


@pytest.mark.skipif(not hasattr(socket, "MSG_DONTWAIT"), reason="not this system's")
async def test_every_interface_answers_from_its_own_address(ports: MediaPorts, endpoint: Endpoint) -> None:
    """A connected socket hears only the address it sent to."""
    for candidate in ports.candidates:
        if candidate.protocol == "udp":
            client = Client(
                UdpWire(candidate.address, candidate.port), endpoint.link.local_ufrag, endpoint.link.local_pwd, ANY
            )
            assert (await client.check()).kind == stun.BINDING_RESPONSE
            client.wire.close()


async def test_batch_end_is_called_after_datagrams(ports: MediaPorts, endpoint: Endpoint) -> None:
    seen: list[int] = []
    client = await connect(endpoint, UdpWire("127.0.0.1", ports.udp_port))
    ports.on_batch_end = lambda: bool(seen.append(len(endpoint.rtp)))
    for seq in range(3):
        await client.send_rtp(rtp(seq))
    await until(lambda: len(endpoint.rtp) == 3)
    assert seen[-1] == 3


async def test_garbage_from_a_validated_path_harms_nothing(ports: MediaPorts, endpoint: Endpoint) -> None:
    client = await connect(endpoint, UdpWire("127.0.0.1", ports.udp_port))
    for first in range(256):
        await client.wire.send(bytes([first]) + os.urandom(first))
        await asyncio.sleep(0)
    await client.wire.send(b"")
    await exchange(endpoint, client, 1)
    assert "srtp_auth" in endpoint.refused


async def test_idle_tcp_connections_are_dropped(ports: MediaPorts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tcp, "VALIDATION_TIMEOUT_S", 0.05)
    wire = await TcpWire.connect("127.0.0.1", ports.tcp_port or 0)
    with pytest.raises((asyncio.IncompleteReadError, ConnectionResetError)):
        await asyncio.wait_for(wire.receive(), 2)
    assert ports.counters["tcp_never_validated"] == 1
    wire.close()


async def test_taken_ports_are_reported(ports: MediaPorts) -> None:
    for hosts in (["0.0.0.0"], ["127.0.0.1"]):
        with pytest.raises(PortUnavailable, match=str(ports.udp_port)):
            await MediaPorts().start(hosts, ports.udp_port)
    other = MediaPorts()
    with pytest.raises(PortUnavailable, match=str(ports.tcp_port)):
        await other.start(["127.0.0.1"], 0, ports.tcp_port)
    assert not other.sockets


async def test_one_host_only() -> None:
    ports = MediaPorts()
    await ports.start(["127.0.0.1"], 0, 0, [])
    assert {candidate.address for candidate in ports.candidates} == {"127.0.0.1"}
    await ports.close()
    await ports.close()
    await ports.start(["127.0.0.1"], 0, None, ["203.0.113.5"])
    assert [candidate.address for candidate in ports.candidates] == ["203.0.113.5"]
    await ports.close()


async def test_an_address_this_machine_does_not_have() -> None:
    ports = MediaPorts()
    await ports.start(["127.0.0.1", "2001:db8::77"], 0)
    assert len(ports.sockets) == 1
    await ports.close()
    with pytest.raises(PortUnavailable):
        await ports.start(["2001:db8::77"], 0)
