"""From what the program makes to what the outputs take."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from media.options import VideoRendition
from media.packets import EncodedPacket, StreamInfo
from streaming import h264
from streaming.encoded import AudioPacket, AudioTrack, VideoPacket, VideoTrack
from streaming.worker.setup import RenditionSetup


def renditions(setups: Sequence[RenditionSetup]) -> tuple[VideoRendition, ...]:
    """What the program is to encode."""
    return tuple(VideoRendition(one.name, one.width, one.height, one.bitrate_bps) for one in setups)


def video_track(stream: StreamInfo, frames_per_s: int) -> VideoTrack:
    """The track of a rendition; raises ValueError when its header is none of H.264."""
    sps, pps, _ = h264.parse_configuration(stream.extradata)
    return VideoTrack(stream.width, stream.height, Fraction(frames_per_s), sps, pps)


def audio_track(streams: Sequence[StreamInfo]) -> tuple[AudioTrack, str] | None:
    """The sound and its name, if there is any."""
    for stream in streams:
        if stream.kind == "audio":
            return AudioTrack(stream.clock_rate, stream.channels, stream.extradata), stream.name
    return None


def video_packet(packet: EncodedPacket) -> VideoPacket:
    """A frame."""
    return VideoPacket(packet.dts, packet.pts, packet.duration, packet.key_frame, packet.data)


def audio_packet(packet: EncodedPacket) -> AudioPacket:
    """A piece of sound."""
    return AudioPacket(packet.pts, packet.duration, packet.data)
