"""The server's judgement of a real browser's connection: it falls when packets get lost, and comes back."""

from __future__ import annotations

from typing import Any

from tests.interop.conftest import People
from tests.interop.test_call import everybody_receives
from tests.support.participant import Participant, eventually
from tests.support.relay import Impairment, UdpRelay

LOSS = 0.1


async def latest(one: Participant, about: str) -> dict[str, Any]:
    """The latest update on somebody's connection."""
    updates = [m["payload"] for m in await one.inbox("quality-update") if m["payload"]["user_id"] == about]
    return updates[-1] if updates else {"quality_level": None}


async def becomes(one: Participant, about: str, levels: set[str], timeout_s: float) -> dict[str, Any]:
    async def reached() -> bool:
        return (await latest(one, about))["quality_level"] in levels

    await eventually(reached, timeout_s, f"{about} is not {levels} but {await latest(one, about)}")
    return await latest(one, about)


async def test_ten_percent_loss_shows_to_the_room_and_passes(people: People, relay: UdpRelay) -> None:
    ada = await people.publishing("ada", setup=relay.page_setup)
    bela = await people.publishing("bela", hz=660)
    await everybody_receives([ada, bela], 2)
    for about in ("ada", "bela"):
        await becomes(bela, about, {"excellent", "good"}, 20)

    relay.set_both(Impairment(loss=LOSS, delay_ms=20))
    told = await becomes(bela, "ada", {"poor", "fair"}, 20)
    assert told["recommendation_code"] in {"uplink_loss", "stop_video", "downlink_loss", "receive_less"}, told
    assert told["recommendation"]
    await becomes(bela, "ada", {"poor"}, 15)

    async def measured() -> bool:
        own = await latest(ada, "ada")
        paths = (own["uplink"], own["downlink"])
        return all(path is not None and 6 < path["packet_loss"] < 15 for path in paths) and own["downlink"]["rtt"] > 30

    await eventually(measured, 15, "ada's own figures do not show the loss both ways")
    # What ada's path loses is not held against bela, who receives ada's gaps.
    assert (await latest(bela, "bela"))["quality_level"] in {"excellent", "good"}, await latest(bela, "bela")

    relay.set_both(Impairment())
    await becomes(bela, "ada", {"excellent", "good"}, 40)
    assert (await latest(bela, "ada"))["recommendation_code"] == "none"
