"""A live worker whose program is four seconds of a synthetic picture, encoded for real and played again and again: what
lies behind the program is as in the server. Run as ``python -m``.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from media.feed import Command, Layout, Participant
from media.jobs.worker import begin, note
from media.options import VideoRendition
from media.packets import EncodedPacket, StreamInfo
from streaming import h264
from streaming.encoded import VIDEO_TIMESCALE, AudioPacket, VideoPacket
from streaming.worker.run import run
from streaming.worker.setup import WorkerSetup
from tests.support.encoded import SAMPLE_RATE, Encoded, encode

CLIP_S = 4


@dataclass
class Clips:
    """The face of ``media.program.Program``."""

    setup: WorkerSetup
    origin: float
    seen: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        fps = self.setup.frames_per_s
        self.clips = {
            r.name: encode(CLIP_S, width=r.width, height=r.height, fps=fps, bitrate_bps=r.bitrate_bps)
            for r in self.setup.renditions
        }
        self.done_s = 0.0
        self.bitrates: dict[str, int] = {}

    @property
    def streams(self) -> Sequence[StreamInfo]:
        first = next(iter(self.clips.values()))
        video = [
            StreamInfo(
                name,
                "video",
                "h264",
                90_000,
                c.video.width,
                c.video.height,
                extradata=h264.configuration(c.video.sps, c.video.pps),
            )
            for name, c in self.clips.items()
        ]
        return [*video, StreamInfo("audio", "audio", "aac", SAMPLE_RATE, channels=2, extradata=first.audio.config)]

    def feed(self, message: Any, now: float) -> None:
        if isinstance(message, Layout):
            self.seen["layout"] = message.mode
        elif isinstance(message, Participant):
            self.seen["people"] = [*self.seen.get("people", []), message.display_name]
        assert not isinstance(message, Command)

    def tick(self, now: float) -> list[EncodedPacket]:
        until_s = now - self.origin
        made: list[EncodedPacket] = []
        while self.done_s < until_s:
            end_s = min(until_s, (self.done_s // CLIP_S + 1) * CLIP_S)
            for name, clip in self.clips.items():
                made += self._between(name, clip, self.done_s, end_s)
            self.done_s = end_s
        return sorted(made, key=lambda p: p.pts / (SAMPLE_RATE if p.stream == "audio" else VIDEO_TIMESCALE))

    def _between(self, name: str, clip: Encoded, from_s: float, to_s: float) -> list[EncodedPacket]:
        shift = from_s // CLIP_S * CLIP_S
        found = []
        for packet in clip.packets:
            video = isinstance(packet, VideoPacket)
            rate = VIDEO_TIMESCALE if video else SAMPLE_RATE
            at_s = packet.pts / rate + shift
            if not from_s <= at_s < to_s:
                continue
            pts = packet.pts + round(shift * rate)
            if isinstance(packet, VideoPacket):
                found.append(EncodedPacket(name, pts, packet.duration, packet.key, packet.data))
            elif isinstance(packet, AudioPacket) and name == next(iter(self.clips)):
                found.append(EncodedPacket("audio", pts, packet.duration, True, packet.data))
        return found

    def requests(self) -> list[Any]:
        return []

    def finish(self, now: float) -> list[EncodedPacket]:
        return []

    def status(self) -> dict[str, Any]:
        return {**self.seen, "pid": os.getpid()}

    def set_renditions(self, renditions: Sequence[VideoRendition]) -> None:
        fps = self.setup.frames_per_s
        self.clips = {
            r.name: self.clips.get(r.name)
            or encode(CLIP_S, width=r.width, height=r.height, fps=fps, bitrate_bps=r.bitrate_bps)
            for r in renditions
        }

    def set_bitrate(self, name: str, bitrate_bps: int) -> None:
        note("info", "bitrate", name=name, bitrate_bps=bitrate_bps)


def make(setup: WorkerSetup, now: float) -> Clips:
    made = Clips(setup, setup.origin)
    made.done_s = max(0.0, now - setup.origin)
    return made


if __name__ == "__main__":
    values, link = begin()
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    run(values, link, make)
