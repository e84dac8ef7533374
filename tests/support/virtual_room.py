"""Participants of a room in virtual time: what they publish is encoded, sent, lost or not, and fed to a Program."""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import av
import numpy as np

from media.extradata import nal_units
from media.feed import Clock, KeyFrameWanted, Message, Packet, Participant, TrackAdded
from media.packets import EncodedPacket
from media.program import Program
from tests.support.rtp_source import OpusEncoder, Packetiser, VideoEncoder

START = 1_000.0


@dataclass
class Network:
    """``loss`` is a share of packets; ``resent`` of the lost ones come ``resend_s`` later, as after a NACK."""

    delay_s: float = 0.02
    jitter_s: float = 0.01
    loss: float = 0.0
    resent: float = 0.0
    resend_s: float = 0.12
    rng: random.Random = field(default_factory=lambda: random.Random(4))

    def arrivals(self, packets: list[bytes], at: float) -> Iterator[tuple[float, bytes]]:
        for data in packets:
            arrival = at + self.delay_s + self.rng.random() * self.jitter_s
            if self.rng.random() < self.loss:
                if self.rng.random() >= self.resent:
                    continue
                arrival += self.resend_s
            yield arrival, data


@dataclass
class Camera:
    """``picture(t)`` (seconds since START) gives what is sent; a key frame is made when one is asked for."""

    track: int
    user: str
    picture: Callable[[float], np.ndarray]
    codec: str = "VP8"
    size: tuple[int, int] = (320, 180)
    fps: int = 30
    drift: float = 0.0
    begins: float = 0.0
    ends: float = 1e9
    source: str = "camera"
    wants_key: bool = True
    bitrate_bps: int = 600_000

    kind, rate = "video", 90_000

    def __post_init__(self) -> None:
        self.interval = 1 / self.fps
        self.packetiser = Packetiser(self.codec, ssrc=self.track + 100)
        self._encoder = VideoEncoder(self.codec, *self.size, self.bitrate_bps)

    def make(self, t: float) -> list[bytes]:
        frame = self._encoder.encode(self.picture(t), key=self.wants_key)
        key, self.wants_key = self.wants_key, False
        return self.packetiser.packets(frame, round((t - self.begins) * self.rate * (1 + self.drift)), key)


@dataclass
class Microphone:
    """``sound(t)`` gives 960 samples (left and right in rows) from ``t`` on."""

    track: int
    user: str
    sound: Callable[[np.ndarray], np.ndarray]
    drift: float = 0.0
    begins: float = 0.0
    ends: float = 1e9
    source: str = "microphone"
    codec: str = "opus"
    interval: float = 0.02
    _count: int = 0

    kind, rate = "audio", 48_000

    def __post_init__(self) -> None:
        self.packetiser = Packetiser("opus", ssrc=self.track + 100)
        self._encoder = OpusEncoder()
        self.interval = 0.02 / (1 + self.drift)

    def make(self, t: float) -> list[bytes]:
        moments = t + np.arange(960) / (48_000 * (1 + self.drift))
        packets = self.packetiser.packets(self._encoder.encode(self.sound(moments)), self._count * 960)
        self._count += 1
        return packets


Source = Camera | Microphone


class VirtualRoom:
    """Runs sources into a program; messages besides theirs are given with their times."""

    def __init__(self, program: Program, sources: list[Source], network: Network | None = None) -> None:
        self.program, self.sources = program, sources
        self.network = network or Network()
        self.asked: list[Message] = []
        self.max_ticks: float = 0.0

    def run(
        self,
        seconds: float,
        news: Sequence[tuple[float, Message]] = (),
        tick_s: float = 1 / 30,
    ) -> Iterator[EncodedPacket]:
        queue: list[tuple[float, int, Any]] = []
        order = 0

        def put(at: float, item: Any) -> None:
            nonlocal order
            order += 1
            heapq.heappush(queue, (at, order, item))

        for user in dict.fromkeys(s.user for s in self.sources):
            put(0.0, Participant(user, user.title()))
        for source in self.sources:
            put(source.begins, TrackAdded(source.track, f"pub{source.track}", source.user, source.source, source.kind,
                                          source.codec, source.rate, 2))  # type: ignore[arg-type]  # fmt: skip
            put(source.begins, ("clock", source))
            put(source.begins, ("make", source, source.begins))
        for at, message in news:
            put(at, message)
        put(0.0, "tick")
        while queue and queue[0][0] <= seconds:
            at, _, item = heapq.heappop(queue)
            now = START + at
            if item == "tick":
                yield from self.program.tick(now)
                for message in self.program.requests():
                    self.asked.append(message)
                    self._answer(message)
                put(at + tick_s, "tick")
            elif isinstance(item, tuple) and item[0] == "clock":
                source = item[1]
                ticks = (at - source.begins) * source.rate * (1 + source.drift)
                stamp = round(source.packetiser.first_timestamp + ticks) & 0xFFFFFFFF
                self.program.feed(Clock(source.track, stamp, now, source.packetiser.ssrc), now)
                if at + 1 < source.ends:
                    put(at + 1.0, item)
            elif isinstance(item, tuple):
                _, source, t = item
                for arrival, data in self.network.arrivals(source.make(t), at):
                    put(arrival, Packet(source.track, START + arrival, data))
                if t + source.interval < source.ends:
                    put(t + source.interval, ("make", source, t + source.interval))
            else:
                self.program.feed(item, now)

    def _answer(self, message: Message) -> None:
        if isinstance(message, KeyFrameWanted):
            for source in self.sources:
                if source.track == message.track and isinstance(source, Camera):
                    source.wants_key = True


class Viewer:
    """Decodes a program's packets: pictures with their times, and all the sound."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.pictures: list[tuple[float, np.ndarray]] = []
        self.sound: list[np.ndarray] = []
        self.sound_begins: float | None = None
        self._decoders: dict[str, Any] = {}
        for stream in program.streams:
            context = av.CodecContext.create("libopus" if stream.codec == "opus" else stream.codec, "r")
            if stream.kind == "audio":
                context.sample_rate, context.layout = 48_000, "stereo"
            if stream.extradata and stream.codec != "opus":
                context.extradata = stream.extradata
            self._decoders[stream.name] = context
        self.main = program.streams[0].name if len(program.streams) > 1 else ""

    def take(self, packets: Iterator[EncodedPacket] | list[EncodedPacket], picture: Any = None) -> None:
        """``picture`` makes of a frame what is kept; by default the planes below each other."""
        keep = picture or (lambda frame: frame.to_ndarray(format="yuv420p"))
        for packet in packets:
            context = self._decoders[packet.stream]
            if packet.stream == "audio":
                if self.sound_begins is None:
                    self.sound_begins = packet.pts / 48_000
                for sound in context.decode(av.Packet(packet.data)):
                    self.sound.append(sound.to_ndarray().mean(axis=0) if sound.format.is_planar
                                      else sound.to_ndarray().reshape(-1, 2).mean(axis=1))  # fmt: skip
            elif packet.stream == self.main:
                coded = av.Packet(packet.data)
                coded.pts = packet.pts
                for frame in context.decode(coded):
                    self.pictures.append((frame.pts / 90_000, keep(frame)))

    def samples(self) -> np.ndarray:
        return np.concatenate(self.sound)


def units_are_whole(data: bytes) -> bool:
    return sum(4 + len(unit) for unit in nal_units(data)) == len(data)
