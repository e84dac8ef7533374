"""A call between Firefox and Chromium."""

from __future__ import annotations

import json
from pathlib import Path

from tests.interop.conftest import People
from tests.interop.test_room_changes import sees
from tests.support.chromium import read_script
from tests.support.firefox import Firefox
from tests.support.participant import eventually
from tests.support.server import PlenumServer


async def test_firefox_and_chromium_see_and_hear_each_other(
    people: People, server: PlenumServer, room: str, tmp_path: Path
) -> None:
    ada = await people.publishing("ada")
    async with Firefox(tmp_path) as firefox:
        await firefox.goto(server.url)
        for script in ("probe.js", "participant.js"):
            await firefox.evaluate(f"(() => {{ {read_script(script)} }})()")
        await firefox.evaluate("void (window.me = new __Participant({}))")
        await firefox.evaluate(f"me.join({json.dumps(room)}, {json.dumps(server.token('felix', room))}).then(() => 1)")
        await firefox.evaluate("me.publish('camera')")
        await firefox.evaluate("me.publish('microphone')")  # the fake device's tone, see firefox.py

        camera, voice = await sees(ada, "felix", "camera"), await sees(ada, "felix", "microphone")
        await ada.wait_for_frames(camera, count=30, timeout_s=15)
        await ada.wait_for_sound(voice, count=30)
        tone = await ada.call("toneOf", voice)
        assert abs(tone["hz"] - 660) < 15

        async def decodes() -> bool:
            inbound = (await firefox.evaluate("__probe.sample()"))["inbound"]
            frames = sum(entry["framesDecoded"] or 0 for entry in inbound if entry["kind"] == "video")
            sound = sum(entry["packetsReceived"] or 0 for entry in inbound if entry["kind"] == "audio")
            return frames > 30 and sound > 30

        await eventually(decodes, 15, "Firefox decodes nothing")

        # Several rounds of negotiation, with the sections used again.
        for _ in range(2):
            await ada.publish("screen")

            async def shared() -> bool:
                received = await firefox.evaluate("me.receivedList()")
                return any(one["source"] == "screen" and one["width"] > 0 for one in received)

            await eventually(shared, 10, "Firefox does not show the screen")
            await ada.unpublish("screen")

            async def ended() -> bool:
                return all(one["source"] != "screen" for one in await firefox.evaluate("me.receivedList()"))

            await eventually(ended, 10, "Firefox still shows the screen")
        await firefox.evaluate("me.leave()")
        assert not firefox.errors
