"""The S3 server is killed for minutes while a room is recorded, and comes back.

    python -m tests.bench.storage_outage [--seconds 120]

Sound of 550 kbit/s and pictures go through the real worker, in parts of 5 MiB, to a real S3 server with a spool that is
bounded. Printed: the greatest lag of the upload and size of the spool, what is missing in the files, and how they end.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import tempfile
import time
from pathlib import Path

import av
from redis.asyncio import Redis

from recorder.model import Options, Status
from scripts.embedded_redis import EmbeddedRedis
from tests.support.media_judge import overlaps
from tests.support.recording_desk import Case, Room, media_of
from tests.support.s3_server import S3Server

BEFORE_S, AFTER_S = 100.0, 60.0


async def bench(folder: Path, seconds: float, s3: S3Server, redis: Redis) -> None:
    case = Case(redis, folder / "work", s3.options(), max_spool_mb=256, retry_max_s=10.0)
    room = Room("ann", "bob")
    room.payload = b"\x78" + bytes(1_270)  # a frame of Opus has 1,275 bytes at most
    recording = case.begin(room, options=Options(mode="tracks"))
    await case.until(recording, lambda: recording.status is Status.RECORDING)
    begun = time.monotonic()
    lag = spooled = 0

    async def go_on(until_s: float) -> None:
        nonlocal lag, spooled
        while time.monotonic() - begun < until_s:
            status = case.jobs.running["rec1"].status
            lag, spooled = max(lag, status.get("lag_parts", 0)), max(spooled, status.get("spooled_bytes", 0))
            await asyncio.sleep(0.5)

    await go_on(BEFORE_S)
    print(f"before: lag {lag} parts, spool {spooled / 1e6:.0f} MB", flush=True)
    s3.kill()
    await go_on(BEFORE_S + seconds)
    print(f"away for {seconds:.0f} s: lag {lag} parts, spool {spooled / 1e6:.0f} MB", flush=True)
    await asyncio.to_thread(s3.start)
    came_back = time.monotonic()
    await case.until(recording, lambda: case.jobs.running["rec1"].status.get("lag_parts", 0) == 0, 300)
    print(f"caught up {time.monotonic() - came_back:.1f} s after it came back", flush=True)
    await go_on(BEFORE_S + seconds + AFTER_S)
    case.desk.end("r1", "rec1", None)
    over = await case.until_over()
    await room.close()
    print(f"{over.status.value}, error {over.error}, {over.size_bytes / 1e6:.0f} MB, {over.duration_s:.1f} s")
    for file in media_of(over):
        path = folder / file.name
        path.write_bytes(case.desk.store.read(file.key, 0, file.size_bytes))
        with av.open(str(path)) as container:
            times = [float(p.pts * p.time_base) for p in container.demux() if p.pts is not None and p.time_base]
        hole = max(b - a for a, b in itertools.pairwise(times))
        print(
            f"  {file.name}: {case.duration_of(file):.2f} s, greatest hole {hole * 1000:.0f} ms, gaps {file.gaps}, "
            f"overlaps {len(overlaps(path))}"
        )
    await case.close()


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=120.0, help="how long the storage is away")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, S3Server(Path(folder) / "s3") as s3:
        async with EmbeddedRedis() as server:
            redis = Redis.from_url(server.url)
            await bench(Path(folder), arguments.seconds, s3, redis)
            await redis.aclose()


if __name__ == "__main__":
    asyncio.run(main())
