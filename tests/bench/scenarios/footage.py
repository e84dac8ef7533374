"""A picture of 720p that costs an encoder real bits: a camera's pan over texture, bodies that move, grain."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy

WIDTH, HEIGHT, FRAMES_PER_S, FRAMES = 1280, 720, 20, 64
Plane = numpy.ndarray[Any, Any]


def write_footage(path: Path, seed: int = 5, grain: int = 5) -> Path:
    """Y4M that loops without a cut: the pan comes round with the last frame."""
    random = numpy.random.default_rng(seed)
    ground = _texture(random)
    chroma = [_small(_texture(random), 0.25) for _ in range(2)]
    noise = [random.integers(-grain, grain + 1, (HEIGHT, WIDTH), numpy.int16) for _ in range(8)]
    with path.open("wb") as out:
        out.write(f"YUV4MPEG2 W{WIDTH} H{HEIGHT} F{FRAMES_PER_S}:1 Ip A1:1 C420jpeg\n".encode())
        for index in range(FRAMES):
            share = index / FRAMES
            luma = numpy.roll(ground, (0, -round(WIDTH * share)), (0, 1)).astype(numpy.int16)
            _bodies(luma, share)
            luma += noise[index % len(noise)]
            out.write(b"FRAME\n")
            out.write(luma.clip(16, 235).astype(numpy.uint8).tobytes())
            for plane in chroma:
                out.write(numpy.roll(plane, -round(WIDTH / 2 * share), 1).tobytes())
    return path


def _texture(random: numpy.random.Generator) -> Plane:
    """Noise of several scales, which wraps around at its edges."""
    total = numpy.zeros((HEIGHT, WIDTH))
    for cell, weight in ((80, 60.0), (20, 24.0), (5, 10.0)):
        coarse = random.random((HEIGHT // cell, WIDTH // cell)) - 0.5
        fine = numpy.kron(coarse, numpy.ones((cell, cell)))
        for axis in (0, 1):
            shifted = [numpy.roll(fine, step, axis) for step in range(-cell // 2, cell // 2)]
            fine = numpy.mean(shifted, axis=0)
        total += fine * weight
    return (120 + total).clip(0, 255)


def _small(plane: Plane, contrast: float) -> Plane:
    return (128 + (plane[::2, ::2] - 120) * contrast).astype(numpy.uint8)


def _bodies(luma: Plane, share: float) -> None:
    """Discs that swing across the picture."""
    rows, columns = numpy.ogrid[:HEIGHT, :WIDTH]
    for number, (radius, brightness) in enumerate(((130, 200), (90, 60), (60, 225))):
        turn = 2 * numpy.pi * (share * (number + 1) + number / 3)
        x, y = WIDTH * (0.5 + 0.35 * numpy.cos(turn)), HEIGHT * (0.5 + 0.3 * numpy.sin(2 * turn))
        luma[(rows - y) ** 2 + (columns - x) ** 2 < radius**2] = brightness
