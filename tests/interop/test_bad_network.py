"""Loss, delay, jitter, a NAT that forgets, and networks without UDP."""

from __future__ import annotations

import asyncio

from tests.interop.conftest import People
from tests.interop.test_call import everybody_receives
from tests.interop.test_room_changes import sees
from tests.support.page import RoomPage
from tests.support.participant import sample_while
from tests.support.quality import by_publication, judge_audio, judge_video
from tests.support.relay import Impairment, UdpRelay

BAD = Impairment(loss=0.05, delay_ms=40)


async def test_five_percent_loss_both_ways_is_repaired_without_help_of_the_client(
    people: People, relay: UdpRelay
) -> None:
    everybody = [await people.publishing(name, setup=relay.page_setup, hz=440) for name in ("ada", "bela")]
    await everybody_receives(everybody, 2)
    relay.set_both(BAD)
    await asyncio.sleep(3)
    lost_before = relay.up_count.lost + relay.down_count.lost

    taken = await sample_while([one.tab for one in everybody], 20)

    assert relay.up_count.lost + relay.down_count.lost > lost_before + 100, "the relay was not in the way"
    for one, samples in zip(everybody, taken, strict=True):
        (video,) = map(judge_video, by_publication(samples, "video").values())
        (audio,) = map(judge_audio, by_publication(samples, "audio").values())
        # A player that waits no longer than browsers do by themselves freezes when a resend is lost, too.
        assert video.frozen_share < 0.25, (one.username, video)
        assert video.frames_per_s > 14, (one.username, video)
        assert audio.energy > 0.01, (one.username, audio)


async def test_jitter_and_reordering_are_not_taken_for_loss(people: People, relay: UdpRelay) -> None:
    ada = await people.publishing("ada", setup=relay.page_setup)
    bela = await people.publishing("bela", setup=relay.page_setup)
    await everybody_receives([ada, bela], 2)
    relay.set_both(Impairment(delay_ms=10, jitter_ms=15, reorder=0.02))
    await asyncio.sleep(2)
    ((samples),) = await sample_while([bela.tab], 8)
    (video,) = map(judge_video, by_publication(samples, "video").values())
    assert video.frozen_share < 0.02, video
    assert video.frames_per_s > 16, video


async def test_a_call_outlives_a_new_source_port(people: People, relay: UdpRelay) -> None:
    ada = await people.publishing("ada", setup=relay.page_setup)
    bela = await people.join("bela")
    camera = await sees(bela, "ada", "camera")
    await bela.wait_for_frames(camera)
    restarts = len(await ada.inbox("answer"))
    for client in list(relay.clients):
        await relay.rebind(client)
    await bela.wait_for_frames(camera, count=40, timeout_s=15)
    assert len(await ada.inbox("answer")) == restarts, "the address changed without a negotiation"


async def test_a_network_without_udp_uses_tcp(people: People) -> None:
    ada = await people.publishing("ada", setup={"onlyTcp": True})
    bela = await people.publishing("bela", setup={"onlyTcp": True}, hz=660)
    await everybody_receives([ada, bela], 2)
    for one in (ada, bela):
        for publication in await one.received():
            if publication["kind"] == "video":
                await one.wait_for_frames(publication["id"], count=40)
            else:
                await one.wait_for_sound(publication["id"], count=40)
        assert {peer["protocol"] for peer in (await one.tab.sample())["peers"]} == {"tcp"}


async def test_the_page_keeps_the_picture_live_on_a_lossy_path(people: People, relay: UdpRelay) -> None:
    users = []
    for name in ("Ada", "Bela"):
        users.append(await RoomPage.open(people.chromium, people.server, people.room, name, setup=relay.page_setup))
        people.tabs.append(users[-1].tab)
        await users[-1].join()
    for user in users:
        await user.shows(2)
    relay.set_both(Impairment(delay_ms=BAD.delay_ms))
    await asyncio.sleep(2)
    control = await sample_while([user.tab for user in users], 6)
    relay.set_both(BAD)
    await asyncio.sleep(5)

    taken = await sample_while([user.tab for user in users], 25)

    for user, before, samples in zip(users, control, taken, strict=True):
        (usual,) = map(judge_video, by_publication(before, "video").values())
        (video,) = map(judge_video, by_publication(samples, "video").values())
        # A machine that is short of time freezes pictures without any loss: that much is not the network's fault.
        assert video.frozen_share < 0.02 + usual.frozen_share, (user.name, usual, video)
        assert video.frames_per_s > 14, (user.name, video)
