"""What a program costs: participants of 720p in, 720p30 or 1080p30 out; shares of a core, and memory.

    python -m tests.bench.program [--codec VP8] [--source 720p] [--quality 720p] [--participants 4] [--hls]

The RTP packets are made beforehand; the program then takes them as fast as it can, and its processor time is divided
by the time of what it made. --hls adds two smaller renditions. --minutes N repeats the film and tells how memory grows.
"""

from __future__ import annotations

import argparse
import resource
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from media.feed import Clock, FrameReader, Message, Packet, Participant, Speaker, TrackAdded, encode
from media.options import QUALITIES, ProgramOptions, VideoRendition
from media.program import Program
from tests.support.rtp_source import OpusEncoder, Packetiser, VideoEncoder

START, LOOP_S, FPS = 1_000.0, 6.0, 30
Coded = tuple[float, int, bytes, bool, int]


def pictures(seed: int, size: tuple[int, int]) -> Iterator[np.ndarray]:
    """A textured ground that moves a little, as a camera with somebody before it."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(40, 200, (size[1] // 24 + 2, size[0] // 24 + 8)).repeat(24, 0).repeat(24, 1)
    for _ in range(3):
        coarse = (coarse + np.roll(coarse, 7, 0) + np.roll(coarse, 7, 1)) // 3
    grain = rng.integers(-3, 4, (size[1] + 64, size[0] + 64))
    for n in range(round(LOOP_S * FPS)):
        shift = round(40 + 40 * np.sin(n / 20))
        picture = np.full((size[1] * 3 // 2, size[0]), 110 + seed * 10, np.uint8)
        x, y = n * 7 % 64, n * 13 % 64
        ground = coarse[: size[1], shift : shift + size[0]] + grain[y : y + size[1], x : x + size[0]]
        picture[: size[1]] = np.clip(ground, 16, 235)
        yield picture


def film(codec: str, participants: int, size: tuple[int, int]) -> list[Coded]:
    """Frames of all cameras and microphones: time, track, data, key frame, ticks."""
    frames = []
    for person in range(participants):
        video = VideoEncoder(codec, *size, 1_500_000)
        for n, picture in enumerate(pictures(person, size)):
            frames.append((n / FPS, person * 2, video.encode(picture, key=n == 0), n == 0, n * 3_000))
        sound = OpusEncoder()
        for n in range(round(LOOP_S * 50)):
            moments = n * 0.02 + np.arange(960) / 48_000
            wave = 0.2 * np.sin(2 * np.pi * (300 + 80 * person) * moments).astype(np.float32)
            frames.append((n * 0.02, person * 2 + 1, sound.encode(np.stack([wave, wave])), True, n * 960))
    return sorted(frames, key=lambda f: f[:2])


def messages(
    codec: str, frames: list[tuple[float, int, bytes, bool, int]], people: int, seconds: float
) -> Iterator[Message]:
    for person in range(people):
        yield Participant(f"p{person}", f"Participant {person}")
        yield TrackAdded(person * 2, f"v{person}", f"p{person}", "camera", "video", codec, 90_000)
        yield TrackAdded(person * 2 + 1, f"a{person}", f"p{person}", "microphone", "audio", "opus", 48_000, 2)
    senders = [Packetiser("opus" if n % 2 else codec, ssrc=n + 1) for n in range(people * 2)]
    for loop in range(round(seconds / LOOP_S) or 1):
        for at, track, data, key, ticks in frames:
            rate = 48_000 if track % 2 else 90_000
            now, ticks = START + loop * LOOP_S + at, ticks + round(loop * LOOP_S * rate)
            if at % 1.0 < 0.001:
                stamp = (senders[track].first_timestamp + ticks) & 0xFFFFFFFF
                yield Clock(track, stamp, now, track + 1)
                yield Speaker(f"p{int(at) % people}")
            for packet in senders[track].packets(data, ticks, key):
                yield Packet(track, now + 0.02, packet)


def resident_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--codec", default="VP8", choices=["VP8", "VP9", "H264", "AV1"])
    parser.add_argument("--quality", default="720p", choices=list(QUALITIES))
    parser.add_argument("--source", default="720p", choices=list(QUALITIES), help="what the cameras send")
    parser.add_argument("--participants", type=int, default=4)
    parser.add_argument("--seconds", type=float, default=18.0)
    parser.add_argument("--minutes", type=float, default=0.0)
    parser.add_argument("--hls", action="store_true")
    arguments = parser.parse_args()
    seconds = arguments.minutes * 60 or arguments.seconds
    frames = film(arguments.codec, arguments.participants, QUALITIES[arguments.source])
    width, height = QUALITIES[arguments.quality]
    renditions = [VideoRendition("main", width, height, 4_500_000 if height > 720 else 2_500_000)]
    if arguments.hls:
        renditions += [VideoRendition("480p", 854, 480, 1_000_000), VideoRendition("360p", 640, 360, 600_000)]
    program = Program(ProgramOptions(tuple(renditions)), START)
    reader = FrameReader()
    before_mb, begun, wall = resident_mb(), time.process_time(), time.perf_counter()
    count = size = 0
    last, feeding, memory = START, 0.0, []
    for message in messages(arguments.codec, frames, arguments.participants, seconds):
        data = encode(message)
        started = time.process_time()
        for received in reader.feed(data):
            now = received.at if isinstance(received, Packet | Clock) else last
            program.feed(received, now)
        feeding += time.process_time() - started
        if now - last > 0.02:
            last = now
            for packet in program.tick(now):
                count, size = count + 1, size + len(packet.data)
            program.requests()
            if int(now - START) // 30 > len(memory) - 1:
                memory.append(round(resident_mb()))
    total, status = time.process_time() - begun, program.status()
    made = program.duration_s
    came = f"{arguments.participants} x {arguments.source} {arguments.codec}"
    print(f"{came} -> {arguments.quality}{FPS}, {len(renditions)} encodings, {size * 8 / made / 1e6:.2f} Mbit/s")
    print(f"  {made:.1f} s made in {time.perf_counter() - wall:.1f} s")
    for name in ("decode", "compose", "mix", "encode"):
        print(f"  {name:8} {status[name + '_s'] / made:6.1%} of a core")
    print(f"  {'feed':8} {feeding / made:6.1%} of a core (reading messages, parsing packets)")
    print(f"  all      {total / made:6.1%} of a core, making the packets of this test included")
    print(f"  memory   {resident_mb():.0f} MB, before {before_mb:.0f} MB with the film; every 30 s: {memory}")
    print(f"  {status}")


if __name__ == "__main__":
    main()
