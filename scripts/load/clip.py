"""What the clients send: a moving picture in VP8 and a tone in Opus, encoded once and sent round and round."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

import av
import numpy as np

MAX_PAYLOAD_BYTES = 1_150
AUDIO_INTERVAL_S = 0.02
_TONE_HZ = 440
_AUDIO_FRAMES = 50
_SQUARE = 32


@dataclass(frozen=True)
class Clip:
    """Frames of a video, the first of which is a key frame and no other, in pieces of one packet each; Opus packets."""

    frames_per_s: int
    frames: tuple[tuple[bytes, ...], ...]
    audio: tuple[bytes, ...]

    @property
    def video_bps(self) -> float:
        """Bits a second of the video's payloads."""
        total = sum(len(piece) for frame in self.frames for piece in frame)
        return total * 8 * self.frames_per_s / len(self.frames)


def make_clip(width: int, height: int, frames_per_s: int, video_bps: int, seconds: float = 4.0) -> Clip:
    """Encode one; takes about half of ``seconds``. ``video_bps`` 0: sound only."""
    frames = tuple(_video(width, height, frames_per_s, video_bps, seconds)) if video_bps else ()
    return Clip(frames_per_s, frames, tuple(_audio()))


def _video(width: int, height: int, frames_per_s: int, video_bps: int, seconds: float) -> Iterator[tuple[bytes, ...]]:
    context = av.CodecContext.create("libvpx", "w")
    context.width, context.height, context.pix_fmt = width, height, "yuv420p"
    context.time_base, context.framerate = Fraction(1, frames_per_s), Fraction(frames_per_s)
    context.gop_size, context.thread_count, context.bit_rate = 100_000, 1, video_bps
    context.options = {
        "deadline": "realtime",
        "cpu-used": "12",
        "lag-in-frames": "0",
        "error-resilient": "1",
        "minrate": str(video_bps),
        "maxrate": str(video_bps),
        "bufsize": str(video_bps // 2),
    }
    random = np.random.default_rng(7)
    # Coloured squares that wander, each frame a little changed: something to do for an encoder, but no noise.
    squares = random.integers(64, 192, (height * 3 // 2 // _SQUARE + 1, 2 * width // _SQUARE + 1), np.uint8)
    noise = np.repeat(np.repeat(squares, _SQUARE, 0), _SQUARE, 1)[: height * 3 // 2]
    for number in range(round(seconds * frames_per_s)):
        shift = (number * 3) % width
        picture = np.ascontiguousarray(noise[:, shift : shift + width])
        picture += random.integers(0, 2, picture.shape, np.uint8)
        frame = av.VideoFrame.from_ndarray(picture, format="yuv420p")
        frame.pts, frame.time_base = number, Fraction(1, frames_per_s)
        data = b"".join(bytes(packet) for packet in context.encode(frame))
        if data:  # the encoder may leave a frame out to keep its rate
            yield tuple(data[at : at + MAX_PAYLOAD_BYTES] for at in range(0, len(data), MAX_PAYLOAD_BYTES))


def _audio() -> Iterator[bytes]:
    context = av.CodecContext.create("libopus", "w")
    context.sample_rate, context.layout, context.format, context.bit_rate = 48_000, "stereo", "flt", 48_000
    for number in range(_AUDIO_FRAMES):
        moments = (np.arange(960) + 960 * number) / 48_000
        tone = (0.2 * np.sin(2 * np.pi * _TONE_HZ * moments)).astype(np.float32)
        frame = av.AudioFrame.from_ndarray(np.repeat(tone, 2).reshape(1, -1), format="flt", layout="stereo")
        frame.sample_rate, frame.pts, frame.time_base = 48_000, number * 960, Fraction(1, 48_000)
        yield from (bytes(packet) for packet in context.encode(frame))
