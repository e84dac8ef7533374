"""Publishing to a real RTMP server: what it gets, over TLS too, and what becomes of a stream when it goes away."""

from __future__ import annotations

import asyncio
import itertools
import socket
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path

import av
import pytest

from streaming.encoded import VIDEO_TIMESCALE, VideoPacket
from streaming.rtmp.address import parse
from streaming.rtmp.output import OutputState, RtmpOutput, Source
from tests.support.encoded import SAMPLE_RATE, Encoded, encode
from tests.support.rtmp_server import RtmpServer

KEY = "room-SECRETKEY"


@pytest.fixture(scope="module")
def encoded() -> Encoded:
    return encode(4, width=640, height=360, bitrate_bps=800_000)


@pytest.fixture
async def nginx(tmp_path: Path) -> AsyncIterator[RtmpServer]:
    async with RtmpServer(tmp_path / "nginx") as server:
        yield server


class Pusher:
    """An output that is fed in real time, the same four seconds again and again."""

    def __init__(self, output: RtmpOutput, encoded: Encoded) -> None:
        self.output = output
        self._encoded = encoded
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Pusher:
        self._tasks = [asyncio.create_task(self.output.run()), asyncio.create_task(self._feed())]
        return self

    async def __aexit__(self, *failure: object) -> None:
        self.output.stop()
        self._tasks[1].cancel()
        await asyncio.wait_for(asyncio.gather(*self._tasks, return_exceptions=True), 10)

    async def until(self, wanted: Callable[[], bool], timeout_s: float = 20) -> None:
        deadline = time.monotonic() + timeout_s
        while not wanted():
            assert time.monotonic() < deadline, self.output.status
            await asyncio.sleep(0.02)

    async def live(self) -> None:
        await self.until(lambda: self.output.status.state is OutputState.LIVE)

    async def _feed(self) -> None:
        began, turn = time.monotonic(), 0
        while True:
            for packet in self._encoded.packets:
                video = isinstance(packet, VideoPacket)
                shift = 4 * turn * (VIDEO_TIMESCALE if video else SAMPLE_RATE)
                at_s = packet.pts / (VIDEO_TIMESCALE if video else SAMPLE_RATE) + 4 * turn
                await asyncio.sleep(max(0.0, began + at_s - time.monotonic()))
                if isinstance(packet, VideoPacket):
                    self.output.add(replace(packet, pts=packet.pts + shift, dts=packet.dts + shift))
                else:
                    self.output.add(replace(packet, pts=packet.pts + shift))
            turn += 1


def output(url: str, encoded: Encoded, **options: object) -> RtmpOutput:
    source = Source(encoded.video, encoded.audio, 800_000, 96_000)
    return RtmpOutput(parse(url, KEY), source, **{"allow_private": True, **options})  # type: ignore[arg-type]


def check_times(path: Path) -> tuple[float, int]:
    """Times of a recorded file only grow and leave no gap; its length in seconds and its key frames."""
    with av.open(str(path)) as container:
        last: dict[int, int] = {}
        keys, end_s = [], 0.0
        for packet in container.demux():
            if packet.dts is None:
                continue
            ms = packet.dts
            if packet.stream_index in last:
                assert 0 < ms - last[packet.stream_index] <= 100, (packet.stream, last, ms)
            last[packet.stream_index] = ms
            end_s = ms / 1000
            if packet.stream.type == "video" and packet.is_keyframe:
                keys.append(ms)
    assert all(abs(later - earlier - 2_000) <= 1 for earlier, later in itertools.pairwise(keys)), keys
    return end_s, len(keys)


@pytest.mark.parametrize("tls", [False, True])
async def test_what_the_server_gets(nginx: RtmpServer, encoded: Encoded, *, tls: bool) -> None:
    url = nginx.tls_url if tls else nginx.url
    async with Pusher(output(url, encoded, tls_context=nginx.tls_context() if tls else None), encoded) as pusher:
        await pusher.live()
        found = await nginx.probe(KEY)
        await asyncio.sleep(1)
    video, audio = sorted(found["streams"], key=lambda stream: str(stream["codec_type"]), reverse=True)
    assert (video["codec_name"], video["width"], video["height"]) == ("h264", 640, 360)
    assert (audio["codec_name"], audio["sample_rate"], audio["channels"]) == ("aac", "48000", 2)
    assert video["avg_frame_rate"] == "30/1"
    await asyncio.sleep(0.2)
    length_s, keys = check_times(nginx.recorded()[0])
    assert length_s > 1.5 and keys >= 1
    assert pusher.output.status.state is OutputState.STOPPED


async def test_a_certificate_that_nobody_vouches_for_is_refused(nginx: RtmpServer, encoded: Encoded) -> None:
    async with Pusher(output(nginx.tls_url, encoded), encoded) as pusher:
        await pusher.until(lambda: pusher.output.status.reason is not None)
        assert "certificate is not valid" in str(pusher.output.status.reason)
        assert pusher.output.status.state is OutputState.RECONNECTING
    assert not nginx.recorded()


async def test_the_stream_comes_back_with_the_server(nginx: RtmpServer, encoded: Encoded) -> None:
    changes: list[OutputState] = []
    pushed = output(nginx.url, encoded, on_change=lambda: changes.append(pushed.status.state))
    async with Pusher(pushed, encoded) as pusher:
        await pusher.live()
        await asyncio.sleep(1)
        await nginx.stop()
        await pusher.until(lambda: pushed.status.state is OutputState.RECONNECTING)
        await pusher.until(lambda: pushed.status.reason == "the server takes no connections")
        await nginx.start()
        await pusher.live()
        await nginx.probe(KEY)
    assert pushed.status.reconnects == 1
    assert changes[0] is OutputState.LIVE and OutputState.RECONNECTING in changes
    assert len(nginx.recorded()) == 2
    assert check_times(nginx.recorded()[1])[0] > 0


async def test_private_addresses_are_refused_unless_allowed(nginx: RtmpServer, encoded: Encoded) -> None:
    refused = output(nginx.url, encoded, allow_private=False)
    await asyncio.wait_for(refused.run(), 5)
    assert (refused.status.state, refused.status.reason) == (
        OutputState.FAILED,
        "the server's address is not a public one",
    )


async def test_a_server_that_never_answers(encoded: Encoded, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streaming.rtmp.output._CONNECT_TIMEOUT_S", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"rtmp://127.0.0.1:{silent.getsockname()[1]}/live"
        async with Pusher(output(url, encoded), encoded) as pusher:
            await pusher.until(lambda: pusher.output.status.reason == "the server does not answer")
