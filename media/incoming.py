"""One track as it comes over the feed: from packets to frames with the moments at which they were made."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from media.depacketise import Frame, assembler_for
from media.feed import Clock, Packet, TrackAdded
from media.jitter import JitterBuffer
from media.timeline import Timeline
from sfu.errors import MalformedPacket
from sfu.rtp.packet import parse_rtp

KEY_FRAME_INTERVAL_S = 0.5
HANDOVER_S = 0.5
FUTURE_S, PAST_S = 1.0, 10.0
"""A frame cannot have been made after it came, nor long before."""
MAX_CLOCKS = 8


@dataclass(slots=True)
class TimedFrame:
    """A frame, the moment it was made (monotonic seconds) and which of the track's streams it is of (0, 1, ...)."""

    frame: Frame
    time_s: float
    stream: int


class _Stream:
    """One SSRC of the track: a simulcast layer, or what a publisher began anew."""

    def __init__(self, number: int, ssrc: int, added: TrackAdded, wait_s: float) -> None:
        self.number = number
        self.ssrc = ssrc
        self.jitter = JitterBuffer(wait_s)
        assembler = assembler_for(added.codec, added.red_payload_type)
        assert assembler is not None
        self.assembler = assembler
        self.timeline = Timeline(added.clock_rate)
        self.last_timestamp: int | None = None
        self.early_clock: Clock | None = None
        self.last_arrival = 0.0

    def on_clock(self, clock: Clock) -> None:
        if self.last_timestamp is None:
            self.early_clock = clock
        else:
            self.timeline.on_clock(clock.rtp_timestamp, clock.at, self.last_timestamp)

    def frames(self, now: float) -> list[TimedFrame]:
        timed: list[TimedFrame] = []
        for packet, lost in self.jitter.pop(now):
            for frame in self.assembler.push(packet, lost):
                first = self.last_timestamp is None
                self.last_timestamp = frame.timestamp
                if first and self.early_clock is not None:
                    self.on_clock(self.early_clock)
                self.timeline.on_packet(frame.timestamp, frame.arrival)
                time_s = self.timeline.time_of(frame.timestamp)
                if not -FUTURE_S <= frame.arrival - time_s <= PAST_S:
                    # No clock of this world: until it is told anew, what comes is of the moment when it comes.
                    time_s = frame.arrival
                timed.append(TimedFrame(frame, time_s, self.number))
        return timed


class IncomingTrack:
    """``wait_s``: how long packets that are missing are waited for. The codec must be one that is known."""

    def __init__(self, added: TrackAdded, wait_s: float) -> None:
        self.added = added
        self.counters: Counter[str] = Counter()
        self.first_packet_at: float | None = None
        self.last_packet_at: float | None = None
        self._wait_s = wait_s
        self._streams: list[_Stream] = []
        self._made = 0
        self._clocks: dict[int, Clock] = {}
        self._asked_at = float("-inf")

    @staticmethod
    def supports(codec: str) -> bool:
        """Whether frames of this codec can be put together."""
        return assembler_for(codec) is not None

    def on_packet(self, packet: Packet) -> None:
        """A packet of the feed; a malformed one is counted."""
        try:
            rtp = parse_rtp(packet.data)
        except MalformedPacket as error:
            self.counters[error.reason] += 1
            return
        rtp.arrival = packet.at
        if self.first_packet_at is None:
            self.first_packet_at = packet.at
        self.last_packet_at = packet.at
        stream = self._stream(rtp.ssrc)
        stream.last_arrival = packet.at
        stream.jitter.push(rtp)

    def _stream(self, ssrc: int) -> _Stream:
        for stream in self._streams:
            if stream.ssrc == ssrc:
                return stream
        stream = _Stream(self._made, ssrc, self.added, self._wait_s)
        self._made += 1
        clock = self._clocks.get(ssrc)
        if clock is not None:
            stream.on_clock(clock)
        self._streams.append(stream)
        del self._streams[:-2]
        return stream

    def on_clock(self, clock: Clock) -> None:
        """A clock message of this track."""
        if clock.ssrc is None:
            for stream in self._streams[-1:]:
                stream.on_clock(clock)
            return
        self._clocks.pop(clock.ssrc, None)
        self._clocks[clock.ssrc] = clock
        while len(self._clocks) > MAX_CLOCKS:
            del self._clocks[next(iter(self._clocks))]
        for stream in self._streams:
            if stream.ssrc == clock.ssrc:
                stream.on_clock(clock)

    def on_pause(self) -> None:
        """The track was muted or unmuted: what comes next follows no packet."""
        for stream in self._streams:
            stream.jitter.expect_new_start()
            stream.assembler.interrupt()

    def frames(self, now: float) -> list[TimedFrame]:
        """The frames that are whole now, in order; those of a stream end where a newer one begins."""
        if len(self._streams) == 2:
            older, newer = self._streams
            timed = older.frames(now)
            begun = newer.frames(now)
            if begun or now - older.last_arrival > HANDOVER_S:
                self._count(older)
                self._streams.remove(older)
            if begun:
                timed = [t for t in timed if t.time_s < begun[0].time_s] + begun
            return timed
        return [t for stream in self._streams for t in stream.frames(now)]

    def _count(self, stream: _Stream) -> None:
        self.counters.update(stream.assembler.counters)
        self.counters.update(lost=stream.jitter.lost, late=stream.jitter.late, received=stream.jitter.received)

    def timeline(self) -> Timeline | None:
        """The mapping of the stream that plays; None before its first frame."""
        stream = self._streams[0] if self._streams else None
        return stream.timeline if stream is not None and stream.timeline.known else None

    def key_frame_wanted(self, now: float, *, also: bool = False) -> bool:
        """Whether a key frame must be asked for now; true at most once in KEY_FRAME_INTERVAL_S.

        ``also``: the caller needs one too.
        """
        if self.added.kind != "video" or not self._streams:
            return False
        if not also and not self._streams[-1].assembler.wants_key_frame:
            return False
        if now - self._asked_at < KEY_FRAME_INTERVAL_S:
            return False
        self._asked_at = now
        return True

    def totals(self) -> Counter[str]:
        """Packets received, lost and late, frames that could not be decoded, malformed packets by reason."""
        totals = Counter(self.counters)
        for stream in self._streams:
            totals.update(stream.assembler.counters)
            totals.update(lost=stream.jitter.lost, late=stream.jitter.late, received=stream.jitter.received)
        return totals
