"""A film to measure sound against picture by: every three seconds a white flash and, in the same moment, a beep.

    python -m tests.support.flash_beep URL TOKEN SECONDS CERTIFICATE KEY [--size 854x480] [--bitrate 1500000]

publishes it by FFmpeg's WHIP muxer, encoded beforehand and played again and again, with exact time stamps. ``events``
finds flashes and beeps in a file again.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

FPS, RATE, SAMPLES, LOOP_S = 30, 48_000, 960, 6
PERIOD_S, FIRST_S, LENGTH_S = 3.0, 1.0, 0.2
_HZ = 1_000
_VIDEO_BASE, _AUDIO_BASE = Fraction(1, 90_000), Fraction(1, RATE)


def is_on(at_s: float) -> bool:
    """Whether it flashes and beeps at a time of the film."""
    return 0 <= (at_s - FIRST_S) % PERIOD_S < LENGTH_S and at_s >= FIRST_S


def _pictures(width: int, height: int) -> Iterator[av.VideoFrame]:
    """A dark ground with grain that moves, so that an encoder has something to do."""
    grain = np.random.default_rng(1).integers(20, 90, (height + 64, width + 64)).astype(np.uint8)
    for number in range(FPS * LOOP_S):
        plane = np.full((height * 3 // 2, width), 128, np.uint8)
        x, y = number * 3 % 64, number * 5 % 64
        plane[:height] = 235 if is_on(number / FPS) else grain[y : y + height, x : x + width]
        frame = av.VideoFrame.from_ndarray(plane, format="yuv420p")
        frame.pts, frame.time_base = number * 90_000 // FPS, _VIDEO_BASE
        yield frame


def _sounds() -> Iterator[av.AudioFrame]:
    moments = np.arange(LOOP_S * RATE)
    on = np.array([is_on(at / RATE) for at in range(0, LOOP_S * RATE, 48)]).repeat(48)
    wave = (on * 12_000 * np.sin(moments * (2 * np.pi * _HZ / RATE))).astype(np.int16)
    for first in range(0, len(wave), SAMPLES):
        both = np.stack([wave[first : first + SAMPLES]] * 2, 1).reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(both, format="s16", layout="stereo")
        frame.sample_rate, frame.pts, frame.time_base = RATE, first, _AUDIO_BASE
        yield frame


@dataclass(frozen=True)
class _Coded:
    at_s: float
    pts: int
    data: bytes
    key: bool
    is_video: bool


def _encode(video: av.VideoStream, audio: av.AudioStream) -> list[_Coded]:
    """One turn of the film, in the order of its times."""
    coded = []
    for picture in [*_pictures(video.width, video.height), None]:
        for packet in video.encode(picture):
            assert packet.pts is not None
            ticks = round(packet.pts * packet.time_base / _VIDEO_BASE)
            coded.append(_Coded(ticks / 90_000, ticks, bytes(packet), bool(packet.is_keyframe), True))
    for sound in _sounds():
        for packet in audio.encode(sound):
            assert packet.pts is not None
            ticks = max(0, round(packet.pts * packet.time_base * RATE))
            coded.append(_Coded(ticks / RATE, ticks, bytes(packet), True, False))
    return sorted(coded, key=lambda packet: packet.at_s)


def publish(url: str, token: str, seconds: float, certificate: str, key: str, size: tuple[int, int], bps: int) -> None:
    """Publish in real time."""
    options = {"authorization": token, "cert_file": certificate, "key_file": key, "handshake_timeout": "20000"}
    output = av.open(url, "w", format="whip", options=options)
    video = output.add_stream("libx264", rate=FPS)
    video.width, video.height = size
    video.pix_fmt, video.bit_rate, video.codec_context.time_base = "yuv420p", bps, _VIDEO_BASE
    video.options = {"preset": "veryfast", "tune": "zerolatency", "profile": "baseline", "bf": "0", "g": str(FPS)}
    audio = output.add_stream("libopus", rate=RATE)
    audio.layout = "stereo"
    film = _encode(video, audio)
    began = time.monotonic()
    until, turn = began + seconds, 0
    while time.monotonic() < until:
        for coded in film:
            early_s = began + turn * LOOP_S + coded.at_s - time.monotonic()
            time.sleep(max(0.0, early_s))
            if early_s < -1:
                began -= early_s  # we were stopped: go on from here, as a camera would
            packet = av.Packet(coded.data)
            base = _VIDEO_BASE if coded.is_video else _AUDIO_BASE
            packet.stream, packet.time_base = (video if coded.is_video else audio), base
            packet.pts = packet.dts = coded.pts + round(turn * LOOP_S / base)
            packet.is_keyframe = coded.key
            output.mux(packet)
        turn += 1
    output.close()


@dataclass(frozen=True)
class Events:
    """When flashes and beeps begin in a file, in seconds of its time."""

    flashes: list[float]
    beeps: list[float]

    @property
    def skews_ms(self) -> list[float]:
        """Of each flash: how much later its beep begins. One without a beep within half a second counts for nothing."""
        pairs = [(flash, min(self.beeps, key=lambda beep: abs(beep - flash), default=-9.0)) for flash in self.flashes]
        return [(beep - flash) * 1_000 for flash, beep in pairs if abs(beep - flash) < 0.5]


def events(path: Path) -> Events:
    """Decode a file and find them."""
    flashes, beeps = [], []
    was_bright, loud_at = False, -1.0
    with av.open(str(path)) as container:
        for frame in container.decode(container.streams.video[0], container.streams.audio[0]):
            if isinstance(frame, av.VideoFrame):
                bright = float(np.asarray(frame.planes[0])[::97].mean()) > 170
                if bright and not was_bright:
                    flashes.append(float(frame.time or 0))
                was_bright = bright
            elif isinstance(frame, av.AudioFrame):
                loud = np.flatnonzero(np.abs(frame.to_ndarray()[0]) > 0.05)
                for index in loud[:1]:
                    at_s = float(frame.time or 0) + int(index) / frame.sample_rate
                    if at_s - loud_at > LENGTH_S:
                        beeps.append(at_s)
                    loud_at = max(loud_at, float(frame.time or 0) + int(loud[-1]) / frame.sample_rate)
    return Events(flashes, beeps)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    for name in ("url", "token", "seconds", "certificate", "key"):
        parser.add_argument(name)
    parser.add_argument("--size", default="854x480")
    parser.add_argument("--bitrate", type=int, default=1_500_000)
    given = parser.parse_args()
    width, height = map(int, given.size.split("x"))
    publish(given.url, given.token, float(given.seconds), given.certificate, given.key, (width, height), given.bitrate)
