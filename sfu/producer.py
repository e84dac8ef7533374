"""What a participant sends of one medium: one kind, one to n Encodings, forwarded to any number of Consumers."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from sfu.codecs.parameters import CodecParameters
from sfu.dynacast import Dynacast
from sfu.encoding import Encoding
from sfu.ladder import Ladder, build_ladder
from sfu.rtp.clock import abs_send_time
from sfu.rtp.extensions import Uri, find_extension
from sfu.rtp.packet import RtpPacket
from sfu.sdp.types import ReceiveSection
from sfu.streams.clock_map import PublisherClock
from sfu.streams.steadiness import BEHIND_S

if TYPE_CHECKING:
    from sfu.consumer import Consumer
    from sfu.pipes.source import PipedProducer
    from sfu.sinks import SinkTrack

MAX_ENCODINGS = 4
LADDER_LIFETIME_S = 0.25
RETURN_S = 4.0
"""So long a publisher may take until an Encoding that is wanted again arrives."""


class ProducerHost(Protocol):
    """The Transport's receiving half, as its Producers see it."""

    publisher_clock: PublisherClock
    history_packets: int

    def request_key_frame(self, encoding: Encoding) -> None:
        """Send a PLI or FIR for this Encoding now."""
        ...

    @property
    def on_wanted(self) -> Callable[[Producer], None]:
        """Called when it has changed which of its Encodings anybody wants."""
        ...


LevelSink = Callable[[str, int, float], None]


class Producer:
    """The engine's receiver of one publication."""

    def __init__(
        self,
        *,
        producer_id: str,
        owner: str,
        source: str,
        stream_id: str,
        section: ReceiveSection,
        host: ProducerHost,
        on_level: LevelSink,
    ) -> None:
        self.id = producer_id
        self.owner = owner
        self.source = source
        self.stream_id = stream_id
        self.kind = section.kind
        self.mid = section.mid
        self.muted = False
        self.closed = False
        self.encodings: list[Encoding] = []
        self.consumers: dict[str, Consumer] = {}
        self.sink_tracks: list[SinkTrack] = []
        self.pipes: list[PipedProducer] = []
        self.dynacast = Dynacast(self)
        self._ladder: Ladder = ()
        self._ladder_until = float("-inf")
        self._host = host
        self._on_level = on_level
        self.configure(section)

    def configure(self, section: ReceiveSection) -> None:
        """Take what a (re)negotiation agreed on."""
        assert section.codec is not None
        self.codec: CodecParameters = section.codec.parameters
        self.payload_type = section.codec.payload_type
        self.red_payload_type = section.codec.red_payload_type
        self.feedback = frozenset(section.codec.feedback)
        self.extensions = dict(section.extensions)
        self._level_id = self.extensions.get(Uri.AUDIO_LEVEL) if self.kind == "audio" else None

    def add_encoding(self, ssrc: int, rtx_ssrc: int | None, rid: str | None) -> Encoding | None:
        """Open the Encoding of a newly seen SSRC; None if there are too many already.

        A known RID under a new SSRC (the publisher restarted its encoder) replaces the old one in its place.
        """
        replaced = next((e for e in self.encodings if rid is not None and e.rid == rid), None)
        if replaced is None and len(self.encodings) >= MAX_ENCODINGS:
            return None
        encoding = Encoding(
            index=replaced.index if replaced else len(self.encodings),
            rid=rid,
            ssrc=ssrc,
            rtx_ssrc=rtx_ssrc,
            codec_name=self.codec.name,
            clock_rate=self.codec.clock_rate,
            extensions=self.extensions,
            nack="nack" in self.feedback,
            history_packets=self._host.history_packets,
            publisher_clock=self._host.publisher_clock,
        )
        if replaced is None:
            self.encodings.append(encoding)
        else:
            self.encodings[replaced.index] = encoding
        self._ladder_until = float("-inf")
        for consumer in list(self.consumers.values()):
            consumer.on_encoding_added(encoding, replaced)
        for piped in list(self.pipes):
            piped.on_encoding_added(encoding, replaced)
        for track in self.sink_tracks:
            track.on_encoding_added()
        return encoding

    def receive(self, encoding: Encoding, packet: RtpPacket, now: float, *, recovered: bool = False) -> bool:
        """Take one media packet; False if it was of no use."""
        if packet.payload_type != self.payload_type and packet.payload_type != self.red_payload_type:
            return False
        if not encoding.receive(packet, now, recovered=recovered):
            return False
        if self._level_id is not None:
            level = find_extension(packet, self._level_id)
            if level:
                self._on_level(self.id, 127 if self.muted else level[0] & 0x7F, now)
        if not self.muted:
            encoding.pass_on(packet, abs_send_time(now), now)
        return True

    def set_muted(self, muted: bool) -> None:
        """Stop or resume forwarding at the server, without renegotiation."""
        if muted == self.muted:
            return
        self.muted = muted
        for consumer in list(self.consumers.values()):
            consumer.on_producer_muted()
        for piped in list(self.pipes):
            piped.on_producer_muted()
        for track in self.sink_tracks:
            track.on_producer_muted()

    def best_encoding(self, now: float) -> Encoding | None:
        """The Encoding with the highest measured bitrate among those that arrive, or would if they were wanted."""
        if len(self.encodings) == 1:
            return self.encodings[0]
        ladder = self.ladder(now) if self.kind == "video" else ()
        if ladder and any(not encoding.wanted for encoding in self.encodings):
            return ladder[-1].encoding
        active = [e for e in self.encodings if e.is_active(now)] or self.encodings
        return max(active, key=lambda e: e.stream.bitrate_bps(now), default=None)

    def ladder(self, now: float) -> Ladder:
        """The qualities there are of this video, the least first; computed some times a second."""
        if now >= self._ladder_until:
            self._ladder_until = now + LADDER_LIFETIME_S
            self._ladder = build_ladder(self.encodings, sharp=self.source == "screen", now=now)
        return self._ladder

    def want(self, encoding: Encoding, now: float) -> None:
        """Somebody is about to take this Encoding: its publisher must send it."""
        if self.dynacast.want(encoding, now):
            self._host.on_wanted(self)

    def review_wanted(self, now: float) -> None:
        """Called some times a second: find out which Encodings nobody wants, or somebody wants again."""
        if self.dynacast.review(now):
            self._host.on_wanted(self)

    def behind_s(self, encoding: Encoding) -> float:
        """How much newer the newest packet of all Encodings is than that of ``encoding``."""
        return max(other.last_arrival for other in self.encodings) - encoding.last_arrival

    def review_steadiness(self, now: float) -> None:
        """Called some times a second: see which Encodings the publisher has stopped by itself, or begun again."""
        changed = False
        for encoding in self.encodings:
            # One that is asked for again has a while until it arrives.
            if encoding.stream.started and encoding.wanted and now - encoding.wanted_since >= RETURN_S:
                changed |= encoding.steadiness.review(self.behind_s(encoding), now)
        if changed:
            self._ladder_until = float("-inf")
            for consumer in self.consumers.values():
                consumer.on_layers_changed()

    def can_answer(self, encoding: Encoding) -> bool:
        """Whether to ask for a key frame is of any use. What is not being sent begins with one when it is; until then
        browsers answer with key frames of the other Encodings."""
        return len(self.encodings) == 1 or self.behind_s(encoding) <= BEHIND_S

    def request_key_frame(self, encoding: Encoding, now: float) -> None:
        """Ask the publisher for a key frame, throttled."""
        if self.kind != "video" or self.muted or not self.can_answer(encoding):
            return
        if encoding.key_frames.request(now):
            self._host.request_key_frame(encoding)

    def close(self) -> None:
        """End all Consumers' forwarding; they stay with their Transports until unconsumed."""
        self.closed = True
        for consumer in list(self.consumers.values()):
            consumer.halt()
        self.consumers.clear()
        for piped in list(self.pipes):
            piped.close()

    def stats(self, now: float) -> dict[str, object]:
        """Figures of this Producer and each of its Encodings."""
        return {
            "id": self.id,
            "kind": self.kind,
            "source": self.source,
            "codec": self.codec.name,
            "muted": self.muted,
            "consumers": len(self.consumers),
            "encodings": [
                {"rid": e.rid, "ssrc": e.ssrc, "bitrate_bps": e.stream.bitrate_bps(now), **e.stream.stats()}
                for e in self.encodings
            ],
        }
