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
import time
from statistics import median
from typing import Any

from scripts.load.descriptions import AUDIO_PT, VIDEO_PT, answer, offer
from sfu.io.srtp import SrtpKeys, SrtpSender
from sfu.rtp.packet import build_rtp
from sfu.sdp.parse import parse_sdp
from sfu.sdp.write import write_sdp
from signaling.envelope import Frame
from signaling.hub import Hub
from signaling.tokens import Identity
from tests.bench.held_server import LOCAL, Client, judge, longest_ms, serving

KEYS = SrtpKeys("SRTP_AEAD_AES_128_GCM", os.urandom(16), os.urandom(12), os.urandom(16), os.urandom(12))
KEY_FRAME = bytes((0x90, 0x80, 0x80, 1)) + bytes((0x10, 2, 0, 0x9D, 0x01, 0x2A, 0x80, 2, 0x68, 1)) + bytes(200)
QUIET_S = 5.0
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


async def measure(rooms: int, people: int, scrapes: int) -> bool:
    """Print the figures; whether the targets are met."""
    async with serving() as (server, hub):
        tracks = await fill(hub, rooms, people)
        figures = await hub.engine.surveyor.fresh()
        print(f"{len(hub.rooms)} rooms, {hub.participants} participants, {tracks} tracks sent: {dict(figures.states)}")
        began, busy_from = time.monotonic(), time.process_time()
        quiet_ms, _ = await longest_ms(asyncio.sleep(QUIET_S))
        share = (time.process_time() - busy_from) / (time.monotonic() - began)
        print(f"without scrapes {share:.0%} of a core is busy, the ticker that looks for waits included")
        scraper = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", SCRAPER, f"http://127.0.0.1:{server.http_port}/webrtc/metrics", str(scrapes)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        # To fork so large a process takes tens of milliseconds, which are none of a scrape.
        await asyncio.sleep(1)
        busy_ms, (out, _) = await longest_ms(scraper.communicate(b"\n"))
        found = json.loads(out)
        times = found["times_ms"]
        print(f"a scrape: {median(times):.1f} ms median, {max(times):.1f} ms at worst, {found['bytes'] / 1e3:.0f} kB")
        print(f"longest wait in the loop: {quiet_ms:.1f} ms without scrapes, {busy_ms:.1f} ms with")
        print(f"longest slice of the walk: {hub.engine.surveyor.longest_slice_s * 1000:.1f} ms")
        return median(times) < 50 and busy_ms < max(10.0, quiet_ms)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rooms", type=int, default=100)
    parser.add_argument("--people", type=int, default=10)
    parser.add_argument("--scrapes", type=int, default=10)
    arguments = parser.parse_args()
    judge(measure(arguments.rooms, arguments.people, arguments.scrapes))


if __name__ == "__main__":
    main()
