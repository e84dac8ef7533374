"""Input of fake cameras and microphones: a moving picture that costs a real encoder something, and a tone."""

from __future__ import annotations

import math
import random
import struct
import wave
from pathlib import Path

WIDTH, HEIGHT, FRAMES_PER_S = 640, 360, 20
TONE_HZ = 440


def write_camera_y4m(path: Path, seconds: float = 4.0, seed: int = 7) -> Path:
    """A textured ground that drifts in bands, with a bright block that runs across: detail and motion in each frame."""
    noise = random.Random(seed)
    period = 512
    rows = [bytes(int(110 + 60 * math.sin(x / 23) + noise.randrange(24)) for x in range(period)) * 4 for _ in range(8)]
    chroma_u = bytes(96 + x % 64 for x in range(period)) * 2
    chroma_v = bytes(160 - x % 64 for x in range(period)) * 2
    with path.open("wb") as out:
        out.write(f"YUV4MPEG2 W{WIDTH} H{HEIGHT} F{FRAMES_PER_S}:1 Ip A1:1 C420jpeg\n".encode())
        for index in range(int(seconds * FRAMES_PER_S)):
            out.write(b"FRAME\n")
            luma = [rows[(y // 45) % 8][(index * (3 + y // 90)) % period :][:WIDTH] for y in range(HEIGHT)]
            _draw_block(luma, index)
            out.write(b"".join(luma))
            for plane in (chroma_u, chroma_v):
                out.write(
                    b"".join(plane[(index * 2 + y // 30 * 8) % period :][: WIDTH // 2] for y in range(HEIGHT // 2))
                )
    return path


def _draw_block(luma: list[bytes], index: int, size: int = 80) -> None:
    left = (index * 9) % (WIDTH - size)
    top = int((HEIGHT - size) / 2 * (1 + math.sin(index / 12)))
    for y in range(top, top + size):
        luma[y] = luma[y][:left] + b"\xeb" * size + luma[y][left + size :]


def write_tone_wav(path: Path, seconds: float = 2.0, hz: int = TONE_HZ, rate: int = 48_000) -> Path:
    """A sine of whole periods, so that it loops without a click."""
    samples = (int(9000 * math.sin(2 * math.pi * hz * n / rate)) for n in range(int(seconds * rate)))
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(rate)
        out.writeframes(b"".join(struct.pack("<h", sample) for sample in samples))
    return path
