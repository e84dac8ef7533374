"""Encoding by PyAV: one picture or some sound in, packets out."""

from __future__ import annotations

from fractions import Fraction
from typing import Any, Literal

import av
import numpy as np
from av.audio.codeccontext import AudioCodecContext
from av.codec.context import Flags
from av.video.codeccontext import VideoCodecContext
from av.video.frame import PictureType

from media.decode import SAMPLE_RATE, Samples
from media.extradata import avcc_record, length_prefixed, opus_head
from media.options import ProgramOptions, VideoRendition
from media.packets import VIDEO_CLOCK_RATE, EncodedPacket, StreamInfo

HARDWARE_H264 = ("h264_nvenc", "h264_qsv", "h264_videotoolbox", "h264_vaapi")
_SOFTWARE = {"h264": "libx264", "vp8": "libvpx", "vp9": "libvpx-vp9"}
AUDIO = "audio"
_LARGE_PIXELS = 1280 * 720


class VideoEncoder:
    """Encodes pictures of one rendition; packets come out in the order of pictures, without B frames."""

    def __init__(self, rendition: VideoRendition, options: ProgramOptions, begins_at: int = 0) -> None:
        """``begins_at``: the number of the first picture that it is to be given."""
        self.rendition = rendition
        self.begins_at = begins_at
        self.bitrate_bps = rendition.bitrate_bps
        self._options = options
        self._interval = max(1, round(options.key_frame_interval_s * options.frames_per_s))
        self._ticks = VIDEO_CLOCK_RATE / options.frames_per_s
        self._wants_key = False
        self._given = False
        self.threads = options.threads or (2 if rendition.width * rendition.height > _LARGE_PIXELS else 1)
        self.encoder, self._context = self._open()

    def _open(self) -> tuple[str, VideoCodecContext]:
        """The first encoder that opens, hardware first if it is wished for."""
        names = [_SOFTWARE[self._options.video_codec]]
        if self._options.hardware and self._options.video_codec == "h264":
            names = [n for n in HARDWARE_H264 if n in av.codecs_available] + names
        for name in names[:-1]:
            try:
                return name, self._opened(name)
            except (av.error.FFmpegError, ValueError):
                continue
        return names[-1], self._opened(names[-1])

    def _opened(self, name: str) -> VideoCodecContext:
        context = av.CodecContext.create(name, "w")
        assert isinstance(context, VideoCodecContext)
        context.width, context.height, context.pix_fmt = self.rendition.width, self.rendition.height, "yuv420p"
        context.time_base = Fraction(1, self._options.frames_per_s)
        context.framerate = Fraction(self._options.frames_per_s)
        context.bit_rate = self.bitrate_bps
        context.gop_size = self._interval
        context.max_b_frames = 0
        context.thread_count = self.threads if name in _SOFTWARE.values() else 0
        context.flags |= Flags.global_header
        context.options = self._encoder_options(name)
        context.open()
        return context

    def _encoder_options(self, name: str) -> dict[str, str]:
        # A constant bitrate, as platforms ask for it: uplinks and players reckon with it, so what a slate saves is not
        # spent by the first camera; and x264 follows a change of the bitrate while it runs in this mode alone.
        limits = {"maxrate": str(self.bitrate_bps), "bufsize": str(self.bitrate_bps)}
        if name == "libx264":
            preset = self._options.preset
            if preset == "auto":
                large = self.rendition.width * self.rendition.height >= _LARGE_PIXELS
                preset = "superfast" if large else "veryfast"
            x264 = f"keyint={self._interval}:min-keyint={self._interval}:scenecut=0:bframes=0:rc-lookahead=0:mbtree=0"
            return {"preset": preset, "profile": "high", "forced-idr": "1", "x264-params": x264, **limits}
        if name.startswith("libvpx"):
            return {"deadline": "realtime", "cpu-used": "8", "lag-in-frames": "0", "error-resilient": "0", **limits}
        return {**limits, **({"preset": "p4", "tune": "ull", "forced-idr": "1"} if name == "h264_nvenc" else {})}

    def info(self) -> StreamInfo:
        """What containers announce."""
        r = self.rendition
        extradata = b""
        if self._options.video_codec == "h264":
            extradata = avcc_record(length_prefixed(self._context.extradata or b"")) or b""
        codec: Literal["h264", "vp8", "vp9"] = self._options.video_codec
        return StreamInfo(
            r.name,
            "video",
            codec,
            VIDEO_CLOCK_RATE,
            r.width,
            r.height,
            extradata=extradata,
            bitrate_bps=self.bitrate_bps,
            frames_per_s=self._options.frames_per_s,
        )

    def set_bitrate(self, bitrate_bps: int) -> None:
        """From the next picture on; the encoder's buffer model stays as it was opened."""
        self.bitrate_bps = bitrate_bps
        self._context.bit_rate = bitrate_bps

    def force_key_frame(self) -> None:
        """The next picture becomes a key frame."""
        self._wants_key = True

    def encode(self, frame: av.VideoFrame, index: int) -> list[EncodedPacket]:
        """The picture number ``index`` counted from the origin; a multiple of the interval becomes a key frame."""
        frame.pts = index
        frame.time_base = self._context.time_base
        key = self._wants_key or index % self._interval == 0
        frame.pict_type = PictureType.I if key else PictureType.NONE
        self._wants_key = False
        self._given = True
        return [self._packet(p) for p in self._context.encode(frame)]

    def finish(self) -> list[EncodedPacket]:
        """What the encoder still holds."""
        if not self._given:
            return []
        return [self._packet(p) for p in self._context.encode(None)]

    def _packet(self, packet: av.Packet[Any]) -> EncodedPacket:
        data = bytes(packet)
        if self._options.video_codec == "h264":
            data = length_prefixed(data)
        assert packet.pts is not None
        pts = round(packet.pts * self._ticks)
        duration = round((packet.pts + 1) * self._ticks) - pts
        return EncodedPacket(self.rendition.name, pts, duration, packet.is_keyframe, data)


class AudioEncoder:
    """AAC or Opus, 48 kHz stereo; ``first_sample`` is where the sound begins, counted from the origin."""

    def __init__(self, options: ProgramOptions, first_sample: int = 0) -> None:
        self._codec = options.audio_codec
        context = av.CodecContext.create("aac" if self._codec == "aac" else "libopus", "w")
        assert isinstance(context, AudioCodecContext)
        context.sample_rate = SAMPLE_RATE
        context.layout = "stereo"
        context.format = "fltp" if self._codec == "aac" else "flt"
        context.bit_rate = options.audio_bitrate_bps
        context.time_base = Fraction(1, SAMPLE_RATE)
        context.flags |= Flags.global_header
        context.open()
        self._context = context
        self._bitrate_bps = options.audio_bitrate_bps
        self._frame_samples = context.frame_size or 960
        self._waiting: list[Samples] = []
        self._waiting_samples = 0
        # Packets begin at multiples of their length, so that a further part goes on in the grid of the one before.
        skip = -first_sample % self._frame_samples
        self._skip = skip
        self._next = first_sample + skip
        self._first = self._next

    def info(self) -> StreamInfo:
        """What containers announce."""
        extradata = opus_head(2) if self._codec == "opus" else bytes(self._context.extradata or b"")
        return StreamInfo(
            AUDIO,
            "audio",
            self._codec,
            SAMPLE_RATE,
            channels=2,
            extradata=extradata,
            bitrate_bps=self._bitrate_bps,
        )

    def encode(self, sound: Samples) -> list[EncodedPacket]:
        """Sound that follows what came before, any number of samples."""
        if self._skip:
            dropped = min(self._skip, sound.shape[1])
            self._skip -= dropped
            sound = sound[:, dropped:]
        self._waiting.append(sound)
        self._waiting_samples += sound.shape[1]
        if self._waiting_samples < self._frame_samples:
            return []
        whole = np.concatenate(self._waiting, axis=1)
        packets: list[EncodedPacket] = []
        place = 0
        while whole.shape[1] - place >= self._frame_samples:
            packets += self._encode_frame(whole[:, place : place + self._frame_samples])
            place += self._frame_samples
        self._waiting = [whole[:, place:]]
        self._waiting_samples = whole.shape[1] - place
        return packets

    def _encode_frame(self, sound: Samples) -> list[EncodedPacket]:
        if self._codec == "aac":
            frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(sound, np.float32), format="fltp", layout="stereo")
        else:
            interleaved = np.ascontiguousarray(sound.T, np.float32).reshape(1, -1)
            frame = av.AudioFrame.from_ndarray(interleaved, format="flt", layout="stereo")
        frame.sample_rate = SAMPLE_RATE
        frame.pts = self._next
        frame.time_base = Fraction(1, SAMPLE_RATE)
        self._next += self._frame_samples
        return self._packets(self._context.encode(frame))

    def finish(self) -> list[EncodedPacket]:
        """The rest, filled up with silence."""
        missing = -self._waiting_samples % self._frame_samples
        packets = self.encode(np.zeros((2, missing), np.float32)) if missing else []
        return packets + self._packets(self._context.encode(None))

    def _packets(self, packets: list[av.Packet[Any]]) -> list[EncodedPacket]:
        """Encoders begin with a packet of their own delay, which begins before the first sample: it is left out."""
        made = []
        for packet in packets:
            assert packet.pts is not None
            if packet.pts >= self._first:
                made.append(EncodedPacket(AUDIO, packet.pts, self._frame_samples, True, bytes(packet)))
        return made
