"""The sending end of a pipe: the Producers of a Router on their way to one other shard. Knows no sockets."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from random import Random
from typing import TYPE_CHECKING

from sfu.errors import MalformedPacket
from sfu.layers.forward import Outlet, Protector
from sfu.layers.header_plan import PlanTable
from sfu.pipes.source import PipedEncoding, PipedProducer
from sfu.pipes.track import PipedTrack
from sfu.pipes.wants import WantsReader
from sfu.rtp.rtcp import Nack, Pli, ReceiverReport, UnknownRtcp, parse_compound

if TYPE_CHECKING:
    from sfu.producer import Producer

SILENT_S = 4.0
"""A far end that has not said for so long what it wants gets nothing any more, until it speaks again."""
REPORT_INTERVAL_S = 1.0


class PipeSender:
    """``on_tracks`` is called when what the far end has to know of the Producers has changed."""

    def __init__(
        self,
        *,
        outlet: Outlet,
        protector: Protector,
        plans: PlanTable,
        random: Random,
        send_rtcp: Callable[[bytes], None],
        on_tracks: Callable[[], None],
        counters: Counter[str],
        now: Callable[[], float],
    ) -> None:
        self.outlet = outlet
        self.protector = protector
        self.plans = plans
        self.random = random
        self.now = now
        self.on_tracks = on_tracks
        self.producers: dict[str, PipedProducer] = {}
        self._send_rtcp = send_rtcp
        self._counters = counters
        self._wants = WantsReader()
        self._heard_at = now()
        self._next_report = now() + REPORT_INTERVAL_S

    def add(self, producer: Producer) -> None:
        """Send a Producer's Encodings, as far as they are wanted; harmless if that is done."""
        if producer.id not in self.producers:
            self.producers[producer.id] = PipedProducer(producer, self)
            self.on_tracks()

    def remove(self, producer: Producer) -> None:
        """A Producer has ended; harmless if it was never piped."""
        piped = self.producers.pop(producer.id, None)
        if piped is not None:
            piped.close()
            self.on_tracks()

    def tracks(self) -> list[PipedTrack]:
        """All that the far end has to know."""
        return [piped.track() for piped in self.producers.values()]

    def encodings(self) -> list[PipedEncoding]:
        """All Encodings, sent or not."""
        return [piped for producer in self.producers.values() for piped in producer.encodings]

    # -- from the far end ------------------------------------------------------------------------------------------

    def on_rtcp(self, data: bytes, now: float) -> None:
        """One decrypted RTCP compound."""
        try:
            reports = parse_compound(data)
        except MalformedPacket as error:
            self._counters[error.reason] += 1
            return
        by_ssrc = {piped.ssrc: piped for piped in self.encodings()}
        for report in reports:
            if isinstance(report, Nack):
                piped = by_ssrc.get(report.media_ssrc)
                if piped is not None:
                    self._counters["pipe_nacks"] += len(report.lost)
                    piped.on_nack(report.lost, now)
            elif isinstance(report, Pli):
                piped = by_ssrc.get(report.media_ssrc)
                if piped is not None:
                    piped.on_key_frame_request(now)
            elif isinstance(report, ReceiverReport):
                for block in report.blocks:
                    piped = by_ssrc.get(block.ssrc)
                    if piped is not None:
                        piped.stream.on_report_block(block, now)
            elif isinstance(report, UnknownRtcp):
                wanted = self._wants.read(report)
                if wanted is not None:
                    self._heard_at = now
                    self._take_wants(wanted, now)

    def _take_wants(self, wanted: set[int], now: float) -> None:
        for piped in self.encodings():
            if piped.ssrc not in wanted:
                piped.stop()
            elif not piped.wanted or not piped.is_running:
                piped.start()
                piped.producer.want(piped.encoding, now)

    # -- time ------------------------------------------------------------------------------------------------------

    def tick(self, now: float, unix_now: float) -> None:
        """Called some times a second."""
        if now - self._heard_at > SILENT_S:
            for piped in self.encodings():
                piped.stop()
        if now < self._next_report:
            return
        self._next_report = now + REPORT_INTERVAL_S
        for piped in self.encodings():
            report = piped.sender_report(now, unix_now)
            if report is not None:
                self._send_rtcp(report.pack())

    def close(self) -> None:
        """Send nothing any more."""
        for piped in self.producers.values():
            piped.close()
        self.producers.clear()
