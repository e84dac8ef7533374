"""A Producer on its way into a pipe: each Encoding as it is, under an SSRC and with numbers of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from sfu.layers.forward import ForwardEntry, Outlet, Protector, forward
from sfu.layers.header_plan import PlanTable
from sfu.pipes.track import PipedTrack, piped_extensions
from sfu.rtp.packet import RtpPacket
from sfu.rtp.rtcp import SenderReport
from sfu.streams.send import SendStream

if TYPE_CHECKING:
    from collections.abc import Iterable
    from random import Random

    from sfu.encoding import Encoding
    from sfu.producer import Producer

FIRST_SEQUENCE = 1
"""Low, so that a far end that misses the first packets guesses right that none has rolled over (RFC 3711 3.3.1)."""
RESEND_LIMIT = 512


class PipeHost(Protocol):
    """The sending end of a pipe, as its Producers see it."""

    outlet: Outlet
    plans: PlanTable
    protector: Protector
    random: Random

    def now(self) -> float:
        """Monotonic seconds."""
        ...

    def on_tracks(self) -> None:
        """What the far end has to know of the Producers has changed."""
        ...


class PipedEncoding:
    """One Encoding, while the far end wants it. Where a decoder can begin is the far end's care."""

    def __init__(self, producer: Producer, encoding: Encoding, host: PipeHost, owner: PipedProducer) -> None:
        self.producer = producer
        self.encoding = encoding
        self.ssrc = host.random.randrange(1, 1 << 32)
        self.stream = SendStream(self.ssrc, encoding.stream.clock_rate)
        self.wanted = True
        self._host = host
        self._owner = owner
        self._next_out = FIRST_SEQUENCE
        self.entry = ForwardEntry(
            ssrc=self.ssrc,
            payload_type=producer.payload_type,
            plan=host.plans.plan("", producer.extensions, piped_extensions(producer.extensions)),
            outlet=host.outlet,
            protector=host.protector,
        )
        if producer.red_payload_type is not None:  # redundancy is for bad paths
            self.entry.red_in, self.entry.opus_in = producer.red_payload_type, producer.payload_type
            self.entry.rewrites_payload = True
        self.start()

    @property
    def is_running(self) -> bool:
        """Whether packets go into the pipe."""
        return self in self.encoding.consumers

    def start(self) -> None:
        """Send what comes from now on."""
        self.wanted = True
        if self.is_running or self in self.encoding.waiting:
            return
        if self.encoding.stream.started:
            self._begin(self.encoding.stream.max_ext_seq + 1)
        else:
            self.encoding.waiting.append(self)

    def begin(self, encoding: Encoding, packet: RtpPacket, now: float) -> None:
        """The first packet of a stream that had not begun."""
        self._begin(packet.ext_seq)

    def _begin(self, first_in: int) -> None:
        self.entry.first_in = first_in
        self.entry.seq_offset = self._next_out - first_in
        self.encoding.attach(self, self.entry)

    def stop(self) -> None:
        """The far end does not want it now."""
        self.wanted = False
        if self.is_running:
            self._next_out = max(self._next_out, self.encoding.stream.max_ext_seq + self.entry.seq_offset + 1)
        self.encoding.detach(self)

    def on_source_restarted(self, last_in: int) -> None:
        """The publisher's numbers began anew: the far end gets another stream in place of this one."""
        self._owner.renew(self)

    # -- what the far end says -------------------------------------------------------------------------------------

    def on_nack(self, lost: Iterable[int], now: float) -> None:
        """Send again what is in the history, the same packet under the same number."""
        if not self.is_running:
            return
        highest = self.encoding.stream.max_ext_seq
        for sequence_number in list(lost)[:RESEND_LIMIT]:
            out = highest + self.entry.seq_offset
            out -= (out - sequence_number) & 0xFFFF
            ext_in = out - self.entry.seq_offset
            packet = self.encoding.history.get(ext_in) if ext_in >= self.entry.first_in else None
            if packet is not None:
                forward(packet, [self.entry], 0)

    def on_key_frame_request(self, now: float) -> None:
        """The far end waits for a place to begin."""
        if self.wanted:
            self.producer.request_key_frame(self.encoding, now)

    def sender_report(self, now: float, unix_now: float) -> SenderReport | None:
        """By our clock, which is the one clock of all publishers there."""
        timestamp = self.encoding.clock.rtp_at(now)
        if timestamp is None or not self.is_running or self.entry.packets == 0:
            return None
        self.stream.packets, self.stream.octets = self.entry.packets, self.entry.octets
        return self.stream.sender_report(now, unix_now, round(timestamp) & 0xFFFFFFFF)


class PipedProducer:
    """All Encodings of one Producer."""

    def __init__(self, producer: Producer, host: PipeHost) -> None:
        self.producer = producer
        self._host = host
        self.encodings = [PipedEncoding(producer, encoding, host, self) for encoding in producer.encodings]
        producer.pipes.append(self)

    def wanted(self) -> set[Encoding]:
        """What the publisher has to send for the far end."""
        return {piped.encoding for piped in self.encodings if piped.wanted}

    def on_encoding_added(self, encoding: Encoding, replaced: Encoding | None) -> None:
        """A further Encoding was seen, or the publisher restarted one."""
        for piped in [piped for piped in self.encodings if piped.encoding is replaced]:
            piped.stop()
            self.encodings.remove(piped)
        self.encodings.append(PipedEncoding(self.producer, encoding, self._host, self))
        self._host.on_tracks()

    def on_producer_muted(self) -> None:
        """The far end is told."""
        self._host.on_tracks()

    def renew(self, piped: PipedEncoding) -> None:
        """Another stream in place of this one."""
        if piped in self.encodings:
            self.on_encoding_added(piped.encoding, piped.encoding)

    def track(self) -> PipedTrack:
        """What the far end has to know."""
        producer = self.producer
        return PipedTrack(
            producer.id,
            producer.owner,
            producer.source,
            producer.stream_id,
            "audio" if producer.kind == "audio" else "video",
            producer.codec,
            producer.payload_type,
            piped_extensions(producer.extensions),
            producer.muted,
            tuple((piped.ssrc, piped.encoding.rid or "") for piped in self._in_order()),
        )

    def _in_order(self) -> list[PipedEncoding]:
        return sorted(self.encodings, key=lambda piped: piped.encoding.index)

    def close(self) -> None:
        """Send no more of it."""
        for piped in self.encodings:
            piped.stop()
        self.encodings = []
        if self in self.producer.pipes:
            self.producer.pipes.remove(self)
