"""Four Chromium participants meet at the page and use all there is; a console error fails it.

    python -m tests.bench.meeting [--minutes 10] [--shots DIR]

Prints how often each act was played and how long it took, and the processor time and memory of the server.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from functools import partial
from pathlib import Path

from playwright.async_api import expect

from tests.interop.conftest import SETTINGS
from tests.support.chromium import Chromium
from tests.support.meeting import ACTS, Meeting
from tests.support.server import PlenumServer

_PATIENCE_MS = 60_000
# The acts follow each other faster than people do.
_LIMITS = {
    f"PLENUM_ROOMS__{name}": "100000"
    for name in (
        "MESSAGES_PER_MINUTE",
        "HAND_RAISES_PER_MINUTE",
        "REACTIONS_PER_MINUTE",
        "REQUESTS_PER_MINUTE",
        "FILES__OFFERS_PER_HOUR",
        "CHAT__TYPING_PER_MINUTE",
        "CHAT__READS_PER_MINUTE",
        "CHAT__IMAGES_PER_MINUTE",
    )
}


async def meet(seconds: float, shots: Path | None = None) -> None:
    expect.set_options(timeout=_PATIENCE_MS)
    with tempfile.TemporaryDirectory() as folder:
        async with (
            PlenumServer(Path(folder), {**SETTINGS, **_LIMITS}) as server,
            Chromium(Path(folder), fake_files=False) as chromium,
        ):
            meeting = Meeting(chromium, server, "meeting", shots=shots)
            started, cpu = time.monotonic(), server.cpu_s()
            await meeting.begin()
            log = await meeting.play(ACTS, started + seconds, partial(print, flush=True))
            await meeting.end()
            took, cpu = time.monotonic() - started, server.cpu_s() - cpu
            for name in dict.fromkeys(name for name, _ in log):
                times = [seconds for act, seconds in log if act == name]
                mean, most = sum(times) / len(times), max(times)
                print(f"{name:<22} {len(times):3} times, {mean:6.1f} s on average, {most:6.1f} s at most")
            print(f"{took:.0f} s; server: {cpu / took:.1%} of a core, {server.rss_bytes() / 1e6:.0f} MB")
            warnings = [warning for one in meeting.people for warning in one.tab.warnings]
            print(f"{len(warnings)} console warnings", *sorted(set(warnings))[:10], sep="\n  ")
            errors = meeting.errors()
            print(f"{len(meeting.failures)} acts failed", *meeting.failures, sep="\n  ")
            for one in meeting.people:
                await one.tab.close()
            if errors:
                raise SystemExit("console errors:\n  " + "\n  ".join(errors))
            print("no console error")
            if meeting.failures:
                raise SystemExit(1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--shots", type=Path, help="a folder for pictures of what fails")
    arguments = parser.parse_args()
    asyncio.run(meet(arguments.minutes * 60, arguments.shots))


if __name__ == "__main__":
    main()
