"""A large room as its people see it: each receives from the shard that has place, and gets the layer that it wants."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from tests.interop.test_layers import SVC, shows, wish
from tests.interop.test_room_changes import sees
from tests.support.chromium import Chromium
from tests.support.participant import Participant
from tests.support.shards import Shards

LIMIT = 2


@pytest_asyncio.fixture(loop_scope="session")
async def shards(tmp_path: Path) -> AsyncIterator[Shards]:
    async with Shards(tmp_path, 3, {"PLENUM_SHARDS__MAX_SUBSCRIBERS": str(LIMIT)}) as shards:
        yield shards


async def test_one_copy_for_each_shard_and_a_layer_for_each_subscriber(chromium: Chromium, shards: Shards) -> None:
    everybody: list[Participant] = []

    async def join(name: str) -> Participant:
        everybody.append(await Participant.open(chromium, shards.server, "large", name))
        return everybody[-1]

    ada = await join("ada")
    await ada.publish("camera", codec="video/VP9", encodings=SVC, width=640, height=360)
    voice = await ada.publish("microphone", toneHz=440)
    owner = (await shards.owner("large"))["id"]
    audience = []
    for name in ("near1", "near2", "far1", "far2", "farther"):
        one = await join(name)
        camera = await sees(one, "ada", "camera")
        await one.wait_for_frames(camera, count=5, timeout_s=20)
        audience.append(one)
    for one in audience:
        await one.wait_for_sound(voice)

    async def places() -> dict[str, int]:
        return {name: stats["shard"]["subscribers"] for name, stats in (await shards.stats()).items()}

    found = await places()
    assert found[owner] == LIMIT and sorted(found.values()) == [1, 2, 2], found

    # Two who receive from one shard, by one copy, see different layers of it.
    far1, far2 = audience[2:4]
    await wish(far1, camera, "low")
    await shows(far1, 180)
    await shows(far2, 360, 25)
    await far2.wait_for_frames(camera, count=20)

    # As many packets go to the shard with two subscribers as to the one with one; two copies would be twice as many.
    before = await shards.stats()
    await far2.wait_for_frames(camera, count=60, timeout_s=30)
    after = await shards.stats()

    def counted(name: str, way: str) -> int:
        key = f"pipe_packets_{way}"
        return int(after[name]["media"].get(key, 0) - before[name]["media"].get(key, 0))

    copies = {count: counted(name, "received") for name, count in found.items() if name != owner}
    assert copies[1] > 100 and 0.7 < copies[2] / copies[1] < 1.4, copies
    assert 0.7 < counted(owner, "sent") / sum(copies.values()) < 1.4
    assert counted(owner, "received") == 0

    for one in everybody:
        assert one.tab.errors == []
        await one.close()
