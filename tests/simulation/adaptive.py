"""A sender that follows a BandwidthEstimator over a simulated path, and what became of it."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from sfu.congestion.estimator import BandwidthEstimator
from sfu.congestion.feedback import FeedbackCollector
from sfu.congestion.probe_results import ProbeCluster
from sfu.probing import Probe
from sfu.rtp.rtcp import TransportFeedback, parse_compound
from tests.simulation.network import Impairment, Link, Path, VirtualTime

STEP_S = 0.005
TICK_S = 0.05
SAMPLE_S = 0.1
FRAME_S = 1 / 30
PACKET_BYTES = 1_200
PACING_FACTOR = 2.5
Packet = tuple[int, int]
"""Transport-wide number and size."""


@dataclass
class Sample:
    at: float
    estimate_bps: int
    arrived_bps: float
    queue_s: float


class CrossTraffic:
    """Constant traffic of another flow through the same link."""

    def __init__(self, time: VirtualTime, link: Link, rate_bps: int, start_at: float, end_at: float) -> None:
        interval_s = PACKET_BYTES * 8 / rate_bps

        def send() -> None:
            if start_at <= time.now < end_at:
                link.send(None, PACKET_BYTES, lambda _: None)

        time.every(interval_s, send)


@dataclass
class Call:
    """Frames at the estimate's rate, at most ``most_bps``, or at the best of ``layers_bps`` that fits the estimate."""

    forth: Impairment
    back: Impairment = field(default_factory=Impairment)
    seed: int = 1
    most_bps: int = 8_000_000
    wanted_bps: int | None = None
    layers_bps: tuple[int, ...] = ()
    start_bps: int = 600_000

    def __post_init__(self) -> None:
        self.time = VirtualTime()
        self.path = Path(self.time, self.seed, self.forth, self.back)
        self.start = self.time.now
        self.estimator = BandwidthEstimator(self.time.now, start_bps=self.start_bps)
        self.estimator.set_wanted_bps(self.most_bps if self.wanted_bps is None else self.wanted_bps)
        self.collector = FeedbackCollector(1)
        self.samples: list[Sample] = []
        self.silent = False
        self.sent = 0
        self.padding_bytes = 0
        self.probes: list[tuple[float, ProbeCluster]] = []
        self._arrived_bytes = 0
        self._seq = 65_000
        self._queued: deque[int] = deque()
        self._queued_bytes = 0
        self._credit_bytes = 0.0
        self._next_frame_at = self.time.now
        self._probing: Probe | None = None
        self.time.every(STEP_S, self._step)
        self.time.every(TICK_S, lambda: self.estimator.tick(self.time.now))
        self.time.every(0.02, self._feed_back)
        self.time.every(1.0, self._rtt)
        self.time.every(SAMPLE_S, self._sample)

    # -- sending ---------------------------------------------------------------------------------------------------

    @property
    def rate_bps(self) -> float:
        estimate_bps = self.estimator.estimate_bps
        if self.layers_bps:
            return max((layer for layer in self.layers_bps if layer <= estimate_bps), default=self.layers_bps[0])
        return min(self.most_bps, estimate_bps)

    def _step(self) -> None:
        if self.silent:
            return
        now = self.time.now
        rate_bps = self.rate_bps
        if now >= self._next_frame_at:
            self._next_frame_at = max(self._next_frame_at + FRAME_S, now)
            self._queue_frame(int(rate_bps * FRAME_S / 8))
        if self._probing is None:
            cluster = self.estimator.probe_due(now)
            if cluster is not None:
                self.probes.append((now - self.start, cluster))
                self._probing = Probe(cluster, now)
        most = PACING_FACTOR * self.estimator.estimate_bps / 8 * STEP_S
        self._credit_bytes = min(self._credit_bytes + most, most * 2)
        while self._queued and self._credit_bytes > 0:
            size = self._queued.popleft()
            self._credit_bytes -= size
            self._send(size)
        if self._probing is not None:
            self._pad(self._probing)

    def _queue_frame(self, size: int) -> None:
        while size > 0:
            self._queued.append(min(size, PACKET_BYTES))
            size -= PACKET_BYTES

    def _pad(self, probing: Probe) -> None:
        while probing.due_bytes(self.time.now) > 0:
            self.padding_bytes += probing.cluster.packet_bytes
            self._send(probing.cluster.packet_bytes)
        if probing.is_over(self.time.now):
            self._probing = None

    def _send(self, size: int) -> None:
        probing = self._probing
        self._seq = seq = (self._seq + 1) & 0xFFFF
        if probing is not None:
            probing.on_sent(1, size, self.time.now)
        self.estimator.on_sent(seq, size, self.time.now, None if probing is None else probing.cluster.id)
        self.sent += 1
        self.path.forth.send((seq, size), size, self._arrive)

    # -- receiving -------------------------------------------------------------------------------------------------

    def _arrive(self, packet: Packet) -> None:
        self._arrived_bytes += packet[1]
        self.collector.on_packet(packet[0], self.time.now, 2)

    def _feed_back(self) -> None:
        for message in self.collector.build(self.time.now):
            self.path.back.send(message, len(message), self._on_feedback)

    def _on_feedback(self, message: bytes) -> None:
        for report in parse_compound(message):
            assert isinstance(report, TransportFeedback)
            self.estimator.on_feedback(report, now=self.time.now)

    def _rtt(self) -> None:
        rtt_s = self.forth.delay_s + self.forth.jitter_s + self.back.delay_s + self.queue_s
        self.estimator.on_rtt(rtt_s, self.time.now)

    # -- figures ---------------------------------------------------------------------------------------------------

    @property
    def queue_s(self) -> float:
        """How long a packet would wait in the forward link now."""
        return max(0.0, self.path.forth._busy_until - self.time.now)

    def _sample(self) -> None:
        bps = self._arrived_bytes * 8 / SAMPLE_S
        self._arrived_bytes = 0
        self.samples.append(Sample(self.time.now - self.start, self.estimator.estimate_bps, bps, self.queue_s))

    def run(self, seconds: float) -> None:
        self.time.run(seconds)

    def between(self, begin: float, end: float) -> list[Sample]:
        return [sample for sample in self.samples if begin <= sample.at < end]

    def mean_bps(self, begin: float, end: float) -> float:
        part = self.between(begin, end)
        return sum(sample.estimate_bps for sample in part) / len(part)

    def least_bps(self, begin: float, end: float) -> int:
        return min(sample.estimate_bps for sample in self.between(begin, end))

    def worst_queue_s(self, begin: float, end: float) -> float:
        return max(sample.queue_s for sample in self.between(begin, end))

    def reached_at(self, bps: float, after: float = 0.0) -> float:
        """When the estimate first was at least ``bps``, infinite if never."""
        return next((s.at for s in self.samples if s.at >= after and s.estimate_bps >= bps), float("inf"))

    @property
    def loss(self) -> float:
        link = self.path.forth
        return (link.lost + link.dropped) / link.sent
