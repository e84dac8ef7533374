"""Publishers and players that are no browsers, over WHIP and WHEP."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.interop.conftest import People
from tests.interop.test_room_changes import sees, sees_no
from tests.support.participant import eventually
from tests.support.processes import gstreamer, pyav_whip
from tests.support.server import PlenumServer


def write_certificate(directory: Path) -> tuple[Path, Path]:
    """A self-signed P-256 certificate; the WHIP muxer of FFmpeg brings none of its own."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "whip")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    paths = directory / "certificate.pem", directory / "key.pem"
    paths[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    form = serialization.PrivateFormat.TraditionalOpenSSL
    paths[1].write_bytes(key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()))
    return paths


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
