"""FFmpeg's own WHIP muxer, through PyAV, as a publisher of H.264 and Opus.

python pyav_publisher.py URL TOKEN SECONDS CERTIFICATE KEY      (PEM files of a P-256 key)
"""

from __future__ import annotations

import math
import sys
import time
from array import array
from fractions import Fraction

import av

WIDTH, HEIGHT, FRAMES_PER_S, RATE, SAMPLES = 640, 360, 20, 48_000, 960


def picture(index: int) -> av.VideoFrame:
    """Grey with a bright bar that moves."""
    frame = av.VideoFrame(WIDTH, HEIGHT, "yuv420p")
    left = index * 8 % (WIDTH - 40)
    luma = frame.planes[0]
    row = bytearray(b"\x60" * luma.line_size)
    row[left : left + 40] = b"\xe0" * 40
    luma.update(bytes(row) * HEIGHT)
    for plane in frame.planes[1:]:
        plane.update(b"\x80" * (plane.line_size * HEIGHT // 2))
    frame.pts, frame.time_base = index, Fraction(1, FRAMES_PER_S)
    return frame


def sound(first_sample: int) -> av.AudioFrame:
    """20 ms of a 440 Hz tone, the same left and right."""
    values = array("h")
    for n in range(first_sample, first_sample + SAMPLES):
        values.extend([int(8000 * math.sin(2 * math.pi * 440 * n / RATE))] * 2)
    frame = av.AudioFrame(format="s16", layout="stereo", samples=SAMPLES)
    frame.planes[0].update(values.tobytes())
    frame.sample_rate, frame.pts, frame.time_base = RATE, first_sample, Fraction(1, RATE)
    return frame


def main() -> None:
    url, token, seconds, certificate, key = sys.argv[1:6]
    options = {"authorization": token, "cert_file": certificate, "key_file": key, "handshake_timeout": "8000"}
    output = av.open(url, "w", format="whip", options=options)
    video = output.add_stream("libx264", rate=FRAMES_PER_S)
    video.width, video.height, video.pix_fmt, video.bit_rate = WIDTH, HEIGHT, "yuv420p", 500_000
    video.options = {"preset": "ultrafast", "tune": "zerolatency", "profile": "baseline", "bf": "0", "g": "20"}
    audio = output.add_stream("libopus", rate=RATE)
    audio.layout = "stereo"
    started, index, sample = time.monotonic(), 0, 0
    while time.monotonic() - started < float(seconds):
        output.mux(video.encode(picture(index)))
        index += 1
        while sample * FRAMES_PER_S < index * RATE:
            output.mux(audio.encode(sound(sample)))
            sample += SAMPLES
        time.sleep(max(0.0, started + index / FRAMES_PER_S - time.monotonic()))
    output.close()
    print(f"sent {index} frames")


if __name__ == "__main__":
    main()
