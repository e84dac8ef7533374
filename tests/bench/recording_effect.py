"""What recording a program costs the calls of the same machine: the delay of forwarding with and without it.

    SFUBENCH_BUILD=BUILD python -m tests.bench.recording_effect PATH/TO/BENCH [-n 100] [-t 8] [-r 2]

The load generator of tests.bench.forwarding measures a Plenum with one publisher and N subscribers. In every second
run the real recording worker makes a 720p program of four participants beside it, fed in real time, with the niceness
that the server gives it.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from statistics import median

from media.feed import Clock, Message, Packet, Stop, encode
from media.jobs.options import JobOptions
from media.jobs.process import WorkerProcess
from recorder.model import Options, Recording
from recorder.options import RecorderOptions
from recorder.worker.setup import Setup, dump
from tests.bench.forwarding import figures, line, run
from tests.bench.program import START, film, messages

PEOPLE = 4


async def record(frames: list[tuple[float, int, bytes, bool, int]], folder: Path, until: asyncio.Event) -> None:
    """Feed a real worker in real time until it is enough."""
    origin = time.monotonic()
    recording = Recording(
        recording_id="bench", room_id="r", started_by=None, started_at="2026-01-01T00:00:00.000Z",
        started_unix=time.time(), options=Options(mode="program", quality="720p"), key_prefix="bench/",
    )  # fmt: skip
    setup = dump(Setup(recording=recording, options=RecorderOptions(folder=folder, min_free_mb=0), origin=origin))
    setup = {"niceness": JobOptions().niceness, "attempt": 0, **setup}
    worker = await WorkerProcess.start("recorder.worker", setup, {"job": "bench"})
    loop = asyncio.get_running_loop()
    for message in messages("VP8", frames, PEOPLE, 3_600.0):
        at = _moved(message, origin)
        if isinstance(at, Packet):
            await asyncio.sleep(max(0.0, at.at - time.monotonic()))
        if until.is_set():
            break
        await loop.sock_sendall(worker.socket, encode(at))
        with contextlib.suppress(BlockingIOError):
            worker.socket.recv(1 << 16)
    await loop.sock_sendall(worker.socket, encode(Stop("asked")))
    await asyncio.wait_for(worker.wait(), 60)


def _moved(message: Message, origin: float) -> Message:
    """The message at its moment of today."""
    return replace(message, at=message.at - START + origin) if isinstance(message, Packet | Clock) else message


async def compare(arguments: argparse.Namespace, work: Path) -> None:
    frames = film("VP8", PEOPLE, (1280, 720))
    runs: dict[str, list[dict[str, float]]] = {"alone": [], "recording": []}
    for number in range(arguments.r * 2):
        name = ("alone", "recording")[number % 2]
        enough = asyncio.Event()
        recording = asyncio.create_task(record(frames, work / f"r{number}", enough)) if name == "recording" else None
        await asyncio.sleep(2.0 if recording else 0.0)
        values = figures(await asyncio.to_thread(run, arguments, "plenum", work))
        enough.set()
        if recording is not None:
            await recording
        if number == 0:
            print(" " * 20 + "".join(f"{title:>15}" for title in values))
        runs[name].append(values)
        print(line(name, values), flush=True)
    rise = median(v["p99 ms"] for v in runs["recording"]) - median(v["p99 ms"] for v in runs["alone"])
    print(f"the 99th percentile rises by {rise:+.2f} ms (medians)")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bench", type=Path, help="folder of the load generator")
    parser.add_argument("-n", type=int, default=100, help="subscribers")
    parser.add_argument("-t", type=float, default=8, help="seconds of each measurement")
    parser.add_argument("-r", type=int, default=2, help="rounds")
    parser.add_argument("--nice", type=int, default=0, help="niceness of server and generator")
    parser.add_argument("--bin", default=str(Path(sys.executable).parent / "plenum"), help="the plenum executable")
    arguments = parser.parse_args()
    arguments.bench = arguments.bench.resolve()
    with tempfile.TemporaryDirectory() as work:
        asyncio.run(compare(arguments, Path(work)))


if __name__ == "__main__":
    main()
