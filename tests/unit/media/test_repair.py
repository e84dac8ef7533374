"""Files whose writer was killed at any byte, and files joined of parts: they play, seek and have a duration."""

from __future__ import annotations

import io
import subprocess
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from media.containers.mp4 import Mp4Writer
from media.containers.repair import Unrepairable, repair
from media.containers.webm import WebmWriter
from media.options import ProgramOptions, VideoRendition
from media.packets import EncodedPacket, StreamInfo
from media.program import Program
from tests.support.rtp_source import solid
from tests.support.virtual_room import START, Camera, Microphone, VirtualRoom

Part = tuple[tuple[StreamInfo, ...], list[EncodedPacket]]
WRITERS = {"mp4": Mp4Writer, "webm": WebmWriter}


def part(kind: str, begins: float, seconds: float) -> Part:
    """What a program gives from ``begins`` (after the origin) on."""
    options = ProgramOptions(
        (VideoRendition("main", 160, 96, 300_000),),
        frames_per_s=20,
        key_frame_interval_s=1.0,
        video_codec="h264" if kind == "mp4" else "vp8",
        audio_codec="aac" if kind == "mp4" else "opus",
        preset="ultrafast",
        hardware=False,
    )
    program = Program(options, START + begins, origin=START)

    def sound(moments: np.ndarray) -> np.ndarray:
        return (0.3 * np.sin(2 * np.pi * 400 * np.stack([moments, moments]))).astype(np.float32)

    camera = Camera(1, "ann", lambda t: solid(160, 96, (round(40 + t * 20), 128, 128)), size=(160, 96), begins=begins)
    room = VirtualRoom(program, [camera, Microphone(2, "ann", sound, begins=begins)])
    packets = [*room.run(begins + seconds), *program.finish(START + begins + seconds)]
    return program.streams, packets


@pytest.fixture(scope="module", params=["mp4", "webm"])
def whole(request: pytest.FixtureRequest) -> tuple[str, Part, bytes]:
    made = part(request.param, 0.0, 6.0)
    data = bytearray()
    writer = WRITERS[request.param](made[0], data.extend)
    for packet in made[1]:
        writer.add(packet)
    return request.param, made, bytes(data)  # never closed: as a killed writer leaves it


def repaired(data: bytes) -> tuple[bytes, float]:
    found = repair(lambda offset, length: data[offset : offset + length], len(data))
    mended = bytearray(data[: found.length] + found.tail)
    for patch in found.patches:
        assert patch.offset + len(patch.data) <= found.header_bytes
        mended[patch.offset : patch.offset + len(patch.data)] = patch.data
    return bytes(mended), found.duration_s


def times(data: bytes) -> tuple[float, list[float], list[float]]:
    with av.open(io.BytesIO(data), options={"err_detect": "explode"}) as container:
        video = [f.time for f in container.decode(video=0)]
        duration = (container.duration or 0) / 1e6
    with av.open(io.BytesIO(data)) as container:
        return duration, video, [f.time for f in container.decode(audio=0)]


def test_a_killed_writer_loses_little(whole: tuple[str, Part, bytes]) -> None:
    mended, duration_s = repaired(whole[2])
    duration, video, sound = times(mended)
    assert duration == pytest.approx(duration_s, abs=0.06) and duration_s > 4.5
    assert np.allclose(np.diff(video), 0.05, atol=0.002) and video[-1] > 4.5 and sound[-1] > 4.3
    with av.open(io.BytesIO(mended)) as container:
        container.seek(3_500_000)
        assert 1.9 < next(container.decode(video=0)).time <= 3.5


@settings(deadline=None, max_examples=30)
@given(share=st.floats(0, 1))
def test_killed_at_any_byte(whole: tuple[str, Part, bytes], share: float) -> None:
    data = whole[2][: round(len(whole[2]) * share)]
    try:
        mended, duration_s = repaired(data)
    except Unrepairable:
        assert len(data) < 110_000
        return
    if duration_s > 0:
        duration, video, _ = times(mended)
        assert duration == pytest.approx(duration_s, abs=0.06) and len(video) >= 15


@settings(deadline=None)
@given(st.binary(max_size=300), st.integers(0, 300))
def test_any_bytes(data: bytes, size: int) -> None:
    for head in (b"\0\0\0\x18ftyp", b"\x1a\x45\xdf\xa3\x80\x18\x53\x80\x67", b""):
        with pytest.raises(Unrepairable):
            repair(lambda offset, length, d=head + data: d[offset : offset + length], len(head + data) + size)


def test_bytes_that_were_never_written_end_the_file(whole: tuple[str, Part, bytes]) -> None:
    """After a power failure a file may end in zeros."""
    good = repaired(whole[2])
    again = repaired(whole[2] + bytes(5_000))
    assert again == good


def test_parts_are_joined_by_laying_one_behind_the_other(whole: tuple[str, Part, bytes], tmp_path: Path) -> None:
    kind, _, first = whole
    streams, packets = part(kind, 7.0, 3.0)
    data = bytearray()
    writer = WRITERS[kind](streams, data.extend)
    for packet in packets:
        writer.add(packet)
    writer.close()
    second = bytes(data)
    head, tail = (repair(lambda o, n, d=d: d[o : o + n], len(d)) for d in (first, second))
    mended, duration_s = repaired(first[: head.length] + second[tail.header_bytes : tail.length])
    duration, video, sound = times(mended)
    assert duration == pytest.approx(10.0, abs=0.1) == pytest.approx(duration_s, abs=0.1)
    assert video[-1] == pytest.approx(9.95, abs=0.1) and sound[-1] == pytest.approx(9.97, abs=0.1)
    gaps = np.diff(video)
    assert (gaps > 0.06).sum() == 1 and gaps.max() > 0.9
    file = tmp_path / f"joined.{kind}"
    file.write_bytes(mended)
    command = ["ffmpeg", "-v", "error", "-xerror", "-i", str(file), "-f", "null", "-"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
