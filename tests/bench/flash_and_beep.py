"""A flash and a beep made by Chromium (canvas and WebAudio), recorded as program and tracks on a real S3 server.

    python -m tests.bench.flash_and_beep [--minutes 10] [--loss 0.03] [--quality 480p]

``--loss`` holds for the middle third of the time; 0 for none. Printed, for each third: how much later each flash is
than its beep in the program, and between the two track files. The page notes how late it drew each flash itself, and
that much is subtracted. Then the memory of the worker, minute by minute, and how the lengths compare with the clock.
"""

from __future__ import annotations

import argparse
import asyncio
import re
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import av
import httpx
import numpy as np
from numpy.typing import NDArray

from tests.support.chromium import Chromium
from tests.support.media_judge import overlaps
from tests.support.participant import Participant
from tests.support.relay import Impairment
from tests.support.relay_process import PathHandle, RelayProcess
from tests.support.s3_server import ACCESS_KEY, BUCKET, SECRET_KEY, S3Server
from tests.support.server import PlenumServer

ROOM = "flash"
_LAG = re.compile(r'plenum_job_upload_lag_parts\{kind="recording"\} (\S+)')
FROZEN_S = 4.0
"""A pause of ours longer than this is a machine that stood still; what lies near it is left out."""
Times = NDArray[np.float64]

SOURCE = """([every, long]) => {
  const context = new AudioContext({ sampleRate: 48000 });
  const oscillator = context.createOscillator(), gain = context.createGain();
  const output = context.createMediaStreamDestination();
  oscillator.frequency.value = 1000;
  gain.gain.value = 0;
  oscillator.connect(gain).connect(output);
  oscillator.start();
  void context.resume();
  let planned = Math.ceil(context.currentTime / every + 1) * every;
  const plan = () => {
    for (; planned < context.currentTime + 30; planned += every) {
      gain.gain.setValueAtTime(0.5, planned);
      gain.gain.setValueAtTime(0, planned + long);
    }
  };
  plan();
  setInterval(plan, 5000);
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [320, 180];
  document.body.append(canvas);
  const paint = canvas.getContext("2d");
  window.flashes = [];
  let bright = false, count = 0;
  const draw = () => {
    const at = context.currentTime % every;
    if (at < long !== bright) {
      bright = !bright;
      if (bright) flashes.push([Date.now() / 1000, at]);
    }
    paint.fillStyle = bright ? "#fff" : "#222";
    paint.fillRect(0, 0, 320, 180);
    paint.fillStyle = bright ? "#ddd" : "#444";
    paint.fillRect(count++ % 64 * 5, 0, 20, 20);
    requestAnimationFrame(draw);
  };
  draw();
  window.made = [canvas.captureStream(30).getVideoTracks()[0], output.stream.getAudioTracks()[0]];
}"""
EVERY_S, LONG_S = 2.5, 0.2


@dataclass
class Watched:
    """What was seen while it ran. Times are Unix seconds."""

    memory_mb: list[int]
    cpu: list[float]
    frozen: list[tuple[float, float]]
    lag_parts: int = 0


def settings(folder: Path, s3: S3Server) -> dict[str, str]:
    return {
        "PLENUM_RECORDING__FOLDER": str(folder / "recordings"),
        # A machine that others share may stand still for minutes.
        "PLENUM_ROOMS__SESSION_TIMEOUT_S": "600",
        "PLENUM_RECORDING__PART_SIZE_MB": "5",
        "PLENUM_RECORDING__S3__BUCKET": BUCKET,
        "PLENUM_RECORDING__S3__ENDPOINT_URL": s3.url,
        "PLENUM_RECORDING__S3__ACCESS_KEY_ID": ACCESS_KEY,
        "PLENUM_RECORDING__S3__SECRET_ACCESS_KEY": SECRET_KEY,
        "PLENUM_RECORDING__S3__PATH_STYLE": "true",
    }


class Api:
    """The room's recordings as its host sees them."""

    def __init__(self, server: PlenumServer, lifetime_s: int) -> None:
        token = server.token("ada", room=ROOM, role="host", lifetime_s=lifetime_s)
        headers = {"Authorization": f"Bearer {token}"}
        url = f"{server.url}/webrtc/rooms/{ROOM}/recordings"
        self._metrics = f"{server.url}/webrtc/metrics"
        self.client = httpx.AsyncClient(base_url=url, headers=headers, timeout=60, follow_redirects=True)

    async def get(self) -> dict[str, Any]:
        answer = (await self.client.get("")).raise_for_status()
        found: dict[str, Any] = answer.json()["recordings"][0]
        return found

    async def lag_parts(self) -> int:
        """How many full parts the upload waits with, as Prometheus is told."""
        text = (await self.client.get(self._metrics)).raise_for_status().text
        return max((int(float(lag)) for lag in _LAG.findall(text)), default=0)

    async def end(self) -> dict[str, Any]:
        """The recording when it is over."""
        while True:
            found = await self.get()
            if found["status"] in ("stopped", "failed"):
                return found
            await asyncio.sleep(0.5)


async def watch(api: Api, path: PathHandle, ada: Participant, seconds: float, loss: float) -> Watched:
    """Wait and look now and then; the loss comes and goes meanwhile."""
    seen = Watched([], [], [])
    begun = last = time.time()
    bad = False
    while (elapsed := time.time() - begun) < seconds:
        if bad != (loss > 0 and seconds / 3 <= elapsed < seconds * 2 / 3):
            bad = not bad
            line = Impairment(loss=loss if bad else 0.0, delay_ms=20)
            await path.change(line, line)
        if elapsed >= len(seen.memory_mb) * min(60.0, seconds / 6):
            now = await api.get()
            seen.memory_mb.append(round(now["memory_bytes"] / 1e6))
            seen.cpu.append(now["cpu"])
            size = f"{now['size_bytes']:,} bytes"
            print(f"{elapsed:6.0f} s  {seen.memory_mb[-1]} MB  {now['cpu']:.0%} of a core  {size}", flush=True)
        seen.lag_parts = max(seen.lag_parts, await api.lag_parts())
        await asyncio.sleep(1.0)
        if time.time() - last > FROZEN_S:
            seen.frozen.append((last, time.time()))
            print(f"the machine stood still for {time.time() - last:.0f} s", flush=True)
            if time.time() - last > 20:
                await ada.call("restartIce", "publish")
        last = time.time()
    return seen


def flashes_of(path: Path) -> Times:
    """When the middle of the picture becomes bright."""
    found, before = [], True
    with av.open(str(path)) as container:
        container.streams.video[0].thread_type = "AUTO"
        for frame in container.decode(video=0):
            plane = frame.planes[0]
            bright = memoryview(plane)[frame.height // 2 * plane.line_size + frame.width // 2] > 150
            if bright and not before and frame.time is not None:
                found.append(frame.time)
            before = bright
    return np.array(found)


def beeps_of(path: Path) -> Times:
    """When a sound begins after a silence, to the millisecond."""
    found: list[float] = []
    last_loud = float("-inf")
    with av.open(str(path)) as container:
        for frame in container.decode(audio=0):
            assert frame.time is not None
            sound = np.abs(frame.to_ndarray().reshape(-1, frame.samples)).max(axis=0)
            if sound.dtype == np.int16:
                sound = sound / 32_768
            for place in np.flatnonzero(sound > 0.05):
                at = frame.time + place / frame.sample_rate
                if at - last_loud > 0.5:
                    found.append(at)
                last_loud = at
    return np.array(found)


def skews(flashes: Times, beeps: Times, lateness: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Time of each flash and how much later than its beep it is, less what the page was late (same clock as both)."""
    found = []
    drawn = np.array([at for at, _ in lateness])
    for beep in beeps:
        near = flashes[np.abs(flashes - beep) < 0.5]
        page = np.flatnonzero(np.abs(drawn - beep) < 1.0)
        if len(near) and len(page):
            found.append((float(beep), float(near[0] - beep) - lateness[page[0]][1]))
    return found


def tell(
    name: str, found: list[tuple[float, float]], seconds: float, frozen: list[tuple[float, float]], made: int
) -> None:
    print(f"{name}: {len(found)} of {made} flashes found with their beeps")
    for third in range(3):
        begin, end = third * seconds / 3, (third + 1) * seconds / 3
        ms = np.array(
            [skew * 1000 for at, skew in found if begin <= at < end and not any(a - 2 < at < b + 20 for a, b in frozen)]
        )
        if len(ms):
            print(
                f"  {begin:5.0f}-{end:5.0f} s: median {np.median(ms):6.1f} ms, 5 % below {np.quantile(ms, 0.05):6.1f}, "
                f"95 % below {np.quantile(ms, 0.95):6.1f}, greatest {np.abs(ms).max():6.1f}  ({len(ms)} flashes)"
            )


async def bench(folder: Path, minutes: float, loss: float, quality: str) -> None:
    seconds = minutes * 60
    with S3Server(folder / "s3") as s3:
        async with (
            PlenumServer(folder, settings(folder, s3)) as server,
            Chromium(folder, fake_files=False) as chromium,
            RelayProcess() as relays,
        ):
            path = await relays.open(("127.0.0.1", server.media_port))
            await path.change(Impairment(delay_ms=20), Impairment(delay_ms=20))
            ada = await Participant.open(chromium, server, ROOM, "ada", setup=path.page_setup)
            await ada.tab.page.evaluate(SOURCE, [EVERY_S, LONG_S])
            await ada.tab.page.evaluate("me.publish('camera', {track: made[0]})")
            await ada.tab.page.evaluate("me.publish('microphone', {track: made[1]})")
            await asyncio.sleep(3)
            api = Api(server, int(seconds) + 3_600)
            started = (await api.client.post("/start", json={"mode": "both", "quality": quality})).raise_for_status()
            identifier = started.json()["recording_id"]
            seen = await watch(api, path, ada, seconds, loss)
            drawn = await ada.tab.page.evaluate("flashes")
            (await api.client.post(f"/{identifier}/stop")).raise_for_status()
            over = await api.end()
            print({name: over[name] for name in ("status", "error_code", "size_bytes", "parts", "upload_pending")})
            files = await asyncio.to_thread(fetch, over, folder)
            await api.client.aclose()
            await ada.close()
            report(over, files, drawn, seen)


def fetch(over: dict[str, Any], folder: Path) -> dict[str, Path]:
    files: dict[str, Path] = {}
    for file in over["files"]:
        if file["kind"] in ("program", "track"):
            files[file["name"]] = folder / file["name"]
            files[file["name"]].write_bytes(httpx.get(file["download_url"], timeout=120).content)
    return files


def report(over: dict[str, Any], files: dict[str, Path], drawn: list[tuple[float, float]], seen: Watched) -> None:
    begun, ended = (datetime.fromisoformat(over[k]).timestamp() for k in ("started_at", "stopped_at"))
    wall_s = ended - begun
    drawn = [(at - begun, late) for at, late in drawn if at > begun]
    frozen = [(a - begun, b - begun) for a, b in seen.frozen]
    print(f"the page drew its flashes {np.median([late for _, late in drawn]) * 1000:.0f} ms late (median)")
    program = next(path for name, path in files.items() if name.startswith("program"))
    tell("program", skews(flashes_of(program), beeps_of(program), drawn), wall_s, frozen, len(drawn))
    offsets = {file["name"]: file["offset_s"] for file in over["files"]}
    sound, picture = (next(n for n in files if kind in n) for kind in ("microphone", "camera"))
    moments = flashes_of(files[picture]) + offsets[picture], beeps_of(files[sound]) + offsets[sound]
    tell("tracks", skews(*moments, drawn), wall_s, frozen, len(drawn))
    print(f"wall clock {wall_s:.3f} s")
    for name, path in files.items():
        with av.open(str(path)) as container:
            length = (container.duration or 0) / 1e6
        print(
            f"  {name}: {length:.3f} s from {offsets[name]:.3f} s, {length + offsets[name] - wall_s:+.3f} s at its "
            f"end; overlapping or disordered packets: {len(overlaps(path))}"
        )
    quarter = max(1, len(seen.memory_mb) // 4)
    print(
        f"memory of the worker, MB: {seen.memory_mb}; last quarter less second: "
        f"{np.mean(seen.memory_mb[-quarter:]) - np.mean(seen.memory_mb[quarter : 2 * quarter]):+.1f}"
    )
    print(f"upload behind by {seen.lag_parts} parts at most")
    print(f"processor: {np.median(seen.cpu):.0%} of a core (median)")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--loss", type=float, default=0.03)
    parser.add_argument("--quality", default="480p", choices=["480p", "720p", "1080p"])
    parser.add_argument("--keep", type=Path, help="folder for the files; absent: they are deleted")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        place = arguments.keep or Path(folder)
        place.mkdir(parents=True, exist_ok=True)
        asyncio.run(bench(place.resolve(), arguments.minutes, arguments.loss, arguments.quality))


if __name__ == "__main__":
    sys.exit(main())
