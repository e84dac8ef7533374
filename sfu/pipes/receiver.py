"""The receiving end of a pipe: Producers of another shard, made known to a Router here. Knows no sockets."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from random import Random
from typing import TYPE_CHECKING

from sfu.pipes.track import PipedTrack
from sfu.pipes.wants import pack_wants
from sfu.producer import Producer
from sfu.receiving import ReceivingHalf

if TYPE_CHECKING:
    from sfu.router import Router

WANTS_INTERVAL_S = 0.5


class PipeReceiver:
    """One receiving half for each publisher, as if it were connected here: its streams have one clock."""

    def __init__(
        self,
        *,
        router: Router,
        random: Random,
        send_rtcp: Callable[[bytes], None],
        counters: Counter[str],
        history_packets: int,
        now: Callable[[], float],
    ) -> None:
        self.ssrc = random.randrange(1, 1 << 32)
        self._router = router
        self._random = random
        self._send_rtcp = send_rtcp
        self._counters = counters
        self._history_packets = history_packets
        self._now = now
        self._halves: dict[str, ReceivingHalf] = {}
        self._by_ssrc: dict[int, ReceivingHalf] = {}
        self._tracks: dict[str, PipedTrack] = {}
        self._next_wants = float("-inf")

    # -- tracks ----------------------------------------------------------------------------------------------------

    def update(self, tracks: Sequence[PipedTrack]) -> None:
        """What the sending end has now, all of it."""
        found = {track.producer_id: track for track in tracks}
        for producer_id in self._tracks.keys() - found.keys():
            self._remove(self._tracks.pop(producer_id))
        for track in tracks:
            self._take(track)
        self._by_ssrc = {
            ssrc: self._halves[track.owner] for track in self._tracks.values() for ssrc, _ in track.encodings
        }
        self._tell_wants(self._now())

    def _take(self, track: PipedTrack) -> None:
        half = self._halves.get(track.owner)
        if half is None:
            half = self._halves[track.owner] = self._half(track.owner)
        producer = half.producers.get(track.producer_id)
        if producer is None:
            producer = Producer(
                producer_id=track.producer_id,
                owner=track.owner,
                source=track.source,
                stream_id=track.stream_id,
                section=track.section(),
                host=half,
                on_level=self._router.on_level,
            )
            half.adopt(producer, track.section())
            self._router.add_producer(producer)
        elif self._tracks[track.producer_id] != track:
            half.adopt(producer, track.section())
        producer.set_muted(track.muted)
        self._tracks[track.producer_id] = track

    def _half(self, owner: str) -> ReceivingHalf:
        return ReceivingHalf(
            owner=owner,
            random=self._random,
            send_rtcp=self._send_rtcp,
            on_level=self._router.on_level,
            counters=self._counters,
            history_packets=self._history_packets,
            now=self._now,
            on_wanted=lambda producer: self._tell_wants(self._now()),
        )

    def _remove(self, track: PipedTrack) -> None:
        half = self._halves[track.owner]
        producer = half.producers[track.producer_id]
        self._router.forget_producer(producer)
        half.remove(producer)
        if not half.producers:
            del self._halves[track.owner]

    # -- packets ---------------------------------------------------------------------------------------------------

    def on_rtp(self, data: bytes, now: float) -> None:
        """One decrypted RTP packet."""
        half = self._by_ssrc.get(int.from_bytes(data[8:12], "big"))
        if half is None:
            self._counters["pipe_unknown_ssrc"] += 1
        else:
            half.on_rtp(data, now)

    def on_rtcp(self, data: bytes, now: float, unix_now: float) -> None:
        """One decrypted RTCP compound: the sender reports of one stream."""
        half = self._by_ssrc.get(int.from_bytes(data[4:8], "big"))
        if half is not None:
            half.on_rtcp(data, now, unix_now)

    def tick(self, now: float) -> None:
        """Called every 20 ms."""
        for half in self._halves.values():
            half.tick(now)
        if now >= self._next_wants:
            self._tell_wants(now)

    def _tell_wants(self, now: float) -> None:
        self._next_wants = now + WANTS_INTERVAL_S
        wanted = [
            encoding.ssrc
            for half in self._halves.values()
            for producer in half.producers.values()
            for encoding in producer.encodings
            if encoding.wanted
        ]
        for packet in pack_wants(self.ssrc, wanted):
            self._send_rtcp(packet)

    def close(self) -> None:
        """All Producers of the pipe end."""
        self.update(())
