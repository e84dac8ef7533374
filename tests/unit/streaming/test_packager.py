"""Where segments and parts end, and that what comes out is MP4 which decodes without a complaint."""

from __future__ import annotations

import io
from collections.abc import Iterable
from dataclasses import replace
from fractions import Fraction

import av
import pytest

from streaming.encoded import VIDEO_TIMESCALE, AudioPacket, VideoPacket, VideoTrack
from streaming.hls.packager import Packager, Part, Piece, SegmentEnd
from tests.support.encoded import Encoded, encode

FRAME = VIDEO_TIMESCALE // 30
TRACK = VideoTrack(320, 180, Fraction(30), b"\x67\x42\xc0\x1f", b"\x68\xce")


@pytest.fixture(scope="module")
def encoded() -> Encoded:
    return encode(5)


def frames(count: int, gop: int = 60, *, skip: Iterable[int] = (), start: int = 0) -> list[VideoPacket]:
    return [
        VideoPacket(n * FRAME, n * FRAME, FRAME, n % gop == 0, b"\0\0\0\2\x41\x01")
        for n in range(start, start + count)
        if n not in set(skip)
    ]


def package(packets: Iterable[VideoPacket], **options: float) -> list[Piece]:
    packager = Packager(TRACK, None, **{"segment_s": 2.0, "part_s": 0.5, **options})
    pieces = [piece for packet in packets for piece in packager.add_video(packet)]
    return pieces + packager.finish()


def shape(pieces: list[Piece]) -> list[str]:
    """Durations in frames: ``P15`` a part, ``I15`` one that begins with a key frame, ``S60`` the end of a segment."""
    return [
        f"{'S' if isinstance(p, SegmentEnd) else 'I' if p.independent else 'P'}{round(p.duration_s * 30)}"
        for p in pieces
    ]


@pytest.mark.parametrize(
    ("packets", "options", "expected"),
    [
        (frames(60), {}, "I15 P15 P15 P15 S60"),
        (frames(75), {}, "I15 P15 P15 P15 S60 I15 S15"),
        # Parts do not fit the group of pictures: its last is shorter.
        (frames(60), {"part_s": 0.8}, "I24 P24 P12 S60"),
        # Segments hold several groups; a key frame inside does not end one.
        (frames(60, gop=30), {"key_frame_interval_s": 1.0}, "I15 P15 I15 P15 S60"),
        (frames(60, gop=30), {"segment_s": 1.0}, "I15 P15 S30 I15 P15 S30"),
        # A worker begins between the key frames of the grid: no segment is longer than asked.
        (
            [replace(frames(1)[0], dts=33 * FRAME, pts=33 * FRAME), *frames(60, start=34)],
            {},
            "I15 P12 S27 I15 P15 P4 S34",
        ),
        # The encoder makes longer groups than asked: segments still begin with key frames.
        (frames(120, gop=90), {}, "I15 P15 P15 P15 P15 P15 S90 I15 P15 S30"),
        # Nothing before the first key frame.
        (frames(45, start=30), {}, "I15 S15"),
        # A frame is missing at the end of a part, and a whole second is.
        (frames(30, skip=[14]), {}, "I15 P15 S30"),
        (frames(60, skip=range(20, 50)), {}, "I15 P35 P10 S60"),
        ([], {}, ""),
    ],
)
def test_where_parts_and_segments_end(packets: list[VideoPacket], options: dict[str, float], expected: str) -> None:
    assert " ".join(shape(package(packets, **options))) == expected


def test_parts_come_as_soon_as_they_are_full() -> None:
    packager = Packager(TRACK, None, segment_s=2, part_s=0.5)
    came = [n for n, packet in enumerate(frames(60)) if packager.add_video(packet)]
    assert came == [14, 29, 44, 59]


def test_what_comes_out_decodes(encoded: Encoded) -> None:
    packager = Packager(encoded.video, encoded.audio, segment_s=2, part_s=0.5)
    pieces: list[Piece] = []
    for packet in encoded.packets:
        if isinstance(packet, AudioPacket):
            packager.add_audio(packet)
        else:
            pieces += packager.add_video(packet)
    pieces += packager.finish()
    data = b"".join([packager.init, *(piece.data for piece in pieces if isinstance(piece, Part))])
    with av.open(io.BytesIO(data)) as container:
        video, audio = container.streams.video[0], container.streams.audio[0]
        assert (video.codec.name, video.width, video.height, audio.codec.name) == ("h264", 320, 180, "aac")
        times = [frame.pts for frame in container.decode(video)]
        assert times == [n * FRAME for n in range(150)]
    with av.open(io.BytesIO(data)) as container:
        heard = sum(frame.samples for frame in container.decode(container.streams.audio[0]))
    assert heard > 4.8 * 48_000


@pytest.mark.parametrize("segment", [0, 1])
def test_each_segment_decodes_by_itself(encoded: Encoded, segment: int) -> None:
    packager = Packager(encoded.video, None, segment_s=2, part_s=0.5)
    segments: list[bytes] = [b""]
    for packet in encoded.packets:
        if isinstance(packet, VideoPacket):
            for piece in packager.add_video(packet):
                if isinstance(piece, Part):
                    segments[-1] += piece.data
                else:
                    segments.append(b"")
    with av.open(io.BytesIO(packager.init + segments[segment])) as container:
        assert sum(1 for _ in container.decode(video=0)) == 60
