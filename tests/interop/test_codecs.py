"""Each codec that can be chosen in the settings, and the cipher that older peers need."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.interop.conftest import SETTINGS, People
from tests.interop.test_room_changes import sees
from tests.support.chromium import Chromium
from tests.support.participant import Participant, eventually
from tests.support.server import PlenumServer

MATRIX = ["VP8", "VP9", "H264", "AV1"]


@pytest.mark.parametrize("codec", MATRIX)
async def test_a_codec_chosen_by_the_server(chromium: Chromium, tmp_path: Path, codec: str) -> None:
    settings = {**SETTINGS, "PLENUM_MEDIA__VIDEO_CODECS": codec, "PLENUM_MEDIA__AUDIO_RED": "true"}
    async with PlenumServer(tmp_path, settings) as server:
        ada = await Participant.open(chromium, server, "codecs", "ada")
        bela = await Participant.open(chromium, server, "codecs", "bela")
        await ada.publish("camera")
        await ada.publish("microphone", toneHz=440)
        camera, voice = await sees(bela, "ada", "camera"), await sees(bela, "ada", "microphone")
        await bela.wait_for_frames(camera, count=30)
        await bela.wait_for_sound(voice, count=40)
        tone = await bela.call("toneOf", voice)
        carl = await Participant.open(chromium, server, "codecs", "carl")
        await carl.wait_for_frames(await sees(carl, "ada", "camera"), count=10)
        inbound = (await bela.tab.sample())["inbound"]
        used = {entry["kind"]: entry["codec"] for entry in inbound}
        frozen = [entry["totalFreezesDuration"] for entry in inbound if entry["kind"] == "video"]
        for one in (ada, bela, carl):
            await one.close()
    assert used["video"] == f"video/{codec}"
    assert used["audio"] in ("audio/opus", "audio/red")
    assert abs(tone["hz"] - 440) < 15
    # A newcomer's key frame must not stop the picture of those who are there.
    assert frozen[0] < 0.5


@pytest.mark.parametrize("codec", MATRIX)
async def test_a_publisher_of_one_codec_only(people: People, codec: str) -> None:
    ada, bela = await people.join("ada"), await people.join("bela")
    await ada.publish("camera", codec=f"video/{codec}")
    camera = await sees(bela, "ada", "camera")
    await bela.wait_for_frames(camera, count=10)
    assert {entry["codec"] for entry in (await bela.tab.sample())["inbound"]} == {f"video/{codec}"}


async def test_two_codecs_in_one_room(people: People) -> None:
    ada, bela, carl = [await people.join(name) for name in ("ada", "bela", "carl")]
    await ada.publish("camera", codec="video/VP9")
    await bela.publish("camera", codec="video/H264")
    for user in ("ada", "bela"):
        await carl.wait_for_frames(await sees(carl, user, "camera"), count=10)


async def test_peers_without_gcm_get_aes_cm(people: People) -> None:
    # A browser that is the DTLS server picks the oldest profile both know.
    ada, bela = await people.join("ada", dtlsPassive=True), await people.join("bela", dtlsPassive=True)
    await ada.publish("camera")
    await ada.publish("microphone", toneHz=440)
    await bela.wait_for_frames(await sees(bela, "ada", "camera"), count=20)
    await bela.wait_for_sound(await sees(bela, "ada", "microphone"))
    ciphers = [peer["srtpCipher"] for one in (ada, bela) for peer in (await one.tab.sample())["peers"]]
    assert ciphers
    assert all("CM_HMAC_SHA1_80" in cipher for cipher in ciphers), ciphers


async def test_three_encodings_of_one_camera(people: People) -> None:
    ada, bela = await people.join("ada"), await people.join("bela")
    encodings = [
        {"rid": "q", "scaleResolutionDownBy": 4, "maxBitrate": 100_000},
        {"rid": "h", "scaleResolutionDownBy": 2, "maxBitrate": 300_000},
        {"rid": "f", "maxBitrate": 900_000},
    ]
    await ada.publish("camera", encodings=encodings)
    camera = await sees(bela, "ada", "camera")
    await bela.wait_for_frames(camera, count=30)

    async def all_sent() -> bool:
        return {entry["rid"] for entry in (await ada.tab.sample())["outbound"] if entry["framesSent"]} >= {"q", "h"}

    await eventually(all_sent, 10, "the sender does not send several encodings")
    await bela.wait_for_frames(camera, count=30)
    (entry,) = [entry for entry in (await bela.tab.sample())["inbound"] if entry["kind"] == "video"]
    assert entry["totalFreezesDuration"] < 0.5, entry


async def test_who_is_silent_sends_next_to_nothing(people: People) -> None:
    ada, bela = await people.join("ada"), await people.join("bela")
    await ada.publish("microphone", toneHz=440)
    voice = await sees(bela, "ada", "microphone")
    await bela.wait_for_sound(voice, count=40)
    speaking = await packets_in(bela, voice, 2)
    await ada.tab.page.evaluate("me.mine.get('microphone').track.enabled = false")
    await asyncio.sleep(1.5)
    silent = await packets_in(bela, voice, 2)
    await ada.tab.page.evaluate("me.mine.get('microphone').track.enabled = true")
    await bela.wait_for_sound(voice, count=40, timeout_s=2)
    assert abs((await bela.call("toneOf", voice))["hz"] - 440) < 15
    assert speaking >= 80
    assert 3 <= silent <= 15, "two in 400 ms: how the silence sounds, and that it begins"


async def packets_in(one: Participant, publication_id: str, seconds: float) -> int:
    before = await one.packets_of(publication_id)
    await asyncio.sleep(seconds)
    return await one.packets_of(publication_id) - before
