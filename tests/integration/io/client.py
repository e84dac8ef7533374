"""A small full-ICE client of our own for tests: checks, DTLS by plain pyOpenSSL, SRTP by libsrtp; UDP or TCP."""

from __future__ import annotations

import asyncio
import datetime
import os
import socket
import struct
from collections.abc import Callable

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from OpenSSL import SSL
from pylibsrtp import Policy, Session

from sfu.ice import stun

PROFILES = {
    "SRTP_AEAD_AES_128_GCM": (Policy.SRTP_PROFILE_AEAD_AES_128_GCM, 16, 12),
    "SRTP_AEAD_AES_256_GCM": (Policy.SRTP_PROFILE_AEAD_AES_256_GCM, 32, 12),
    "SRTP_AES128_CM_SHA1_80": (Policy.SRTP_PROFILE_AES128_CM_SHA1_80, 16, 14),
}


def make_context(profiles: str) -> tuple[SSL.Context, str]:
    """An OpenSSL context with a certificate of its own, and that one's SHA-256 fingerprint."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "client")])
    now = datetime.datetime.now(datetime.UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now - datetime.timedelta(1)).not_valid_after(now + datetime.timedelta(1))
    certificate = builder.sign(key, hashes.SHA256())
    context = SSL.Context(SSL.DTLS_METHOD)
    context.use_certificate(certificate)
    context.use_privatekey(key)
    context.set_verify(SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT, lambda *_: True)
    context.set_tlsext_use_srtp(profiles.encode())
    return context, certificate.fingerprint(hashes.SHA256()).hex(":").upper()


class UdpWire:
    """A UDP socket towards one address of the server."""

    def __init__(self, host: str, port: int) -> None:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.sock = socket.socket(family, socket.SOCK_DGRAM)
        self.sock.setblocking(False)
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        self.sock.connect((host, port))
        self.address = self.sock.getsockname()[:2]
        OPEN.append(self)

    async def send(self, data: bytes) -> None:
        self.sock.send(data)

    async def receive(self) -> bytes:
        return await asyncio.get_running_loop().sock_recv(self.sock, 4096)

    def close(self) -> None:
        self.sock.close()


class TcpWire:
    """An ICE-TCP connection (RFC 4571 framing)."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self.address = writer.get_extra_info("sockname")[:2]
        OPEN.append(self)

    @classmethod
    async def connect(cls, host: str, port: int) -> TcpWire:
        return cls(*await asyncio.open_connection(host, port))

    async def send(self, data: bytes) -> None:
        self._writer.write(struct.pack("!H", len(data)) + data)
        await self._writer.drain()

    async def receive(self) -> bytes:
        (size,) = struct.unpack("!H", await self._reader.readexactly(2))
        return await self._reader.readexactly(size)

    def close(self) -> None:
        self._writer.transport.abort()


Wire = UdpWire | TcpWire
OPEN: list[Wire] = []


def close_wires() -> None:
    """Close all wires that were made; closing one twice does no harm."""
    while OPEN:
        OPEN.pop().close()


class Client:
    """One client; ``wire`` may be replaced to move to another path."""

    def __init__(self, wire: Wire, ufrag: str, pwd: str, profiles: str) -> None:
        self.wire = wire
        self.remote = (ufrag, pwd)
        self.context, self.fingerprint = make_context(profiles)
        self.profile = ""
        self.data: list[bytes] = []
        self._connection = SSL.Connection(self.context, None)
        self._connection.set_ciphertext_mtu(1200)
        self._begun = False
        self.send_session: Session | None = None
        self.receive_session: Session | None = None

    async def check(self, *, nominate: bool = True, pwd: str | None = None) -> stun.StunMessage:
        """Send one check on the current wire and return the authentic answer to it."""
        ufrag, password = self.remote
        body = stun.attribute(stun.USERNAME, f"{ufrag}:peer".encode())
        body += stun.attribute(stun.PRIORITY, struct.pack("!I", 1853824767))
        body += stun.attribute(stun.ICE_CONTROLLING, os.urandom(8))
        if nominate:
            body += stun.attribute(stun.USE_CANDIDATE, b"")
        transaction = os.urandom(12)
        await self.wire.send(stun.build_message(stun.BINDING_REQUEST, transaction, body, (pwd or password).encode()))

        def is_answer(data: bytes) -> bool:
            return data[0] < 4 and data[8:20] == transaction

        data = await self.receive(is_answer)
        answer = stun.parse_stun(data)
        if answer.kind == stun.BINDING_RESPONSE:
            assert stun.integrity_matches(answer, data, password.encode())
            assert stun.read_xor_mapped_address(answer) == self.wire.address
        return answer

    async def receive(self, wanted: Callable[[bytes], bool], timeout_s: float = 5.0) -> bytes:
        """The next datagram that is wanted; others are dropped."""
        async with asyncio.timeout(timeout_s):
            while True:
                data = await self.wire.receive()
                if wanted(data):
                    return data

    # -- DTLS --------------------------------------------------------------
    async def handshake(self, *, as_client: bool = True, first: bytes = b"") -> None:
        """Run the DTLS handshake and make the SRTP sessions."""
        connection = self._connection
        if not self._begun:
            (connection.set_connect_state if as_client else connection.set_accept_state)()
        if first:
            connection.bio_write(first)
        while True:
            try:
                connection.do_handshake()
            except SSL.WantReadError:
                await self._flush()
                connection.bio_write(await self.receive(is_dtls))
                continue
            await self._flush()
            break
        self.profile = connection.get_selected_srtp_profile().decode()
        number, key, salt = PROFILES[self.profile]
        material = connection.export_keying_material(b"EXTRACTOR-dtls_srtp", 2 * (key + salt))
        client = material[:key] + material[2 * key : 2 * key + salt]
        server = material[key : 2 * key] + material[2 * key + salt :]
        ours, theirs = (client, server) if as_client else (server, client)
        self.send_session = Session(Policy(ours, Policy.SSRC_ANY_OUTBOUND, 0, number))
        self.receive_session = Session(Policy(theirs, Policy.SSRC_ANY_INBOUND, 0, number))

    async def first_flight(self) -> None:
        """Send the ClientHello and nothing else."""
        self._begun = True
        self._connection.set_connect_state()
        try:
            self._connection.do_handshake()
        except SSL.WantReadError:
            await self._flush()

    async def _flush(self) -> None:
        while True:
            try:
                produced = self._connection.bio_read(65_536)
            except SSL.WantReadError:
                return
            while produced:
                end = 13 + struct.unpack_from("!H", produced, 11)[0]
                await self.wire.send(produced[:end])
                produced = produced[end:]

    async def send_application(self, data: bytes) -> None:
        self._connection.send(data)
        await self._flush()

    async def receive_application(self) -> bytes:
        self._connection.bio_write(await self.receive(is_dtls))
        return self._connection.recv(16_384)

    async def hang_up(self) -> None:
        self._connection.shutdown()
        await self._flush()

    # -- SRTP --------------------------------------------------------------
    async def send_rtp(self, packet: bytes) -> None:
        assert self.send_session is not None
        await self.wire.send(self.send_session.protect(packet))

    async def send_rtcp(self, packet: bytes) -> None:
        assert self.send_session is not None
        await self.wire.send(self.send_session.protect_rtcp(packet))

    async def receive_rtp(self) -> bytes:
        assert self.receive_session is not None
        return self.receive_session.unprotect(await self.receive(is_media))


def is_dtls(data: bytes) -> bool:
    return 19 < data[0] < 64


def is_media(data: bytes) -> bool:
    return 127 < data[0] < 192
