"""Encoded packets in, fragmented MP4 out: when a part and a segment end, and what is in them.

A segment begins with a key frame and is as long as the encoder's key-frame interval makes it; a part ends where one
more frame would make it longer than the part target. Audio goes with the video that has arrived, and what is late into
the next part: players line both up by their decode times.
"""

from __future__ import annotations

from dataclasses import dataclass

from streaming.encoded import VIDEO_TIMESCALE, AudioPacket, AudioTrack, VideoPacket, VideoTrack
from streaming.mp4 import boxes


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a segment. ``independent``: it begins with a key frame. ``at_s``: program time of its first frame."""

    data: bytes
    at_s: float
    duration_s: float
    independent: bool


@dataclass(frozen=True, slots=True)
class SegmentEnd:
    """The parts since the last end are a segment."""

    duration_s: float


Piece = Part | SegmentEnd


class Packager:
    """One rendition: video and audio in the same fragments.

    ``segment_s`` is the greatest length of a segment, ``part_s`` that of a part; a segment ends at the last key frame
    before it would be longer. ``key_frame_interval_s``: absent, every key frame begins a segment. Times of packets must
    not decrease.
    """

    def __init__(
        self,
        video: VideoTrack,
        audio: AudioTrack | None,
        *,
        segment_s: float,
        part_s: float,
        key_frame_interval_s: float | None = None,
    ) -> None:
        self.init = boxes.init_segment(video, audio)
        interval_s = segment_s if key_frame_interval_s is None else key_frame_interval_s
        self._long_enough_ticks = round((segment_s - interval_s) * VIDEO_TIMESCALE)
        self._part_ticks = round(part_s * VIDEO_TIMESCALE)
        self._frame_ticks = video.frame_ticks
        self._sequence = 0
        self._video: list[VideoPacket] = []
        self._audio: list[AudioPacket] = []
        self._segment_start: int | None = None
        self._flushed_to = 0

    def add_audio(self, packet: AudioPacket) -> None:
        """Take an audio packet; it comes out with the video."""
        # Sound from before the first picture would make the picture late by as much.
        if self._segment_start is not None:
            self._audio.append(packet)

    def add_video(self, packet: VideoPacket) -> list[Piece]:
        """Take a frame; the pieces that it completes. Frames before the first key frame are dropped."""
        if self._segment_start is None:
            if not packet.key:
                return []
            self._segment_start = packet.dts
        pieces: list[Piece] = []
        if packet.key and packet.dts - self._segment_start > self._long_enough_ticks + self._frame_ticks // 2:
            pieces += self._end_segment(packet.dts)
        elif self._video and packet.dts + packet.duration - self._video[0].dts > self._part_ticks:
            # A frame came late, so that the part could not be ended when it was full.
            pieces += self._flush(packet.dts)
        self._video.append(packet)
        part_ticks = packet.dts + packet.duration - self._video[0].dts
        if part_ticks + self._frame_ticks > self._part_ticks:
            pieces += self._flush(packet.dts + packet.duration)
        return pieces

    def finish(self) -> list[Piece]:
        """The last pieces."""
        if self._segment_start is None:
            return []
        last = self._video[-1] if self._video else None
        end = last.dts + last.duration if last is not None else self._flushed_to
        return self._end_segment(end)

    def _end_segment(self, end: int) -> list[Piece]:
        assert self._segment_start is not None
        pieces = self._flush(end)
        if end > self._segment_start:
            pieces.append(SegmentEnd((end - self._segment_start) / VIDEO_TIMESCALE))
        self._segment_start = end
        return pieces

    def _flush(self, end: int) -> list[Piece]:
        video, audio = self._video, self._audio
        if not video:
            return []
        self._video, self._audio = [], []
        self._sequence += 1
        self._flushed_to = end
        part = Part(
            data=boxes.fragment(self._sequence, video, audio),
            at_s=video[0].pts / VIDEO_TIMESCALE,
            duration_s=(end - video[0].dts) / VIDEO_TIMESCALE,
            independent=video[0].key,
        )
        return [part]
