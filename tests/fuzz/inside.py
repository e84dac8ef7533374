"""A peer that has joined properly and then misbehaves inside its encrypted transport: RTP, RTCP and SCTP alike."""

from __future__ import annotations

import asyncio
import random
import struct
from urllib.parse import urljoin

import httpx
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import AudioStreamTrack, VideoStreamTrack
from OpenSSL import SSL

from tests.fuzz.datagrams import Fuzzer
from tests.support.server import PlenumServer

CONNECT_TIMEOUT_S = 15
# Our own association does not survive its nonsense for long, and a new one takes a while.
SCTP_SHARE = 0.02


class Misbehaving:
    """A WHIP publisher by aiortc whose keys are used to seal nonsense."""

    def __init__(self, fuzzer: Fuzzer) -> None:
        self.fuzzer = fuzzer
        self.rng: random.Random = fuzzer.rng
        self.peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self.dead = False
        self.lives = 1
        self._server: PlenumServer | None = None
        self._room = ""
        self._location = ""
        self._bearer: dict[str, str] = {}

    async def connect(self, server: PlenumServer, room: str) -> None:
        """Publish sound, picture and a data channel. Raises AssertionError when it does not get connected."""
        self._server, self._room = server, room
        self.peer.addTrack(AudioStreamTrack())
        self.peer.addTrack(VideoStreamTrack())
        self.peer.createDataChannel("reliable", protocol="plenum-relay")
        await self.peer.setLocalDescription(await self.peer.createOffer())
        url = f"{server.url}/webrtc/whip/{room}"
        self._bearer = {"Authorization": f"Bearer {server.token('mallory', room)}"}
        headers = {**self._bearer, "Content-Type": "application/sdp"}
        async with httpx.AsyncClient() as client:
            answer = await client.post(url, content=self.peer.localDescription.sdp, headers=headers)
        assert answer.status_code == 201, answer.text
        self._location = urljoin(url, answer.headers["Location"])
        await self.peer.setRemoteDescription(RTCSessionDescription(answer.text, "answer"))
        deadline = asyncio.get_running_loop().time() + CONNECT_TIMEOUT_S
        while self.peer.connectionState != "connected":
            assert asyncio.get_running_loop().time() < deadline, self.peer.connectionState
            await asyncio.sleep(0.05)

    async def send(self) -> None:
        """One sealed datagram that means nothing."""
        if self.dead:
            await self._renew()
        transport = self.peer.getSenders()[0].transport
        pick = self.rng.random()
        try:
            if pick < SCTP_SHARE:
                await transport._send_data(self._sctp())
            elif pick < 0.5:
                await transport._send_rtp(self._rtp())
            else:
                await transport._send_rtp(self._rtcp())
        except Exception as error:
            # libsrtp checks headers before it seals; what it refuses an attacker without it could still send, but
            # never with a valid tag.
            if isinstance(error, ConnectionError | SSL.Error):
                self.dead = True  # ended by either side: it may be, after what was sent
            elif type(error).__name__ != "Error":
                raise

    async def _renew(self) -> None:
        """Join again."""
        assert self._server is not None
        await self.close()
        self.peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self.dead = False
        self.lives += 1
        await self.connect(self._server, self._room)

    async def close(self) -> None:
        async with httpx.AsyncClient() as client:
            await client.delete(self._location, headers=self._bearer)
        await self.peer.close()

    def _rtp(self) -> bytes:
        """A header that libsrtp takes, on our own streams or new ones, over random extensions and payloads."""
        rng = self.rng
        known = [sender._ssrc for sender in self.peer.getSenders()]
        ssrc = rng.choice([*known, rng.getrandbits(32)])
        first = (
            0x80 | (0x10 if rng.random() < 0.6 else 0) | (0x20 if rng.random() < 0.2 else 0) | rng.choice((0, 0, 0, 2))
        )
        payload_type = rng.choice((96, 97, 98, 102, 111, 0, 63, rng.randrange(128)))
        header = struct.pack("!BBHII", first, payload_type, rng.getrandbits(16), rng.getrandbits(32), ssrc)
        header += rng.randbytes(4 * (first & 15))
        if first & 0x10:
            words = rng.randrange(6)
            header += struct.pack("!HH", rng.choice((0xBEDE, 0x1000, 0x1234)), words) + rng.randbytes(4 * words)
        return header + rng.randbytes(rng.choice((0, 1, 2, 4, 10, rng.randrange(1100))))

    def _rtcp(self) -> bytes:
        data = self.fuzzer.rtcp() if self.rng.random() < 0.8 else self.fuzzer.rtcp()[:-1]
        # The first packet decides whether a receiver takes it for RTCP at all.
        return bytes([0x80 | data[0] & 0x3F, self.rng.randrange(200, 208)]) + data[2:]

    def _sctp(self) -> bytes:
        rng = self.rng
        if rng.random() < 0.3:
            return rng.randbytes(rng.randrange(200))
        chunks = b"".join(
            struct.pack(
                "!BBH",
                rng.choice((*range(15), 130, 192)),
                rng.getrandbits(8),
                rng.choice((4, 8, 20, rng.getrandbits(16))),
            )
            + rng.randbytes(rng.choice((0, 4, 16, 40)))
            for _ in range(rng.randrange(1, 4))
        )
        packet = struct.pack("!HHII", 5000, 5000, rng.getrandbits(32), 0) + chunks
        return packet[:8] + struct.pack("<I", _crc32c(packet)) + packet[12:]


def _crc32c(data: bytes) -> int:
    from google_crc32c import value

    return int(value(data))
