"""A room goes live: browsers in, a real RTMP server and HLS players out."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
from playwright.async_api import Page, expect

from tests.interop.conftest import People
from tests.interop.test_page import joined
from tests.interop.test_room_changes import sees, sees_no
from tests.support.meeting.people import ask, by, more, told
from tests.support.participant import eventually
from tests.support.rtmp_server import RtmpServer, ffprobe
from tests.support.server import PlenumServer


@pytest_asyncio.fixture(loop_scope="session")
async def nginx(tmp_path: Path) -> AsyncIterator[RtmpServer]:
    async with RtmpServer(tmp_path / "nginx") as running:
        yield running


class Studio:
    """The REST calls of one room's host."""

    def __init__(self, server: PlenumServer, room: str) -> None:
        self.server, self.room = server, room
        self._headers = {"Authorization": f"Bearer {server.token('director', room, role='host')}"}

    async def call(self, method: str, path: str, body: Any = None) -> Any:
        url = f"{self.server.url}/webrtc/rooms/{self.room}/live-streams{path}"
        async with httpx.AsyncClient() as client:
            answer = await client.request(method, url, json=body, headers=self._headers, timeout=10)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def status(self, stream_id: str) -> str:
        found = await self.call("GET", "")
        return str(next(s["status"] for s in found["live_streams"] if s["stream_id"] == stream_id))

    async def live(self, stream_id: str, timeout_s: float = 40) -> None:
        async def is_live() -> bool:
            return await self.status(stream_id) == "live"

        await eventually(is_live, timeout_s, "the stream is not live")


async def test_a_room_goes_live(people: People, server: PlenumServer, room: str, nginx: RtmpServer) -> None:
    ada = await people.join("ada")
    await ada.publish("camera")
    await ada.publish("microphone")
    studio = Studio(server, room)
    body = {"stream_url": nginx.url, "stream_key": "KEY-of-the-room", "quality": "480p", "hls": {"public": True}}
    started = await studio.call("POST", "/start", body)
    stream_id = started["stream_id"]
    await studio.live(stream_id)
    found = await nginx.probe("KEY-of-the-room", timeout_s=40)
    video = next(s for s in found["streams"] if s["codec_type"] == "video")
    assert (video["codec_name"], video["width"], video["height"], video["avg_frame_rate"]) == ("h264", 854, 480, "30/1")
    assert next(s for s in found["streams"] if s["codec_type"] == "audio")["codec_name"] == "aac"
    by_hls = await ffprobe(server.url + started["hls_url"], "-analyzeduration", "1500000", timeout_s=40)
    assert {s["height"] for s in by_hls["streams"] if s["codec_type"] == "video"} == {480, 360, 240}
    stopped = await studio.call("POST", f"/{stream_id}/stop")
    assert stopped["status"] == "stopped"
    assert "KEY-of-the-room" not in server.log_text()
    await asyncio.sleep(0.5)
    # Afterwards it is a recording.
    whole = await ffprobe(server.url + started["hls_url"], "-analyzeduration", "1500000")
    assert float(whole["format"]["duration"]) > 2


async def test_the_page_goes_live_and_again(people: People) -> None:
    """What is offered after a stream has ended is what was offered before it."""
    ada = await joined(people, "Ada")
    await more(ada, "more-live")
    for _ in range(2):
        await by(ada, "live-quality").select_option("480p")
        await by(ada, "live-go").click()
        await told(ada, "is live on", 40)
        await expect(by(ada, "live-watch")).to_be_visible()
        await by(ada, "live-stop").click()
        await ask(ada)
        await expect(by(ada, "live-go")).to_have_text("Go live")
        await expect(by(ada, "live-platform")).to_have_value("none")


HLS_JS = Path(__file__).resolve().parents[2] / "web/node_modules/hls.js/dist/hls.min.js"
PLAYING = """
() => { const v = document.querySelector('video');
  return { time: v.currentTime, ready: v.readyState, width: v.videoWidth, height: v.videoHeight, paused: v.paused } }
"""


async def plays(page: Any, seconds: float = 2) -> None:
    """The picture moves on by itself."""
    shown_s = -1.0

    async def moved() -> bool:
        nonlocal shown_s
        now = await page.evaluate(PLAYING)
        if now["ready"] < 2 or now["paused"]:
            return False
        if shown_s < 0:
            shown_s = now["time"]
        return bool(now["time"] - shown_s > seconds)

    await eventually(moved, 40, "the picture does not move")


async def newest_segment(playlist_url: str) -> int:
    """The media sequence number of the last whole segment."""
    async with httpx.AsyncClient() as client:
        text = (await client.get(playlist_url)).text
    assert "#EXT-X-ENDLIST" not in text
    return max(int(number) for number in re.findall(r"seg(\d+)\.m4s", text))


async def a_part_is_damaged(page: Page) -> None:
    """The browser cannot play what came: the page begins with another player, by itself."""
    await page.evaluate("window.playerBefore = plenumPlayer")
    box = b"\0\0\0\x10moof" + bytes(8)  # says that it holds another box, of no length
    await page.route(re.compile(r"/m/.*\.m4s"), lambda route: route.fulfill(body=box), times=1)

    async def another() -> bool:
        return bool(await page.evaluate("plenumPlayer !== window.playerBefore"))

    await eventually(another, 20, "the page stays with a player that cannot play")


async def test_viewers_watch(people: People, server: PlenumServer, room: str) -> None:
    await people.publishing("ada")
    studio = Studio(server, room)
    started = await studio.call("POST", "/start", {"quality": "480p", "hls": {"public": True}})
    await studio.live(started["stream_id"])

    watcher = await people.open(server.url + started["watch_url"])
    await plays(watcher.page)
    latency_s = await watcher.page.evaluate("plenumPlayer.latency")
    assert 0.5 < latency_s < 15

    other = await people.open(server.url + "/watch?room=nowhere&stream=none", bypass_csp=True)
    # It says so in words, and without an error in the console (which would fail the test at its end).
    await expect(other.page.get_by_text("There is no such stream.")).to_be_visible()
    await other.page.add_script_tag(path=str(HLS_JS))
    await other.page.evaluate(
        """(url) => { window.hls = new Hls({ lowLatencyMode: true }); window.hlsErrors = [];
          hls.on(Hls.Events.ERROR, (_, data) => hlsErrors.push(data.details + ' ' + data.fatal));
          const v = document.querySelector('video'); v.muted = true;
          hls.attachMedia(v); hls.loadSource(url); v.play() }""",
        server.url + started["hls_url"],
    )
    await plays(other.page)
    assert not [e for e in await other.page.evaluate("hlsErrors") if e.endswith("true")]
    assert await other.page.evaluate("hls.levels.length") == 3

    async def two() -> bool:
        found = await studio.call("GET", "")
        return int(found["live_streams"][0]["viewer_count"]) == 2

    await eventually(two, 15, "the viewers are not counted")

    async def told() -> bool:
        return "2 viewers" in await watcher.page.inner_text("#viewers")

    await eventually(told, 20, "the watch page does not tell how many watch")
    await a_part_is_damaged(watcher.page)
    await plays(watcher.page)
    # Everybody leaves: the stream goes on, with a slate.
    await people.tabs.pop(0).close()
    playlist_url = await watcher.page.evaluate("plenumPlayer.sessionUrl + '480p.m3u8'")
    before = await newest_segment(playlist_url)

    async def goes_on() -> bool:
        return await newest_segment(playlist_url) >= before + 2

    await eventually(goes_on, 30, "the stream has stopped")
    await studio.call("POST", f"/{started['stream_id']}/stop")
    await expect(watcher.page.get_by_text("The stream has ended.")).to_be_visible(timeout=30_000)


@pytest.mark.parametrize("b_frames", [0, 2])
async def test_an_encoder_publishes_by_rtmp(people: People, server: PlenumServer, room: str, b_frames: int) -> None:
    bela = await people.join("bela")
    url = f"rtmp://127.0.0.1:{server.settings['PLENUM_LIVE__INGEST_PORT']}/live/{server.token('obs', room)}"
    source = [
        "-re",
        "-f",
        "lavfi",
        "-i",
        "testsrc2=size=640x360:rate=30",
        "-f",
        "lavfi",
        "-i",
        "sine=440:sample_rate=44100",
    ]
    video = ["-c:v", "libx264", "-preset", "veryfast", "-bf", str(b_frames), "-g", "60", "-pix_fmt", "yuv420p"]
    encoder = await asyncio.create_subprocess_exec(
        "ffmpeg", "-v", "error", *source, *video, "-c:a", "aac", "-t", "30", "-f", "flv", url
    )
    try:
        camera, voice = await sees(bela, "obs", "camera"), await sees(bela, "obs", "microphone")
        await bela.wait_for_frames(camera, count=20, timeout_s=20)
        await bela.wait_for_sound(voice, count=20)
        assert abs((await bela.call("toneOf", voice))["hz"] - 440) < 15
    finally:
        encoder.terminate()
        await encoder.wait()
    await sees_no(bela, "obs", "camera")
