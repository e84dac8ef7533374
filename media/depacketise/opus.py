"""Sound: Opus packets (RFC 7587), and those that redundant audio (RFC 2198) brings a second time."""

from __future__ import annotations

from collections import Counter

from media.depacketise.frame import Frame
from sfu.codecs.opus import DTX_MAX_BYTES
from sfu.errors import MalformedPacket
from sfu.rtp.arithmetic import TimestampUnwrapper
from sfu.rtp.packet import RtpPacket


class OpusAssembler:
    """Each packet is a frame."""

    wants_key_frame = False

    def __init__(self) -> None:
        self.counters: Counter[str] = Counter()
        self._timestamps = TimestampUnwrapper()
        self._last: int | None = None
        self._gap = False

    def push(self, packet: RtpPacket, lost_before: int) -> list[Frame]:
        """See FrameAssembler."""
        self._gap = self._gap or lost_before > 0
        if packet.payload_offset >= packet.payload_end:
            return []
        timestamp = self._timestamps.unwrap(packet.timestamp)
        try:
            return self._frames(packet, timestamp)
        except MalformedPacket as error:
            self.counters[error.reason] += 1
            self._gap = True
            return []

    def interrupt(self) -> None:
        """See FrameAssembler: packets of sound stand for themselves."""

    def _frames(self, packet: RtpPacket, timestamp: int) -> list[Frame]:
        return self._take(timestamp, packet.data[packet.payload_offset : packet.payload_end], packet.arrival)

    def _take(self, timestamp: int, data: bytes, arrival: float, *, recovered: bool = False) -> list[Frame]:
        if self._last is not None and timestamp <= self._last:
            return []
        self._last = timestamp
        gap = self._gap
        if not recovered:
            self._gap = False
        return [Frame(timestamp, data, True, arrival, gap)]


class RedAssembler(OpusAssembler):
    """Redundant blocks fill what was lost. A payload that is no RED is counted as malformed.

    ``payload_type``: packets of others are plain Opus, as publishers mix them; None: all are RED.
    """

    def __init__(self, payload_type: int | None = None) -> None:
        super().__init__()
        self._payload_type = payload_type

    def _frames(self, packet: RtpPacket, timestamp: int) -> list[Frame]:
        if self._payload_type not in (None, packet.payload_type):
            return super()._frames(packet, timestamp)
        blocks, primary = red_blocks(packet.data[packet.payload_offset : packet.payload_end])
        frames: list[Frame] = []
        if self._gap and self._last is not None:
            for offset, block in blocks:
                if block:
                    frames += self._take(timestamp - offset, block, packet.arrival, recovered=True)
            if frames:
                self.counters["recovered"] += len(frames)
                self._gap = False
        return frames + self._take(timestamp, primary, packet.arrival)


def red_blocks(payload: bytes) -> tuple[list[tuple[int, bytes]], bytes]:
    """The redundant blocks, oldest first, each with how far its timestamp lies back; and the primary block.

    Raises MalformedPacket: ``red_truncated``.
    """
    heads: list[tuple[int, int]] = []
    place = 0
    while place < len(payload) and payload[place] & 0x80:
        head = int.from_bytes(payload[place : place + 4], "big")
        heads.append((head >> 10 & 0x3FFF, head & 0x3FF))
        place += 4
    place += 1
    blocks = []
    for offset, size in heads:
        blocks.append((offset, payload[place : place + size]))
        place += size
    if place >= len(payload):
        raise MalformedPacket("red_truncated")
    return blocks, payload[place:]


def hidden_frame(data: bytes) -> bytes | None:
    """What stands for the packets that are not sent behind this one: None if it opens no pause.

    An encoder that begins to be silent (DTX) sends a packet without content; one more of them, of one frame, makes a
    decoder go on with the noise of the room (RFC 6716 section 3.2.1: a frame of no bytes is one not transmitted).
    """
    return bytes([data[0] & 0xFC]) if 0 < len(data) <= DTX_MAX_BYTES else None


def opus_samples(data: bytes) -> int:
    """How long an Opus packet sounds, in samples of 48 kHz (RFC 6716 section 3.1); 0 for what is none."""
    if not data or (data[0] & 3 == 3 and len(data) < 2):
        return 0
    config = data[0] >> 3
    if config < 12:
        size = (480, 960, 1920, 2880)[config & 3]
    elif config < 16:
        size = 480 << (config & 1)
    else:
        size = 120 << (config & 3)
    return size * (1, 2, 2, data[1] & 0x3F if data[0] & 3 == 3 else 0)[data[0] & 3]
