"""How long a user waits: from the click on Join to the first decoded frame of somebody else, in Chromium on loopback.

    python -m tests.bench.join_time [--runs 20]

Two figures: a newcomer in a room that was just opened, and one who comes into a call that has been under way.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from pathlib import Path
from statistics import median

from tests.support.chromium import Chromium
from tests.support.page import RoomPage
from tests.support.server import PlenumServer


def row(name: str, times_ms: list[float]) -> str:
    ordered = sorted(times_ms)
    middle, best, worst = median(ordered), ordered[0], ordered[-1]
    return f"{name:<24} runs {len(ordered):3}  median {middle:6.0f} ms  best {best:6.0f}  worst {worst:6.0f}"


async def fresh_rooms(chromium: Chromium, server: PlenumServer, runs: int) -> list[float]:
    """Each run a new room: Ada joins, then Bela's click counts."""
    times = []
    for index in range(runs):
        room = f"fresh-{index}"
        ada = await RoomPage.open(chromium, server, room, "Ada")
        bela = await RoomPage.open(chromium, server, room, "Bela")
        await ada.join()
        await bela.join()
        times.append(await bela.first_frame_ms())
        await asyncio.gather(ada.tab.close(), bela.tab.close())
    return times


async def late_joiners(chromium: Chromium, server: PlenumServer, runs: int) -> list[float]:
    """One call that goes on; newcomers come when the last key frame is long past."""
    ada = await RoomPage.open(chromium, server, "late", "Ada")
    await ada.join()
    await asyncio.sleep(8)
    times = []
    for index in range(runs):
        bela = await RoomPage.open(chromium, server, "late", f"Bela {index}")
        await asyncio.sleep(1.5)
        await bela.join()
        times.append(await bela.first_frame_ms())
        await bela.tab.close()
    await ada.tab.close()
    return times


async def measure(runs: int) -> None:
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        async with PlenumServer(directory) as server, Chromium(directory) as chromium:
            print(row("join, newly opened room", await fresh_rooms(chromium, server, runs)), flush=True)
            print(row("join, call under way", await late_joiners(chromium, server, runs)), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=20)
    asyncio.run(measure(parser.parse_args().runs))


if __name__ == "__main__":
    main()
