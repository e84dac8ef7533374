"""Drains a shard under a call, again and again: how long pictures stand still, and whether a chat message is lost.

    python -m tests.bench.drain [--drains 6] [--height 720]

Two Chromium participants at the conference page, and two more by the SDK alone who receive no pictures: one writes five
messages a second that the other reads. Two shards: each drain moves the room to the other. While it does, every camera
is encoded twice and every picture decoded twice; ``--height`` says how large they are, so that it shows what of a gap
is the machine's.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import tempfile
from pathlib import Path

from tests.support.chromium import Chromium
from tests.support.page import RoomPage
from tests.support.participant import eventually
from tests.support.shards import Shards, gaps, watch

TARGET_MS = 300
SETTLE_S = 10.0
_CHAT = """async ({ room, token, writes }) => {
    const { PlenumClient } = await import("/static/plenum-client.js");
    const client = new PlenumClient();
    window.__chat = { client, read: [], sent: 0, failed: [] };
    const take = (text) => __chat.read.includes(text) || __chat.read.push(text);
    client.on("chat", ({ text }) => take(text));
    // As the page does: what was written while the client changed over is in the history.
    client.on("room-state", async ({ resumed }) => {
        if (!resumed) return;
        const { payload } = await client.request("chat-history", { limit: 100 });
        payload.messages.forEach(({ message }) => take(message));
    });
    client.reception.setMode("audio-only");
    await client.connect({ room, token, dataRelay: false });
    if (writes) __chat.timer = setInterval(() => {
        const text = `line ${__chat.sent++}`;
        client.chat.send(text).catch((error) => __chat.failed.push(`${text}: ${error.message}`));
    }, 200);
}"""

_CAMERA = """(() => {
    const open = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
    navigator.mediaDevices.getUserMedia = (wish) =>
        open(wish.video ? { ...wish, video: { width: HEIGHT * 16 / 9, height: HEIGHT } } : wish);
})()"""


async def measure(drains: int, height: int, directory: Path) -> bool:
    worst: list[float] = []
    settings = {"PLENUM_ROOMS__MESSAGES_PER_MINUTE": "100000"}
    async with Shards(directory, 2, settings) as shards, Chromium(directory) as chromium:
        camera = [_CAMERA.replace("HEIGHT", str(height))]
        people = [
            await RoomPage.open(chromium, shards.server, "drain", name, scripts=camera) for name in ("Ada", "Bela")
        ]
        for one in people:
            await one.join()
        for one in people:
            await one.shows(2, 30)
        for one, name in zip(people, ("writer", "reader"), strict=True):
            token = shards.server.token(name, "drain")
            await one.page.evaluate(_CHAT, {"room": "drain", "token": token, "writes": name == "writer"})
        await asyncio.sleep(SETTLE_S)
        for one in people:
            await watch(one)
        await asyncio.sleep(SETTLE_S)
        calm = [round((await gaps(one))["worst"]) for one in people]
        print(f"without a drain: longest time without a new frame {calm} ms", flush=True)
        for number in range(drains):
            for one in people:
                await watch(one)
            before = (await shards.owner("drain"))["id"]
            await asyncio.sleep(1)
            await shards.drain(before)

            async def moved(before: str = before) -> bool:
                return bool((await shards.owner("drain"))["id"] != before)

            await eventually(moved, 15, "the room is not moved")
            await asyncio.sleep(SETTLE_S)
            await shards.drain(before, on=False)
            found = [(await gaps(one))["worst"] for one in people]
            worst += found
            print(
                f"drain {number + 1}: longest time without a new frame {[round(gap) for gap in found]} ms", flush=True
            )
        await people[0].page.evaluate("clearInterval(__chat.timer)")
        await asyncio.sleep(2)
        sent = await people[0].page.evaluate("__chat.sent")
        failed = await people[0].page.evaluate("__chat.failed")
        read = await people[1].page.evaluate("__chat.read")
        errors = [error for one in people for error in one.tab.errors]
    whole = set(read) == {f"line {number}" for number in range(sent)}
    print(f"without a new frame: median {statistics.median(worst):.0f} ms, worst {max(worst):.0f} ms of {len(worst)}")
    print(f"chat: {sent} sent, {len(read)} read, {'all of them' if whole else 'NOT ALL'}, refused: {failed}")
    print(f"errors in consoles: {errors or 'none'}")
    return max(worst) <= TARGET_MS and whole and not failed


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--drains", type=int, default=6)
    parser.add_argument("--height", type=int, default=720, help="of the cameras' pictures")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        good = asyncio.run(measure(arguments.drains, arguments.height, Path(name)))
    return 0 if good else 1


if __name__ == "__main__":
    raise SystemExit(main())
