"""Ends of a Router's media that are not WebRTC: what recorders and live outputs are given of each Producer.

A MediaSink gets the decrypted packets of one Encoding of each Producer, the best that arrives or, if it has told how
large it shows the pictures, the smallest that suits, as they arrived: late ones late, missing ones never. What it
costs the packet path is one append; the sink takes the packets up when the engine calls its ``flush``, once in a turn
of the clock (20 ms), after everything was sent to subscribers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Protocol

from sfu.groups import Group
from sfu.ladder import COVERS
from sfu.rtp.packet import RtpPacket

if TYPE_CHECKING:
    from sfu.encoding import Encoding
    from sfu.producer import Producer

CLOCK_INTERVAL_S = 1.0
REVIEW_INTERVAL_S = 0.2
SMALLER_AFTER_S = 3.0
BETTER_BY = 1.25
"""Another Encoding must have this many times the bitrate of the current one to be worth a switch."""


class MediaSink(Protocol):
    """What is called with the media of a Router. Each call must return at once, and none may raise."""

    packets: list[tuple[SinkTrack, RtpPacket]]
    """Where packets are appended; ``flush`` takes them out."""

    def on_track_added(self, track: SinkTrack) -> None:
        """A Producer is there."""
        ...

    def on_track_removed(self, track: SinkTrack) -> None:
        """A Producer has ended, or is kept apart."""
        ...

    def on_track_muted(self, track: SinkTrack, muted: bool) -> None:
        """A Producer was muted (no more packets come) or unmuted at the server."""
        ...

    def on_clock(self, track: SinkTrack, ssrc: int, rtp_timestamp: int, at: float) -> None:
        """By its sender reports the stream's (32-bit) ``rtp_timestamp`` belongs to ``at``, monotonic seconds.

        All streams of one publisher are mapped by one clock, so that sound and picture stay together.
        """
        ...

    def flush(self, now: float) -> None:
        """Take the packets up."""
        ...


class SinkTrack:
    """One Producer as one sink is given it. ``number`` names it within the sink and is never used again."""

    def __init__(self, number: int, producer: Producer, sink: MediaSink, now: Callable[[], float]) -> None:
        self.number = number
        self.producer = producer
        self.added_at = now()
        self.put = sink.packets.append
        self._sink = sink
        self._now = now
        self._encoding: Encoding | None = None
        self._size: tuple[int, int] | None = None
        self._smaller_since: float | None = None
        producer.sink_tracks = [*producer.sink_tracks, self]
        sink.on_track_added(self)
        self.review(self.added_at)

    @property
    def encoding(self) -> Encoding | None:
        """The Encoding whose packets come."""
        return self._encoding

    # -- which Encoding --------------------------------------------------------------------------------------------

    def want_size(self, width: int, height: int) -> None:
        """The sink shows the pictures in this size; a smaller Encoding that suits it is taken after a while."""
        self._size = (width, height)

    def _choice(self, now: float) -> Encoding | None:
        """The best Encoding, or the smallest of those that arrive whose pictures are large enough."""
        producer = self.producer
        if self._size is None or producer.kind != "video" or len(producer.encodings) == 1:
            return producer.best_encoding(now)
        width, height = self._size
        for rung in producer.ladder(now):
            if rung.width is None or rung.height is None or not rung.encoding.is_active(now):
                continue
            if rung.width >= COVERS * width or rung.height >= COVERS * height:
                return rung.encoding
        return producer.best_encoding(now)

    def review(self, now: float) -> None:
        """Follow the Producer to its best Encoding, or to the one that suits; a video goes over at a key frame."""
        producer = self.producer
        best = self._choice(now)
        current = self._encoding
        if best is None or best is current or producer.muted:
            return
        if current is None or current not in producer.encodings or not best.video:
            self._attach(best)
            producer.request_key_frame(best, now)
        elif self not in best.waiting and self._is_time(current, best, now):
            self._stop_waiting()
            best.waiting.append(self)
            producer.request_key_frame(best, now)

    def _is_time(self, current: Encoding, best: Encoding, now: float) -> bool:
        """Whether the switch is worth its key frame: to more at once, to less when it was enough for some time."""
        if not current.is_active(now):
            return best.is_active(now)
        if best.stream.bitrate_bps(now) > BETTER_BY * current.stream.bitrate_bps(now):
            self._smaller_since = None
            return True
        if self._size is None or current.stream.bitrate_bps(now) < BETTER_BY * best.stream.bitrate_bps(now):
            self._smaller_since = None
            return False
        if self._smaller_since is None:
            self._smaller_since = now
        return now - self._smaller_since >= SMALLER_AFTER_S

    def begin(self, encoding: Encoding, packet: RtpPacket, now: float) -> None:
        """Called at the key frame that was waited for."""
        self._attach(encoding)

    def request_key_frame(self) -> None:
        """The sink cannot decode what comes; throttled."""
        if self._encoding is not None:
            self.producer.request_key_frame(self._encoding, self._now())

    def _attach(self, encoding: Encoding) -> None:
        self._detach()
        self._encoding = encoding
        encoding.sink_tracks = [*encoding.sink_tracks, self]
        self.report_clock(self._now())

    def _detach(self) -> None:
        self._stop_waiting()
        if self._encoding is not None:
            self._encoding.sink_tracks = [t for t in self._encoding.sink_tracks if t is not self]
            self._encoding = None

    def _stop_waiting(self) -> None:
        for encoding in self.producer.encodings:
            if self in encoding.waiting:
                encoding.waiting.remove(self)

    # -- from the Producer -----------------------------------------------------------------------------------------

    def on_encoding_added(self) -> None:
        """A further Encoding was seen, or the publisher restarted one."""
        self.review(self._now())

    def on_producer_muted(self) -> None:
        """The Producer was muted or unmuted at the server."""
        self._sink.on_track_muted(self, self.producer.muted)
        if not self.producer.muted:
            self.review(self._now())
            self.request_key_frame()

    def report_clock(self, now: float) -> None:
        """Tell the sink which RTP timestamp belongs to this moment, if that is known."""
        encoding = self._encoding
        if encoding is None or not encoding.clock.reports:
            return
        timestamp = encoding.clock.rtp_at(now)
        if timestamp is not None:
            self._sink.on_clock(self, encoding.ssrc, round(timestamp) & 0xFFFFFFFF, now)

    def close(self) -> None:
        """The Producer ended or the sink leaves."""
        self._detach()
        self.producer.sink_tracks = [t for t in self.producer.sink_tracks if t is not self]
        self._sink.on_track_removed(self)


class SinkBook:
    """The sinks of one Router, and which Producers each of them is given: those of its group."""

    def __init__(self, group_of: Callable[[str], Group], now: Callable[[], float]) -> None:
        self._group_of = group_of
        self._now = now
        self._sinks: dict[int, tuple[MediaSink, Group, dict[str, SinkTrack]]] = {}
        self._numbers = 0
        self._next_review = 0.0
        self._next_clock = 0.0

    def add(self, sink: MediaSink, producers: Iterable[Producer], group: Group) -> None:
        """Give a sink the media of ``producers`` and of those that come."""
        assert id(sink) not in self._sinks
        self._sinks[id(sink)] = (sink, group, {})
        for producer in producers:
            self.on_producer(producer)

    def remove(self, sink: MediaSink) -> None:
        """Take a sink away; harmless if it is gone. It is told that its tracks end."""
        found = self._sinks.pop(id(sink), None)
        if found is not None:
            for track in found[2].values():
                track.close()

    def on_producer(self, producer: Producer) -> None:
        """A Producer came, or its owner went to another group."""
        for sink, group, tracks in self._sinks.values():
            together = self._group_of(producer.owner) == group
            if together and producer.id not in tracks:
                self._numbers = (self._numbers + 1) & 0xFFFF
                tracks[producer.id] = SinkTrack(self._numbers, producer, sink, self._now)
            elif not together and producer.id in tracks:
                tracks.pop(producer.id).close()

    def forget(self, producer: Producer) -> None:
        """A Producer ended."""
        for _, _, tracks in self._sinks.values():
            track = tracks.pop(producer.id, None)
            if track is not None:
                track.close()

    def turn(self, now: float) -> None:
        """Called every turn of the clock."""
        if not self._sinks:
            return
        tracks = [track for _, _, tracks in self._sinks.values() for track in tracks.values()]
        if now >= self._next_review:
            self._next_review = now + REVIEW_INTERVAL_S
            for track in tracks:
                track.review(now)
        if now >= self._next_clock:
            self._next_clock = now + CLOCK_INTERVAL_S
            for track in tracks:
                track.report_clock(now)
        for sink, _, _ in list(self._sinks.values()):
            sink.flush(now)

    def close(self) -> None:
        """The Router ends."""
        for sink, _, _ in list(self._sinks.values()):
            self.remove(sink)

    def __len__(self) -> int:
        return len(self._sinks)
