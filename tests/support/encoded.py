"""Real H.264 and AAC from synthetic pictures and tones, as the outputs take them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

import av
import numpy as np

from streaming import h264
from streaming.encoded import VIDEO_TIMESCALE, AudioPacket, AudioTrack, VideoPacket, VideoTrack

SAMPLE_RATE = 48_000


@dataclass(frozen=True)
class Encoded:
    """Two tracks and their packets, in the order of their times."""

    video: VideoTrack
    audio: AudioTrack
    packets: list[VideoPacket | AudioPacket]


def encode(
    seconds: float = 4,
    *,
    width: int = 320,
    height: int = 180,
    fps: int = 30,
    gop_s: float = 2,
    bitrate_bps: int = 400_000,
) -> Encoded:
    """A moving picture with a tone; closed groups of pictures without B-frames."""
    video_track, video = _encode_video(seconds, width, height, fps, gop_s, bitrate_bps)
    audio_track, audio = _encode_audio(seconds)
    times = sorted(
        [(packet.dts / VIDEO_TIMESCALE, packet) for packet in video] + [(p.pts / SAMPLE_RATE, p) for p in audio],
        key=lambda pair: pair[0],
    )
    return Encoded(video_track, audio_track, [packet for _, packet in times])


def _encode_video(
    seconds: float, width: int, height: int, fps: int, gop_s: float, bitrate_bps: int
) -> tuple[VideoTrack, list[VideoPacket]]:
    context = av.CodecContext.create("libx264", "w")
    context.width, context.height, context.pix_fmt = width, height, "yuv420p"
    context.time_base, context.framerate = Fraction(1, fps), Fraction(fps)
    context.bit_rate = bitrate_bps
    keyint = str(round(gop_s * fps))
    context.options = {
        "preset": "ultrafast",
        "tune": "zerolatency",
        "x264-params": f"keyint={keyint}:min-keyint={keyint}:scenecut=0:bframes=0",
    }
    context.flags |= av.codec.context.Flags.global_header
    packets: list[VideoPacket] = []
    ticks = VIDEO_TIMESCALE // fps
    context.open()
    sps, pps = h264.parameter_sets(bytes(context.extradata or b""))
    for picture in [*_pictures(round(seconds * fps), width, height), None]:
        for packet in context.encode(picture):
            assert packet.pts is not None
            packets.append(
                VideoPacket(
                    dts=packet.pts * ticks,
                    pts=packet.pts * ticks,
                    duration=ticks,
                    key=bool(packet.is_keyframe),
                    data=h264.length_prefixed(h264.split(bytes(packet))),
                )
            )
    return VideoTrack(width, height, Fraction(fps), sps, pps), packets


def _pictures(count: int, width: int, height: int) -> Iterator[av.VideoFrame]:
    rows, columns = np.mgrid[0:height, 0:width]
    for number in range(count):
        luma = ((columns * 2 + rows + number * 7) % 256).astype(np.uint8)
        plane = np.concatenate([luma, np.full((height // 2, width), 128, np.uint8)])
        frame = av.VideoFrame.from_ndarray(plane, format="yuv420p")
        frame.pts = number
        yield frame


def _encode_audio(seconds: float) -> tuple[AudioTrack, list[AudioPacket]]:
    context = av.CodecContext.create("aac", "w")
    assert isinstance(context, av.AudioCodecContext)
    context.sample_rate, context.layout, context.format = SAMPLE_RATE, "stereo", "fltp"
    context.time_base = Fraction(1, SAMPLE_RATE)
    context.bit_rate = 96_000
    context.flags |= av.codec.context.Flags.global_header
    context.open()
    track = AudioTrack(SAMPLE_RATE, 2, bytes(context.extradata or b""))
    packets = []
    tone = np.sin(np.arange(1024) * (2 * math.pi * 440 / SAMPLE_RATE)).astype(np.float32) / 4
    frames: list[av.AudioFrame | None] = []
    for number in range(math.ceil(seconds * SAMPLE_RATE / 1024)):
        frame = av.AudioFrame.from_ndarray(np.stack([tone, tone]), format="fltp", layout="stereo")
        frame.sample_rate, frame.pts, frame.time_base = SAMPLE_RATE, number * 1024, context.time_base
        frames.append(frame)
    for frame_or_end in [*frames, None]:
        packets += [
            AudioPacket(packet.pts, 1024, bytes(packet))
            for packet in context.encode(frame_or_end)
            if packet.pts is not None and packet.pts >= 0
        ]
    return track, packets
