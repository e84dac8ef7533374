"""What a client sends: the clip's video and sound, paced by the clock, with resends, key frames and sender reports."""

from __future__ import annotations

import asyncio
import random
import struct
import time
from collections import OrderedDict

from scripts.load.clip import AUDIO_INTERVAL_S, Clip
from scripts.load.connection import Connection
from scripts.load.descriptions import AUDIO_PT, LEVEL_ID, TRANSPORT_CC_ID, VIDEO_PT
from sfu.errors import MalformedPacket
from sfu.rtp.extensions import build_extensions
from sfu.rtp.rtcp import Fir, Nack, Pli, Sdes, parse_compound
from sfu.streams.send import SendStream

HISTORY_PACKETS = 1_024
STAMP = struct.Struct("!4sQ")
STAMP_MAGIC = b"plnt"
_HEADER = struct.Struct("!BBHII")
_REPORT_EVERY_S = 1.0
_SPEAKING, _SILENT = bytes((0x80 | 30,)), bytes((110,))


class _Stream:
    def __init__(self, kind: str, clock_rate: int) -> None:
        self.ssrc = random.randrange(1, 1 << 31)
        self.kind, self.clock_rate = kind, clock_rate
        self.payload_type = AUDIO_PT if kind == "audio" else VIDEO_PT
        self.seq = random.randrange(1 << 14)
        self.first_timestamp = random.randrange(1 << 31)
        self.figures = SendStream(self.ssrc, clock_rate)
        self.sent: OrderedDict[int, bytes] = OrderedDict()


class Upstream:
    """Sends one clip by one connection. The last packet of each frame ends in the moment of its sending."""

    def __init__(self, clip: Clip) -> None:
        self.clip = clip
        self.streams = [_Stream("audio", 48_000)] + ([_Stream("video", 90_000)] if clip.frames else [])
        self.packets = 0
        self.key_frames = self.resent = 0
        self.speaks = random.random() < 0.3
        self._connection: Connection | None = None
        self._twcc_seq = 0
        self._frame = 0
        self._picture_id = random.randrange(1 << 15)
        self._began = 0.0
        self._reported = 0.0
        self._timers: dict[str, asyncio.TimerHandle] = {}

    @property
    def ssrcs(self) -> dict[str, int]:
        """By kind, in the order of the sections."""
        return {stream.kind: stream.ssrc for stream in self.streams}

    def begin(self, connection: Connection) -> None:
        """The connection is there."""
        self._connection = connection
        loop = asyncio.get_running_loop()
        self._began = loop.time() + random.random() * 0.05  # many clients must not all send at the same moment
        for stream in self.streams:
            self._timers[stream.kind] = loop.call_at(self._began, self._turn, stream, 0)

    def close(self) -> None:
        """Send nothing more."""
        for timer in self._timers.values():
            timer.cancel()
        self._connection = None

    def _turn(self, stream: _Stream, number: int) -> None:
        if self._connection is None:
            return
        loop = asyncio.get_running_loop()
        interval = AUDIO_INTERVAL_S if stream.kind == "audio" else 1 / self.clip.frames_per_s
        due = self._began + number * interval
        timestamp = stream.first_timestamp + round(number * interval * stream.clock_rate)
        if stream.kind == "audio":
            self._send(stream, self.clip.audio[number % len(self.clip.audio)], timestamp, marker=number == 0)
            self._report(timestamp)
        else:
            self._send_frame(stream, timestamp)
        # Who is late by more than a few frames leaves them out: a load that piles up is no load that is known.
        behind = int((loop.time() - due) / interval)
        following = number + 1 + (behind if behind > 5 else 0)
        self._timers[stream.kind] = loop.call_at(self._began + following * interval, self._turn, stream, following)

    def _send_frame(self, stream: _Stream, timestamp: int) -> None:
        pieces = self.clip.frames[self._frame]
        self._frame = (self._frame + 1) % len(self.clip.frames)
        self._picture_id = (self._picture_id + 1) & 0x7FFF
        index = struct.pack("!H", 0x8000 | self._picture_id)
        for place, piece in enumerate(pieces):
            last = place == len(pieces) - 1
            tail = STAMP.pack(STAMP_MAGIC, time.monotonic_ns()) if last else b""
            head = (b"\x90\x80" if place == 0 else b"\x80\x80") + index
            self._send(stream, head + piece + tail, timestamp, marker=last)

    def _send(self, stream: _Stream, payload: bytes, timestamp: int, *, marker: bool) -> None:
        connection = self._connection
        if connection is None or connection.sender is None:
            return
        stream.seq += 1
        self._twcc_seq = (self._twcc_seq + 1) & 0xFFFF
        elements = [(TRANSPORT_CC_ID, self._twcc_seq.to_bytes(2, "big"))]
        if stream.kind == "audio":
            elements.append((LEVEL_ID, _SPEAKING if self.speaks else _SILENT))
        header = _HEADER.pack(
            *(0x90, (0x80 if marker else 0) | stream.payload_type, stream.seq & 0xFFFF),
            *(timestamp & 0xFFFFFFFF, stream.ssrc),
        ) + build_extensions(elements)
        sealed = connection.sender.protect_rtp(header, payload, stream.ssrc, stream.seq)
        connection.send(sealed)
        self.packets += 1
        stream.figures.on_sent(len(payload))
        stream.sent[stream.seq & 0xFFFF] = sealed
        if len(stream.sent) > HISTORY_PACKETS:
            stream.sent.popitem(last=False)

    def _report(self, audio_timestamp: int) -> None:
        now = time.monotonic()
        if now - self._reported < _REPORT_EVERY_S or self._connection is None:
            return
        self._reported = now
        elapsed_s = (audio_timestamp - self.streams[0].first_timestamp) / 48_000
        compound = b""
        for stream in self.streams:
            timestamp = stream.first_timestamp + round(elapsed_s * stream.clock_rate)
            report = stream.figures.sender_report(now, time.time(), timestamp)
            compound += report.pack() + Sdes(((stream.ssrc, "load"),)).pack()
        self._connection.send_rtcp(compound)

    def on_rtcp(self, data: bytes, now: float) -> None:
        """What the server asks and reports."""
        try:
            reports = parse_compound(data)
        except MalformedPacket:
            return
        for report in reports:
            if isinstance(report, Pli | Fir):
                if self._frame:
                    self._frame = 0  # the clip begins with its key frame
                    self.key_frames += 1
            elif isinstance(report, Nack):
                self._resend(report)

    def _resend(self, report: Nack) -> None:
        for stream in self.streams:
            if stream.ssrc == report.media_ssrc and self._connection is not None:
                for seq in report.lost:
                    sealed = stream.sent.get(seq)
                    if sealed is not None:
                        self._connection.send(sealed)
                        self.resent += 1
