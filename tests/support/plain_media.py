"""A publisher and a subscriber of the engine's halves without sockets or encryption, for tests in virtual time."""

from __future__ import annotations

import struct
from collections import Counter
from random import Random

from sfu.census import Census
from sfu.codecs.parameters import CodecParameters
from sfu.consumer import Consumer
from sfu.layers.forward import Outlet, Seal
from sfu.layers.header_plan import PlanTable
from sfu.producer import Producer
from sfu.receiving import ReceivingHalf
from sfu.rtp.extensions import Uri, build_extensions
from sfu.rtp.packet import RtpPacket, build_rtp, parse_rtp
from sfu.sdp.capabilities import AUDIO_FEEDBACK
from sfu.sdp.types import EncodingSpec, NegotiatedCodec, ReceiveSection, SendSection
from sfu.sending import SendingHalf

VP8_PT, RTX_PT, OPUS_PT, RED_PT = 96, 97, 111, 63
VIDEO_FEEDBACK = frozenset({"nack", "nack pli", "ccm fir", "transport-cc"})
CODECS = {
    "VP8": CodecParameters("video/VP8", 90_000),
    "opus": CodecParameters("audio/opus", 48_000, 2),
}


def payload_of(packet: RtpPacket) -> bytes:
    return packet.data[packet.payload_offset : packet.payload_end]


class OpenProtector:
    """Seals nothing: what is sent can be read. It refuses what AES-GCM must never do: one number, two contents."""

    salt = 0

    def __init__(self) -> None:
        self.seal: Seal | None = self._seal
        self.sealed: dict[bytes, bytes] = {}

    def _seal(self, nonce: bytes, payload: bytes, header: bytes) -> bytes:
        whole = header + payload
        assert self.sealed.setdefault(nonce, whole) == whole, "two different packets under one nonce"
        return payload

    def protect_rtp(self, header: bytes, payload: bytes, ssrc: int, ext_seq: int) -> bytes:
        return header + self._seal((ssrc << 48 | ext_seq).to_bytes(12, "big"), payload, header)


def vp8_payload(
    picture_id: int,
    *,
    key: bool,
    tl0: int | None = None,
    temporal: int | None = None,
    size: int = 60,
    start: bool = True,
    picture: tuple[int, int] = (320, 240),
) -> bytes:
    """A VP8 payload (RFC 7741 section 4.2) with a 15-bit picture id and, if given, TL0PICIDX and temporal layer."""
    flags = 0x80 | (0x40 if tl0 is not None else 0) | (0x20 if temporal is not None else 0)
    head = bytes((0x90 if start else 0x80, flags))
    head += struct.pack("!H", 0x8000 | picture_id & 0x7FFF)
    if tl0 is not None:
        head += bytes((tl0 & 0xFF,))
    if temporal is not None:
        head += bytes((temporal << 6,))
    # The frame header's lowest bit is 0 for a key frame (RFC 6386 section 9.1).
    frame = bytes((0x10 if key else 0x11, 0, 0, 0x9D, 0x01, 0x2A)) + struct.pack("<2H", *picture)
    return head + frame.ljust(size, b"\x55")


class Publisher:
    """A browser's sending side: makes packets and hands them to a ReceivingHalf."""

    def __init__(
        self, *, rids: tuple[str, ...] = (), seed: int = 1, first_seq: int = 65_500, owner: str = "ann"
    ) -> None:
        self.rtcp: list[bytes] = []
        self.counters: Counter[str] = Counter()
        self.levels: list[tuple[str, int]] = []
        self.awakened: list[float] = []
        self.now = 1_000.0
        self.half = ReceivingHalf(
            owner=owner,
            random=Random(seed),
            send_rtcp=self.rtcp.append,
            on_level=lambda producer, level, now: self.levels.append((producer, level)),
            counters=self.counters,
            history_packets=256,
            now=lambda: self.now,
            on_awake=lambda: self.awakened.append(self.now),
        )
        self.rids = rids
        self.sections: list[ReceiveSection] = []
        self.seq = first_seq
        self.timestamp = 4_294_960_000
        self.picture_id = 32_760

    def publish_video(self, *, feedback: frozenset[str] = VIDEO_FEEDBACK) -> Producer:
        specs = tuple(EncodingSpec(rid=rid) for rid in self.rids) or (EncodingSpec(ssrc=1_111, rtx_ssrc=1_112),)
        extensions = {Uri.MID: 4, Uri.RID: 10, Uri.RRID: 11, Uri.TRANSPORT_CC: 3, Uri.VIDEO_ORIENTATION: 13}
        codec = NegotiatedCodec(VP8_PT, CODECS["VP8"], RTX_PT, feedback)
        return self._publish(ReceiveSection("v", "video", True, codec, extensions, specs, None, "c"))

    def publish_audio(self, *, red: bool = False) -> Producer:
        codec = NegotiatedCodec(OPUS_PT, CODECS["opus"], None, frozenset(), RED_PT if red else None)
        extensions = {Uri.MID: 4, Uri.AUDIO_LEVEL: 1}
        spec = (EncodingSpec(ssrc=2_222),)
        return self._publish(ReceiveSection("a", "audio", True, codec, extensions, spec, None, "c"))

    def _publish(self, section: ReceiveSection) -> Producer:
        self.sections.append(section)
        added, _ = self.half.apply(self.sections, {})
        return added[0]

    def video(
        self,
        *,
        key: bool = False,
        ssrc: int = 1_111,
        rid: str | None = None,
        mid: bool = True,
        deliver: bool = True,
        packets: int = 1,
        picture: tuple[int, int] = (320, 240),
        temporal: int | None = None,
    ) -> list[bytes]:
        """One frame; with ``deliver`` False it is made but lost on the way."""
        self.picture_id = (self.picture_id + 1) & 0x7FFF
        self.timestamp = (self.timestamp + 3_000) & 0xFFFFFFFF
        made = []
        for index in range(packets):
            elements = ([(4, b"v")] if mid else []) + ([(10, rid.encode())] if rid else [])
            made.append(
                build_rtp(
                    payload_type=VP8_PT,
                    sequence_number=self.seq,
                    timestamp=self.timestamp,
                    ssrc=ssrc,
                    marker=index == packets - 1,
                    payload=vp8_payload(self.picture_id, key=key, start=index == 0, picture=picture, temporal=temporal),
                    extensions=build_extensions(elements),
                )
            )
            self.seq = (self.seq + 1) & 0xFFFF
            if deliver:
                self.half.on_rtp(made[-1], self.now)
        return made

    def audio(self, payload: bytes = b"\x78abc", *, payload_type: int = OPUS_PT, level: int = 30) -> bytes:
        self.timestamp = (self.timestamp + 960) & 0xFFFFFFFF
        packet = build_rtp(
            payload_type=payload_type,
            sequence_number=self.seq,
            timestamp=self.timestamp,
            ssrc=2_222,
            payload=payload,
            extensions=build_extensions([(1, bytes((0x80 | level,)))]),
        )
        self.seq = (self.seq + 1) & 0xFFFF
        self.half.on_rtp(packet, self.now)
        return packet


class Subscriber:
    """A browser's receiving side: reads what a SendingHalf queued."""

    def __init__(self, publisher: Publisher, seed: int = 2, census: Census | None = None) -> None:
        self.publisher = publisher
        self.dirty: list[Outlet] = []
        self.outlet = Outlet(self.dirty)
        self.protector = OpenProtector()
        self.rtcp: list[bytes] = []
        self.half = SendingHalf(
            outlet=self.outlet,
            plans=PlanTable(),
            random=Random(seed),
            send_rtcp=self.rtcp.append,
            counters=Counter(),
            now=lambda: publisher.now,
            census=census if census is not None else Census(),
        )

    def consume(
        self, producer: Producer, *, rtx: bool = True, red: bool = False, twcc: bool = True, nack: bool = False
    ) -> Consumer:
        """Negotiate and open a Consumer at once."""
        consumer = self.half.add(producer)
        video = producer.kind == "video"
        extensions = {Uri.MID: 1, Uri.VIDEO_ORIENTATION: 7, Uri.AUDIO_LEVEL: 2} | (
            {Uri.TRANSPORT_CC: 5} if twcc else {}
        )
        section = SendSection(
            track_key=consumer.id,
            mid=str(len(self.half.consumers)),
            kind=producer.kind,
            accepted=True,
            payload_type=120 if video else 109,
            rtx_payload_type=121 if video and rtx else None,
            red_payload_type=63 if red else None,
            extensions=extensions,
            feedback=VIDEO_FEEDBACK if video else AUDIO_FEEDBACK if nack else frozenset(),
        )
        self.half.on_secured(self.protector)
        self.half.apply([section])
        return consumer

    def take(self) -> list[RtpPacket]:
        """What was sent since the last call, in order."""
        packets = [parse_rtp(data) for data in self.outlet.packets]
        self.outlet.packets.clear()
        self.dirty.clear()
        return packets
