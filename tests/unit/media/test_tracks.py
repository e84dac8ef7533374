"""Track files: what was sent is in them, at its time, and they decode without an error; gaps are told."""

from __future__ import annotations

import io
import random
from collections.abc import Iterator

import av
import numpy as np
import pytest

from media.feed import Clock, KeyFrameWanted, Message, Muted, Packet, TrackAdded
from media.packets import Patch
from media.tracks import TrackWriter
from tests.support.media_judge import overlaps
from tests.support.rtp_source import OpusEncoder, Packetiser, VideoEncoder, pause_packet, quiet_room

START = 500.0


class File:
    """Bytes written forward, patched at the end."""

    def __init__(self) -> None:
        self.data = bytearray()

    def write(self, data: bytes) -> None:
        self.data += data

    def patch(self, patches: list[Patch]) -> None:
        for p in patches:
            assert p.offset + len(p.data) <= 128 * 1024
            self.data[p.offset : p.offset + len(p.data)] = p.data

    def open(self) -> av.container.InputContainer:
        return av.open(io.BytesIO(bytes(self.data)), options={"err_detect": "explode"})


def added(kind: str, codec: str, rate: int, channels: int = 1) -> TrackAdded:
    return TrackAdded(1, "p", "ann", "camera" if kind == "video" else "microphone", kind, codec, rate, channels)  # type: ignore[arg-type]


def picture(n: int, width: int, height: int) -> np.ndarray:
    """Brightness tells the number."""
    made = np.full((height * 3 // 2, width), 128, np.uint8)
    made[:height] = 20 + n * 2 % 200
    made[: height // 2, : width // 2] += np.random.default_rng(n).integers(0, 20, (height // 2, width // 2), np.uint8)
    return made


def run(writer: TrackWriter, messages: Iterator[tuple[float, Message]], end: float) -> list[Message]:
    asked: list[Message] = []
    clock = START
    for at, message in sorted(messages, key=lambda m: m[0]):
        while clock < at:
            writer.tick(clock)
            asked += writer.requests()
            clock += 0.05
        writer.feed(message)
    while clock < end:
        writer.tick(clock)
        clock += 0.05
    return asked


def video(codec: str, frames: int, *, size=(320, 180), loss: float = 0.0, drift: float = 0.0, gop: int = 30):
    """A camera of 30 frames a second; its sender reports come once a second."""
    encoder, packetiser = VideoEncoder(codec, *size, gop=1_000), Packetiser(codec)
    rng = random.Random(1)
    pending = [encoder.encode(picture(n, *size), key=n % gop == 0) for n in range(frames)]
    if codec == "AV1":
        pending = [f for f in [*pending, *encoder.flush()] if f]
    rate = 90_000 * (1 + drift)
    for n, frame in enumerate(pending):
        at = START + n / 30
        if n % 30 == 0:
            yield at, Clock(1, (packetiser.first_timestamp + round(n / 30 * rate)) & 0xFFFFFFFF, at, packetiser.ssrc)
        for data in packetiser.packets(frame, round(n / 30 * rate), key=n % gop == 0):
            if n == 0 or rng.random() >= loss:
                yield at + 0.02 + rng.random() * 0.02, Packet(1, at + 0.03, data)


@pytest.mark.parametrize("codec", ["VP8", "VP9", "H264", "AV1"])
def test_a_camera_is_written_whole(codec: str) -> None:
    file = File()
    writer = TrackWriter(added("video", codec, 90_000), file.write)
    run(writer, video(codec, 90), START + 3.2)
    unfinished = File()
    unfinished.data += file.data
    file.patch(writer.finish(START + 3.0))
    assert writer.suffix == ("mp4" if codec == "H264" else "webm")
    with file.open() as container:
        stream = container.streams.video[0]
        assert (stream.width, stream.height) == (320, 180)
        assert container.duration == pytest.approx(3_000_000, abs=40_000)
        decoded = [(f.time, int(f.to_ndarray()[150, 250])) for f in container.decode(stream)]
    assert len(decoded) == 90 and decoded[0][0] == 0
    for n, (time_s, luma) in enumerate(decoded):
        assert time_s == pytest.approx(n / 30, abs=0.002)
        assert luma == pytest.approx(20 + n * 2, abs=12)
    # Killed before the end, what was written plays all the same.
    with unfinished.open() as container:
        assert len(list(container.decode(video=0))) >= 55
    with file.open() as container:
        container.seek(2_000_000)
        assert 0.9 <= next(container.decode(video=0)).time <= 2.01


def test_loss_is_marked_asks_for_a_key_frame_and_corrupts_nothing() -> None:
    file = File()
    writer = TrackWriter(added("video", "VP8", 90_000), file.write, wait_s=0.3)
    asked = run(writer, video("VP8", 240, size=(640, 360), loss=0.03), START + 8.5)
    file.patch(writer.finish(START + 8.0))
    assert KeyFrameWanted(1) in asked and len(asked) < 40
    assert writer.gaps and all(kind == "loss" and begin < end for begin, end, kind in writer.gaps)
    assert writer.status()["lost"] > 0
    with file.open() as container:
        times = [f.time for f in container.decode(video=0)]
    assert len(times) == writer.frames and times == sorted(set(times))


def test_the_clock_of_a_publisher_that_drifts_is_ours_in_the_file() -> None:
    file = File()
    writer = TrackWriter(added("video", "VP8", 90_000), file.write)
    run(writer, video("VP8", 300, size=(64, 48), drift=0.001), START + 10.5)
    writer.finish(START + 10.0)
    assert writer.started_at == pytest.approx(START, abs=0.002)
    assert writer.duration_s == pytest.approx(10.0, abs=0.02)


def test_the_size_may_change() -> None:
    """As when a simulcast layer is switched: another SSRC goes on with a key frame."""
    file = File()
    writer = TrackWriter(added("video", "VP8", 90_000), file.write)
    messages = []
    for number, size in enumerate([(160, 90), (320, 180)]):
        encoder = VideoEncoder("VP8", *size)
        packetiser = Packetiser("VP8", ssrc=number + 1, first_seq=number * 777, first_timestamp=number * 10**9)
        for n in range(30):
            at = START + number + n / 30
            if n == 0:
                messages.append((at, Clock(1, packetiser.first_timestamp, at, packetiser.ssrc)))
            packets = packetiser.packets(encoder.encode(picture(n, *size)), n * 3_000)
            messages.extend((at + 0.01, Packet(1, at + 0.01, data)) for data in packets)
    run(writer, iter(messages), START + 2.5)
    file.patch(writer.finish(START + 2.0))
    with file.open() as container:
        decoded = [(f.time, f.width) for f in container.decode(video=0)]
    assert [w for _, w in decoded] == [160] * 30 + [320] * 30
    assert np.allclose([t for t, _ in decoded], np.arange(60) / 30, atol=0.002)
    assert [s[1:] for s in writer.sizes] == [(160, 90), (320, 180)]


def sound(seconds: float, skip=lambda n: False, channels: int = 2):
    encoder, packetiser = OpusEncoder(), Packetiser("opus")
    t = np.arange(960) / 48_000
    for n in range(round(seconds * 50)):
        tone = 0.5 * np.sin(2 * np.pi * 500 * (t + n * 0.02))
        data = packetiser.packets(encoder.encode(np.stack([tone, tone]).astype(np.float32)), n * 960)[0]
        at = START + n * 0.02
        if n % 50 == 0:
            yield at, Clock(1, (packetiser.first_timestamp + n * 960) & 0xFFFFFFFF, at, 1)
        if not skip(n):
            yield at + 0.03, Packet(1, at + 0.03, data)


def test_sound_keeps_its_time_through_gaps() -> None:
    file = File()
    writer = TrackWriter(added("audio", "opus", 48_000, 2), file.write, wait_s=0.3)
    run(writer, sound(6.0, skip=lambda n: 100 <= n < 150), START + 6.5)
    file.patch(writer.finish(START + 6.0))
    assert [(round(b, 2), round(e, 2), k) for b, e, k in writer.gaps] == [(2.0, 3.0, "loss")]
    with file.open() as container:
        assert container.duration == pytest.approx(6_000_000, abs=30_000)
        pieces = [f.to_ndarray()[0] for f in container.decode(audio=0)]
    samples = np.concatenate(pieces)
    assert len(samples) == pytest.approx(6 * 48_000, abs=1_500)
    loud = np.abs(samples.reshape(-1)[: 6 * 47_000]).reshape(-1, 470).max(axis=1) > 0.2
    assert loud[:190].mean() > 0.97 and loud[210:295].mean() < 0.03 and loud[310:].mean() > 0.97


def test_a_mute_is_no_loss() -> None:
    file = File()
    writer = TrackWriter(added("audio", "opus", 48_000, 2), file.write, wait_s=0.3)
    messages = list(sound(4.0, skip=lambda n: 50 <= n < 100))
    messages += [(START + 1.03, Muted(1, True)), (START + 2.0, Muted(1, False))]
    run(writer, iter(messages), START + 4.5)
    writer.finish(START + 4.0)
    assert writer.status()["lost"] == 0
    assert [k for _, _, k in writer.gaps] == ["muted"]


def spoken(count: int, at=lambda n: n * 0.02, steps=lambda n: n * 960, data: bytes = b"\x78" + bytes(60), clocks=()):
    """Sound that need not be decoded; ``at`` is when a packet is sent, ``steps`` its RTP time, ``clocks`` (s, late)."""
    packetiser = Packetiser("opus")
    for seconds, late in clocks:
        stamp = packetiser.first_timestamp + round(seconds * 48_000)
        yield START + seconds, Clock(1, stamp & 0xFFFFFFFF, START + seconds + late, packetiser.ssrc)
    for n in range(count):
        for packet in packetiser.packets(data, steps(n)):
            yield START + at(n) + 0.03, Packet(1, START + at(n) + 0.03, packet)


@pytest.mark.parametrize(
    "messages",
    [
        # A publisher's clock is found to be wrong by much, either way, and back again.
        spoken(300, clocks=[(0.0, 0.0), (2.0, -0.35), (4.0, 0.0)]),
        # No sender report ever: the least delayed packets count.
        spoken(300, at=lambda n: n * 0.02 + (0.015 if n % 40 < 20 else 0.0)),
        # A clock that runs fast by 500 ppm.
        spoken(300, steps=lambda n: round(n * 960 * 1.0005), clocks=[(s, -s * 0.0005) for s in range(6)]),
        # Discontinuous transmission: one packet in 400 ms for a while; and packets of 60 ms.
        spoken(60, at=lambda n: n * 0.02 if n < 20 else n * 0.1, steps=lambda n: n * 960 if n < 20 else n * 4_800),
        spoken(60, at=lambda n: n * 0.06, steps=lambda n: n * 2_880, data=b"\x1b\x01" + bytes(80)),
        # Muted, and the time stamps go on as if nothing had been, or stand still.
        [*spoken(50), *spoken(50, at=lambda n: 2.005 + n * 0.02, steps=lambda n: 96_111 + n * 960),
         (START + 1.1, Muted(1, True)), (START + 2.0, Muted(1, False))],
    ],
    ids=["steps", "no-clock", "fast", "dtx", "60ms", "muted"],
)  # fmt: skip
def test_sound_never_lies_upon_sound(messages: Iterator[tuple[float, Message]]) -> None:
    file = File()
    writer = TrackWriter(added("audio", "opus", 48_000, 2), file.write, wait_s=0.3)
    run(writer, messages, START + 6.5)
    file.patch(writer.finish(START + 6.0))
    assert overlaps(io.BytesIO(bytes(file.data))) == []
    assert writer.duration_s == pytest.approx(6.0, abs=0.1), "silent or not, a track lasts to its end"


def test_pauses_that_are_not_sent_sound_like_the_room_and_are_no_gaps() -> None:
    file = File()
    writer = TrackWriter(added("audio", "opus", 48_000, 2), file.write, wait_s=0.3)
    packetiser, messages = Packetiser("opus"), []
    for n, data in enumerate(quiet_room(4.0)):
        # From the first second on only what refreshes the noise is sent, every 400 ms, and the begin of the next pause.
        if n < 50 or (n - 50) % 20 < 2:
            at = START + n * 0.02
            sent = data if n < 50 or (n - 50) % 20 == 0 else pause_packet(data)
            messages += [(at, Packet(1, at, packet)) for packet in packetiser.packets(sent, n * 960)]
    run(writer, iter([(START, Clock(1, packetiser.first_timestamp, START)), *messages]), START + 4.5)
    file.patch(writer.finish(START + 4.0))
    assert writer.gaps == [] and writer.silence_s == 0
    assert overlaps(io.BytesIO(bytes(file.data))) == []
    # FFmpeg's own decoder is silent where libopus, which browsers have, goes on with the noise.
    decoder = av.CodecContext.create("libopus", "r")
    decoder.sample_rate, decoder.layout = 48_000, "stereo"
    with file.open() as container:
        packets = [bytes(packet) for packet in container.demux(audio=0) if packet.size]
    samples = np.concatenate([f.to_ndarray()[0] for data in packets for f in decoder.decode(av.Packet(data))])
    assert len(samples) == 4 * 48_000 * 2, "interleaved"
    loudness = np.sqrt((samples.reshape(-1, 9_600).astype(float) ** 2).mean(axis=1))
    assert loudness[1:].min() > 0.4 * np.median(loudness[:10])


def test_pictures_have_times_of_their_own_when_a_clock_is_put_back() -> None:
    file = File()
    writer = TrackWriter(added("video", "VP8", 90_000), file.write)
    messages = list(video("VP8", 120, size=(64, 48)))
    back = [(at, Clock(m.track, m.rtp_timestamp, m.at - 0.3, m.ssrc)) for at, m in messages
            if isinstance(m, Clock) and at > START + 1.9]  # fmt: skip
    run(writer, iter([m for m in messages if not (isinstance(m[1], Clock) and m[0] > START + 1.9)] + back), START + 5)
    file.patch(writer.finish(START + 4.0))
    assert overlaps(io.BytesIO(bytes(file.data))) == []
    assert len(list(file.open().decode(video=0))) == writer.frames == 120


def test_redundant_sound_fills_what_was_lost_and_comes_plain_into_the_file() -> None:
    """Chromium puts the packet before into each, and sends the first ones plain."""
    file = File()
    ann = TrackAdded(1, "p", "ann", "microphone", "audio", "opus", 48_000, 2, red_payload_type=63)
    writer = TrackWriter(ann, file.write, wait_s=0.3)
    encoder, packetiser = OpusEncoder(), Packetiser("opus")
    tone = 0.5 * np.sin(2 * np.pi * 500 * np.arange(960) / 48_000)
    before, messages = b"", [(START, Clock(1, packetiser.first_timestamp, START, packetiser.ssrc))]
    for n in range(200):
        data = encoder.encode(np.stack([tone, tone]).astype(np.float32))
        head = (1 << 31 | 111 << 24 | 960 << 10 | len(before)).to_bytes(4, "big") + b"\x6f" if before else b""
        packet = bytearray(packetiser.packets(head + before + data, n * 960)[0])
        if before:
            packet[1] = packet[1] & 0x80 | 63
        before = data
        if n % 5 != 3:
            messages.append((START + n * 0.02 + 0.03, Packet(1, START + n * 0.02 + 0.03, bytes(packet))))
    run(writer, iter(messages), START + 4.5)
    file.patch(writer.finish(START + 4.0))
    assert writer.gaps == [] and writer.frames == 200 and writer.status()["lost"] == 40
    samples = np.concatenate([f.to_ndarray().reshape(-1) for f in file.open().decode(audio=0)])
    assert np.abs(samples[: len(samples) // 480 * 480].reshape(-1, 480)).max(axis=1).min() > 0.2


def test_timestamps_that_jump_by_hours_fill_no_disk() -> None:
    file = File()
    writer = TrackWriter(added("audio", "opus", 48_000, 2), file.write, wait_s=0.3)
    messages: list[tuple[float, Message]] = []
    packetiser = Packetiser("opus")
    for n in range(100):
        wild = n * 960 if n < 10 else (n * 1_234_567_891) % 2**32
        at = START + n * 0.02
        messages += [(at, Packet(1, at, data)) for data in packetiser.packets(b"\xfc\xff\xfe", wild)]
    run(writer, iter([(START, Clock(1, packetiser.first_timestamp, START)), *messages]), START + 2.5)
    writer.finish(START + 2.0)
    assert writer.duration_s < 4.0 and len(file.data) < 10_000


def test_a_codec_that_is_not_known_is_refused() -> None:
    with pytest.raises(ValueError):
        TrackWriter(added("video", "H265", 90_000), lambda data: None)


def test_nothing_came() -> None:
    writer = TrackWriter(added("video", "VP8", 90_000), lambda data: None)
    writer.tick(START)
    assert writer.finish(START + 1) == [] and writer.started_at is None and writer.status()["bytes"] == 0
