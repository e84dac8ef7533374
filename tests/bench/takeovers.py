"""Takeovers of many small rooms at real shard processes, under random kills, pauses and trouble of Redis.

python -m tests.bench.takeovers [--takeovers 200] [--rooms 40] [--shards 3] [--seconds 1800]
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from pathlib import Path

from tests.support.takeovers import Storm

TARGET_WITHOUT_S = 10.0


async def measure(takeovers: int, rooms: int, shards: int, seconds: float) -> bool:
    with tempfile.TemporaryDirectory() as name:
        storm = Storm(Path(name), rooms, shards)
        judge = await storm.run(takeovers, seconds)
    without, gaps = sorted(judge.without_s.values()), sorted(storm.gaps_s)
    print(f"{judge.takeovers} takeovers by {dict(storm.disruptions)}")
    print(f"longest without a living owner: median room {without[len(without) // 2]:.1f} s, worst {without[-1]:.1f} s")
    print(f"between two answers: 99 % within {gaps[int(len(gaps) * 0.99)]:.1f} s, worst {gaps[-1]:.1f} s")
    print(f"cut off or refused meanwhile: {dict(storm.refused)}")
    for line in judge.wrong:
        print("WRONG:", line)
    return not judge.wrong and judge.takeovers >= takeovers and without[-1] <= TARGET_WITHOUT_S


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--takeovers", type=int, default=200)
    parser.add_argument("--rooms", type=int, default=40)
    parser.add_argument("--shards", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=1_800)
    arguments = parser.parse_args()
    good = asyncio.run(measure(arguments.takeovers, arguments.rooms, arguments.shards, arguments.seconds))
    return 0 if good else 1


if __name__ == "__main__":
    raise SystemExit(main())
