"""What the path of one Transport does to its packets, from RTCP both ways: read every second or two, values only.

Uplink: what we count of the publisher's streams ourselves (RFC 3550 appendix A). Downlink: what the subscriber reports
of ours, less what had happened to those streams before they came to us: a publisher's loss is not the subscriber's.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from sfu.connection import TransportState
from sfu.consumer import ConsumerState

if TYPE_CHECKING:
    from sfu.consumer import Consumer
    from sfu.encoding import Encoding
    from sfu.producer import Producer
    from sfu.streams.receive import ReceiveStream
    from sfu.transport import Transport

WINDOW_S = 6.0
"""Loss is that of the last seconds: browsers report on sound only every five."""
MIN_PACKETS = 25
"""With fewer packets a share lost says nothing."""
_RTT_STALE_S = 15.0
_SEQ_MODULUS = 1 << 32


@dataclass(frozen=True, slots=True)
class PathFigures:
    """One direction of one Transport. ``loss`` is a share, 0.0 to 1.0; None: not known (yet)."""

    audio_bps: int = 0
    video_bps: int = 0
    loss: float | None = None
    jitter_ms: float | None = None
    rtt_ms: float | None = None


class LossWindow:
    """The share of packets lost within the last seconds."""

    def __init__(self) -> None:
        self._entries: deque[tuple[float, int, int]] = deque()
        self._expected = 0
        self._lost = 0

    def add(self, now: float, expected: int, lost: int) -> None:
        """Take what was expected and lost since the last call; less than none was lost where late packets came."""
        if expected or lost:
            self._entries.append((now, expected, lost))
            self._expected += expected
            self._lost += lost
        while self._entries and self._entries[0][0] <= now - WINDOW_S:
            _, old_expected, old_lost = self._entries.popleft()
            self._expected -= old_expected
            self._lost -= old_lost

    @property
    def share(self) -> float | None:
        """0.0 to 1.0; None while too little was expected."""
        if self._expected < MIN_PACKETS:
            return None
        return min(max(self._lost / self._expected, 0.0), 1.0)


# -- uplink ------------------------------------------------------------------------------------------------------------


class _Received(NamedTuple):
    expected: int
    received: int


class UplinkMeter:
    """Measures what arrives from one publisher."""

    def __init__(self) -> None:
        self._before: dict[int, _Received] = {}
        self._window = LossWindow()

    def read(self, producers: Iterable[Producer], now: float) -> PathFigures | None:
        """The figures since the last reading; None while nothing arrives."""
        expected = lost = 0
        rates = {"audio": 0, "video": 0}
        jitters: dict[str, list[float]] = {"audio": [], "video": []}
        seen: dict[int, _Received] = {}
        for producer in producers:
            for encoding in producer.encodings:
                stream = encoding.stream
                if not stream.started:
                    continue
                counts = seen[stream.ssrc] = _Received(stream.expected, stream.received)
                before = self._before.get(stream.ssrc)
                if before is not None:
                    expected += max(counts.expected - before.expected, 0)
                    lost += (counts.expected - before.expected) - (counts.received - before.received)
                if encoding.is_active(now):
                    rates[producer.kind] += stream.bitrate_bps(now)
                    jitters[producer.kind].append(jitter_ms_of(stream))
        self._before = seen
        self._window.add(now, expected, lost)
        heard = jitters["audio"] or jitters["video"]
        if not heard:
            return None
        # Every stream takes the same path; what one has more than another is its encoder's doing.
        return PathFigures(rates["audio"], rates["video"], self._window.share, min(heard))


def jitter_ms_of(stream: ReceiveStream) -> float:
    """The interarrival jitter of RFC 3550 section 6.4.1 in milliseconds."""
    return stream.jitter * 1000 / stream.clock_rate


# -- downlink ----------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Reported:
    """A Consumer at the last reading.

    ``missing``: packets that never came from the publisher: the subscriber counts these gaps as lost. ``at``: when the
    subscriber's reports last went on.
    """

    reports: int
    highest: int
    lost: int
    missing: int
    source: Encoding | None
    octets: int
    at: float


@dataclass(slots=True)
class _Sum:
    expected: int = 0
    lost: int = 0
    octets: dict[str, int] = field(default_factory=lambda: {"audio": 0, "video": 0})
    jitters: dict[str, list[float]] = field(default_factory=lambda: {"audio": [], "video": []})
    rtts_ms: list[float] = field(default_factory=list)


class DownlinkMeter:
    """Measures what one subscriber gets of what is sent to it."""

    def __init__(self) -> None:
        self._before: dict[str, _Reported] = {}
        self._window = LossWindow()
        self._read_at: float | None = None

    def read(self, consumers: Iterable[Consumer], now: float) -> PathFigures | None:
        """The figures since the last reading; None while the subscriber reports nothing."""
        total = _Sum()
        seen: dict[str, _Reported] = {}
        for consumer in consumers:
            entry = consumer.entry
            if entry is not None and consumer.state is ConsumerState.FORWARDING:
                seen[consumer.id] = self._one(consumer, entry.octets, total, now)
        self._before = seen
        self._window.add(now, total.expected, total.lost)
        span_s = now - self._read_at if self._read_at is not None else 0.0
        self._read_at = now
        heard = total.jitters["audio"] or total.jitters["video"]
        if not heard:
            return None
        audio, video = (round(total.octets[kind] * 8 / span_s) if span_s > 0 else 0 for kind in ("audio", "video"))
        rtt_ms = min(total.rtts_ms, default=None)
        return PathFigures(audio, video, self._window.share, min(heard), rtt_ms)

    def _one(self, consumer: Consumer, octets: int, total: _Sum, now: float) -> _Reported:
        stream, source = consumer.stream, consumer.source
        missing = consumer.answerer.missing_at_report
        before = self._before.get(consumer.id)
        if before is None:
            return _Reported(stream.reports, stream.highest_seq, stream.lost, missing, source, octets, now)
        total.octets[consumer.kind] += max(octets - before.octets, 0)
        if stream.reports == before.reports:
            if now - before.at > _RTT_STALE_S:
                return before
        elif before.reports and before.source is source:
            expected = (stream.highest_seq - before.highest) % _SEQ_MODULUS
            if expected < _SEQ_MODULUS // 2:
                total.expected += expected
                total.lost += (stream.lost - before.lost) - (missing - before.missing)
        if stream.reports:
            total.jitters[consumer.kind].append(added_jitter_ms(stream.jitter_ms, source))
            if stream.rtt_s is not None:
                total.rtts_ms.append(stream.rtt_s * 1000)
        if stream.reports == before.reports:
            before.octets = octets
            return before
        return _Reported(stream.reports, stream.highest_seq, stream.lost, missing, source, octets, now)


def added_jitter_ms(reported_ms: float, source: Encoding | None) -> float:
    """What our side of the path added: jitters of independent stretches add like variances."""
    earlier_ms = jitter_ms_of(source.stream) if source is not None else 0.0
    return math.sqrt(max(reported_ms**2 - earlier_ms**2, 0.0))


# -- a Transport -------------------------------------------------------------------------------------------------------


class TransportMeter:
    """Measures one Transport in the direction its media flows."""

    def __init__(self, transport: Transport) -> None:
        self.transport = transport
        self._uplink = UplinkMeter()
        self._downlink = DownlinkMeter()

    @property
    def is_interrupted(self) -> bool:
        """Whether the connection was there and is not just now."""
        return self.transport.state in (TransportState.DISCONNECTED, TransportState.FAILED)

    def uplink(self, now: float) -> PathFigures | None:
        """What arrives from the client."""
        return self._uplink.read(self.transport.receiving.producers.values(), now)

    def downlink(self, now: float) -> PathFigures | None:
        """What arrives at the client."""
        return self._downlink.read(self.transport.sending.consumers.values(), now)
