"""The files of our own writers in Chromium: they play, tell their duration and seek, complete or repaired."""

from __future__ import annotations

import subprocess
from base64 import b64encode
from pathlib import Path

import numpy as np
import pytest

from media.containers.mp4 import Mp4Writer
from media.containers.repair import repair
from media.containers.webm import WebmWriter
from media.feed import TrackAdded
from media.options import ProgramOptions, VideoRendition
from media.packets import Patch
from media.program import Program
from media.tracks import TrackWriter
from tests.interop.conftest import Chromium
from tests.support.rtp_source import solid
from tests.support.virtual_room import START, Camera, Microphone, VirtualRoom

pytestmark = [pytest.mark.interop, pytest.mark.asyncio(loop_scope="session")]
SECONDS = 8.0
PLAY = """async ([type, base64, at]) => {
    const bytes = Uint8Array.from(atob(base64), c => c.charCodeAt(0));
    const player = document.createElement('video');
    player.muted = true;
    player.src = URL.createObjectURL(new Blob([bytes], { type }));
    document.body.append(player);
    const once = (name) => new Promise((done, failed) => {
        player.addEventListener(name, done, { once: true });
        player.addEventListener('error', () => failed(new Error(player.error.message)), { once: true });
    });
    await once('canplay');
    const duration = player.duration;
    // "seeked" tells that the frame is decoded; it can be drawn once it has been shown.
    const shown = !type.startsWith('video') ? null : new Promise((done) => {
        const look = (_, { mediaTime }) =>
            Math.abs(mediaTime - at) < 0.1 ? done() : player.requestVideoFrameCallback(look);
        player.requestVideoFrameCallback(look);
    });
    player.currentTime = at;
    await once('seeked');
    await Promise.race([shown, new Promise((done) => setTimeout(done, 5000))]);
    const canvas = document.createElement('canvas');
    canvas.width = canvas.height = 8;
    const draw = canvas.getContext('2d');
    draw.drawImage(player, 0, 0, 8, 8);
    const red = draw.getImageData(4, 4, 1, 1).data[0];
    await player.play();
    await new Promise((done) => setTimeout(done, 300));
    const played = player.currentTime;
    player.remove();
    return { duration, red, played };
}"""


def grey(t: float, size: tuple[int, int]) -> np.ndarray:
    """It tells the time: 20 grey values a second."""
    return solid(*size, (16 + round(t * 20), 128, 128))


def patched(data: bytearray, patches: list[Patch]) -> bytes:
    for patch in patches:
        data[patch.offset : patch.offset + len(patch.data)] = patch.data
    return bytes(data)


def program(kind: str) -> tuple[bytes, bytes]:
    """A program's file, complete, and as a killed writer leaves it but repaired."""
    h264 = kind == "mp4"
    rendition = VideoRendition("main", 320, 180, 600_000)
    made = Program(
        ProgramOptions(
            (rendition,), 25, video_codec="h264" if h264 else "vp8", audio_codec="aac" if h264 else "opus",
            hardware=False, preset="ultrafast",
        ),
        START,
    )  # fmt: skip
    camera = Camera(1, "ann", lambda t: grey(t, (320, 180)))
    sound = Microphone(2, "ann", lambda m: (0.2 * np.sin(2000 * np.stack([m, m]))).astype(np.float32))
    data = bytearray()
    writer = (Mp4Writer if h264 else WebmWriter)(made.streams, data.extend)
    for packet in [*VirtualRoom(made, [camera, sound]).run(SECONDS), *made.finish(START + SECONDS)]:
        writer.add(packet)
    killed = bytes(data[:-1_000])
    found = repair(lambda offset, length: killed[offset : offset + length], len(killed))
    mended = patched(bytearray(killed[: found.length] + found.tail), found.patches)
    return patched(data, writer.close()), mended


def track(codec: str) -> bytes:
    """A camera's track file, or a microphone's."""
    source: Camera | Microphone
    if codec == "opus":
        source = Microphone(1, "ann", lambda m: (0.2 * np.sin(2000 * np.stack([m, m]))).astype(np.float32))
    else:
        source = Camera(1, "ann", lambda t: grey(t, (320, 180)), codec=codec)
    added = TrackAdded(1, "p", "ann", "camera", source.kind, codec, source.rate, 2)  # type: ignore[arg-type]
    data = bytearray()
    writer = TrackWriter(added, data.extend)

    class Taker:
        """What a VirtualRoom runs."""

        def feed(self, message: object, now: float) -> None:
            writer.feed(message)  # type: ignore[arg-type]

        def tick(self, now: float) -> list[object]:
            if isinstance(source, Camera) and now % 2 < 1 / 30:
                source.wants_key = True
            writer.tick(now)
            return []

        def requests(self) -> list[object]:
            return writer.requests()  # type: ignore[return-value]

    list(VirtualRoom(Taker(), [source]).run(SECONDS))  # type: ignore[arg-type]
    return patched(data, writer.finish(START + SECONDS))


def decodes(path: Path, data: bytes) -> None:
    """Every byte of it, by another hand."""
    path.write_bytes(data)
    command = ["ffmpeg", "-v", "error", "-xerror", "-i", str(path), "-f", "null", "-"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


async def check(chromium: Chromium, content_type: str, data: bytes, *, missing_s: float = 0.0) -> None:
    tab = await chromium.open("about:blank")
    try:
        seen = await tab.page.evaluate(PLAY, [content_type, b64encode(data).decode(), 4.5])
    finally:
        await tab.close()
    assert SECONDS - missing_s - 0.1 < seen["duration"] < SECONDS + 0.1
    assert 4.5 < seen["played"] < 6.0
    if content_type.startswith("video"):
        assert seen["red"] == pytest.approx(4.5 * 20 * 255 / 219, abs=6)


@pytest.mark.parametrize("kind", ["mp4", "webm"])
async def test_a_program_plays_and_seeks(chromium: Chromium, tmp_path: Path, kind: str) -> None:
    complete, mended = program(kind)
    decodes(tmp_path / "complete", complete)
    decodes(tmp_path / "mended", mended)
    await check(chromium, f"video/{kind}", complete)
    await check(chromium, f"video/{kind}", mended, missing_s=2.5)


@pytest.mark.parametrize("codec", ["VP8", "VP9", "H264", "AV1", "opus"])
async def test_a_track_plays_and_seeks(chromium: Chromium, tmp_path: Path, codec: str) -> None:
    content_type = "audio/webm" if codec == "opus" else "video/mp4" if codec == "H264" else "video/webm"
    data = track(codec)
    decodes(tmp_path / "track", data)
    await check(chromium, content_type, data)
