"""HLS viewers by the hundred: what they cost the server, and whether any of them has to wait or is refused.

Media of the call passes through the same event loop. One publisher and two receivers (a load test's clients, another
process) are in a call meanwhile; the server's own histogram tells how long their packets were in it, from the kernel's
receipt until they were sent on, without viewers and with them. So do heartbeats of a participant, fifty a second.

``python -m tests.bench.hls_viewers [--viewers 500] [--seconds 30] [--plain]``: a real server with a live stream (a
slate), and viewers in another process that fetch as players do: low latency (blocking reload, then the part), or plain
(the playlist every two seconds, then the segment).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import re
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import websockets

from scripts.load.clip import make_clip
from scripts.load.running import Plan
from scripts.load.running import run as run_load
from signaling.invites import create_token
from tests.support.server import PlenumServer
from tests.support.tokens import SECRET

_FORWARDED = re.compile(r'plenum_media_forwarding_seconds_bucket\{le="([^"]+)"\} (\S+)')
_PART = re.compile(rb'#EXT-X-PART:DURATION=[\d.]+,URI="([^"]+)"')


@dataclass
class Figures:
    requests: int = 0
    errors: int = 0
    bytes: int = 0
    late_ms: list[float] = field(default_factory=list)


class Connection:
    """One keep-alive connection, as cheap as Python makes it."""

    def __init__(self, port: int, figures: Figures) -> None:
        self._port = port
        self._figures = figures
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def get(self, path: str) -> bytes:
        if self._writer is None:
            self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port, limit=1 << 21)
        assert self._reader is not None
        self._writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        head = await self._reader.readuntil(b"\r\n\r\n")
        length = int(re.search(rb"content-length: (\d+)", head)[1])  # type: ignore[index]
        body = await self._reader.readexactly(length)
        figures = self._figures
        figures.requests += 1
        figures.bytes += length
        figures.errors += not head.startswith(b"HTTP/1.1 200")
        return body


async def watch_low_latency(base: str, port: int, until: float, figures: Figures) -> None:
    playlists, media = Connection(port, figures), Connection(port, figures)
    index = (await playlists.get(f"{base}/index.m3u8")).decode()
    playlist = f"{base}/{index.splitlines()[4]}"
    folder = playlist.rsplit("/", 1)[0]
    text = await playlists.get(playlist)
    while time.monotonic() < until:
        sequence = int(re.search(rb"MEDIA-SEQUENCE:(\d+)", text)[1])  # type: ignore[index]
        skipped = re.search(rb"SKIPPED-SEGMENTS=(\d+)", text)
        msn = sequence + text.count(b"#EXTINF") + (int(skipped[1]) if skipped else 0)
        part = text.rpartition(b"#EXTINF")[2].count(b"#EXT-X-PART:")
        text = await playlists.get(f"{playlist}?_HLS_msn={msn}&_HLS_part={part}&_HLS_skip=YES")
        newest = _PART.findall(text)[-1].decode()
        began = time.monotonic()
        await media.get(_join(folder, newest))
        figures.late_ms.append((time.monotonic() - began) * 1000)


async def watch_plain(base: str, port: int, until: float, figures: Figures) -> None:
    connection = Connection(port, figures)
    index = (await connection.get(f"{base}/index.m3u8")).decode()
    playlist = f"{base}/{index.splitlines()[4]}"
    folder = playlist.rsplit("/", 1)[0]
    seen = ""
    while time.monotonic() < until:
        began = time.monotonic()
        text = (await connection.get(playlist)).decode()
        newest = [line for line in text.splitlines() if line.endswith(".m4s")][-1]
        if newest != seen:
            seen = newest
            await connection.get(_join(folder, newest))
            figures.late_ms.append((time.monotonic() - began) * 1000)
        await asyncio.sleep(max(0.0, began + 2 - time.monotonic()))


def _join(folder: str, relative: str) -> str:
    return str(httpx.URL(f"http://x{folder}/").join(relative).raw_path.decode())


def load(base: str, port: int, viewers: int, seconds: float, plain: bool, out: Any) -> None:
    """The other process."""

    async def main() -> Figures:
        figures = Figures()
        until = time.monotonic() + seconds
        watch = watch_plain if plain else watch_low_latency

        async def one(number: int) -> None:
            await asyncio.sleep(number * 2 / viewers)
            await watch(base, port, until, figures)

        results = await asyncio.gather(*(one(n) for n in range(viewers)), return_exceptions=True)
        figures.errors += sum(isinstance(result, Exception) for result in results)
        return figures

    out.put(asyncio.run(main()))


def call(url: str, seconds: float) -> None:
    """One more process: people in a call."""
    plan = Plan(url, 1, 1, 2, seconds, 10.0, make_clip(640, 360, 30, 600_000))

    def mint(user: str, room: str) -> str:
        return create_token(SECRET, username=user, expires_at=time.time() + seconds + 600, room_id=room)

    asyncio.run(run_load(plan, mint, lambda phase, done, total: None))


async def forwarded(client: httpx.AsyncClient, url: str) -> dict[float, float]:
    """How many packets took no longer than each bound, in ms."""
    text = (await client.get(f"{url}/webrtc/metrics")).text
    return {float(bound) * 1000: float(count) for bound, count in _FORWARDED.findall(text)}


def quantile_ms(before: dict[float, float], after: dict[float, float], share: float) -> float:
    """Of what came between two looks at a histogram; evenly within a bucket."""
    counts = {bound: after[bound] - before[bound] for bound in after}
    wanted = share * counts[float("inf")]
    low, below = 0.0, 0.0
    for bound, count in counts.items():
        if count >= wanted:
            return round(low + (bound - low) * (wanted - below) / max(1.0, count - below), 2)
        low, below = bound, count
    raise AssertionError("the last bucket holds all")


async def delays_ms(server: PlenumServer, seconds: float) -> list[float]:
    """From a heartbeat of a participant to its answer, in order of length."""
    token = server.token("probe", "bench")
    found = []
    async with websockets.connect(f"ws://127.0.0.1:{server.port}/webrtc/ws/bench?token={token}") as socket:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            began = time.monotonic()
            await socket.send(json.dumps({"type": "heartbeat", "payload": {}}))
            while json.loads(await socket.recv())["type"] != "heartbeat":
                pass
            found.append((time.monotonic() - began) * 1000)
            await asyncio.sleep(0.02)
    return sorted(found)


def p99(ordered: list[float]) -> float:
    return round(ordered[len(ordered) * 99 // 100], 2)


async def run(viewers: int, seconds: float, plain: bool) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        async with PlenumServer(Path(folder)) as server:
            token = server.token("ada", "bench", role="host")
            headers = {"Authorization": f"Bearer {token}"}
            async with websockets.connect(f"ws://127.0.0.1:{server.port}/webrtc/ws/bench?token={token}"):
                async with httpx.AsyncClient(headers=headers, timeout=20) as client:
                    url = f"{server.url}/webrtc/rooms/bench/live-streams"
                    body = {"quality": "480p", "hls": {"public": True}}
                    info = (await client.post(f"{url}/start", json=body)).json()
                    await client.get(server.url + info["hls_url"])
                    await asyncio.sleep(4)
                    base = info["hls_url"].removesuffix("/index.m3u8")
                    context = multiprocessing.get_context("spawn")
                    queue = context.Queue()
                    process = context.Process(target=load, args=(base, server.port, viewers, seconds, plain, queue))
                    talk = context.Process(target=call, args=(server.url, seconds + 20))
                    talk.start()
                    await asyncio.sleep(6)
                    looks = [await forwarded(client, server.url)]
                    quiet_ms = await delays_ms(server, 8)
                    idle_s = await _cpu_during(server, 4)
                    looks.append(await forwarded(client, server.url))
                    process.start()
                    await asyncio.sleep(4)
                    looks.append(await forwarded(client, server.url))
                    busy_s = await _cpu_during(server, seconds - 14)
                    busy_ms = await delays_ms(server, 8)
                    looks.append(await forwarded(client, server.url))
                    counted = (await client.get(url)).json()["live_streams"][0]["viewer_count"]
                    figures: Figures = await asyncio.to_thread(queue.get)
                    process.join()
                    await asyncio.to_thread(talk.join)
                    p99s = [quantile_ms(*looks[:2], 0.99), quantile_ms(*looks[2:], 0.99)]
                    late = sorted(figures.late_ms)
                    return {
                        "viewers": viewers,
                        "kind": "plain" if plain else "low latency",
                        "counted": counted,
                        "requests_per_s": round(figures.requests / seconds),
                        "errors": figures.errors,
                        "mbit_per_s": round(figures.bytes * 8 / seconds / 1e6, 1),
                        "media_ms_median": round(late[len(late) // 2], 1),
                        "media_ms_p99": round(late[len(late) * 99 // 100], 1),
                        "forwarding_ms_p99": p99s,
                        "heartbeat_ms_p99": [p99(quiet_ms), p99(busy_ms)],
                        "server_core_share_idle": round(idle_s, 3),
                        "server_core_share": round(busy_s, 3),
                        "server_memory_mb": round(server.rss_bytes() / 1e6),
                    }


async def _cpu_during(server: PlenumServer, seconds: float) -> float:
    before = server.cpu_s()
    await asyncio.sleep(seconds)
    return (server.cpu_s() - before) / seconds


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--viewers", type=int, default=500)
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--plain", action="store_true")
    arguments = parser.parse_args()
    print(json.dumps(asyncio.run(run(arguments.viewers, arguments.seconds, arguments.plain)), indent=2))
