"""A large room as its people see it: each receives from the shard that has place, and gets the layer that it wants."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from tests.interop.test_layers import SVC, shows, wish
from tests.interop.test_room_changes import sees
from tests.support.chromium import Chromium
from tests.support.participant import Participant, eventually
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

    before = await shards.stats()
    received = await far2.packets_of(camera) + await far2.packets_of(voice)

    async def enough() -> bool:
        return await far2.packets_of(camera) + await far2.packets_of(voice) > received + 400

    await eventually(enough, 30)
    taken = await far2.packets_of(camera) + await far2.packets_of(voice) - received
    after = await shards.stats()
    for name in after:
        if name != owner:
            copies = after[name]["media"]["pipe_packets_received"] - before[name]["media"]["pipe_packets_received"]
            assert copies < 1.3 * taken, f"{name} got {copies} packets for {taken} that one subscriber took"
    assert after[owner]["media"].get("pipe_packets_received", 0) == 0

    for one in everybody:
        assert one.tab.errors == []
        await one.close()
