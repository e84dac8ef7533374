"""kill -9 of one of three shards with six rooms: when picture and sound are back for everybody, and what is lost.

    python -m tests.bench.failover [--kills 4] [--pages 3] [--rooms 6] [--fps 5]

In some of the rooms are two Chromium participants each at the conference page, in the others clients of the protocol.
Their cameras make few pictures: many encoders and decoders of HD on one machine with the shards would measure that
machine. Nobody touches anything. A shard that has a room with pages is killed again and again; the supervisor starts it
anew.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from tests.integration.shards.test_takeovers import stay
from tests.support.chromium import Chromium
from tests.support.page import RoomPage
from tests.support.participant import eventually
from tests.support.shards import Shards, gaps, watch

TARGET_MEDIAN_S, TARGET_WORST_S = 5.0, 8.0
SETTLE_S = 6.0
CUT_OFF_S = 1.5  # clients ask for an answer three times a second
NAMES = ("Ada", "Bela")
_SOUND = """async () => {
    const sample = await __probe.sample();
    return sample.inbound.filter((one) => one.kind === "audio").reduce((sum, one) => sum + one.packetsReceived, 0);
}"""


class Room:
    """A room with two people at the page who see and hear each other."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.people: list[RoomPage] = []

    async def open(self, chromium: Chromium, shards: Shards) -> None:
        self.people = [await RoomPage.open(chromium, shards.server, self.name, name) for name in NAMES]
        for one in self.people:
            await one.join()
        for one in self.people:
            await one.shows(2, 30)
            await watch(one)

    async def back(self, killed_at: float) -> list[tuple[float, float]]:
        """Seconds until picture and until sound are back, for each."""
        return list(await asyncio.gather(*(self._back(one, killed_at) for one in self.people)))

    async def _back(self, one: RoomPage, killed_at: float) -> tuple[float, float]:
        start = (await gaps(one))["frames"]
        seen: dict[str, float] = {}
        heard = -1

        async def moves() -> bool:
            nonlocal heard
            found = await gaps(one)
            if "picture" not in seen and found["frames"] > start + 5 and found["since"] < 500:
                seen["picture"] = time.monotonic() - killed_at
            packets = int(await one.page.evaluate(_SOUND))
            # New transports count from nothing: sound is back when the count grows once more after it fell.
            if "sound" not in seen and 0 <= heard < packets and "picture" in seen:
                seen["sound"] = time.monotonic() - killed_at
            heard = packets
            return len(seen) == 2

        await eventually(moves, 40, f"{one.name} in {self.name} sees or hears nothing")
        return seen["picture"], seen["sound"]


async def state_of(shards: Shards, room: str) -> dict[str, Any]:
    """What Redis has of a room."""
    key = f"plenum:{{{room}}}:"
    redis: Any = shards.redis
    return {"people": set(await redis.hkeys(f"{key}seats")), "roles": await redis.hgetall(f"{key}roles")}


async def measure(kills: int, pages: int, rooms: int, fps: int, directory: Path) -> bool:
    pictures: list[float] = []
    sounds: list[float] = []
    answers_s: list[float] = []
    lost: list[str] = []
    several = Shards(directory, 3)
    several.start_timeout_s = 120
    flags = [f"--use-fake-device-for-media-stream=fps={fps}"]
    async with several as shards, Chromium(directory, flags=flags, fake_files=False) as chromium:
        stop = asyncio.Event()
        others = [f"plain{number}" for number in range(rooms - pages)]
        clients = [asyncio.create_task(stay(shards.server, room, answers_s, stop)) for room in others]
        with_pages = [Room(f"page{number}") for number in range(pages)]
        for room in with_pages:
            await room.open(chromium, shards)
        for number in range(kills):
            await asyncio.sleep(SETTLE_S)
            victim = with_pages[number % pages]
            owners = {room.name: (await shards.owner(room.name))["pid"] for room in with_pages}
            before = {room.name: await state_of(shards, room.name) for room in with_pages}
            hit = [room for room in with_pages if owners[room.name] == owners[victim.name]]
            await shards.kill(victim.name)
            killed_at = time.monotonic()
            await asyncio.sleep(0.8)  # until what was under way has been shown
            for times in await asyncio.gather(*(room.back(killed_at) for room in hit)):
                pictures += [picture for picture, _ in times]
                sounds += [sound for _, sound in times]
            for room in hit:
                after = await state_of(shards, room.name)
                if after != before[room.name]:
                    lost.append(f"{room.name}: {before[room.name]} became {after}")
            print(f"kill {number + 1}: {len(hit)} rooms with pages, back after {pictures[-1]:.1f} s", flush=True)
        stop.set()
        await asyncio.gather(*clients, return_exceptions=True)
        errors = [error for room in with_pages for one in room.people for error in one.tab.errors]
    for name, found in (("picture", pictures), ("sound", sounds)):
        print(f"{name} back: median {statistics.median(found):.1f} s, worst {max(found):.1f} s of {len(found)}")
    quiet_s = [gap_s for gap_s in answers_s if gap_s > CUT_OFF_S]
    if quiet_s:
        median_s = statistics.median(quiet_s)
        print(f"clients without media: answered again after {median_s:.1f} s, worst {max(quiet_s):.1f} s")
    print(f"state lost: {lost or 'none'}; errors in consoles: {len(errors)}")
    return statistics.median(sounds) <= TARGET_MEDIAN_S and max(sounds) <= TARGET_WORST_S and not lost


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=4)
    parser.add_argument("--pages", type=int, default=3, help="rooms with Chromium participants")
    parser.add_argument("--rooms", type=int, default=6)
    parser.add_argument("--fps", type=int, default=5, help="pictures a second of each camera")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        good = asyncio.run(measure(arguments.kills, arguments.pages, arguments.rooms, arguments.fps, Path(name)))
    return 0 if good else 1


if __name__ == "__main__":
    raise SystemExit(main())
