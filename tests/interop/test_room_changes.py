"""Tracks that come and go, mutes, people who leave and return, chat and data."""

from __future__ import annotations

import asyncio

import pytest

from tests.interop.conftest import People
from tests.support.participant import Participant, eventually


async def sees(one: Participant, user: str, source: str) -> str:
    """Wait until a publication arrives; its id."""
    found: list[str] = []

    async def there() -> bool:
        found[:] = [p["id"] for p in await one.received() if (p["userId"], p["source"]) == (user, source)]
        return bool(found)

    await eventually(there, 8, f"{one.username} does not receive the {source} of {user}")
    return found[0]


async def sees_no(one: Participant, user: str, source: str) -> None:
    async def gone() -> bool:
        return all((p["userId"], p["source"]) != (user, source) for p in await one.received())

    await eventually(gone, 8, f"{one.username} still receives the {source} of {user}")


async def flows(one: Participant, publication_id: str) -> bool:
    before = await one.packets_of(publication_id)
    await asyncio.sleep(1.0)
    return await one.packets_of(publication_id) - before > 5


async def test_mute_and_unmute_at_the_server(people: People) -> None:
    ada, bela = await people.publishing("ada"), await people.join("bela")
    camera, voice = await sees(bela, "ada", "camera"), await sees(bela, "ada", "microphone")
    await bela.wait_for_frames(camera)
    await bela.wait_for_sound(voice)
    offers = len(await bela.inbox("offer"))

    await ada.call("send", "media-control", {"audio_enabled": False, "video_enabled": False})
    await asyncio.sleep(0.5)
    assert not await flows(bela, voice)
    assert not await flows(bela, camera)
    told = [frame["payload"] for frame in await bela.inbox("media-control")]
    assert {"user_id": "ada", "audio_enabled": False}.items() <= told[-1].items()

    await ada.call("send", "media-control", {"audio_enabled": True, "video_enabled": True})
    assert await bela.wait_for_frames(camera, count=1) < 1.5
    await bela.wait_for_sound(voice)
    assert len(await bela.inbox("offer")) == offers, "muting needs no negotiation"


async def test_a_host_mutes_another_and_both_are_told(people: People) -> None:
    host = await people.join("host")
    ada, bela = await people.publishing("ada"), await people.join("bela")
    voice = await sees(bela, "ada", "microphone")
    await bela.wait_for_sound(voice)
    await host.call("send", "media-control", {"audio_enabled": False, "user_id": "ada"})
    await asyncio.sleep(0.5)
    assert not await flows(bela, voice)
    assert (await ada.inbox("media-control"))[-1]["payload"]["user_id"] == "ada"
    assert (await bela.inbox("media-control"))[-1]["payload"]["audio_enabled"] is False


async def test_a_participant_cannot_mute_another(people: People) -> None:
    await people.join("host")
    ada, bela = await people.publishing("ada"), await people.join("bela")
    voice = await sees(bela, "ada", "microphone")
    await bela.wait_for_sound(voice)
    with pytest.raises(Exception, match="permission_denied"):
        await bela.call("request", "media-control", {"audio_enabled": False, "user_id": "ada"})
    assert await flows(bela, voice)
    assert not await ada.inbox("media-control")


async def test_camera_off_and_on_again_keeps_the_publication(people: People) -> None:
    ada, bela = await people.publishing("ada"), await people.join("bela")
    camera = await sees(bela, "ada", "camera")
    await bela.wait_for_frames(camera)
    for _ in range(2):
        await ada.call("setSending", "camera", False)
        await asyncio.sleep(0.5)
        assert not await flows(bela, camera)
        await ada.call("setSending", "camera", True)
        await bela.wait_for_frames(camera, count=5)


async def test_screen_share_again_and_again_uses_the_same_sections(people: People) -> None:
    ada, bela = await people.publishing("ada"), await people.join("bela")
    camera = await sees(bela, "ada", "camera")
    sections: list[tuple[int, int]] = []
    for _ in range(4):
        await ada.publish("screen")
        screen = await sees(bela, "ada", "screen")
        await bela.wait_for_frames(screen, count=2)
        sections.append(
            (
                await ada.tab.page.evaluate("me.publishing.getTransceivers().length"),
                await bela.tab.page.evaluate("me.subscribing.getTransceivers().length"),
            )
        )
        await ada.unpublish("screen")
        await sees_no(bela, "ada", "screen")
    assert len(set(sections)) == 1, f"each round takes another section: {sections}"
    await bela.wait_for_frames(camera, count=5)


async def test_tracks_that_change_hands_do_not_disturb_the_others(people: People) -> None:
    ada, bela, carl = [await people.join(name) for name in ("ada", "bela", "carl")]
    await ada.publish("camera")
    camera = await sees(carl, "ada", "camera")
    # All at once: offers to carl must neither overtake nor lose each other.
    await asyncio.gather(bela.publish("microphone", toneHz=500), ada.publish("microphone", toneHz=700))
    await asyncio.gather(bela.publish("camera"), ada.publish("screen"))
    for user, source in (("bela", "microphone"), ("ada", "microphone")):
        await carl.wait_for_sound(await sees(carl, user, source))
    for user, source in (("bela", "camera"), ("ada", "screen")):
        await carl.wait_for_frames(await sees(carl, user, source), count=2)
    await asyncio.gather(bela.unpublish("camera"), ada.unpublish("screen"))
    await asyncio.gather(sees_no(carl, "bela", "camera"), sees_no(carl, "ada", "screen"))
    await carl.wait_for_frames(camera, count=10)


async def test_leaving_and_coming_back(people: People) -> None:
    ada, bela = await people.publishing("ada"), await people.publishing("bela")
    first = await sees(bela, "ada", "camera")
    await ada.leave()
    await sees_no(bela, "ada", "camera")
    await sees_no(bela, "ada", "microphone")
    assert (await bela.inbox("user-left"))[-1]["payload"]["username"] == "ada"

    again = await people.publishing("ada")
    second = await sees(bela, "ada", "camera")
    assert second != first
    await bela.wait_for_frames(second)
    await again.wait_for_frames(await sees(again, "bela", "camera"))


async def test_a_tab_that_dies_is_missed_soon(people: People) -> None:
    ada, bela = await people.publishing("ada"), await people.join("bela")
    await sees(bela, "ada", "camera")
    await ada.tab.close()
    people.tabs.remove(ada.tab)

    async def missed() -> bool:
        return bool(await bela.inbox("user-left"))

    await eventually(missed, 40, "nobody was told that ada is gone")
    await sees_no(bela, "ada", "camera")


async def test_the_newest_session_of_a_user_wins(people: People) -> None:
    bela = await people.join("bela")
    first = await people.publishing("ada")
    await sees(bela, "ada", "camera")
    second = await people.publishing("ada")

    async def replaced() -> bool:
        closed = await first.tab.page.evaluate("me.closed")
        return bool(closed) and closed["code"] == 4409

    await eventually(replaced, 5, "the first session lives on")
    camera = await second.tab.page.evaluate("me.mine.get('camera').publicationId")

    async def only_the_new_one() -> bool:
        return [p["id"] for p in await bela.received() if p["source"] == "camera"] == [camera]

    await eventually(only_the_new_one)
    await bela.wait_for_frames(camera)


async def test_chat_reaches_the_room_or_one(people: People) -> None:
    ada, bela, carl = [await people.join(name) for name in ("ada", "bela", "carl")]
    await ada.call("send", "chat-message", {"message": "Hello, all", "target_user_id": None, "sender_id": "mallory"})
    await ada.call("send", "chat-message", {"message": "Only you", "target_user_id": "carl"})

    async def arrived() -> bool:
        return len(await carl.inbox("chat-message")) == 2

    await eventually(arrived)
    first, second = [frame["payload"] for frame in await carl.inbox("chat-message")]
    assert (first["message"], first["sender_id"]) == ("Hello, all", "ada"), "identity is stamped by the server"
    assert first["message_id"]
    assert (second["message"], second["target_user_id"]) == ("Only you", "carl")
    assert [frame["payload"]["message"] for frame in await bela.inbox("chat-message")] == ["Hello, all"]


@pytest.mark.parametrize("label", ["reliable", "lossy"])
async def test_data_is_relayed(people: People, label: str) -> None:
    ada, bela, carl = [await people.join(name) for name in ("ada", "bela", "carl")]
    for one in (ada, bela, carl):
        await one.call("openData")
    await ada.call("sendData", label, "to everybody")
    await ada.call("sendData", label, "to carl", {"to": ["carl"], "topic": "private"})

    async def data(one: Participant) -> list[dict[str, str]]:
        found: list[dict[str, str]] = await one.tab.page.evaluate("me.data")
        return found

    async def arrived() -> bool:
        return len(await data(carl)) == 2

    await eventually(arrived)
    assert {entry["text"] for entry in await data(carl)} == {"to everybody", "to carl"}
    assert [entry["text"] for entry in await data(bela)] == ["to everybody"]
    assert {entry["label"] for entry in await data(carl)} == {label}
    assert all(entry["header"]["from"] == "ada" for entry in await data(carl))
    assert await data(ada) == []
