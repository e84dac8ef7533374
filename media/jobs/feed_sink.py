"""The end of a worker's feed at the shard: media and news of one room, written to a socket that never makes us wait."""

from __future__ import annotations

import socket
from collections import Counter
from collections.abc import Callable

from media.feed import Clock, Message, Muted, Packet, TrackAdded, TrackRemoved, encode
from sfu.rtp.packet import RtpPacket
from sfu.sinks import SinkTrack

MAX_WRITE_BYTES = 1 << 20
SOUND_REPORTED_LATE_S = 0.02
"""Browsers report for the first sample of a sound packet the moment when they send it, once its last one is there."""


class FeedSink:
    """A MediaSink that speaks to a worker.

    What the socket does not take waits, at most ``max_queue_bytes`` of it; then packets are dropped and counted until
    half of that is gone, and the worker asks for key frames where it has to. News (tracks, clocks, people) is never
    dropped, and stays in order with the packets.
    """

    def __init__(
        self,
        end: socket.socket,
        *,
        max_queue_bytes: int,
        wants: Callable[[str, str], bool] | None = None,
        on_broken: Callable[[], None] = lambda: None,
    ) -> None:
        end.setblocking(False)
        self.packets: list[tuple[SinkTrack, RtpPacket]] = []
        self.tracks: dict[int, SinkTrack] = {}
        self.counters: Counter[str] = Counter()
        self.broken = False
        self._end = end
        self._wants = wants or (lambda owner, source: True)
        self._on_broken = on_broken
        self._queue = bytearray()
        self._max_queue_bytes = max_queue_bytes
        self._dropping = False

    @property
    def queued_bytes(self) -> int:
        """What waits for the worker."""
        return len(self._queue)

    # -- MediaSink -------------------------------------------------------------------------------------------------

    def on_track_added(self, track: SinkTrack) -> None:
        """Tell the worker of a track, if it is wanted."""
        producer = track.producer
        if not self._wants(producer.owner, producer.source):
            return
        self.tracks[track.number] = track
        codec = producer.codec
        self.tell(
            TrackAdded(
                track=track.number,
                publication_id=producer.id,
                user_id=producer.owner,
                source=producer.source,  # type: ignore[arg-type]  # the engine keeps what signaling has checked
                kind=producer.kind,
                codec=codec.name,
                clock_rate=codec.clock_rate,
                channels=codec.channels,
                fmtp=dict(codec.fmtp),
                red_payload_type=producer.red_payload_type,
            )
        )
        if producer.muted:
            self.tell(Muted(track.number, True))

    def on_track_removed(self, track: SinkTrack) -> None:
        """Tell the worker that a track ended."""
        if self.tracks.get(track.number) is track:
            self.tell(TrackRemoved(track.number))
            del self.tracks[track.number]

    def on_track_muted(self, track: SinkTrack, muted: bool) -> None:
        """Tell the worker of a mute."""
        if track.number in self.tracks:
            self.tell(Muted(track.number, muted))

    def on_clock(self, track: SinkTrack, ssrc: int, rtp_timestamp: int, at: float) -> None:
        """Pass a clock on."""
        if track.number in self.tracks:
            made_at = at - SOUND_REPORTED_LATE_S if track.producer.kind == "audio" else at
            self.tell(Clock(track.number, rtp_timestamp, made_at, ssrc))

    def flush(self, now: float) -> None:
        """Write what is there, as far as the socket takes it."""
        self._take_packets()
        self._write()

    # -- news ------------------------------------------------------------------------------------------------------

    def tell(self, message: Message) -> None:
        """Put news behind the packets that came before it."""
        self._take_packets()
        if not self.broken:
            self._queue += encode(message)

    def want_size(self, number: int, width: int, height: int) -> None:
        """The worker shows a track in this size."""
        track = self.tracks.get(number)
        if track is not None:
            track.want_size(width, height)

    def request_key_frame(self, number: int) -> None:
        """The worker cannot decode a track."""
        track = self.tracks.get(number)
        if track is not None:
            track.request_key_frame()

    # -- the socket ------------------------------------------------------------------------------------------------

    def _take_packets(self) -> None:
        if not self.packets:
            return
        packets = self.packets[:]
        self.packets.clear()  # the tracks hold its append
        queue = self._queue
        if self.broken:
            return
        if self._dropping or len(queue) > self._max_queue_bytes:
            self._dropping = True
            self.counters["packets_dropped"] += len(packets)
            return
        for track, packet in packets:
            if track.number in self.tracks:
                queue += encode(Packet(track.number, packet.arrival, packet.data))
        self.counters["packets"] += len(packets)

    def _write(self) -> None:
        queue = self._queue
        while queue and not self.broken:
            try:
                sent = self._end.send(memoryview(queue)[:MAX_WRITE_BYTES])
            except BlockingIOError:
                return
            except OSError:
                self.broken = True
                queue.clear()
                self._on_broken()
                return
            del queue[:sent]
        if self._dropping and len(queue) <= self._max_queue_bytes // 2:
            self._dropping = False
