"""What else could hold packets up in a server of a thousand: workers that start, who reads the API, people who leave.

    python -m tests.bench.pauses [--rooms 100] [--people 10]

The rooms are those of ``tests.bench.scrape``. A ticker in the server's loop looks every millisecond for what a packet
would have had to wait while each of these is done. What is left to a full collection of garbage, and how long that
would take, is told at the end: the server makes none while media goes through it.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import sys
import time
from collections.abc import Coroutine
from typing import Any

from media.child import Child
from signaling.hub import Hub
from tests.bench.held_server import judge, longest_ms, serving
from tests.bench.scrape import fill

TARGET_MS = 20.0
"""One packet of sound: less than any client holds back against jitter."""
READ = "import sys, urllib.request; urllib.request.urlopen(sys.argv[1]).read()"


async def run_apart(*command: str) -> None:
    """A program of its own, as workers are."""
    child = await Child.start((sys.executable, "-c", *command))
    await child.wait()
    child.close()


async def leave_all(hub: Hub, rooms: int) -> None:
    """Everybody leaves some rooms, one after the other."""
    for live in list(hub.rooms.values())[:rooms]:
        for session in list(live.all_sessions()):
            live.leave(session.username, session.session_id, "left")
            await asyncio.sleep(0.005)


async def measure(rooms: int, people: int) -> bool:
    """Print the figures; whether the target is met."""
    async with serving() as (server, hub):
        await fill(hub, rooms, people)
        print(f"{len(hub.rooms)} rooms, {hub.participants} participants")
        address = f"http://127.0.0.1:{server.http_port}"
        works: dict[str, Coroutine[Any, Any, None]] = {
            "nothing, for five seconds": asyncio.sleep(5),
            "a worker starts": run_apart("pass"),
            "somebody reads the API's document": run_apart(READ, f"{address}/openapi.json"),
            "a tenth of the people leave": leave_all(hub, max(1, rooms // 10)),
        }
        found = {what: (await longest_ms(work))[0] for what, work in works.items()}
        for what, waited_ms in found.items():
            print(f"{what:<36}{waited_ms:6.1f} ms at most")
        began = time.perf_counter()
        left = gc.collect()
        print(f"a full collection: {(time.perf_counter() - began) * 1000:.0f} ms, {left} objects that nobody has")
        return max(found.values()) < TARGET_MS


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rooms", type=int, default=100)
    parser.add_argument("--people", type=int, default=10)
    arguments = parser.parse_args()
    judge(measure(arguments.rooms, arguments.people))


if __name__ == "__main__":
    main()
