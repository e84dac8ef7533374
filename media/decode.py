"""Decoding by PyAV: pictures and sound of one track."""

from __future__ import annotations

from collections import Counter

import av
import numpy as np
from av.audio.codeccontext import AudioCodecContext
from av.audio.resampler import AudioResampler
from av.video.codeccontext import VideoCodecContext
from numpy.typing import NDArray

from media.depacketise import Frame
from media.depacketise.opus import hidden_frame, opus_samples
from sfu.codecs.opus import DTX_INTERVAL_SAMPLES

SAMPLE_RATE = 48_000
MAX_PIXELS = 4096 * 2304
"""A key frame of twenty bytes can ask for a gigabyte of memory: larger pictures are refused."""
_VIDEO_DECODERS = {"VP8": "vp8", "VP9": "vp9", "H264": "h264", "AV1": "libdav1d"}
_START_CODE = b"\x00\x00\x00\x01"

Samples = NDArray[np.float32]
"""Sound: left and right in rows, from -1.0 to 1.0, 48,000 a second."""


def annex_b(data: bytes) -> bytes:
    """NAL units behind start codes instead of lengths."""
    changed = bytearray(data)
    place = 0
    while place + 4 <= len(changed):
        size = int.from_bytes(changed[place : place + 4], "big")
        changed[place : place + 4] = _START_CODE
        place += 4 + size
    return bytes(changed)


class VideoDecoder:
    """One stream's decoder, one thread; ``codec`` is a name of session descriptions."""

    def __init__(self, codec: str) -> None:
        self.counters: Counter[str] = Counter()
        self._h264 = codec.upper() == "H264"
        context = av.CodecContext.create(_VIDEO_DECODERS[codec.upper()], "r")
        assert isinstance(context, VideoCodecContext)
        self._context = context
        self._context.thread_count = 1
        self._context.options = {"max_pixels": str(MAX_PIXELS)}
        if codec.upper() == "AV1":
            self._context.options = {**self._context.options, "max_frame_delay": "1"}
        if self._h264:
            self._context.flags |= av.codec.context.Flags.low_delay

    def decode(self, frame: Frame) -> av.VideoFrame | None:
        """The picture of a coded frame (of its highest layer); None if there is none, or the decoder refuses it."""
        packet = av.Packet(annex_b(frame.data) if self._h264 else frame.data)
        try:
            pictures = self._context.decode(packet)
        except av.error.FFmpegError:
            self.counters["refused"] += 1
            return None
        self.counters["decoded"] += 1
        return pictures[-1] if pictures else None


class OpusDecoder:
    """Opus to 48 kHz stereo."""

    def __init__(self) -> None:
        self.counters: Counter[str] = Counter()
        context = av.CodecContext.create("libopus", "r")
        assert isinstance(context, AudioCodecContext)
        self._context = context
        self._context.sample_rate = SAMPLE_RATE
        self._context.layout = "stereo"
        self._resampler = AudioResampler(format="fltp", layout="stereo", rate=SAMPLE_RATE)

    def decode(self, frame: Frame) -> Samples | None:
        """The sound of one packet; None if the decoder refuses it.

        Behind one that opens a pause (DTX) comes the noise of the room until the next is due: what is said before
        then is to be put upon it.
        """
        packets = [frame.data]
        if hidden := hidden_frame(frame.data):
            packets += [hidden] * (DTX_INTERVAL_SAMPLES // opus_samples(hidden))
        try:
            decoded = [sound for data in packets for sound in self._context.decode(av.Packet(data))]
            pieces = [made.to_ndarray() for sound in decoded for made in self._resampler.resample(sound)]
        except av.error.FFmpegError:
            self.counters["refused"] += 1
            return None
        return np.concatenate(pieces, axis=1) if pieces else None


def picture_size(codec: str, frame: Frame) -> tuple[int, int] | None:
    """Width and height of a key frame, found by decoding it; None if it cannot be decoded."""
    decoder = VideoDecoder(codec)
    picture = decoder.decode(frame)
    return None if picture is None else (picture.width, picture.height)
