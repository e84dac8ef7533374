"""Cost of a scrape of /webrtc/metrics with 100 rooms of 10: how long it takes, and how long packets wait meanwhile.

    python -m tests.bench.scrape [--rooms 100] [--people 10] [--scrapes 10]

The rooms are the server's own, negotiated with real descriptions and opened with real keys, and every track has carried
packets; only the wire is left out, since a thousand clients would measure this machine. A ticker in the server's loop
looks every millisecond for what a packet would have had to wait; another process scrapes.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

import httpx
import uvloop

from config.options import LoggingOptions
from config.settings import Settings
from scripts import logs
from scripts.app import PlenumServer
from scripts.garbage import GarbageCollector
from scripts.load.descriptions import AUDIO_PT, VIDEO_PT, answer, offer
from sfu.ice import agent
from sfu.io import dtls
from sfu.io.certificate import Certificate
from sfu.io.srtp import SrtpKeys, SrtpSender
from sfu.rtp.packet import build_rtp
from sfu.sdp.parse import parse_sdp
from sfu.sdp.types import LocalTransport
from sfu.sdp.write import write_sdp
from signaling.envelope import Frame
from signaling.hub import Hub
from signaling.tokens import Identity
from tests.support.tokens import SECRET

# Nobody answers the connections' checks here: none may fail meanwhile, and each write a line.
agent.CONNECT_TIMEOUT_S = 3600.0
CERTIFICATE = Certificate()
LOCAL = LocalTransport("peer", "p" * 24, CERTIFICATE.fingerprints)
KEYS = SrtpKeys("SRTP_AEAD_AES_128_GCM", os.urandom(16), os.urandom(12), os.urandom(16), os.urandom(12))
KEY_FRAME = bytes((0x90, 0x80, 0x80, 1)) + bytes((0x10, 2, 0, 0x9D, 0x01, 0x2A, 0x80, 2, 0x68, 1)) + bytes(200)
QUIET_S = 5.0
HELD_S = 300
"""Nobody here says that he is still there, or answers a handshake: who times out would be measured instead."""
SCRAPER = """
import sys, time, httpx, json
url, count = sys.argv[1], int(sys.argv[2])
sys.stdin.readline()
with httpx.Client(trust_env=False) as http:
    http.get(url)
    times = []
    for _ in range(count):
        time.sleep(1.1)  # within a second all who ask get the same walk
        began = time.perf_counter(); answer = http.get(url); times.append((time.perf_counter() - began) * 1000)
print(json.dumps({"times_ms": times, "bytes": len(answer.content)}))
"""


class Client:
    """A session's socket that answers offers."""

    def __init__(self) -> None:
        self.offers: list[str] = []

    def put(self, text: str) -> bool:
        message = json.loads(text)
        if message["type"] == "offer":
            self.offers.append(message["payload"]["sdp"])
        return True

    def close(self, code: int, reason: str) -> None:
        return


async def fill(hub: Hub, rooms: int, people: int) -> int:
    """Open the rooms, publish and receive everything; how many tracks are sent."""
    for number in range(rooms):
        room_id = f"room{number}"
        members: list[tuple[Any, Client]] = []
        for place in range(people):
            client = Client()
            session = hub.new_session(f"user{number}-{place}", client)
            live = await hub.join(room_id, Identity(session.username, session.username), session)
            ssrcs = {"audio": 1_000 + place, "video": 2_000 + place}
            tracks = {"0": {"source": "microphone"}, "1": {"source": "camera"}}
            sdp = write_sdp(offer(LOCAL, ssrcs))
            live.receive(session, Frame("offer", {"transport": "publish", "sdp": sdp, "tracks": tracks}, "1"))
            members.append((session, client))
        for version in range(1, 4):  # until no offer follows an answer
            for _ in range(4 * people):  # offers are made some in a turn
                await asyncio.sleep(0)
            for session, client in members:
                waiting, client.offers = client.offers, []
                for sdp in waiting:
                    ours = write_sdp(answer(parse_sdp(sdp), LOCAL, version, feedback=True))
                    live.receive(session, Frame("answer", {"transport": "subscribe", "sdp": ours}, None))
        send(live, members)
        await asyncio.sleep(0)
    return sum(len(t.sending.consumers) for r in hub.engine.routers.values() for t in r.transports.values())


def send(live: Any, members: list[tuple[Any, Client]]) -> None:
    """All connections are secured, and a key frame and some sound have come by each."""
    for session, _ in members:
        subscribe = live.negotiation.transports_of(session.username).subscribe
        subscribe.sending.on_secured(SrtpSender(KEYS))
    now = time.monotonic()
    for place, (session, _) in enumerate(members):
        publish = live.negotiation.transports_of(session.username).publish
        for seq in range(1, 4):
            for kind, ssrc, payload in ((AUDIO_PT, 1_000 + place, b"sound"), (VIDEO_PT, 2_000 + place, KEY_FRAME)):
                packet = build_rtp(
                    payload_type=kind, sequence_number=seq, timestamp=seq * 960, ssrc=ssrc, payload=payload, marker=True
                )
                publish.on_rtp(packet, now)


async def tick(gaps_ms: list[float]) -> None:
    """What somebody who comes at any moment has to wait."""
    while True:
        began = time.perf_counter()
        await asyncio.sleep(0.001)
        gaps_ms.append((time.perf_counter() - began) * 1000 - 1)


def settings_in(directory: Path) -> Settings:
    """Of a server that takes as many as there are, and keeps nothing."""
    return Settings.model_validate(
        {
            "auth": {"secret": SECRET},
            "http": {"host": "127.0.0.1", "port": 0},
            "media": {"hosts": ["127.0.0.1"], "port": 0, "tcp": False},
            "recording": {"enabled": False, "folder": str(directory)},
            "live": {"enabled": False},
            "rooms": {"rooms_created_per_hour": 100_000, "session_timeout_s": HELD_S},
            "shards": {"max_participants": 100_000, "max_rooms": 10_000},
        }
    )


async def measure(rooms: int, people: int, scrapes: int) -> bool:
    """Print the figures; whether the targets are met."""
    with tempfile.TemporaryDirectory() as name:
        dtls.HANDSHAKE_TIMEOUT_S = HELD_S
        async with PlenumServer(settings_in(Path(name))) as server:
            assert server.app is not None
            hub: Hub = server.app.state.hub
            collector = GarbageCollector(server.is_quiet)
            collector.begin()
            collecting = asyncio.create_task(collector.run())
            tracks = await fill(hub, rooms, people)
            figures = await hub.engine.surveyor.fresh()
            print(
                f"{len(hub.rooms)} rooms, {hub.participants} participants, {tracks} tracks sent: {dict(figures.states)}"
            )
            # The first request of all builds what the later ones use, and comes when a server is started.
            await http_get(f"http://127.0.0.1:{server.http_port}/webrtc/health")
            began, busy = time.process_time(), []
            quiet = await gaps(QUIET_S)
            share = (time.process_time() - began) / QUIET_S
            print(f"without scrapes {share:.0%} of a core is busy, the ticker that looks for waits included")
            scraper = await asyncio.create_subprocess_exec(
                *(sys.executable, "-c", SCRAPER, f"http://127.0.0.1:{server.http_port}/webrtc/metrics", str(scrapes)),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
            )
            # To fork so large a process takes tens of milliseconds, which are none of a scrape.
            await asyncio.sleep(1)
            ticking = asyncio.create_task(tick(busy))
            out, _ = await scraper.communicate(b"\n")
            ticking.cancel()
            collecting.cancel()
            found = json.loads(out)
            times = found["times_ms"]
            print(
                f"a scrape: {median(times):.1f} ms median, {max(times):.1f} ms at worst, {found['bytes'] / 1e3:.0f} kB"
            )
            print(f"longest wait in the loop: {max(quiet):.1f} ms without scrapes, {max(busy):.1f} ms with")
            print(f"longest slice of the walk: {hub.engine.surveyor.longest_slice_s * 1000:.1f} ms")
            return median(times) < 50 and max(busy) < max(10.0, *quiet)


async def http_get(url: str) -> None:
    async with httpx.AsyncClient(trust_env=False) as http:
        (await http.get(url)).raise_for_status()


async def gaps(seconds: float) -> list[float]:
    found: list[float] = []
    ticking = asyncio.create_task(tick(found))
    await asyncio.sleep(seconds)
    ticking.cancel()
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rooms", type=int, default=100)
    parser.add_argument("--people", type=int, default=10)
    parser.add_argument("--scrapes", type=int, default=10)
    arguments = parser.parse_args()
    logs.configure(LoggingOptions(level="warning"))
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        ok = runner.run(measure(arguments.rooms, arguments.people, arguments.scrapes))
    print("PASS" if ok else "FAIL")
    sys.exit(0 if ok else 1)


if __name__ == "__main__":
    main()
