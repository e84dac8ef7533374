"""A media client for tests: descriptions written by hand, connections by the small ICE and DTLS client."""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass

from tests.integration.io.client import Client, UdpWire, is_media

PROFILES = "SRTP_AEAD_AES_128_GCM:SRTP_AEAD_AES_256_GCM:SRTP_AES128_CM_SHA1_80"
AUDIO_SSRC = 0x0A0A0A0A
OPUS = 111

_HEAD = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE {mids}\r\na=msid-semantic:WMS *\r\n"
_TRANSPORT = (
    "c=IN IP4 0.0.0.0\r\na=ice-ufrag:{ufrag}\r\na=ice-pwd:{pwd}\r\na=fingerprint:sha-256 {fingerprint}\r\n"
    "a=setup:{setup}\r\na=mid:{mid}\r\na=rtcp-mux\r\n"
)
_OPUS = "a=rtpmap:111 opus/48000/2\r\na=fmtp:111 minptime=10;useinbandfec=1\r\n"
_VP8 = "a=rtpmap:96 VP8/90000\r\na=rtcp-fb:96 nack\r\na=rtcp-fb:96 nack pli\r\n"


@dataclass
class Peer:
    """One peer connection of a client. ``ufrag`` changes with an ICE restart."""

    client: Client
    ufrag: str = "peer"
    pwd: str = "peerpeerpeerpeerpeerpeer"

    @classmethod
    def create(cls, port: int) -> Peer:
        return cls(Client(UdpWire("127.0.0.1", port), "", "", PROFILES))

    def offer(self, *, direction: str, kinds: tuple[str, ...] = ("audio", "video")) -> str:
        """An offer of one section a kind."""
        sections = []
        for mid, kind in enumerate(kinds):
            codec, payload_type = (_OPUS, 111) if kind == "audio" else (_VP8, 96)
            section = f"m={kind} 9 UDP/TLS/RTP/SAVPF {payload_type}\r\n{self._transport(str(mid), 'actpass')}"
            section += f"a={direction}\r\n{codec}"
            if direction == "sendonly":
                ssrc = AUDIO_SSRC + mid
                section += (
                    f"a=msid:stream track{mid}\r\na=ssrc:{ssrc} cname:peer\r\na=ssrc:{ssrc} msid:stream t{mid}\r\n"
                )
            sections.append(section)
        return _HEAD.format(mids=" ".join(str(i) for i in range(len(kinds)))) + "".join(sections)

    def answer(self, offer: str) -> str:
        """Accept everything the server offers."""
        self._learn(offer)
        sections = []
        mids = []
        for block in offer.split("\r\nm=")[1:]:
            mid = re.search(r"a=mid:(\S+)", block)
            assert mid is not None
            mids.append(mid[1])
            kept = [line for line in block.split("\r\n") if line.startswith(("a=rtpmap", "a=fmtp", "a=rtcp-fb"))]
            inactive = "a=inactive" in block
            lines = [f"m={block.split(chr(13))[0]}", self._transport(mid[1], "active").rstrip()]
            lines += ["a=inactive" if inactive else "a=recvonly", *kept]
            sections.append("\r\n".join(lines) + "\r\n")
        return _HEAD.format(mids=" ".join(mids)) + "".join(sections)

    def learn(self, answer: str) -> None:
        """Take the server's credentials from its answer."""
        self._learn(answer)

    async def connect(self) -> None:
        """Check, and shake hands."""
        await self.client.check()
        await self.client.handshake(as_client=True)

    async def send_audio(self, seq: int) -> bytes:
        """Send one Opus packet; its payload."""
        payload = f"opus{seq}".encode()
        header = struct.pack("!BBHII", 0x80, OPUS, seq, seq * 960, AUDIO_SSRC)
        await self.client.send_rtp(header + payload)
        return payload

    async def receive_audio(self) -> tuple[int, bytes]:
        """The next packet: payload type and payload."""
        assert self.client.receive_session is not None
        packet = self.client.receive_session.unprotect(await self.client.receive(_is_rtp))
        start = 12 + 4 * (packet[0] & 15)
        if packet[0] & 0x10:
            start += 4 + 4 * struct.unpack_from("!H", packet, start + 2)[0]
        return packet[1] & 0x7F, packet[start:]

    def close(self) -> None:
        self.client.wire.close()

    def _learn(self, description: str) -> None:
        ufrag, pwd = (re.search(rf"a={name}:(\S+)", description) for name in ("ice-ufrag", "ice-pwd"))
        assert ufrag is not None and pwd is not None
        self.client.remote = (ufrag[1], pwd[1])

    def _transport(self, mid: str, setup: str) -> str:
        return _TRANSPORT.format(
            ufrag=self.ufrag, pwd=self.pwd, fingerprint=self.client.fingerprint, setup=setup, mid=mid
        )


def _is_rtp(data: bytes) -> bool:
    """Media, not RTCP (RFC 5761)."""
    return is_media(data) and not 192 <= data[1] <= 223
