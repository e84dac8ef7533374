"""A live stream watched for ten minutes: by hls.js, by the watch page, by FFmpeg, and by Apple's rules.

    python -m tests.bench.live_hls [--minutes 10] [--quality 480p]

Prints stalls of both players, what of the rules did not hold, and bitrates said and measured.
"""

from __future__ import annotations

import argparse
import asyncio
import json
from pathlib import Path

from tests.support.chromium import Chromium, Tab
from tests.support.hls_rules import RuleBook
from tests.support.live_stage import LiveStage, Stoppages
from tests.support.participant import eventually
from tests.support.rtmp_server import ffprobe

HLS_JS = Path(__file__).resolve().parents[2] / "web/node_modules/hls.js/dist/hls.min.js"
_PLAY = """(url) => {
  window.hls = new Hls({ lowLatencyMode: true }); window.found = [];
  hls.on(Hls.Events.ERROR, (_, data) => found.push(data.details + (data.fatal ? ' fatal' : '')));
  const v = document.querySelector('video'); v.muted = true;
  hls.attachMedia(v); hls.loadSource(url); v.play(); }"""
# Counted from the first picture on.
_COUNT = """() => { const v = document.querySelector('video');
  window.stalls = { waited: 0, since: v.currentTime, at: performance.now() };
  v.addEventListener('waiting', () => { stalls.waited += 1; }); }"""
_FIGURES = """() => {
  const v = document.querySelector('video');
  const quality = v.getVideoPlaybackQuality();
  return {
    waited: stalls.waited, played_s: v.currentTime - stalls.since, passed_s: (performance.now() - stalls.at) / 1e3,
    dropped: quality.droppedVideoFrames, frames: quality.totalVideoFrames,
    latency_s: window.hls ? hls.latency : plenumPlayer.latency, found: window.found ?? [],
  };
}"""


async def playing(tab: Tab) -> None:
    async def ready() -> bool:
        return bool(await tab.page.evaluate("document.querySelector('video').currentTime > 1"))

    await eventually(ready, 60, "nothing is shown")
    await tab.page.evaluate(_COUNT)


async def ffmpeg_plays(url: str, seconds: float) -> str:
    """FFmpeg's complaints while it plays (all renditions are decoded); empty: none."""
    process = await asyncio.create_subprocess_exec(
        *("ffmpeg", "-v", "warning", "-re", "-i", url, "-t", str(seconds), "-f", "null", "-"),
        stderr=asyncio.subprocess.PIPE,
    )
    _, words = await process.communicate()
    return words.decode()[-1_500:]


async def run(minutes: float, quality: str) -> None:
    async with LiveStage() as stage, Chromium(stage.folder) as chromium:
        stoppages = Stoppages()
        info = await stage.start(quality=quality, hls={"public": True})
        url = stage.server.url + info["hls_url"]
        rules = RuleBook(url)
        await rules.open()
        watch = await chromium.open(stage.server.url + info["watch_url"])
        by_hls_js = await chromium.open(f"{stage.server.url}/webrtc/health", bypass_csp=True)
        await by_hls_js.page.set_content("<video controls></video>")
        await by_hls_js.page.add_script_tag(path=str(HLS_JS))
        await by_hls_js.page.evaluate(_PLAY, url)
        await playing(watch)
        await playing(by_hls_js)
        _, words = await asyncio.gather(rules.follow(minutes * 60), ffmpeg_plays(url, 20))
        found = {
            "hls.js": await by_hls_js.page.evaluate(_FIGURES),
            "watch page": await watch.page.evaluate(_FIGURES),
            "ffprobe": [one.get("width", one["codec_name"]) for one in (await ffprobe(url, timeout_s=60))["streams"]],
            "ffmpeg_complains_of": words,
            "viewers": (await stage.info(info["stream_id"]))["viewer_count"],
            "rules": await rules.finish(),
            "machine_stopped_us_s": stoppages.close(),
            "console": watch.errors,
        }
        await stage.stop(info["stream_id"])
        print(json.dumps(found, indent=1), flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--quality", default="480p")
    given = parser.parse_args()
    asyncio.run(run(given.minutes, given.quality))
