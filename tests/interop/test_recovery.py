"""Networks that go away and come back, and a server that restarts, without a page that helps."""

from __future__ import annotations

import asyncio

import pytest

from tests.interop.conftest import People
from tests.interop.test_room_changes import sees
from tests.support.participant import eventually
from tests.support.relay import UdpRelay


@pytest.mark.parametrize("transport", ["publish", "subscribe"])
async def test_ice_restart_keeps_the_media(people: People, transport: str) -> None:
    ada, bela = await people.publishing("ada"), await people.join("bela")
    camera = await sees(bela, "ada", "camera")
    await bela.wait_for_frames(camera)
    one, peer = (ada, "publishing") if transport == "publish" else (bela, "subscribing")
    ufrag = f"me.{peer}.remoteDescription.sdp.match(/ice-ufrag:(\\S+)/)[1]"
    for _ in range(2):
        before = await one.tab.page.evaluate(ufrag)
        await one.call("restartIce", transport)

        async def renewed(one=one, before=before) -> bool:  # type: ignore[no-untyped-def]
            return bool(before != await one.tab.page.evaluate(ufrag))

        await eventually(renewed, 5, "the server gives no new credentials")
        await bela.wait_for_frames(camera, count=30)
        assert await one.tab.page.evaluate(f"me.{peer}.connectionState") == "connected"


async def test_a_short_outage_heals_by_itself(people: People, relay: UdpRelay) -> None:
    ada = await people.publishing("ada", setup=relay.page_setup)
    bela = await people.join("bela", setup=relay.page_setup)
    camera = await sees(bela, "ada", "camera")
    await bela.wait_for_frames(camera)
    relay.block(True)
    await asyncio.sleep(3)
    relay.block(False)
    await bela.wait_for_frames(camera, count=30)
    assert await ada.tab.page.evaluate("me.publishing.connectionState") == "connected"


async def test_an_outage_heals_by_an_ice_restart(people: People, relay: UdpRelay) -> None:
    ada = await people.publishing("ada", setup=relay.page_setup)
    bela = await people.join("bela")
    camera = await sees(bela, "ada", "camera")
    await bela.wait_for_frames(camera)
    relay.block(True)

    async def noticed() -> bool:
        return bool(await ada.tab.page.evaluate("me.publishing.iceConnectionState") == "disconnected")

    await eventually(noticed, 15, "the browser does not notice")
    relay.block(False)
    await ada.call("restartIce", "publish")
    await bela.wait_for_frames(camera, count=20)
