"""The program: the composed picture and mixed sound of a room, encoded.

Messages of the feed go in, encoded packets come out, at a constant rate, ``delay_s`` behind. No clock is read but to
measure what decoding, composing and encoding cost; ``now`` is in seconds of the clock that the feed's ``at`` is of.
"""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from time import process_time, thread_time
from typing import Any

import av
import numpy as np

from media.canvas import Scaler
from media.channels import AudioChannel, VideoChannel
from media.composer import Composer
from media.decode import SAMPLE_RATE
from media.encode import AudioEncoder, VideoEncoder
from media.feed import (
    Clock,
    KeyFrameWanted,
    Message,
    Muted,
    Overlay,
    Packet,
    Problem,
    SizeWanted,
    TrackAdded,
    TrackRemoved,
)
from media.incoming import IncomingTrack
from media.mixer import Limiter
from media.options import ProgramOptions, VideoRendition
from media.packets import EncodedPacket, StreamInfo
from media.stage import Event, Seat, Stage

BLOCK_SAMPLES = 960
BLOCK_S = BLOCK_SAMPLES / SAMPLE_RATE
HURRY_S = 0.3
REPEAT_S = 1.0
MAX_FRAMES_A_TICK = 15
STALLED_S = 5.0
PLAYOUT_MARGIN_S = 0.15
"""The jitter buffer gives a packet up this long before it is due, so that what lies behind it is decoded in time."""


class Program:
    """``origin``: the moment (monotonic) that is time 0 of the program; a worker that goes on where another one died
    passes the first one's, and the time stamps go on.
    """

    def __init__(self, options: ProgramOptions, now: float, origin: float | None = None) -> None:
        self.options = options
        self.origin = now if origin is None else origin
        self.stage = Stage(options.layout)
        self.repeated = 0
        self._wait_s = max(0.05, options.delay_s - PLAYOUT_MARGIN_S)
        begun_s = max(0.0, now - self.origin)
        self._frame = self._first_frame = -int(-begun_s * options.frames_per_s // 1)
        self._block = -int(-begun_s * SAMPLE_RATE // BLOCK_SAMPLES)
        self._video: dict[int, VideoChannel] = {}
        self._audio: dict[int, AudioChannel] = {}
        self._seats: dict[str, Seat] = {}
        self._news: deque[tuple[float, Message]] = deque()
        self._asked: list[Message] = []
        self._left: list[EncodedPacket] = []
        self._sizes: dict[int, tuple[int, int]] = {}
        self._costs = {"decode": 0.0, "compose": 0.0, "encode": 0.0, "mix": 0.0}
        self._other_threads_s = process_time() - thread_time()
        self._encoders = [VideoEncoder(r, options) for r in options.renditions]
        self._scalers = [Scaler() for _ in options.renditions]
        self._sound = AudioEncoder(options, self._block * BLOCK_SAMPLES)
        self._limiter = Limiter(BLOCK_SAMPLES)
        self._limiter_filled = False
        self._picture: av.VideoFrame | None = None
        self._lag_s = 0.0
        self._dropped = 0
        self._lost = 0
        self._composer: Composer | None = None
        if options.renditions:
            main = options.renditions[0]
            self._size = (main.width, main.height)
            self._composer = Composer(*self._size)
            self._composer.set_overlay(options.overlay)

    @property
    def streams(self) -> tuple[StreamInfo, ...]:
        """The renditions in their order, then the sound."""
        return (*(encoder.info() for encoder in self._encoders), self._sound.info())

    # -- in ----------------------------------------------------------------------------------------------------------

    def feed(self, message: Message, now: float) -> None:
        """Take any message of the shard."""
        match message:
            case Packet():
                channel = self._video.get(message.track) or self._audio.get(message.track)
                if channel is not None:
                    channel.track.on_packet(message)
                return
            case Clock():
                channel = self._video.get(message.track) or self._audio.get(message.track)
                if channel is not None:
                    channel.track.on_clock(message)
                return
            case TrackAdded():
                if not self._add(message):
                    return
            case Muted():
                channel = self._video.get(message.track) or self._audio.get(message.track)
                if channel is not None:
                    channel.track.on_pause()
        self._news.append((max(0.0, now - self.origin), message))

    def _take_news(self, until_s: float) -> None:
        """News counts when the program is where the media was when it came."""
        while self._news and self._news[0][0] <= until_s:
            at_s, message = self._news.popleft()
            if isinstance(message, TrackRemoved):
                self._remove(message.track)
            elif isinstance(message, Overlay) and self._composer is not None:
                self._composer.set_overlay(message)
            self.stage.take(message, at_s)

    def _add(self, added: TrackAdded) -> bool:
        users = self.options.only_users
        if users is not None and added.user_id not in users:
            return False
        if not IncomingTrack.supports(added.codec):
            self._asked.append(Problem("codec_unknown", f"{added.codec} cannot be put into the program"))
            return False
        if added.kind == "audio":
            self._audio[added.track] = AudioChannel(added, self._wait_s)
        elif self._composer is not None:
            self._video[added.track] = VideoChannel(added, self._wait_s)
        return True

    def _remove(self, number: int) -> None:
        channel = self._video.pop(number, None)
        sound = self._audio.pop(number, None)
        for track in (c.track for c in (channel, sound) if c is not None):
            self._lost += track.totals()["lost"]
        if channel is not None:
            self._dropped += channel.dropped
        self._sizes.pop(number, None)

    def set_renditions(self, renditions: tuple[VideoRendition, ...]) -> None:
        """Go on with other renditions. Those that stay (name and size) keep their encoder; new ones begin with the next
        key frame of the others; what the encoders of those that end still hold comes with the next ``tick``.

        The picture stays composed in the size of the first rendition that there was. Raises ValueError, also for a
        program of sound alone and for none at all.
        """
        options = replace(self.options, renditions=renditions)
        if self._composer is None or not renditions:
            raise ValueError("a program with pictures keeps at least one rendition, one without gets none")
        old = {(e.rendition.name, e.rendition.width, e.rendition.height): e for e in self._encoders}
        interval = round(options.key_frame_interval_s * options.frames_per_s)
        encoders: list[VideoEncoder] = []
        for rendition in renditions:
            encoder = old.pop((rendition.name, rendition.width, rendition.height), None)
            if encoder is None:
                encoder = VideoEncoder(rendition, options, begins_at=-(-self._frame // interval) * interval)
            elif encoder.bitrate_bps != rendition.bitrate_bps:
                encoder.set_bitrate(rendition.bitrate_bps)
            encoders.append(encoder)
        for encoder in old.values():
            self._left += encoder.finish()
        self.options, self._encoders = options, encoders
        self._scalers = [Scaler() for _ in encoders]

    def set_bitrate(self, rendition: str, bitrate_bps: int) -> None:
        """Change the bitrate of a rendition."""
        for encoder in self._encoders:
            if encoder.rendition.name == rendition:
                encoder.set_bitrate(bitrate_bps)

    def force_key_frame(self, rendition: str | None = None) -> None:
        """The next picture of a rendition, or of all, becomes a key frame."""
        for encoder in self._encoders:
            if rendition in (None, encoder.rendition.name):
                encoder.force_key_frame()

    # -- out ---------------------------------------------------------------------------------------------------------

    def tick(self, now: float) -> list[EncodedPacket]:
        """Everything that is due; call it every 10 to 30 ms. After a pause it takes some calls to catch up."""
        self._collect(now)
        return self._produce(now - self.options.delay_s - self.origin, now, MAX_FRAMES_A_TICK)

    def finish(self, now: float) -> list[EncodedPacket]:
        """Make the rest, up to ``now`` and without waiting for what is missing, and empty the encoders."""
        self._collect(now + self.options.delay_s)
        packets = self._produce(now - self.origin, now, None)
        if self._limiter_filled:
            packets += self._sound.encode(self._limiter.process(np.zeros((2, BLOCK_SAMPLES), np.float32)))
        for encoder in self._encoders:
            packets += encoder.finish()
        return packets + self._sound.finish()

    def requests(self) -> list[Message]:
        """What the shard has to be told since the last call."""
        asked, self._asked = self._asked, []
        return asked

    def take_events(self) -> list[Event]:
        """What happened since the last call."""
        events, self.stage.events = self.stage.events, []
        return events

    def _collect(self, now: float) -> None:
        begun = thread_time()
        for number, channel in self._video.items():
            channel.collect(now)
            if channel.key_frame_wanted(now):
                self._asked.append(KeyFrameWanted(number))
            self._watch(number, channel, now)
        for sound in self._audio.values():
            sound.collect(now)
        self._costs["decode"] += thread_time() - begun

    def _watch(self, number: int, channel: VideoChannel, now: float) -> None:
        """A camera of which nothing comes any more shows a card; a screen share that stands still is not meant."""
        last = channel.track.last_packet_at
        stalled = channel.track.added.source == "camera" and (last is None or now - last > STALLED_S)
        if stalled != (number in self.stage.stalled):
            (self.stage.stalled.add if stalled else self.stage.stalled.discard)(number)
            self.stage.changed = True

    def _produce(self, until_s: float, now: float, most: int | None) -> list[EncodedPacket]:
        """Pictures and sound in the order of their time."""
        packets, self._left = self._left, []
        made = 0
        rate = self.options.frames_per_s
        self._lag_s = max(0.0, until_s - self._frame / rate) if self._encoders else 0.0
        while True:
            frame_s = self._frame / rate if self._encoders else float("inf")
            block_s = (self._block + 1) * BLOCK_S
            if min(frame_s, block_s) > until_s or (most is not None and made >= most):
                return packets
            if block_s <= frame_s:
                packets += self._mix()
            else:
                packets += self._show(frame_s, until_s - frame_s)
                made += 1

    def _mix(self) -> list[EncodedPacket]:
        self._take_news(self._block * BLOCK_S)
        begun = thread_time()
        mix = np.zeros((2, BLOCK_SAMPLES), np.float32)
        at = self.origin + self._block * BLOCK_S
        for number, channel in self._audio.items():
            if number not in self.stage.muted:
                sound = channel.read(at, BLOCK_SAMPLES)
                if sound is not None:
                    mix += sound
        self._block += 1
        block = self._limiter.process(mix)
        self._costs["mix"] += thread_time() - begun
        if not self._limiter_filled:
            self._limiter_filled = True
            return []
        begun = thread_time()
        packets = self._sound.encode(block)
        self._costs["encode"] += thread_time() - begun
        return packets

    def _show(self, at_s: float, lag_s: float) -> list[EncodedPacket]:
        if self._picture is None or lag_s < REPEAT_S:
            self._picture = self._compose(at_s, hurry=lag_s > HURRY_S)
        else:
            self.repeated += 1
        begun = thread_time()
        packets: list[EncodedPacket] = []
        for encoder, scaler in zip(self._encoders, self._scalers, strict=True):
            if self._frame < encoder.begins_at:
                continue
            r = encoder.rendition
            packets += encoder.encode(scaler.scale(self._picture, r.width, r.height), self._frame)
        self._frame += 1
        self._costs["encode"] += thread_time() - begun
        return packets

    def _compose(self, at_s: float, *, hurry: bool) -> av.VideoFrame:
        assert self._composer is not None
        self._take_news(at_s)
        stage = self.stage
        if stage.changed:
            self._arrange(at_s)
        begun = thread_time()
        # Nearest in time, not last before: half a picture's time early or late, but never off by a whole one.
        until = self.origin + at_s + 0.5 / self.options.frames_per_s
        for channel in self._video.values():
            if channel.shown:
                channel.advance(until, hurry=hurry)
        decoded = thread_time()
        picture = self._composer.compose(
            self._seats, self._picture_of, stage.participants, at_s, names=stage.layout.show_names
        )
        self._costs["decode"] += decoded - begun
        self._costs["compose"] += thread_time() - decoded
        return picture

    def _picture_of(self, seat: Seat) -> av.VideoFrame | None:
        channel = None if seat.video is None else self._video.get(seat.video)
        return None if channel is None else channel.picture

    def _arrange(self, at_s: float) -> None:
        assert self._composer is not None
        stage = self.stage
        stage.changed = False
        self._seats = stage.seats()
        tiles = stage.arrange(self._seats, *self._size)
        self._composer.set_tiles(tiles, at_s)
        shown = {self._seats[t.seat].video: (t.rect.width, t.rect.height) for t in tiles}
        for number, channel in self._video.items():
            channel.show(number in shown or number in stage.stalled)
            size = shown.get(number, (0, 0))
            if self._sizes.get(number) != size and number not in stage.stalled:
                self._sizes[number] = size
                self._asked.append(SizeWanted(number, *size))

    # -- figures -----------------------------------------------------------------------------------------------------

    @property
    def duration_s(self) -> float:
        """Of what was made so far, from the origin."""
        if self._encoders:
            return self._frame / self.options.frames_per_s
        return self._block * BLOCK_S

    @property
    def lag_s(self) -> float:
        """How far behind its time it was at the last ``tick``."""
        return self._lag_s

    def status(self) -> dict[str, Any]:
        """JSON-able figures; ``*_s`` are seconds of processor time since the beginning."""
        costs = dict(self._costs)
        if any(encoder.threads > 1 for encoder in self._encoders):
            # Theirs, and what little else a worker does in threads.
            costs["encode"] += process_time() - thread_time() - self._other_threads_s
        channels: list[VideoChannel | AudioChannel] = [*self._video.values(), *self._audio.values()]
        lost = self._lost + sum(c.track.totals()["lost"] for c in channels)
        return {
            "duration_ms": round(self.duration_s * 1000),
            "frames": self._frame - self._first_frame,
            "repeated": self.repeated,
            "dropped": self._dropped + sum(c.dropped for c in self._video.values()),
            "lost": lost,
            "lag_ms": round(self._lag_s * 1000),
            "tracks": len(channels),
            "encoders": [encoder.encoder for encoder in self._encoders],
            **{f"{name}_s": round(cost, 3) for name, cost in costs.items()},
        }
