"""From a flash before one browser's camera to the picture in another's: low-latency HLS, plain HLS, and WHEP.

    python -m tests.bench.glass_to_glass [--seconds 40] [--quality 480p] [--renditions 3] [--only low-latency]

All on one machine, so by one clock. Low-latency HLS is watched with the watch page, plain HLS with hls.js.
"""

from __future__ import annotations

import argparse
import asyncio
import json
from bisect import bisect_right
from pathlib import Path
from typing import Any

from tests.support.chromium import Chromium, Tab
from tests.support.live_stage import LiveStage, Stoppages
from tests.support.participant import Participant, eventually

HLS_JS = Path(__file__).resolve().parents[2] / "web/node_modules/hls.js/dist/hls.min.js"
LIMITS_MS = {"low latency": 3_000, "plain": 8_000, "whep": 300}
_CAMERA = """async () => {
  const canvas = Object.assign(document.createElement('canvas'), { width: 640, height: 360 });
  const context = canvas.getContext('2d');
  window.flashes = [];
  let on = false, turn = 0;
  const draw = () => {
    const now = performance.timeOrigin + performance.now();
    const wanted = now % 5000 < 500;
    context.fillStyle = wanted ? '#fff' : `hsl(${turn++ % 360} 60% 20%)`;
    context.fillRect(0, 0, 640, 360);
    if (wanted && !on) flashes.push(now);
    on = wanted;
  };
  draw();
  setInterval(draw, 33);
  await me.publish('camera', { track: canvas.captureStream(30).getVideoTracks()[0] });
}"""
_LOOK = """() => {
  const video = document.querySelector('video');
  const small = Object.assign(document.createElement('canvas'), { width: 16, height: 9 });
  const context = small.getContext('2d', { willReadFrequently: true });
  window.seen = [];
  let on = false;
  const look = () => {
    context.drawImage(video, 0, 0, 16, 9);
    const { data } = context.getImageData(6, 3, 4, 3);
    const bright = data.reduce((sum, value) => sum + value, 0) / data.length > 180;
    if (bright && !on) seen.push(performance.timeOrigin + performance.now());
    on = bright;
    video.requestVideoFrameCallback(look);
  };
  video.requestVideoFrameCallback(look);
}"""
_PLAIN = """(url) => {
  window.hls = new Hls({ lowLatencyMode: false });
  const video = document.querySelector('video');
  video.muted = true;
  hls.attachMedia(video);
  hls.loadSource(url);
  video.play();
}"""
_WHEP = """async ([url, token]) => {
  const peer = (window.peer = new RTCPeerConnection());
  peer.addTransceiver('video', { direction: 'recvonly' });
  peer.ontrack = ({ streams, track }) => {
    const video = document.querySelector('video');
    video.srcObject = streams[0] ?? new MediaStream([track]);
    video.muted = true;
    video.play();
  };
  await peer.setLocalDescription();
  const headers = { 'Content-Type': 'application/sdp', Authorization: `Bearer ${token}` };
  const answer = await fetch(url, { method: 'POST', headers, body: peer.localDescription.sdp });
  await peer.setRemoteDescription({ type: 'answer', sdp: await answer.text() });
}"""


async def blank(chromium: Chromium, stage: LiveStage) -> Tab:
    """A page of the server's origin with a video element and nothing else."""
    tab = await chromium.open(f"{stage.server.url}/webrtc/health", bypass_csp=True)
    await tab.page.set_content("<video width=640 height=360></video>")
    return tab


async def low_latency(chromium: Chromium, stage: LiveStage, info: dict[str, Any]) -> Tab:
    return await chromium.open(stage.server.url + info["watch_url"])


async def plain(chromium: Chromium, stage: LiveStage, info: dict[str, Any]) -> Tab:
    tab = await blank(chromium, stage)
    await tab.page.add_script_tag(path=str(HLS_JS))
    await tab.page.evaluate(_PLAIN, stage.server.url + info["hls_url"])
    return tab


async def whep(chromium: Chromium, stage: LiveStage, info: dict[str, Any]) -> Tab:
    tab = await blank(chromium, stage)
    token = stage.server.token("viewer", "bench")
    await tab.page.evaluate(_WHEP, [f"{stage.server.url}/webrtc/whep/bench", token])
    return tab


def delays_ms(flashes: list[float], seen: list[float]) -> list[float]:
    """Of each flash that was seen: from the canvas to the screen. Flashes are 5 s apart, delays shorter than 10 s."""
    found = []
    for at in seen:
        # The delay is known to lie within a period only up to a multiple of it: the player's own figure settles that.
        index = bisect_right(flashes, at) - 1
        if index >= 0:
            found.append(at - flashes[index])
    return found


async def measure(tab: Tab, camera: Tab, seconds: float, least_ms: float) -> dict[str, Any]:
    """Let it settle, look at it for a while, and close it."""

    async def moves() -> bool:
        return bool(await tab.page.evaluate("document.querySelector('video').currentTime > 0.5"))

    await eventually(moves, 60, "nothing is shown")
    await asyncio.sleep(10)
    await tab.page.evaluate(_LOOK)
    await asyncio.sleep(seconds)
    seen, flashes = await tab.page.evaluate("seen"), await camera.page.evaluate("flashes")
    said = await tab.page.evaluate("window.plenumPlayer?.latency ?? window.hls?.latency ?? null")
    await tab.close()
    delays = [one + (5_000 if one < least_ms else 0) for one in delays_ms(flashes, seen)]
    delays.sort()
    if not delays:
        return {"flashes_seen": 0}
    return {
        "flashes_seen": len(delays),
        "median_ms": round(delays[len(delays) // 2]),
        "most_ms": round(delays[-1]),
        "player_says_s": said,
    }


async def run(seconds: float, quality: str, renditions: int, only: str | None) -> None:
    settings = {"PLENUM_LIVE__RENDITIONS": str(renditions)}
    async with LiveStage(settings, film=None) as stage, Chromium(stage.folder) as chromium:
        stoppages = Stoppages()
        camera = await Participant.open(chromium, stage.server, "bench", "camera")
        await camera.tab.page.evaluate(_CAMERA)
        info = await stage.start(quality=quality, hls={"public": True})
        found: dict[str, Any] = {}
        # A plain player is never less than two segments behind.
        for name, opened, least_ms in (("whep", whep, 0), ("low latency", low_latency, 0), ("plain", plain, 3_500)):
            if only is None or only == name.replace(" ", "-"):
                tab = await opened(chromium, stage, info)
                found[name] = await measure(tab, camera.tab, seconds, least_ms) | {"limit_ms": LIMITS_MS[name]}
                print(name, found[name], flush=True)
        found["machine_stopped_us_s"] = stoppages.close()
        print(json.dumps(found, indent=1), flush=True)
        await stage.stop(info["stream_id"])


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=40)
    parser.add_argument("--quality", default="480p")
    parser.add_argument("--renditions", type=int, default=3)
    parser.add_argument("--only", choices=["low-latency", "plain", "whep"])
    given = parser.parse_args()
    asyncio.run(run(given.seconds, given.quality, given.renditions, given.only))
