"""A program's tracks: packets in, the picture or the sound of a moment out."""

from __future__ import annotations

from collections import deque

import av

from media.decode import OpusDecoder, Samples, VideoDecoder
from media.feed import TrackAdded
from media.incoming import IncomingTrack, TimedFrame
from media.mixer import TrackBuffer

MAX_BEHIND = 15
"""So many pictures due at once, and a key frame among them: what lies before it is not decoded."""
MAX_QUEUED = 300


class VideoChannel:
    """One video track; it decodes only while it is shown."""

    def __init__(self, added: TrackAdded, wait_s: float) -> None:
        self.track = IncomingTrack(added, wait_s)
        self.picture: av.VideoFrame | None = None
        self.dropped = 0
        self.decoded = 0
        self.shown = True
        self._queue: deque[TimedFrame] = deque()
        self._decoder: VideoDecoder | None = None
        self._stream = -1
        self._blind = True

    def show(self, shown: bool) -> None:
        """Begin or end to decode; after a pause a key frame is needed."""
        if shown and not self.shown:
            self._blind = True
        if not shown:
            self.picture = self._decoder = None
        self.shown = shown

    def collect(self, now: float) -> None:
        """Take in what the jitter buffer gives."""
        frames = self.track.frames(now)
        if self.shown:
            self._queue.extend(frames)
            while len(self._queue) > MAX_QUEUED:
                self._queue.popleft()
                self._blind = True
        else:
            self._queue.clear()

    def key_frame_wanted(self, now: float) -> bool:
        """Whether to ask for a key frame now."""
        if not self.shown:
            return False
        return self.track.key_frame_wanted(now, also=self._blind and not any(t.frame.key_frame for t in self._queue))

    def advance(self, until_s: float, *, hurry: bool = False) -> None:
        """Decode what was made before ``until_s``; ``picture`` is the last of it, or stays what it was.

        In a ``hurry`` pictures that no other needs are left out.
        """
        due: list[TimedFrame] = []
        while self._queue and self._queue[0].time_s <= until_s:
            due.append(self._queue.popleft())
        if len(due) > MAX_BEHIND:
            keys = [n for n, timed in enumerate(due) if timed.frame.key_frame]
            if keys and keys[-1] > 0:
                self.dropped += keys[-1]
                due = due[keys[-1] :]
        for timed in due:
            self._decode(timed, hurry=hurry and timed is not due[-1])

    def _decode(self, timed: TimedFrame, *, hurry: bool) -> None:
        frame = timed.frame
        if self._decoder is None or timed.stream != self._stream:
            self._decoder = VideoDecoder(self.track.added.codec)
            self._stream = timed.stream
            self._blind = True
        if self._blind and not frame.key_frame:
            self.dropped += 1
            return
        if hurry and frame.discardable:
            self.dropped += 1
            return
        picture = self._decoder.decode(frame)
        if picture is None:
            self._blind = frame.key_frame or self._blind
            return
        self._blind = False
        self.decoded += 1
        # The time stamp tells pictures apart, as their objects may stand at the same place of memory.
        picture.pts = self.decoded
        self.picture = picture


class AudioChannel:
    """One audio track."""

    def __init__(self, added: TrackAdded, wait_s: float) -> None:
        self.track = IncomingTrack(added, wait_s)
        self.buffer = TrackBuffer()
        self._decoder = OpusDecoder()
        self._stream = -1

    def collect(self, now: float) -> None:
        """Decode what the jitter buffer gives; sound is decoded as soon as it comes."""
        for timed in self.track.frames(now):
            if timed.stream != self._stream:
                self._stream = timed.stream
                self.buffer = TrackBuffer()
                self._decoder = OpusDecoder()
            sound = self._decoder.decode(timed.frame)
            if sound is not None:
                self.buffer.write(timed.frame.timestamp, sound)

    def read(self, time_s: float, count: int) -> Samples | None:
        """The sound of a moment (monotonic seconds)."""
        timeline = self.track.timeline()
        return None if timeline is None else self.buffer.read(time_s, count, timeline)
