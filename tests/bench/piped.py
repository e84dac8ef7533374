"""What a pipe between shards adds: the delay of media that a subscriber gets by it, and the copies between the shards.

    python -m tests.bench.piped [--packets 1000] [--audience 4]

Three shards are processes of their own. One publisher sends sound, 50 packets a second with the time of sending in
each; subscribers listen at the owner and at two other shards.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import struct
import tempfile
import time
from pathlib import Path
from statistics import median

from websockets.asyncio.client import connect

from tests.integration.shards.service import Member
from tests.integration.shards.test_audience import PORT
from tests.integration.signaling.peer import AUDIO_SSRC, OPUS, Peer
from tests.support.shards import Shards

ROOM = "bench"
INTERVAL_S = 0.02
_TIME = struct.Struct("!d")


async def join(shards: Shards, user: str) -> Member:
    url = f"ws://127.0.0.1:{shards.server.port}/webrtc/ws/{ROOM}?token={shards.server.token(user, ROOM)}"
    member = Member(await connect(url, close_timeout=1), user)
    member.state = (await member.next("room-state"))["payload"]
    return member


async def publish(member: Member, port: int) -> Peer:
    peer = Peer.create(port)
    offer = {"transport": "publish", "sdp": peer.offer(direction="sendonly", kinds=("audio",)), "tracks": {}}
    peer.learn((await member.say("offer", offer))["payload"]["sdp"])
    await peer.connect()
    return peer


async def subscribe(member: Member) -> tuple[Peer, int]:
    offer = (await member.next("offer"))["payload"]["sdp"]
    port = _port(offer)
    peer = Peer.create(port)
    await member.say("answer", {"transport": "subscribe", "sdp": peer.answer(offer)})
    await peer.connect()
    return peer, port


def _port(sdp: str) -> int:
    found = PORT.search(sdp)
    assert found is not None
    return int(found[1])


async def listen(peer: Peer, delays_ms: list[float]) -> None:
    while True:
        _, payload = await peer.receive_audio()
        if len(payload) == _TIME.size:
            delays_ms.append((time.monotonic() - _TIME.unpack(payload)[0]) * 1000)


async def send(peer: Peer, seq: int) -> None:
    header = struct.pack("!BBHII", 0x80, OPUS, seq & 0xFFFF, seq * 960 & 0xFFFFFFFF, AUDIO_SSRC)
    await peer.client.send_rtp(header + _TIME.pack(time.monotonic()))


async def measure(arguments: argparse.Namespace, folder: Path) -> None:
    async with Shards(folder, 3, {"PLENUM_SHARDS__MAX_SUBSCRIBERS": str(arguments.audience)}) as shards:
        await asyncio.sleep(2.5)  # until each shard knows the others
        publisher = await join(shards, "ann")
        owner = (await shards.owner(ROOM))["media_port"]
        voice = await publish(publisher, owner)
        groups: dict[str, list[list[float]]] = {"at the owner": [], "by a pipe": []}
        tasks = []
        for number in range(3 * arguments.audience):
            peer, port = await subscribe(await join(shards, f"user{number}"))
            delays: list[float] = []
            groups["at the owner" if port == owner else "by a pipe"].append(delays)
            tasks.append(asyncio.create_task(listen(peer, delays)))
        for seq in range(100):
            await send(voice, seq)
            await asyncio.sleep(INTERVAL_S)
        before = await shards.stats()
        for delays in [d for group in groups.values() for d in group]:
            delays.clear()
        for seq in range(100, 100 + arguments.packets):
            await send(voice, seq)
            await asyncio.sleep(INTERVAL_S)
        await asyncio.sleep(0.5)
        after = await shards.stats()
        for task in tasks:
            task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.gather(*tasks)
        show(groups, arguments.packets)
        for name in sorted(after):
            sent, received = (
                after[name]["media"].get(f"pipe_packets_{way}", 0) - before[name]["media"].get(f"pipe_packets_{way}", 0)
                for way in ("sent", "received")
            )
            print(f"{name}: {sent} packets into pipes, {received} out of pipes")


def show(groups: dict[str, list[list[float]]], packets: int) -> None:
    medians = {}
    for name, group in groups.items():
        every = sorted(delay for delays in group for delay in delays)
        medians[name] = median(every)
        share = len(every) / (packets * len(group))
        p95 = every[int(len(every) * 0.95)]
        figures = f"median {median(every):.2f} ms, 95 % {p95:.2f} ms"
        print(f"{name}: {len(group)} subscribers, {share:.1%} arrived, {figures}")
    print(f"a pipe adds {medians['by a pipe'] - medians['at the owner']:.2f} ms at the median")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--packets", type=int, default=1000)
    parser.add_argument("--audience", type=int, default=4, help="subscribers at each shard")
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(measure(parser.parse_args(), Path(folder)))


if __name__ == "__main__":
    main()
