"""What recording tracks costs: N cameras of 1 Mbit/s, each into its own file, as share of a core.

python -m tests.bench.tracks [--codec VP8] [--tracks 20] [--seconds 20]
"""

from __future__ import annotations

import argparse
import heapq
import random
import time
from itertools import count

from media.feed import Clock, FrameReader, Packet, TrackAdded, encode
from media.tracks import TrackWriter
from tests.support.rtp_source import Packetiser, VideoEncoder, solid

START, FPS, GOP = 1_000.0, 30, 300
SIZE = (640, 360)


def frames_of(codec: str, bitrate_bps: int) -> list[bytes]:
    """Ten seconds of something that costs an encoder its bitrate."""
    encoder = VideoEncoder(codec, *SIZE, bitrate_bps)
    rng = random.Random(1)
    frames = []
    for n in range(GOP):
        picture = solid(*SIZE, (80, 128, 128))
        picture[: SIZE[1]] ^= rng.randbytes(SIZE[0])[0] & 0x1F
        for _ in range(40):
            x, y = rng.randrange(SIZE[0] - 40), rng.randrange(SIZE[1] - 40)
            picture[y : y + 40, x : x + 40] = rng.randrange(16, 235)
        frames.append(encoder.encode(picture, key=n == 0))
    return frames


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--codec", default="VP8", choices=["VP8", "VP9", "H264", "AV1"])
    parser.add_argument("--tracks", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=20.0)
    arguments = parser.parse_args()
    frames = frames_of(arguments.codec, 1_000_000)
    writers, packetisers, written = {}, {}, [0]

    def write(data: bytes) -> None:
        written[0] += len(data)

    for track in range(arguments.tracks):
        added = TrackAdded(track, f"p{track}", f"u{track}", "camera", "video", arguments.codec, 90_000)
        writers[track], packetisers[track] = TrackWriter(added, write), Packetiser(arguments.codec, ssrc=track + 1)
    order = count()
    queue = [(START + track * 0.001, next(order), track, 0) for track in range(arguments.tracks)]
    reader, spent, packets, last_tick = FrameReader(), 0.0, 0, START
    while queue[0][0] < START + arguments.seconds:
        at, _, track, n = heapq.heappop(queue)
        heapq.heappush(queue, (at + 1 / FPS, next(order), track, n + 1))
        data = b"".join(
            encode(Packet(track, at, packet))
            for packet in packetisers[track].packets(frames[n % GOP], n * 3_000, n % GOP == 0)
        )
        if n % FPS == 0:
            data += encode(Clock(track, (packetisers[track].first_timestamp + n * 3_000) & 0xFFFFFFFF, at, track + 1))
        begun = time.process_time()
        for message in reader.feed(data):
            packets += 1
            writers[message.track].feed(message)  # type: ignore[union-attr]
        if at - last_tick > 0.05:
            last_tick = at
            for writer in writers.values():
                writer.tick(at)
        spent += time.process_time() - begun
    for writer in writers.values():
        writer.finish(START + arguments.seconds)
    rate = written[0] * 8 / arguments.seconds / arguments.tracks / 1e6
    share, each_us = spent / arguments.seconds, spent / packets * 1e6
    print(f"{arguments.tracks} tracks of {arguments.codec} at {rate:.2f} Mbit/s: {share:.1%} of a core")
    print(f"{each_us:.1f} us a packet, {packets / arguments.seconds:.0f} packets a second")


if __name__ == "__main__":
    main()
