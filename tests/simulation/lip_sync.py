"""A flash and a beep, made at one moment, sent over a bad path by a publisher whose clock drifts, found in the program.

python -m tests.simulation.lip_sync [SECONDS] [PPM]      prints the figures; ten minutes of 200 ppm if nothing is said
"""

from __future__ import annotations

import sys
from dataclasses import dataclass

import numpy as np

from media.options import ProgramOptions, VideoRendition
from media.program import Program
from tests.support.rtp_source import solid
from tests.support.virtual_room import START, Camera, Microphone, Network, Viewer, VirtualRoom

EVERY_S = 2.5
FLASH_S = 0.2
FAR_S = 0.12
SIZE = (64, 48)
DARK, BRIGHT = solid(*SIZE, (40, 128, 128)), solid(*SIZE, (220, 128, 128))


def flash(t: float) -> np.ndarray:
    t += 1e-6  # the times of pictures were added up
    return BRIGHT if t % EVERY_S < FLASH_S and t >= EVERY_S else DARK


def beep(moments: np.ndarray) -> np.ndarray:
    on = (moments % EVERY_S < FLASH_S) & (moments >= EVERY_S)
    wave = np.where(on, 0.5 * np.sin(2 * np.pi * 1_000 * moments), 0)
    return np.stack([wave, wave]).astype(np.float32)


@dataclass
class Figures:
    """``skew_s``: how much later each flash is than its beep; those that a lost picture delayed are left out.

    ``expected`` flashes were sent, ``found`` with their beeps, ``delayed`` of them by more than FAR_S.
    """

    skew_s: np.ndarray
    expected: int
    found: int
    delayed: int
    lost: int
    duration_s: float

    def __str__(self) -> str:
        ms = self.skew_s * 1_000
        return (
            f"{self.found} of {self.expected} flashes found, {self.delayed} of them late by loss; {self.lost} packets "
            f"lost. Skew: mean {ms.mean():.1f} ms, least {ms.min():.1f}, greatest {ms.max():.1f}, 95 % below "
            f"{np.quantile(np.abs(ms), 0.95):.1f}; first quarter {ms[: len(ms) // 4].mean():.1f}, last quarter "
            f"{ms[-len(ms) // 4 :].mean():.1f}; duration {self.duration_s:.3f} s"
        )


def measure(seconds: float, drift: float, network: Network) -> Figures:
    """Run the scenario in virtual time."""
    rendition = VideoRendition("main", 64, 64, 1_000_000)
    program = Program(ProgramOptions((rendition,), preset="ultrafast", hardware=False, threads=1), START)
    camera = Camera(1, "ann", flash, size=SIZE, drift=drift, bitrate_bps=1_000_000)
    room, viewer = VirtualRoom(program, [camera, Microphone(2, "ann", beep, drift=drift)], network), Viewer(program)
    viewer.take(room.run(seconds), picture=_middle)
    viewer.take(program.finish(START + seconds), picture=_middle)

    times = np.array([t for t, _ in viewer.pictures])
    bright = np.array([luma for _, luma in viewer.pictures]) > 130
    flashes = times[1:][bright[1:] & ~bright[:-1]]
    samples = np.abs(viewer.samples())
    loud = samples[: len(samples) // 48 * 48].reshape(-1, 48).max(axis=1) > 0.1
    quiet_before = np.convolve(loud, np.ones(100))[: len(loud)] - loud == 0
    beeps = np.flatnonzero(loud & quiet_before) / 1_000
    expected = np.arange(EVERY_S, seconds - 1, EVERY_S)
    skew = np.array([_near(flashes, t) - _near(beeps, t) for t in expected])
    found = skew[~np.isnan(skew)]
    close = found[np.abs(found) < FAR_S]
    lost = program.status()["lost"]
    return Figures(close, len(expected), len(found), len(found) - len(close), lost, program.duration_s)


def _middle(frame: object) -> int:
    plane = frame.planes[0]  # type: ignore[attr-defined]
    return memoryview(plane)[32 * plane.line_size + 32]


def _near(moments: np.ndarray, t: float) -> float:
    close = moments[np.abs(moments - t) < 0.5]
    return float(close[0]) if len(close) else float("nan")


if __name__ == "__main__":
    asked = [float(a) for a in sys.argv[1:]]
    seconds, ppm = [*asked, *(600.0, 200.0)[len(asked) :]]
    print(measure(seconds, ppm / 1e6, Network(loss=0.03, resent=0.8, jitter_s=0.03)))
