"""Chromium and Firefox take our answers and offers, over many rounds. No packet flows: this is about descriptions."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sfu.codecs.parameters import CodecParameters
from sfu.sdp.capabilities import build_capabilities
from sfu.sdp.parse import parse_sdp
from sfu.sdp.receive import ReceiveBook
from sfu.sdp.send import SendBook
from sfu.sdp.types import LocalTransport, ReceiveResult, SendSection, SendTrack
from tests.support.chromium import Chromium
from tests.support.firefox import Firefox
from tests.unit.sdp.descriptions import AV1, LOCAL, OPUS, VP8, VP9, h264

SCRIPT = (Path(__file__).parent / "negotiator.js").read_text()
State = dict[str, Any]


class Peer:
    """A peer connection in a browser; every step of it that the browser refuses raises."""

    def __init__(self, evaluate: Callable[[str], Awaitable[Any]]) -> None:
        self._evaluate = evaluate

    async def call(self, name: str, *arguments: object) -> Any:
        return await self._evaluate(f"negotiator.{name}({', '.join(json.dumps(a) for a in arguments)})")


class Publisher:
    """A peer that offers, and the book that answers it."""

    def __init__(self, peer: Peer, **capabilities: Any) -> None:
        self.peer = peer
        self.book = ReceiveBook()
        self.capabilities = build_capabilities(**capabilities)
        self.local = LOCAL

    async def round(self, **options: object) -> tuple[ReceiveResult, State]:
        offer = parse_sdp(await self.peer.call("offer", options))
        if self.book.is_ice_restart(offer):
            self.local = restarted(self.local)
        result = self.book.answer(offer, self.local, self.capabilities)
        return result, await self.peer.call("accept", result.answer_text)


class Subscriber:
    """A peer that answers, and the book that offers to it."""

    def __init__(self, peer: Peer) -> None:
        self.peer = peer
        self.book = SendBook()
        self.ssrc = 1000
        self.local = LOCAL

    def add(self, key: str, codec: CodecParameters, **more: Any) -> str:
        self.ssrc += 2
        rtx_ssrc = self.ssrc + 1 if codec.kind == "video" else None
        names: dict[str, Any] = {"cname": "c", "msid_stream": "stream", "msid_track": key}
        return self.book.add(key, codec.kind, codec, ssrc=self.ssrc, rtx_ssrc=rtx_ssrc, **names, **more)

    async def round(self, *, ice_restart: bool = False) -> tuple[dict[str, SendSection], State]:
        if ice_restart:
            self.local = restarted(self.local)
        state = await self.peer.call("answer", self.book.offer(self.local))
        return {section.track_key: section for section in self.book.accept_answer(state["sdp"])}, state


def restarted(local: LocalTransport) -> LocalTransport:
    """New credentials, as only an ICE restart brings: Firefox refuses an answer that changes them unasked."""
    return replace(local, ufrag=local.ufrag + "x", pwd=local.pwd + "x")


@asynccontextmanager
async def chromium(directory: Path) -> AsyncIterator[Peer]:
    async with Chromium(directory, fake_files=False) as browser:
        tab = await browser.open("about:blank")
        await tab.page.evaluate(SCRIPT)
        yield Peer(tab.page.evaluate)


@asynccontextmanager
async def firefox(directory: Path) -> AsyncIterator[Peer]:
    async with Firefox(directory) as browser:
        await browser.evaluate(SCRIPT.rstrip().rstrip(";"))
        yield Peer(browser.evaluate)


async def publish_with_each_codec(peer: Peer, codecs: list[str]) -> None:
    for codec in codecs:
        for wish in ({}, {"codec": codec}):  # we choose among all, or the page offers only one
            await peer.call("open")
            publisher = Publisher(peer, video_codecs=[codec], audio_red=True)
            await peer.call("publish", "audio")
            await peer.call("publish", "video", wish)
            result, state = await publisher.round()
            assert [section.active for section in result.sections] == [True, True]
            assert state["signaling"] == "stable"
            assert [t["direction"] for t in state["transceivers"]] == ["sendonly", "sendonly"]
            assert state["transceivers"][1]["codecs"] == [f"video/{codec}", "video/rtx"]
            assert result.sections[0].codec.red_payload_type == (63 if peer_has_red(state) else None)


def peer_has_red(state: State) -> bool:
    return "audio/red" in state["transceivers"][0]["codecs"]


async def publish_simulcast(peer: Peer) -> None:
    await peer.call("open")
    publisher = Publisher(peer)
    await peer.call("publish", "video", {"rids": ["q", "h", "f"]})
    result, state = await publisher.round()
    assert [encoding.rid for encoding in result.sections[0].encodings] == ["q", "h", "f"]
    assert state["transceivers"][0]["rids"] == ["q", "h", "f"]
    result, state = await publisher.round()
    assert state["transceivers"][0]["rids"] == ["q", "h", "f"]
    assert not result.ice_restart


async def publish_data_channel(peer: Peer, *, first: bool) -> None:
    await peer.call("open")
    publisher = Publisher(peer)
    if first:
        await peer.call("data")
        result, state = await publisher.round()
        assert result.data_channel is not None
    await peer.call("publish", "audio")
    await peer.call("publish", "video")
    if not first:
        await publisher.round()
        await peer.call("data")
    result, state = await publisher.round()
    assert result.data_channel is not None
    assert result.data_channel.sctp_port == 5000
    assert [t["direction"] for t in state["transceivers"]] == ["sendonly", "sendonly"]


async def publish_again_and_again(peer: Peer) -> None:
    """Tracks come, pause, go and come back in the m-lines of those that went; then ICE restarts."""
    # With "max-bundle" Chromium cannot apply its own offer once every section has ended: it wants a group to be there.
    await peer.call("open", {"bundlePolicy": "balanced"})
    publisher = Publisher(peer)
    await peer.call("publish", "audio")
    camera = await peer.call("publish", "video")
    await publisher.round()
    for _ in range(3):
        screen = await peer.call("publish", "video")
        result, state = await publisher.round()
        assert [s.active for s in result.sections] == [True, True, True]
        mid = result.sections[2].mid
        await peer.call("direct", camera, "inactive")
        result, _ = await publisher.round()
        assert [s.active for s in result.sections] == [True, False, True]
        await peer.call("direct", camera, "sendonly")
        await peer.call("stop", screen)
        result, state = await publisher.round()
        assert mid not in [s.mid for s in result.sections]
        assert len(parse_sdp(result.answer_text).sections) == 3
        assert state["signaling"] == "stable"
    result, _ = await publisher.round(iceRestart=True)
    assert result.ice_restart
    # Everything stops, even the section that owns the connection, and begins again.
    for _ in range(2):
        await peer.call("stop", 0)
        result, _ = await publisher.round()
    assert result.sections == []
    await peer.call("publish", "audio")
    result, state = await publisher.round()
    assert [s.active for s in result.sections] == [True]


async def publish_partly_refused(peer: Peer) -> None:
    await peer.call("open")
    publisher = Publisher(peer, video_codecs=[])
    await peer.call("publish", "video")
    await peer.call("publish", "audio")
    result, state = await publisher.round()
    assert [s.kind for s in result.sections] == ["audio"]
    assert state["signaling"] == "stable"


async def subscribe_again_and_again(peer: Peer, video: list[CodecParameters]) -> None:
    await peer.call("open")
    subscriber = Subscriber(peer)
    assert (subscriber.add("a0", OPUS), subscriber.add("v0", video[0])) == ("0", "1")
    sent, state = await subscriber.round()
    assert all(section.accepted for section in sent.values())
    for index, codec in enumerate(video[1:] + video, start=1):
        subscriber.book.remove(f"v{index - 1}")
        assert (await subscriber.round())[1]["transceivers"][1]["direction"] == "inactive"
        assert subscriber.add(f"v{index}", codec) == "1"
        sent, state = await subscriber.round()
        assert sent[f"v{index}"].accepted, codec
        assert state["transceivers"][1]["direction"] == "recvonly"
    subscriber.add("a1", OPUS, red=True)
    subscriber.add("v-more", video[0])
    sent, state = await subscriber.round()
    assert all(section.accepted for section in sent.values())
    assert len(state["transceivers"]) == 4
    before = subscriber.book.remote
    sent, state = await subscriber.round(ice_restart=True)
    assert subscriber.book.remote is not None
    assert before is not None
    assert subscriber.book.remote.ufrag != before.ufrag, "the browser restarts ICE too"
    for key in list(subscriber.book.live_mids().values()):
        subscriber.book.remove(key)
    sent, state = await subscriber.round()
    assert sent == {}
    assert {t["direction"] for t in state["transceivers"]} == {"inactive"}


async def subscribe_refused(peer: Peer) -> None:
    """The page stops a transceiver: its section is refused, and the place comes back under another mid."""
    await peer.call("open")
    subscriber = Subscriber(peer)
    for key in ("v0", "v1"):
        subscriber.add(key, VP8)
    await subscriber.round()
    await peer.call("stop", 1)
    sent, _ = await subscriber.round()
    assert (sent["v0"].accepted, sent["v1"].accepted) == (True, False)
    subscriber.book.remove("v1")
    await subscriber.round()
    assert subscriber.add("a0", OPUS) == "2"
    sent, state = await subscriber.round()
    assert sent["a0"].accepted
    assert [s.mid for s in parse_sdp(state["sdp"]).sections] == ["0", "2"]


async def play(peer: Peer) -> None:
    """A WHEP player: more sections than tracks, in an order of its own."""
    await peer.call("open")
    await peer.call("receive", ["video", "audio", "video"])
    tracks = [
        SendTrack("a", "audio", OPUS, 11, cname="c", msid_stream="s", msid_track="a", red=True),
        SendTrack("v", "video", VP8, 22, 23, cname="c", msid_stream="s", msid_track="v"),
    ]
    result = SendBook().play(await peer.call("offer"), tracks, LOCAL, build_capabilities())
    state = await peer.call("accept", result.answer_text)
    assert result.refused == []
    assert [t["direction"] for t in state["transceivers"]] == ["recvonly", "recvonly", "inactive"]


@pytest.mark.timeout(180)
async def test_chromium(tmp_path: Path) -> None:
    async with chromium(tmp_path) as peer:
        await publish_with_each_codec(peer, ["VP8", "H264", "VP9", "AV1"])
        await publish_simulcast(peer)
        await publish_data_channel(peer, first=True)
        await publish_data_channel(peer, first=False)
        await publish_again_and_again(peer)
        await publish_partly_refused(peer)
        await subscribe_again_and_again(peer, [VP8, h264(), h264("4d001f"), h264("42e034", "0"), VP9, AV1])
        await subscribe_refused(peer)
        await play(peer)


@pytest.mark.timeout(180)
async def test_firefox(tmp_path: Path) -> None:
    async with firefox(tmp_path) as peer:
        await publish_with_each_codec(peer, ["VP8", "VP9", "AV1"])
        await publish_simulcast(peer)
        await publish_data_channel(peer, first=True)
        await publish_data_channel(peer, first=False)
        await publish_again_and_again(peer)
        await publish_partly_refused(peer)
        await subscribe_again_and_again(peer, [VP8, VP9, AV1])
        await subscribe_refused(peer)
        await play(peer)
