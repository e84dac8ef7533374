"""Bodies of audio and video messages: FLV tags without their headers (Adobe FLV 10.1, annex E)."""

from __future__ import annotations

from dataclasses import dataclass

from streaming import h264
from streaming.encoded import VIDEO_TIMESCALE, AudioPacket, AudioTrack, VideoPacket, VideoTrack
from streaming.rtmp import amf0
from streaming.rtmp.errors import RtmpError

_AVC, _AAC_HEADER = 7, 0xAF
_KEY, _INTER = 1, 2


def video_ms(ticks: int) -> int:
    """Milliseconds of a time of video."""
    return round(ticks * 1000 / VIDEO_TIMESCALE)


def audio_ms(samples: int, sample_rate: int) -> int:
    """Milliseconds of a time of audio."""
    return round(samples * 1000 / sample_rate)


def metadata(video: VideoTrack, audio: AudioTrack | None, video_bps: int, audio_bps: int) -> bytes:
    """The data message that tells a server what comes."""
    values: dict[str, object] = {
        "width": video.width,
        "height": video.height,
        "framerate": float(video.frame_rate),
        "videodatarate": video_bps / 1000,
        "videocodecid": _AVC,
        "encoder": "Plenum",
    }
    if audio is not None:
        values |= {
            "audiodatarate": audio_bps / 1000,
            "audiosamplerate": audio.sample_rate,
            "audiosamplesize": 16,
            "stereo": audio.channels == 2,
            "audiocodecid": 10,
        }
    return amf0.encode("@setDataFrame", "onMetaData") + amf0.ecma_array(values)


def video_header(track: VideoTrack) -> bytes:
    """The parameter sets."""
    return bytes((_KEY << 4 | _AVC, 0, 0, 0, 0)) + h264.configuration(track.sps, track.pps)


def video_body(packet: VideoPacket) -> bytes:
    """A frame."""
    kind = _KEY if packet.key else _INTER
    offset_ms = video_ms(packet.pts) - video_ms(packet.dts)
    return bytes((kind << 4 | _AVC, 1)) + (offset_ms & 0xFFFFFF).to_bytes(3, "big") + packet.data


def audio_header(track: AudioTrack) -> bytes:
    """The AudioSpecificConfig."""
    return bytes((_AAC_HEADER, 0)) + track.config


def audio_body(packet: AudioPacket) -> bytes:
    """An AAC frame."""
    return bytes((_AAC_HEADER, 1)) + packet.data


@dataclass(frozen=True, slots=True)
class VideoBody:
    """A video message that was received: parameter sets (``header``) or a frame."""

    header: bool
    key: bool
    composition_ms: int
    data: bytes


@dataclass(frozen=True, slots=True)
class AudioBody:
    """An audio message that was received: an AudioSpecificConfig (``header``) or a frame."""

    header: bool
    data: bytes


def read_video(body: bytes) -> VideoBody | None:
    """A video message; None for what carries no picture. Raises RtmpError for other codecs than H.264."""
    if not body:
        return None
    if body[0] & 0x80:
        raise RtmpError("enhanced RTMP is not supported: send H.264")
    if body[0] & 0x0F != _AVC:
        raise RtmpError("only H.264 can be taken")
    if len(body) < 5 or body[1] > 1:
        return None  # end of sequence
    offset = int.from_bytes(body[2:5], "big")
    composition_ms = offset - (1 << 24) if offset & 0x800000 else offset
    return VideoBody(body[1] == 0, body[0] >> 4 == _KEY, composition_ms, body[5:])


def read_audio(body: bytes) -> AudioBody | None:
    """An audio message; None for an empty one. Raises RtmpError for other codecs than AAC."""
    if len(body) < 2:
        return None
    if body[0] >> 4 != 10:
        raise RtmpError("only AAC can be taken")
    return AudioBody(body[1] == 0, body[2:])
