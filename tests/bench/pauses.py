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
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import uvloop

from config.options import LoggingOptions
from media.child import Child
from scripts import logs
from scripts.app import SWITCH_S, PlenumServer
from scripts.garbage import GarbageCollector
from sfu.io import dtls
from signaling.hub import Hub
from tests.bench.scrape import HELD_S, fill, settings_in, tick

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


async def longest_ms(work: Callable[[], Awaitable[None]]) -> float:
    """The longest wait in the loop meanwhile."""
    gaps: list[float] = []
    ticking = asyncio.create_task(tick(gaps))
    await asyncio.sleep(0.1)
    await work()
    await asyncio.sleep(0.1)
    ticking.cancel()
    return max(gaps)


async def measure(rooms: int, people: int) -> bool:
    """Print the figures; whether the target is met."""
    dtls.HANDSHAKE_TIMEOUT_S = HELD_S
    sys.setswitchinterval(SWITCH_S)
    with tempfile.TemporaryDirectory() as name:
        async with PlenumServer(settings_in(Path(name))) as server:
            assert server.app is not None
            hub: Hub = server.app.state.hub
            collector = GarbageCollector(server.is_quiet)
            collector.begin()
            collecting = asyncio.create_task(collector.run())
            await fill(hub, rooms, people)
            print(f"{len(hub.rooms)} rooms, {hub.participants} participants")
            address = f"http://127.0.0.1:{server.http_port}"
            works: dict[str, Callable[[], Awaitable[None]]] = {
                "nothing, for five seconds": lambda: asyncio.sleep(5),
                "a worker starts": lambda: run_apart("pass"),
                "somebody reads the API's document": lambda: run_apart(READ, f"{address}/openapi.json"),
                "a tenth of the people leave": lambda: leave_all(hub, max(1, rooms // 10)),
            }
            found = {what: await longest_ms(work) for what, work in works.items()}
            for what, waited_ms in found.items():
                print(f"{what:<36}{waited_ms:6.1f} ms at most")
            collecting.cancel()
            began = time.perf_counter()
            left = gc.collect()
            print(f"a full collection: {(time.perf_counter() - began) * 1000:.0f} ms, {left} objects that nobody has")
            return max(found.values()) < TARGET_MS


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rooms", type=int, default=100)
    parser.add_argument("--people", type=int, default=10)
    arguments = parser.parse_args()
    logs.configure(LoggingOptions(level="warning"))
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        ok = runner.run(measure(arguments.rooms, arguments.people))
    print("PASS" if ok else "FAIL")
    sys.exit(0 if ok else 1)


if __name__ == "__main__":
    main()
