"""From what the program makes to what the outputs take."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Protocol

from streaming import h264
from streaming.encoded import AudioPacket, AudioTrack, VideoPacket, VideoTrack


class Stream(Protocol):
    """A stream of the program: a rendition, or the sound (``media.packets.StreamInfo``)."""

    @property
    def name(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def width(self) -> int: ...
    @property
    def height(self) -> int: ...
    @property
    def channels(self) -> int: ...
    @property
    def sample_rate(self) -> int: ...
    @property
    def extradata(self) -> bytes: ...
    @property
    def bitrate_bps(self) -> int: ...


class Packet(Protocol):
    """An encoded packet of the program (``media.packets.EncodedPacket``)."""

    @property
    def stream(self) -> str: ...
    @property
    def pts(self) -> int: ...
    @property
    def dts(self) -> int: ...
    @property
    def duration(self) -> int: ...
    @property
    def key_frame(self) -> bool: ...
    @property
    def data(self) -> bytes: ...


def video_track(stream: Stream, frames_per_s: int) -> VideoTrack:
    """The track of a rendition; raises ValueError when its header is none of H.264."""
    sps, pps, _ = h264.parse_configuration(stream.extradata)
    return VideoTrack(stream.width, stream.height, Fraction(frames_per_s), sps, pps)


def audio_track(streams: Sequence[Stream]) -> tuple[AudioTrack, Stream] | None:
    """The sound, if there is any."""
    for stream in streams:
        if stream.kind == "audio":
            return AudioTrack(stream.sample_rate, stream.channels, stream.extradata), stream
    return None


def video_packet(packet: Packet) -> VideoPacket:
    """A frame."""
    return VideoPacket(packet.dts, packet.pts, packet.duration, packet.key_frame, packet.data)


def audio_packet(packet: Packet) -> AudioPacket:
    """A piece of sound."""
    return AudioPacket(packet.pts, packet.duration, packet.data)
