"""Layers of real encoders: simulcast and SVC are told apart, measured, and switched at a viewer's wish."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.interop.conftest import People
from tests.interop.test_room_changes import sees
from tests.support.chromium import read_script
from tests.support.firefox import Firefox
from tests.support.participant import Participant, eventually
from tests.support.server import PlenumServer

THREE = [
    {"rid": "q", "scaleResolutionDownBy": 4, "maxBitrate": 150_000},
    {"rid": "h", "scaleResolutionDownBy": 2, "maxBitrate": 400_000},
    {"rid": "f", "maxBitrate": 900_000},
]
SVC = [{"scalabilityMode": "L3T3_KEY", "maxBitrate": 1_200_000}]
# At 640x360 Chromium sends two spatial layers, whatever the mode says. Its simulcast is held by tests.bench.scenarios.
CASES = [
    pytest.param("VP9", SVC, (640, 360), 180, id="VP9-SVC"),
    pytest.param("AV1", SVC, (640, 360), 180, id="AV1-SVC"),
]


async def explained(server: PlenumServer, room: str, username: str) -> dict[str, Any]:
    async with httpx.AsyncClient() as http:
        url = f"{server.url}/webrtc/rooms/{room}/participants/{username}/explain"
        answer = await http.get(url, headers={"Authorization": f"Bearer {server.token(username, room)}"})
    answer.raise_for_status()
    found: dict[str, Any] = answer.json()
    return found


async def wish(one: Participant, publication_id: str, quality: str) -> None:
    payload = {"tracks": {publication_id: {"quality": quality}}}
    await one.tab.page.evaluate("(given) => me.request('subscription-preferences', given)", payload)


async def shows(one: Participant, height: int, timeout_s: float = 15) -> None:
    seen: list[int] = []

    async def so() -> bool:
        inbound = [entry for entry in (await one.tab.sample())["inbound"] if entry["kind"] == "video"]
        seen[:] = [entry["frameHeight"] or 0 for entry in inbound]
        return seen == [height]

    try:
        await eventually(so, timeout_s)
    except AssertionError:
        raise AssertionError(f"{one.username} is shown {seen} lines instead of {height}") from None


@pytest.mark.parametrize(("codec", "encodings", "size", "least"), CASES)
async def test_a_viewer_goes_down_and_up_between_layers(
    people: People,
    server: PlenumServer,
    room: str,
    codec: str,
    encodings: list[dict[str, Any]],
    size: tuple[int, int],
    least: int,
) -> None:
    width, top = size
    ada, bela = await people.join("ada"), await people.join("bela")
    await ada.publish("camera", codec=f"video/{codec}", encodings=encodings, width=width, height=top)
    camera = await sees(bela, "ada", "camera")
    await bela.wait_for_frames(camera, count=5)
    await shows(bela, top, 25)

    await wish(bela, camera, "low")
    await shows(bela, least)
    await bela.wait_for_frames(camera, count=20)
    found = await explained(server, room, "bela")
    (track,) = found["received"]
    assert track["current"]["height"] == track["preferred"]["height"] == least, track
    assert found["estimate"]["feedback"] == "transport-wide"

    await wish(bela, camera, "auto")
    await shows(bela, top)
    await bela.wait_for_frames(camera, count=20)
    (sent,) = (await explained(server, room, "ada"))["sent"]
    assert [layer["rid"] for layer in sent["layers"]] == [encoding.get("rid") for encoding in encodings]
    assert max(layer["height"] or 0 for layer in sent["layers"]) == top


async def test_simulcast_of_firefox(people: People, server: PlenumServer, room: str, tmp_path: Path) -> None:
    bela = await people.join("bela")
    async with Firefox(tmp_path) as firefox:
        await firefox.goto(server.url)
        for script in ("probe.js", "participant.js"):
            await firefox.evaluate(f"(() => {{ {read_script(script)} }})()")
        await firefox.evaluate("void (window.me = new __Participant({}))")
        await firefox.evaluate(f"me.join({json.dumps(room)}, {json.dumps(server.token('felix', room))}).then(() => 1)")
        options = {"encodings": THREE, "width": 640, "height": 360}
        await firefox.evaluate(f"me.publish('camera', {json.dumps(options)})")
        camera = await sees(bela, "felix", "camera")
        await bela.wait_for_frames(camera, count=5)
        heights: list[list[int | None]] = []

        async def all_three() -> bool:
            (sent,) = (await explained(server, room, "felix"))["sent"]
            heights.append([layer["height"] for layer in sent["layers"] if layer["active"]])
            return len(heights[-1]) == 3

        await eventually(all_three, 20, "not all of Firefox's layers arrive")
        for quality in ("low", "auto"):
            await wish(bela, camera, quality)
            await bela.wait_for_frames(camera, count=20)
        (track,) = (await explained(server, room, "bela"))["received"]
        assert track["current"]["rid"] == track["target"]["rid"] == "f", track
        await firefox.evaluate("me.leave()")
