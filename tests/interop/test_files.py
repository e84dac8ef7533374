"""Files between two browsers: straight, over the relay where there is no way, and on after an interruption."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
import pytest_asyncio

from tests.interop.conftest import People
from tests.support.chromium import Tab
from tests.support.participant import eventually

SIZE_BYTES = 30_000_000

# A tab with the SDK alone. The files' content follows from a seed, so that both ends can be compared.
SETUP = """async ([room, token]) => {
    const { PlenumClient } = await import("/static/plenum-client.js");
    const client = new PlenumClient();
    window.client = client;
    window.transfers = () => [...client.files.all.values()].map(({ file, ...rest }) => rest);
    client.on("file-offer", ({ transfer }) => { window.offer = transfer; });
    window.makeFile = (size, name) => {
        const bytes = new Uint8Array(size);
        for (let at = 0; at < size; at += 65536) crypto.getRandomValues(bytes.subarray(at, at + 65536));
        window.original = new File([bytes], name, { type: "application/pdf" });
        return window.original;
    };
    window.sha256 = async (blob) => {
        const digest = await crypto.subtle.digest("SHA-256", await blob.arrayBuffer());
        return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
    };
    await client.connect({ room, token });
    await client.openData();
}"""

# No candidate of one browser ever reaches the other, as where a firewall stands between the two.
BLOCK = """() => {
    const { send } = client;
    client.send = (type, payload) => {
        if (payload?.target_user_id && type === "ice-candidate") return;
        const sdp = payload?.target_user_id ? payload.sdp?.replace(/^a=candidate:.*\\r\\n/gm, "") : undefined;
        send.call(client, type, sdp === undefined ? payload : { ...payload, sdp });
    };
}"""


class Pair:
    """A sender and a receiver."""

    def __init__(self, ada: Tab, bela: Tab) -> None:
        self.ada, self.bela = ada, bela

    async def offer(self, size: int, name: str = "film.pdf") -> None:
        await self.ada.page.evaluate(
            "async ([size, name]) => { window.sent = await client.files.send(makeFile(size, name), 'bela'); }",
            [size, name],
        )
        await eventually(lambda: self.bela.page.evaluate("Boolean(window.offer)"), 5, "no offer came")

    async def accept(self) -> None:
        await self.bela.page.evaluate("client.files.accept(window.offer)")

    async def state(self, tab: Tab) -> dict[str, Any]:
        found: dict[str, Any] = (await tab.page.evaluate("transfers()"))[-1]
        return found

    async def reaches(self, bytes_: int, timeout_s: float = 30) -> None:
        async def far_enough() -> bool:
            return int((await self.state(self.bela))["bytes"]) >= bytes_

        await eventually(far_enough, timeout_s, "the file does not get on")

    async def both_are(self, state: str, timeout_s: float) -> None:
        async def so() -> bool:
            return [(await self.state(tab))["state"] for tab in (self.ada, self.bela)] == [state, state]

        try:
            await eventually(so, timeout_s)
        except AssertionError:
            raise AssertionError(f"{await self.state(self.ada)} {await self.state(self.bela)}") from None

    async def contents_are_equal(self) -> None:
        sums = await asyncio.gather(
            self.ada.page.evaluate("sha256(original)"), self.bela.page.evaluate("sha256(offer.file)")
        )
        assert sums[0] == sums[1]


@pytest_asyncio.fixture(loop_scope="session")
async def pair(people: People) -> Pair:
    tabs = []
    for name in ("ada", "bela"):
        tab = await people.open(f"{people.server.url}/")
        await tab.page.evaluate(SETUP, [people.room, people.server.token(name, people.room)])
        tabs.append(tab)
    return Pair(*tabs)


async def test_straight_from_browser_to_browser(pair: Pair) -> None:
    await pair.offer(SIZE_BYTES)
    await pair.accept()
    await pair.both_are("complete", 60)
    await pair.contents_are_equal()
    received = await pair.state(pair.bela)
    assert (received["via"], received["bytes"], received["name"]) == ("direct", SIZE_BYTES, "film.pdf")
    # Nothing of it went through the server's channels.
    assert (await pair.state(pair.ada))["via"] == "direct"


async def test_over_the_relay_where_there_is_no_way(pair: Pair) -> None:
    for tab in (pair.ada, pair.bela):
        await tab.page.evaluate(BLOCK)
    await pair.offer(SIZE_BYTES)
    await pair.accept()
    await pair.both_are("complete", 150)
    await pair.contents_are_equal()
    assert (await pair.state(pair.bela))["via"] == "relay"


_REQUESTED = "p.messages.filter((m) => m.out && m.type === 'file-share-accept').map((m) => m.payload.offset)"


@pytest.mark.parametrize("who", ["ada", "bela"])
async def test_the_relay_takes_over_when_the_way_breaks(pair: Pair, who: str) -> None:
    await pair.offer(SIZE_BYTES)
    await pair.accept()
    await pair.reaches(3_000_000)
    cut: Tab = getattr(pair, who)
    # The connection between the two breaks, and this browser's socket is gone for two seconds.
    await cut.probe("p.refuseSockets = true")
    await cut.probe("p.peers.at(-1).close()")
    await cut.probe("p.sockets.at(-1).close()")
    assert (await pair.state(pair.bela))["bytes"] < SIZE_BYTES, "it was too quick to be interrupted"
    await asyncio.sleep(2)
    await cut.probe("p.refuseSockets = false")
    await pair.both_are("complete", 90)
    await pair.contents_are_equal()
    began, *resumed = await pair.bela.probe(_REQUESTED)
    assert began == 0
    assert all(offset >= 3_000_000 for offset in resumed), "it began anew"
    cut.errors[:] = [error for error in cut.errors if "WebSocket connection to" not in error]


async def test_it_goes_on_where_it_was_after_an_interruption(pair: Pair) -> None:
    await pair.offer(SIZE_BYTES)
    await pair.accept()
    await pair.reaches(3_000_000)
    # Neither way is left to the sender, for a while.
    await pair.ada.page.evaluate(
        """() => {
            const { sendData } = client;
            client.sendData = () => Promise.reject(new Error("no network"));
            setTimeout(() => { client.sendData = sendData; }, 3000);
            __probe.peers.at(-1).close();
        }"""
    )

    async def noticed() -> bool:
        return [(await pair.state(tab))["state"] for tab in (pair.ada, pair.bela)] == ["interrupted", "interrupted"]

    await eventually(noticed, 15, "nobody notices")
    at = (await pair.state(pair.bela))["bytes"]
    assert 3_000_000 <= at < SIZE_BYTES
    await pair.both_are("complete", 60)
    await pair.contents_are_equal()
    assert await pair.bela.probe(_REQUESTED) == [0, at]
    assert (await pair.state(pair.bela))["via"] == "direct"


async def test_declined_and_cancelled(pair: Pair) -> None:
    await pair.offer(1_000)
    await pair.bela.page.evaluate("client.files.reject(window.offer)")
    await pair.both_are("rejected", 5)
    await pair.bela.page.evaluate("delete window.offer")
    await pair.offer(SIZE_BYTES)
    await pair.accept()
    await pair.reaches(1_000_000)
    await pair.ada.page.evaluate("client.files.cancel(window.sent)")
    await pair.both_are("cancelled", 5)

    async def cleaned() -> bool:
        return bool(
            await pair.bela.page.evaluate(
                """async () => {
                    const root = await navigator.storage.getDirectory();
                    const folder = await root.getDirectoryHandle("plenum-files", { create: true });
                    for await (const name of folder.keys()) return false;
                    return true;
                }"""
            )
        )

    await eventually(cleaned, 5, "what was cancelled stays on the disk")


async def test_an_empty_file_and_a_changed_one(pair: Pair) -> None:
    await pair.offer(0, "empty.pdf")
    await pair.accept()
    await pair.both_are("complete", 10)
    await pair.contents_are_equal()
    await pair.bela.page.evaluate("delete window.offer")
    await pair.offer(2_000_000)
    # The receiver's disk does not hold what was sent.
    await pair.bela.page.evaluate(
        """async () => {
            const { Worker: Native } = window;
            window.Worker = class extends Native {
                postMessage(message, transfer) {
                    if (message.operation === "write") message.piece[7] ^= 1;
                    super.postMessage(message, transfer);
                }
            };
            await client.files.accept(window.offer);
        }"""
    )
    await pair.both_are("failed", 20)
    assert (await pair.state(pair.ada))["reason"] == "checksum_mismatch"
