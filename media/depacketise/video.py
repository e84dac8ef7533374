"""Whole pictures of the video codecs. After a loss nothing is given out that cannot be decoded."""

from __future__ import annotations

from collections import Counter

from media.depacketise import payloads
from media.depacketise.frame import Frame
from sfu.codecs.info import PayloadInfo, describe
from sfu.errors import MalformedPacket
from sfu.rtp.arithmetic import TimestampUnwrapper
from sfu.rtp.packet import RtpPacket

MAX_PICTURE_PACKETS = 4_096


class VideoAssembler:
    """Collects the packets of one timestamp until the marker; the codec's own part is ``_join``.

    A picture is given out if it is whole and everything it refers to was: after a loss that means a key frame, or,
    where pictures number their base layer (TL0PICIDX), the next of that layer if only higher layers were lost.
    """

    codec = ""

    def __init__(self) -> None:
        self.wants_key_frame = True
        self.counters: Counter[str] = Counter()
        self._timestamps = TimestampUnwrapper()
        self._packets: list[tuple[RtpPacket, PayloadInfo]] = []
        self._timestamp: int | None = None
        self._torn = False
        self._gap = False
        self._broken = True
        self._base: int | None = None

    def push(self, packet: RtpPacket, lost_before: int) -> list[Frame]:
        """See FrameAssembler."""
        if lost_before:
            self._on_loss()
        if packet.payload_offset >= packet.payload_end:
            return []  # padding only
        try:
            info = describe(self.codec, packet.data, packet.payload_offset, packet.payload_end, packet.marker)
        except MalformedPacket as error:
            self.counters[error.reason] += 1
            self._on_loss()
            return []
        timestamp = self._timestamps.unwrap(packet.timestamp)
        frames: list[Frame] = []
        if timestamp != self._timestamp:
            if self._packets:  # its marker never came
                frames += self._finish(whole=not self._torn and not lost_before)
            self._timestamp = timestamp
            self._torn = not info.frame_start
        self._packets.append((packet, info))
        if packet.marker or len(self._packets) > MAX_PICTURE_PACKETS:
            frames += self._finish(whole=not self._torn)
        return frames

    def interrupt(self) -> None:
        """See FrameAssembler."""
        self._packets.clear()
        self._timestamp = self._base = None
        self._torn = False
        self._broken = True

    def _on_loss(self) -> None:
        self._gap = True
        self._broken = True
        if self._packets:
            self._torn = True

    def _finish(self, *, whole: bool) -> list[Frame]:
        packets, self._packets = self._packets, []
        timestamp, self._timestamp = self._timestamp, None
        self._torn = False
        assert timestamp is not None
        key_frame = any(info.key_frame for _, info in packets)
        first = packets[0][1]
        if not whole:
            self._broken = self._gap = True
        elif self._broken and (key_frame or self._follows_base(first)):
            self._broken = False
        if self._broken:
            self.wants_key_frame = True
            self.counters["undecodable"] += 1
            return []
        try:
            data = self._join(packets)
        except MalformedPacket as error:
            self.counters[error.reason] += 1
            self._broken = self._gap = self.wants_key_frame = True
            return []
        self.wants_key_frame = False
        if first.temporal == 0:
            self._base = first.tl0_pic_idx
        gap, self._gap = self._gap, False
        discardable = all(info.discardable for _, info in packets) and not key_frame
        return [Frame(timestamp, data, key_frame, packets[-1][0].arrival, gap, discardable)]

    def _follows_base(self, info: PayloadInfo) -> bool:
        """Whether a picture of the base layer directly follows the last one of that layer that was whole."""
        if self._base is None or info.tl0_pic_idx is None or info.temporal != 0:
            return False
        return info.tl0_pic_idx == (self._base + 1) & 0xFF

    def _join(self, packets: list[tuple[RtpPacket, PayloadInfo]]) -> bytes:
        raise NotImplementedError


class Vp8Assembler(VideoAssembler):
    """VP8 (RFC 7741): the payloads without their descriptors."""

    codec = "VP8"

    def _join(self, packets: list[tuple[RtpPacket, PayloadInfo]]) -> bytes:
        return b"".join(
            p.data[payloads.vp8_start(p.data, p.payload_offset, p.payload_end) : p.payload_end] for p, _ in packets
        )


class Vp9Assembler(VideoAssembler):
    """VP9 (RFC 9628): as VP8; several layers become a superframe (VP9 bitstream, annex B)."""

    codec = "VP9"

    def _join(self, packets: list[tuple[RtpPacket, PayloadInfo]]) -> bytes:
        layers: list[list[bytes]] = []
        for p, info in packets:
            if info.frame_start or not layers:
                layers.append([])
            layers[-1].append(p.data[payloads.vp9_start(p.data, p.payload_offset, p.payload_end) : p.payload_end])
        return payloads.vp9_superframe([b"".join(layer) for layer in layers])


class H264Assembler(VideoAssembler):
    """H.264 (RFC 6184): NAL units, each behind four bytes of length as MP4 has them."""

    codec = "H264"

    def _join(self, packets: list[tuple[RtpPacket, PayloadInfo]]) -> bytes:
        return payloads.h264_units(p.data[p.payload_offset : p.payload_end] for p, _ in packets)


class Av1Assembler(VideoAssembler):
    """AV1: the OBUs of a temporal unit, each with its size."""

    codec = "AV1"

    def _join(self, packets: list[tuple[RtpPacket, PayloadInfo]]) -> bytes:
        return payloads.av1_obus(p.data[p.payload_offset : p.payload_end] for p, _ in packets)
