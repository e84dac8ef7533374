"""How a large file gets from browser to browser: rate, memory, an interruption on the way, and the relay.

    python -m tests.bench.file_share [--megabytes 1000] [--relay]

The sum is compared piece by piece with the file on the disk. ``--relay``: no direct path exists, all goes through the
server's data channels.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import os
import tempfile
import time
from pathlib import Path

from tests.bench.processes import descendants, is_renderer, pss_bytes
from tests.interop.test_files import BLOCK, SETUP, Pair
from tests.support.chromium import Chromium
from tests.support.participant import eventually
from tests.support.server import PlenumServer

_PIECE_BYTES = 16_000_000
_HOUR_S = 3_600
_OFFER = """async () => {
    const [file] = document.querySelector("#bench-file").files;
    window.sent = await client.files.send(file, "bela");
}"""
_PIECE_SUM = """async ([from, to]) => {
    const piece = await window.offer.file.slice(from, to).arrayBuffer();
    const digest = await crypto.subtle.digest("SHA-256", piece);
    return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}"""
_INTERRUPT = """() => {
    const { sendData } = client;
    client.sendData = () => Promise.reject(new Error("no network"));
    setTimeout(() => { client.sendData = sendData; }, 3000);
    __probe.peers.at(-1).close();
}"""


def write_file(path: Path, size_bytes: int) -> None:
    """Noise, so that nothing on the way can make it smaller."""
    with path.open("wb") as file:
        for start in range(0, size_bytes, _PIECE_BYTES):
            file.write(os.urandom(min(_PIECE_BYTES, size_bytes - start)))


class Memory:
    """The most that browser and server needed, beyond what they began with."""

    def __init__(self, server: PlenumServer) -> None:
        self._server = server
        self.began = self._now()
        self.most = self.began

    def look(self) -> None:
        self.most = tuple(max(pair) for pair in zip(self.most, self._now(), strict=True))

    def _now(self) -> tuple[int, ...]:
        processes = [pid for pid in descendants(os.getpid()) if pid != self._server.pid]
        tabs = [pid for pid in processes if is_renderer(pid)]
        rest = [pid for pid in processes if pid not in tabs]
        return sum(map(pss_bytes, tabs)), sum(map(pss_bytes, rest)), self._server.rss_bytes()

    def grown_mb(self) -> list[float]:
        return [(most - began) / 1e6 for most, began in zip(self.most, self.began, strict=True)]


async def share(size_bytes: int, *, relay: bool) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        source = folder / "film.pdf"
        write_file(source, size_bytes)
        async with PlenumServer(folder) as server, Chromium(folder, fake_files=False) as chromium:
            tabs = []
            for user in ("ada", "bela"):
                tab = await chromium.open_with_disk(f"{server.url}/", folder / user)
                await tab.page.evaluate(SETUP, ["files", server.token(user, "files")])
                if relay:
                    await tab.page.evaluate(BLOCK)
                tabs.append(tab)
            pair = Pair(*tabs)
            await pair.ada.page.evaluate(
                "document.body.append(Object.assign(document.createElement('input'), {type: 'file', id: 'bench-file'}))"
            )
            await pair.ada.page.set_input_files("#bench-file", source)
            memory, cpu, started = Memory(server), server.cpu_s(), time.monotonic()
            await pair.ada.page.evaluate(_OFFER)
            await eventually(lambda: pair.bela.page.evaluate("Boolean(window.offer)"), 20, "no offer came")
            await pair.accept()
            interrupted = relay
            while (state := await pair.state(pair.bela))["state"] not in ("complete", "failed", "cancelled"):
                memory.look()
                if not interrupted and state["bytes"] > size_bytes / 2:
                    interrupted = True
                    await pair.ada.page.evaluate(_INTERRUPT)
                assert time.monotonic() - started < _HOUR_S
                await asyncio.sleep(0.5)
            took = time.monotonic() - started
            assert state["state"] == "complete", state
            print(f"{size_bytes / 1e6:.0f} MB {state['via']} in {took:.0f} s: {size_bytes / took / 1e6:.1f} MB/s")
            print(f"server: {(server.cpu_s() - cpu) / took:.0%} of a core")
            tabs_mb, browser_mb, server_mb = memory.grown_mb()
            print(f"grown by at most {tabs_mb:.0f} MB in both tabs together, {browser_mb:.0f} MB in the rest of both")
            print(f"browsers, {server_mb:.0f} MB in the server")
            if not relay:
                offsets = await pair.bela.probe(
                    "p.messages.filter((m) => m.out && m.type === 'file-share-accept').map((m) => m.payload.offset)"
                )
                print(f"interrupted at half, asked for from {offsets[-1] / 1e6:.0f} MB")
            await compare(pair, source)
            print("every piece has the same SHA-256 as on the disk")
            for tab in tabs:
                await tab.close()


async def compare(pair: Pair, source: Path) -> None:
    with source.open("rb") as file:
        at = 0
        while piece := file.read(_PIECE_BYTES):
            found = await pair.bela.page.evaluate(_PIECE_SUM, [at, at + len(piece)])
            assert found == hashlib.sha256(piece).hexdigest(), f"differs after {at} bytes"
            at += len(piece)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megabytes", type=int, default=1_000)
    parser.add_argument("--relay", action="store_true")
    arguments = parser.parse_args()
    asyncio.run(share(arguments.megabytes * 1_000_000, relay=arguments.relay))


if __name__ == "__main__":
    main()
