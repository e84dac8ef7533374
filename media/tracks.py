"""One track into one file, not transcoded: WebM for VP8, VP9, AV1 and Opus, MP4 for H.264."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from media.containers.mp4 import Mp4Writer
from media.containers.webm import WebmWriter
from media.decode import picture_size
from media.depacketise import Frame
from media.depacketise.opus import hidden_frame, opus_samples
from media.extradata import av1c_record, avcc_record, opus_head
from media.feed import Clock, KeyFrameWanted, Message, Muted, Packet, TrackAdded
from media.incoming import IncomingTrack, TimedFrame
from media.packets import VIDEO_CLOCK_RATE, EncodedPacket, Patch, StreamInfo
from sfu.codecs.opus import DTX_INTERVAL_SAMPLES

WAIT_S = 1.5
"""Nothing plays what a recorder writes, so retransmissions may take their time."""
CLOCK_WAIT_S = 1.5
GAP_S = 0.5
"""A pause in the pictures longer than this is a gap; a screen share that stands still sends nothing, which is none."""
OPUS_SILENCE = b"\xfc\xff\xfe"
"""A stereo packet of 20 ms in which nothing sounds (RFC 6716: a CELT frame of silence)."""
SILENCE_SAMPLES = 960
SQUEEZE_SAMPLES = 48
"""So much earlier than its predecessor ends sound may begin, as where a publisher's clock runs faster than ours."""
CATCH_UP_SAMPLES = 1_920
"""Sound that comes out more behind the file than this is left out; less is caught up with, packet by packet."""
LATE_END_S = 0.1
MS_TICKS = VIDEO_CLOCK_RATE // 1000
"""WebM counts milliseconds: two pictures need one between them."""
MAX_SILENCE_S = 3600.0
_NAME = "track"

Gap = tuple[float, float, Literal["loss", "muted", "silence"]]
"""Where something is missing: beginning and end in seconds of the file, and why."""


class TrackWriter:
    """``write`` gets the file's bytes in order. Time 0 of the file is the track's first frame, or ``origin`` (monotonic
    seconds) if that is given, as a further part after a crash needs it.

    The file is begun with the first frame that can be decoded; before that ``started_at`` is None. Raises ValueError
    for a codec that cannot be recorded.
    """

    def __init__(
        self, added: TrackAdded, write: Callable[[bytes], object], origin: float | None = None, wait_s: float = WAIT_S
    ) -> None:
        if not IncomingTrack.supports(added.codec):
            raise ValueError(f"{added.codec} cannot be recorded")
        self.added = added
        self.suffix: Literal["mp4", "webm"] = "mp4" if added.codec.upper() == "H264" else "webm"
        self.content_type = f"{added.kind}/{self.suffix}"
        self.started_at = origin
        self.gaps: list[Gap] = []
        self.frames = 0
        self.left_out = 0
        self.silence_s = 0.0
        self.sizes: list[tuple[float, int, int]] = []
        self._write = write
        self._track = IncomingTrack(added, wait_s)
        self._writer: Mp4Writer | WebmWriter | None = None
        self._held: list[TimedFrame] = []
        self._last: TimedFrame | None = None
        self._last_pts = -MS_TICKS
        self._sound_end = 0
        self._muted = False
        self._was_muted = False
        self._asked: list[Message] = []

    # -- in ----------------------------------------------------------------------------------------------------------

    def feed(self, message: Message) -> None:
        """Take what concerns this track; other messages are left alone."""
        if getattr(message, "track", None) != self.added.track:
            return
        match message:
            case Packet():
                self._track.on_packet(message)
            case Clock():
                self._track.on_clock(message)
            case Muted():
                self._muted = message.muted
                self._was_muted = True
                self._track.on_pause()

    def tick(self, now: float) -> None:
        """Write what is whole; call it every 50 ms or so."""
        self._take(self._track.frames(now), now)
        if self._track.key_frame_wanted(now):
            self._asked.append(KeyFrameWanted(self.added.track))

    def requests(self) -> list[Message]:
        """What the shard has to be told since the last call."""
        asked, self._asked = self._asked, []
        return asked

    def finish(self, now: float) -> list[Patch]:
        """Write what is left, without waiting for what is missing; the patches complete the file."""
        self._take(self._track.frames(now + 3600.0), now, hurry=True)
        if self._writer is None:
            return []
        assert self.started_at is not None
        if self.added.kind == "video":
            # The last picture is seen until now, or a still screen share would end too soon.
            self._writer.extend(now - self.started_at)
        else:
            self._end_sound(now - self.started_at)
        return self._writer.close()

    # -- out ---------------------------------------------------------------------------------------------------------

    def _take(self, frames: list[TimedFrame], now: float, *, hurry: bool = False) -> None:
        if self._writer is None:
            # Sound and picture of a publisher fit together once its clock is known; the first frames wait for it.
            self._held += frames
            if not self._held:
                return
            timeline = self._track.timeline()
            known = timeline is not None and timeline.synchronised
            if not known and not hurry and now - self._held[0].frame.arrival < CLOCK_WAIT_S:
                return
            frames, self._held = self._held, []
            if known and timeline is not None:
                for timed in frames:
                    timed.time_s = timeline.time_of(timed.frame.timestamp)
        for timed in frames:
            self._put(timed)

    def _put(self, timed: TimedFrame) -> None:
        frame = timed.frame
        if self._writer is None and not self._open(timed):
            return
        assert self.started_at is not None and self._writer is not None
        at_s = timed.time_s - self.started_at
        if self.added.kind == "audio":
            self._put_sound(timed, round(at_s * self.added.clock_rate))
            return
        if self._last is not None:
            self._note_pause(self._last, timed)
        if frame.key_frame:
            self._note_size(at_s, frame)
        pts = max(round(at_s * VIDEO_CLOCK_RATE), self._last_pts + MS_TICKS, 0)
        self._writer.add(EncodedPacket(_NAME, pts, VIDEO_CLOCK_RATE // 30, frame.key_frame, frame.data))
        self.frames += 1
        self._last_pts = pts
        self._last = timed

    def _put_sound(self, timed: TimedFrame, begin: int) -> None:
        """Sound lies end to end, or behind a gap that is filled; never upon what is there already."""
        assert self._writer is not None
        samples = opus_samples(timed.frame.data)
        if samples == 0 or begin < self._sound_end - CATCH_UP_SAMPLES:
            self.left_out += 1
            return
        missing = begin - self._sound_end
        if self._last is not None and missing >= SILENCE_SAMPLES // 2:
            self._fill(self._sound_end, begin, "loss" if timed.frame.gap_before else None)
        pts = max(begin, self._sound_end - SQUEEZE_SAMPLES, 0)
        self._writer.add(EncodedPacket(_NAME, pts, samples, True, timed.frame.data))
        self.frames += 1
        self._sound_end = pts + samples
        self._last = timed
        self._was_muted = self._muted

    def _end_sound(self, end_s: float) -> None:
        """A track that was silent to its end lasts to its end all the same."""
        end = round(end_s * self.added.clock_rate)
        if self._last is not None and end - self._sound_end > LATE_END_S * self.added.clock_rate:
            self._fill(self._sound_end, end, None)

    def _open(self, timed: TimedFrame) -> bool:
        """Begin the file, if this frame is one to begin with."""
        stream = self._stream_info(timed.frame)
        if stream is None:
            return False
        if self.started_at is None:
            self.started_at = timed.time_s
        kind = Mp4Writer if self.suffix == "mp4" else WebmWriter
        self._writer = kind([stream], self._write)
        return True

    def _stream_info(self, frame: Frame) -> StreamInfo | None:
        if self.added.kind == "audio":
            channels = max(1, min(2, self.added.channels))
            return StreamInfo(
                _NAME, "audio", "opus", self.added.clock_rate, channels=channels, extradata=opus_head(channels)
            )
        size = picture_size(self.added.codec, frame) if frame.key_frame else None
        if size is None:
            return None
        codec: Any = self.added.codec.lower()
        extradata = {"h264": avcc_record, "av1": av1c_record}.get(codec, lambda _: b"")(frame.data)
        if extradata is None:
            return None
        return StreamInfo(_NAME, "video", codec, VIDEO_CLOCK_RATE, size[0], size[1], extradata=extradata)

    def _note_size(self, at_s: float, frame: Frame) -> None:
        """Simulcast and screen shares change their size at key frames; players follow, the metadata say so."""
        size = vp8_size(frame.data) if self.added.codec.upper() == "VP8" else None
        if size is None:
            if self.sizes:
                return
            size = picture_size(self.added.codec, frame)
        if size is not None and (not self.sizes or self.sizes[-1][1:] != size):
            self.sizes.append((round(at_s, 3), *size))

    def _note_pause(self, last: TimedFrame, timed: TimedFrame) -> None:
        """Between two pictures something was lost, or nothing came for long."""
        assert self.started_at is not None
        begin_s, end_s = last.time_s - self.started_at, timed.time_s - self.started_at
        if timed.frame.gap_before:
            self.gaps.append((begin_s, end_s, "loss"))
        elif end_s - begin_s > GAP_S:
            self.gaps.append((begin_s, end_s, "muted" if self._was_muted else "silence"))
        self._was_muted = self._muted

    def _put_silence(self, begin: int, end: int, packet: bytes) -> int:
        """Whole packets, so that every player keeps the time; how many samples they are."""
        assert self._writer is not None
        samples = opus_samples(packet)
        places = range(begin, end - samples + SQUEEZE_SAMPLES + 1, samples)
        for at in places:
            self._writer.add(EncodedPacket(_NAME, at, samples, True, packet))
            self._sound_end = at + samples
        return len(places) * samples

    def _fill(self, begin: int, end: int, why: Literal["loss"] | None) -> None:
        """Where nothing came, nothing sounds, and it is told; but a pause of the encoder (DTX) is what it sent."""
        rate = self.added.clock_rate
        pause = hidden_frame(self._last.frame.data) if self._last is not None and why is None else None
        if pause is not None and end - begin <= 2 * DTX_INTERVAL_SAMPLES:
            self._put_silence(begin, end, pause)
            return
        last = min(end, begin + round(MAX_SILENCE_S * rate))
        self.silence_s += self._put_silence(begin, last, OPUS_SILENCE) / rate
        self.gaps.append((begin / rate, end / rate, why or ("muted" if self._was_muted else "silence")))

    @property
    def duration_s(self) -> float:
        """Of the file so far."""
        return 0.0 if self._writer is None else self._writer.duration_s

    def status(self) -> dict[str, Any]:
        """Figures for Status and manifest."""
        totals = self._track.totals()
        return {
            "duration_ms": round(self.duration_s * 1000),
            "bytes": 0 if self._writer is None else self._writer.bytes_written,
            "frames": self.frames,
            "packets": totals["received"],
            "lost": totals["lost"],
            "gaps": len(self.gaps),
        }


def vp8_size(data: bytes) -> tuple[int, int] | None:
    """Width and height in the head of a VP8 key frame (RFC 6386 section 9.1)."""
    if len(data) < 10 or data[0] & 0x01 or data[3:6] != b"\x9d\x01\x2a":
        return None
    return int.from_bytes(data[6:8], "little") & 0x3FFF, int.from_bytes(data[8:10], "little") & 0x3FFF
