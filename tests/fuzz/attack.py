"""The attack: bad datagrams from strangers, from a peer's own address and from inside, while a call goes on."""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
import tempfile
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.fuzz.datagrams import Address, Captured, Fuzzer
from tests.fuzz.inside import Misbehaving
from tests.support.chromium import Chromium
from tests.support.participant import Participant, eventually
from tests.support.relay import UdpRelay
from tests.support.server import PlenumServer

# Small bursts: the relay shares this loop, and each turn of it passes one datagram of each direction on.
BURST = 8
MAX_PER_S = 12_000
STRANGERS = 48
MAX_QUEUE_BYTES = 128 * 1024
SHARE_INSIDER, SHARE_INSIDE = 0.3, 0.05
PROGRESS_PARTS = 10
_CREDENTIALS = """() => __probe.peers.flatMap((peer) => {
    const find = (description, name) => description?.sdp.match(new RegExp(`a=ice-${name}:(\\\\S+)`))?.[1];
    const theirs = peer.remoteDescription, ours = peer.localDescription;
    return theirs && ours ? [[`${find(theirs, 'ufrag')}:${find(ours, 'ufrag')}`, find(theirs, 'pwd')]] : [];
})"""


@dataclass
class Report:
    """What the attack did to the server."""

    sent: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0
    server_cpu_s: float = 0.0
    rss_bytes: list[int] = field(default_factory=list)  # after each tenth of the datagrams
    frames: list[int] = field(default_factory=list)  # decoded by the call's participants during each tenth
    frames_after: int = 0
    kernel_drops: int = 0
    stats: dict[str, Any] = field(default_factory=dict)
    trouble: list[str] = field(default_factory=list)

    @property
    def growth_bytes(self) -> int:
        """Memory at the end beyond that after two tenths, when histories and caches are full."""
        return self.rss_bytes[-1] - self.rss_bytes[1]

    def lines(self) -> list[str]:
        total = sum(self.sent.values())
        return [
            f"{total:,} datagrams in {self.seconds:.0f} s ({total / self.seconds:,.0f} a second): {dict(self.sent)}",
            f"processor time of the server: {self.server_cpu_s:.1f} s ({self.server_cpu_s / total * 1e6:.0f} µs each)",
            f"dropped by the kernel before the server saw them: {self.kernel_drops:,}",
            "memory MB: "
            + " ".join(f"{rss / 1e6:.1f}" for rss in self.rss_bytes)
            + f", grown {self.growth_bytes / 1e6:.1f}",
            f"frames decoded in each tenth: {self.frames}, in 2 s afterwards: {self.frames_after}",
            f"lines of trouble in the log: {len(self.trouble)}",
            *self.trouble[:20],
        ]


async def attack(count: int, *, seed: int = 1, say: Any = lambda text: None) -> Report:
    """Start a server and a call of two, send ``count`` bad datagrams, and look at what is left."""
    report = Report()
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        server = PlenumServer(directory, {"PLENUM_MEDIA__HOSTS": "0.0.0.0"})
        await server.start()
        try:
            async with Chromium(directory) as chromium, UdpRelay(("127.0.0.1", server.media_port)) as relay:
                captured: defaultdict[Address, Captured] = defaultdict(Captured)
                relay.tap = lambda client, data: captured[client].add(data)
                everybody = await _call(chromium, server, relay)
                passwords = {k: v for one in everybody for k, v in await one.tab.page.evaluate(_CREDENTIALS)}
                fuzzer = Fuzzer(seed, captured, passwords)
                inside = Misbehaving(fuzzer)
                await inside.connect(server, "fuzz")
                say(f"attacking {server.media_port}, {len(passwords)} live transports")
                await _send_all(count, fuzzer, inside, relay, server, everybody, report, say)
                await asyncio.sleep(1)
                before = await _frames(everybody)
                await asyncio.sleep(2)
                report.frames_after = await _frames(everybody) - before
                await inside.close()
                report.stats = await _stats(server)
                for one in everybody:
                    await one.close()
            report.trouble = server.log_trouble()
            await server.stop()
        except BaseException:
            report.trouble = report.trouble or server.log_trouble()
            for line in report.trouble[:30]:
                say(line)
            await server.kill()
            raise
    return report


async def _call(chromium: Chromium, server: PlenumServer, relay: UdpRelay) -> list[Participant]:
    everybody = []
    for name in ("ada", "bela"):
        one = await Participant.open(chromium, server, "fuzz", name, setup=relay.page_setup)
        await one.publish("camera")
        await one.publish("microphone", toneHz=440)
        everybody.append(one)
    for one in everybody:

        async def decoding(one: Participant = one) -> bool:
            return await _frames([one]) > 20

        await eventually(decoding, 15, "the call does not start")
    return everybody


async def _send_all(
    count: int,
    fuzzer: Fuzzer,
    inside: Misbehaving,
    relay: UdpRelay,
    server: PlenumServer,
    everybody: list[Participant],
    report: Report,
    say: Any,
) -> None:
    rng = random.Random(fuzzer.rng.random())
    strangers = [_socket(server.media_port) for _ in range(STRANGERS)]
    # A browser tries several of its addresses; only those it settled on carry more than checks.
    validated = [client for client in relay.clients if "rtcp" in fuzzer.captured[client].kinds]
    drops_before = _udp_queue(server.media_port)[1]
    started, cpu_before = time.monotonic(), server.cpu_s()
    sent = 0
    try:
        for part in range(PROGRESS_PARTS):
            frames_before = await _frames(everybody)
            while sent < count * (part + 1) // PROGRESS_PARTS:
                for _ in range(BURST):
                    pick = rng.random()
                    if pick < SHARE_INSIDE:
                        await inside.send()
                        report.sent["inside"] += 1
                    elif pick < SHARE_INSIDE + SHARE_INSIDER:
                        address = rng.choice(validated)
                        relay.inject(address, fuzzer.from_insider(address))
                        report.sent["insider"] += 1
                    else:
                        _send(rng.choice(strangers), fuzzer.from_stranger())
                        report.sent["stranger"] += 1
                sent += BURST
                if rng.random() < 0.02:  # fresh sources
                    index = rng.randrange(STRANGERS)
                    strangers[index].close()
                    strangers[index] = _socket(server.media_port)
                await asyncio.sleep(max(0.0, started + sent / MAX_PER_S - time.monotonic()))
                if sent % 256 == 0:
                    await _let_it_read(server.media_port)
            report.rss_bytes.append(server.rss_bytes())
            report.frames.append(await _frames(everybody) - frames_before)
            say(f"{sent:,} sent, {report.rss_bytes[-1] / 1e6:.1f} MB, {report.frames[-1]} frames decoded meanwhile")
            if server.log_trouble():
                break
    finally:
        for one in strangers:
            one.close()
    report.seconds, report.server_cpu_s = time.monotonic() - started, server.cpu_s() - cpu_before
    report.kernel_drops = _udp_queue(server.media_port)[1] - drops_before


def _socket(port: int) -> socket.socket:
    one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    one.setblocking(False)
    one.connect(("127.0.0.1", port))
    return one


def _send(one: socket.socket, data: bytes) -> None:
    with contextlib.suppress(OSError):  # a full buffer of ours, or an ICMP error of an earlier one
        one.send(data)


async def _let_it_read(port: int) -> None:
    """Datagrams that the kernel drops test nobody."""
    queued, _ = _udp_queue(port)
    while queued > MAX_QUEUE_BYTES:
        await asyncio.sleep(0.002)
        queued, _ = _udp_queue(port)


def _udp_queue(port: int) -> tuple[int, int]:
    """Bytes that wait in the server's socket, and packets that the kernel dropped there so far."""
    for row in Path("/proc/net/udp").read_text().splitlines()[1:]:
        fields = row.split()
        if fields[1].endswith(f":{port:04X}"):
            return int(fields[4].partition(":")[2], 16), int(fields[12])
    raise AssertionError("the server does not listen any more")


async def _frames(everybody: list[Participant]) -> int:
    samples = await asyncio.gather(*(one.tab.sample() for one in everybody))
    return sum(entry["framesDecoded"] or 0 for sample in samples for entry in sample["inbound"])


async def _stats(server: PlenumServer) -> dict[str, Any]:
    try:
        stats: dict[str, Any] = await server.get_json("/stats", server.token("ada", "fuzz"))
    except Exception as error:
        return {"error": str(error)}
    return stats
