"""Virtual backgrounds at the page: the model runs in the browser, others get the picture and are told."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from signaling.pages import PERSON_MODEL
from tests.interop.conftest import People
from tests.interop.test_page import joined
from tests.support.page import RoomPage
from tests.support.participant import eventually

# The mean colour of a picture of somebody, as it is on the stage.
_COLOUR = """(user) => {
    const video = document.querySelector(`.tile[data-user-id="${user}"] video`);
    const canvas = new OffscreenCanvas(16, 9);
    const context = canvas.getContext("2d");
    context.drawImage(video, 0, 0, 16, 9);
    const { data } = context.getImageData(0, 0, 16, 9);
    const sum = [0, 0, 0];
    for (let at = 0; at < data.length; at += 1) if (at % 4 < 3) sum[at % 4] += data[at] / 144;
    return sum;
}"""
# Of slate.svg; the test pattern of the camera is far from it.
_SLATE = (45, 66, 74)


async def user_id(of: RoomPage) -> str:
    found: str = await of.page.evaluate("plenum.userId")
    return found


async def distance(seen_by: RoomPage, user: str) -> float:
    colour = await seen_by.page.evaluate(_COLOUR, user)
    return max(abs(one - other) for one, other in zip(colour, _SLATE, strict=True))


@pytest.mark.skipif(not PERSON_MODEL.is_file(), reason="plenum backgrounds was not run")
async def test_an_image_replaces_what_is_behind(people: People) -> None:
    ada, bela = await joined(people, "Ada"), await joined(people, "Bela")
    await bela.shows(2)
    user = await user_id(ada)
    assert await distance(bela, user) > 40
    await ada.page.get_by_test_id("settings-button").click()
    await ada.page.get_by_role("radio", name="Slate").check()

    async def replaced() -> bool:
        return await distance(bela, user) < 25

    # Nobody is in front of this camera: all of it becomes the image.
    await eventually(replaced, 20, "Bela still sees the room behind Ada")
    await bela.shows(2)
    told = await bela.page.evaluate("(user) => plenum.model.participants.get(user).background", user)
    assert told == {"type": "image", "url": "/static/backgrounds/slate.svg"}

    await ada.page.get_by_role("radio", name="None").check()

    async def as_it_is() -> bool:
        return await distance(bela, user) > 40

    await eventually(as_it_is, 10, "the background stays")
    await ada.page.keyboard.press("Escape")
    await expect(ada.button("Turn off camera")).to_be_visible()
