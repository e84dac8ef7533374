"""Frames put together from packets: round trips with real encoders, what is given out after a loss, and any bytes."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.decode import OpusDecoder, VideoDecoder
from media.depacketise import Frame, assembler_for
from media.depacketise.opus import red_blocks
from media.depacketise.payloads import av1_obus, h264_units, vp8_start, vp9_start, vp9_superframe
from media.extradata import av1c_record, avcc_record, length_prefixed
from sfu.errors import MalformedPacket
from sfu.rtp.packet import RtpPacket, build_rtp, parse_rtp
from tests.support.rtp_source import OpusEncoder, Packetiser, encoded, pause_packet, quiet_room, vp8_payloads

CODECS = ["VP8", "VP9", "H264", "AV1"]


def film(frames: int, width: int = 320, height: int = 180) -> list[np.ndarray]:
    noise = np.random.default_rng(5).integers(0, 255, (height * 3 // 2, width), dtype=np.uint8)
    return [np.roll(noise, n * 3, axis=1) for n in range(frames)]


@pytest.fixture(scope="module")
def films() -> dict[str, list[bytes]]:
    return {codec: encoded(codec, 320, 180, film(8)) for codec in CODECS}


def packets_of(codec: str, frames: list[bytes]) -> list[list[RtpPacket]]:
    packetiser = Packetiser(codec)
    return [[parse_rtp(p) for p in packetiser.packets(f, 3_000 * n, key=n == 0)] for n, f in enumerate(frames)]


def assemble(codec: str, packets: list[RtpPacket], lost: frozenset[int] = frozenset()) -> list[Frame]:
    assembler = assembler_for(codec)
    assert assembler is not None
    frames: list[Frame] = []
    gap = 0
    for n, packet in enumerate(packets):
        if n in lost:
            gap += 1
            continue
        frames += assembler.push(packet, gap)
        gap = 0
    return frames


@pytest.mark.parametrize("codec", CODECS)
def test_a_film_comes_out_whole_and_decodes(codec: str, films: dict[str, list[bytes]]) -> None:
    groups = packets_of(codec, films[codec])
    assert len(groups[0]) > 2, "the film must need several packets a frame"
    frames = assemble(codec, [p for group in groups for p in group])
    assert [f.key_frame for f in frames] == [True] + [False] * (len(films[codec]) - 1)
    # Timestamps wrapped on the way and go on growing.
    assert [f.timestamp - frames[0].timestamp for f in frames] == [3_000 * n for n in range(len(frames))]
    decoder = VideoDecoder(codec)
    pictures = [p for p in (decoder.decode(f) for f in frames) if p is not None]
    assert len(pictures) == len(frames) and (pictures[-1].width, pictures[-1].height) == (320, 180)
    if codec in ("VP8", "VP9"):
        assert [f.data for f in frames] == films[codec]
    if codec == "H264":
        assert [f.data for f in frames] == [length_prefixed(f) for f in films[codec]]


@pytest.mark.parametrize("codec", CODECS)
def test_after_a_loss_nothing_comes_until_a_key_frame(codec: str, films: dict[str, list[bytes]]) -> None:
    film_ = films[codec]
    groups = packets_of(codec, film_ + film_)  # the second time begins with the same key frame
    # packets_of marks only frame 0 as key: number the second half anew.
    packetiser = Packetiser(codec)
    groups = [
        [parse_rtp(p) for p in packetiser.packets(f, 3_000 * n, key=n % len(film_) == 0)]
        for n, f in enumerate(film_ + film_)
    ]
    flat = [p for group in groups for p in group]
    place = sum(map(len, groups[:3]))  # the first packet of frame 3
    frames = assemble(codec, flat, frozenset({place}))
    numbers = [(f.timestamp - frames[0].timestamp) // 3_000 for f in frames]
    assert numbers == [0, 1, 2, *range(len(film_), 2 * len(film_))]
    assert [f.gap_before for f in frames] == [n == len(film_) for n in numbers]


def test_a_lost_higher_temporal_layer_needs_no_key_frame() -> None:
    def payload(tl0: int, temporal: int, key: bool) -> bytes:
        return bytes((0x90, 0x60, tl0, temporal << 6, 0x10 if key else 0x11)) + b"x" * 20

    layers = [(0, 0), (0, 1), (1, 0), (1, 1), (2, 0), (3, 0), (4, 0)]
    packets = [
        parse_rtp(
            build_rtp(payload_type=96, sequence_number=n, timestamp=n * 3000, ssrc=1, marker=True,
                      payload=payload(tl0, temporal, n == 0))
        )
        for n, (tl0, temporal) in enumerate(layers)
    ]  # fmt: skip
    assembler = assembler_for("VP8")
    assert assembler is not None
    assert [len(assembler.push(p, 0)) for p in packets[:3]] == [1, 1, 1]
    assert len(assembler.push(packets[4], 1)) == 1, "only a picture of the upper layer was lost"
    assert assembler.push(packets[6], 1) == [] and assembler.wants_key_frame, "a picture of the base layer was lost"


def test_parameter_sets_and_sequence_headers_become_records(films: dict[str, list[bytes]]) -> None:
    key = assemble("H264", [p for group in packets_of("H264", films["H264"])[:1] for p in group])[0]
    record = avcc_record(key.data)
    assert record is not None and record[0] == 1 and record[4] == 0xFF
    key = assemble("AV1", [p for group in packets_of("AV1", films["AV1"])[:1] for p in group])[0]
    record = av1c_record(key.data)
    assert record is not None and record[0] == 0x81 and record[4] >> 3 == 1


def test_redundant_sound_fills_a_loss() -> None:
    assembler = assembler_for("red")
    assert assembler is not None
    frames: list[Frame] = []
    blocks = [bytes((0xFC, n)) * 10 for n in range(6)]
    gap = 0
    for n in range(1, 6):
        head = struct_red(960, len(blocks[n - 1]))
        packet = build_rtp(payload_type=63, sequence_number=n, timestamp=n * 960, ssrc=1,
                           payload=head + b"\x6f" + blocks[n - 1] + blocks[n])  # fmt: skip
        if n == 3:
            gap = 1
            continue
        frames += assembler.push(parse_rtp(packet), gap)
        gap = 0
    assert [f.data for f in frames] == [blocks[1], blocks[2], blocks[3], blocks[4], blocks[5]]
    assert assembler.counters["recovered"] == 1


def struct_red(offset: int, size: int) -> bytes:
    return (1 << 31 | 111 << 24 | offset << 10 | size).to_bytes(4, "big")


def test_opus_decodes_to_what_was_encoded() -> None:
    encoder, decoder = OpusEncoder(128_000), OpusDecoder()
    t = np.arange(960 * 10) / 48_000
    tone = np.stack([np.sin(2 * np.pi * 1000 * t), 0.25 * np.sin(2 * np.pi * 1000 * t)]).astype(np.float32)
    out = [
        decoder.decode(Frame(n * 960, encoder.encode(tone[:, n * 960 : n * 960 + 960]), True, 0.0)) for n in range(10)
    ]
    last = out[-1]
    assert last is not None and last.shape == (2, 960)
    left, right = np.sqrt((last**2).mean(axis=1))
    assert 0.6 < left < 0.8 and 0.15 < right < 0.2


def test_the_room_is_heard_on_while_the_encoder_says_nothing() -> None:
    decoder = OpusDecoder()
    packets = list(quiet_room(1.0))
    before = [decoder.decode(Frame(n * 960, data, True, 0.0)) for n, data in enumerate(packets)][-1]
    pause = decoder.decode(Frame(50 * 960, pause_packet(packets[-1]), True, 0.0))
    assert before is not None and pause is not None
    assert pause.shape == (2, 960 + 19_200)
    loudness = np.sqrt((pause.reshape(2, 21, 960) ** 2).mean(axis=(0, 2))) / np.sqrt((before**2).mean())
    assert loudness.min() > 0.4 and loudness.max() < 1.5


@pytest.mark.parametrize("data", [b"\x03", b"\x00", b"\xff", b"\xff\x3f", b"\x78\x01"], ids=bytes.hex)
def test_no_packet_of_two_bytes_makes_a_long_sound(data: bytes) -> None:
    sound = OpusDecoder().decode(Frame(0, data, True, 0.0))
    assert sound is None or sound.shape[1] <= 120 * 48 + 19_200


def test_a_picture_of_a_gigabyte_is_refused() -> None:
    (key,) = encoded("VP8", 64, 48, film(1, 64, 48))
    decoder = VideoDecoder("VP8")
    assert decoder.decode(Frame(0, key, True, 0.0)) is not None
    huge = key[:6] + (16_383).to_bytes(2, "little") * 2 + key[10:]
    assert decoder.decode(Frame(1, huge, True, 0.0)) is None and decoder.counters["refused"] == 1
    assert decoder.decode(Frame(2, key, True, 0.0)) is not None


def test_a_superframe_has_an_index() -> None:
    assert vp9_superframe([b"abc"]) == b"abc"
    data = vp9_superframe([b"a" * 300, b"b" * 5])
    assert data[305:] == b"\xc9" + (300).to_bytes(2, "little") + (5).to_bytes(2, "little") + b"\xc9"


@given(st.lists(st.binary(max_size=40), max_size=6), st.sampled_from([*CODECS, "opus", "red"]), st.randoms())
def test_any_bytes_are_counted_and_raise_nothing(payloads: list[bytes], codec: str, rng: random.Random) -> None:
    assembler = assembler_for(codec)
    assert assembler is not None
    for n, payload in enumerate(payloads):
        data = build_rtp(payload_type=96, sequence_number=n, timestamp=rng.randrange(4), ssrc=1, payload=payload,
                         marker=rng.random() < 0.5)  # fmt: skip
        for frame in assembler.push(parse_rtp(data), rng.randrange(2)):
            avcc_record(frame.data)


@given(st.binary(min_size=1, max_size=60))
def test_any_payload_raises_only_malformed_packet(data: bytes) -> None:
    for attempt in (
        lambda: vp8_start(data, 0, len(data)),
        lambda: vp9_start(data, 0, len(data)),
        lambda: h264_units([data]),
        lambda: av1_obus([data]),
        lambda: red_blocks(data),
    ):
        try:
            attempt()
        except MalformedPacket:
            continue


def test_vp8_payloads_are_cut_where_they_must() -> None:
    assert len(vp8_payloads(bytes(2_500), 1)) == 3
