"""Publishers and players that are no browsers, over WHIP and WHEP."""

from __future__ import annotations

import asyncio
from pathlib import Path

import httpx
import pytest

from tests.interop.conftest import People
from tests.interop.test_room_changes import sees, sees_no
from tests.support.certificates import write_certificate
from tests.support.participant import eventually
from tests.support.processes import gstreamer, pyav_whip
from tests.support.server import PlenumServer


def whip_url(server: PlenumServer, room: str) -> str:
    return f"http://127.0.0.1:{server.port}/webrtc/whip/{room}"


def whep_url(server: PlenumServer, room: str) -> str:
    return f"http://127.0.0.1:{server.port}/webrtc/whep/{room}"


@pytest.mark.parametrize("video", ["vp8", "h264"])
async def test_gstreamer_publishes_to_a_browser(people: People, server: PlenumServer, room: str, video: str) -> None:
    bela = await people.join("bela")
    async with gstreamer(
        "publish", whip_url(server, room), server.token("gst", room), video=video, seconds=7
    ) as client:
        camera, voice = await sees(bela, "gst", "camera"), await sees(bela, "gst", "microphone")
        await bela.wait_for_frames(camera, count=20)
        await bela.wait_for_sound(voice, count=20)
        tone = await bela.call("toneOf", voice)
        # The second viewer needs a key frame, which a sender of few gives only when asked.
        carl = await people.join("carl")
        await carl.wait_for_frames(await sees(carl, "gst", "camera"), count=5)
        sample = await bela.tab.sample()
        assert await client.wait() == 0, client.output
    assert abs(tone["hz"] - 440) < 15
    assert {entry["codec"] for entry in sample["inbound"]} == {f"video/{video.upper()}", "audio/opus"}
    await sees_no(bela, "gst", "camera")  # it said DELETE


async def test_ffmpeg_publishes_to_a_browser(people: People, server: PlenumServer, room: str, tmp_path: Path) -> None:
    bela = await people.join("bela")
    certificate, key = write_certificate(tmp_path)
    async with pyav_whip(whip_url(server, room), server.token("av", room), certificate, key, seconds=7) as client:
        try:
            camera, voice = await sees(bela, "av", "camera"), await sees(bela, "av", "microphone")
            await bela.wait_for_frames(camera, count=20)
            await bela.wait_for_sound(voice, count=20)
            tone = await bela.call("toneOf", voice)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{client.output}") from error
        assert await client.wait() == 0, client.output
    assert abs(tone["hz"] - 440) < 15


async def test_gstreamer_plays_what_a_browser_publishes(people: People, server: PlenumServer, room: str) -> None:
    ada = await people.publishing("ada")
    await asyncio.sleep(2)
    async with gstreamer("play", whep_url(server, room), server.token("viewer", room), seconds=6) as client:
        assert await client.wait() == 0, client.output
        received = client.last("done")["received"]
    assert received.get("video/x-raw", 0) > 40, client.output
    assert received.get("audio/x-raw", 0) > 100, client.output
    assert "viewer" not in [frame["payload"]["username"] for frame in await ada.inbox("user-joined")]


async def test_whip_to_whep_without_any_browser(server: PlenumServer, room: str) -> None:
    async with gstreamer("publish", whip_url(server, room), server.token("gst", room), seconds=9) as publisher:
        await eventually(lambda: any(e.get("state") == "connected" for e in publisher.events), 6, "not connected")
        async with gstreamer("play", whep_url(server, room), server.token("viewer", room), seconds=5) as player:
            assert await player.wait() == 0, player.output
            received = player.last("done")["received"]
    assert received.get("video/x-raw", 0) > 30, player.output
    assert received.get("audio/x-raw", 0) > 80, player.output


async def test_a_refused_publisher_learns_why(server: PlenumServer, room: str) -> None:
    headers = {"Content-Type": "application/sdp"}
    async with httpx.AsyncClient() as client:
        without = await client.post(whip_url(server, room), content="v=0\r\n", headers=headers)
        bearer = {**headers, "Authorization": f"Bearer {server.token('x', 'another-room')}"}
        elsewhere = await client.post(whip_url(server, room), content="v=0\r\n", headers=bearer)
        bearer["Authorization"] = f"Bearer {server.token('x', room)}"
        nonsense = await client.post(whip_url(server, room), content="hello", headers=bearer)
        nobody = await client.post(whep_url(server, f"{room}-empty"), content="v=0\r\n", headers=headers)
    assert without.status_code == 401
    assert elsewhere.status_code == 403
    assert 400 <= nonsense.status_code < 500
    assert nobody.status_code == 401
    for answer in (without, elsewhere, nonsense):
        assert answer.json()["error_code"]
