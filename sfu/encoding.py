"""One incoming RTP stream of a Producer: what arrived, what is missing, which Consumers take it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sfu.codecs.dependency_descriptor import DependencyDescriptorReader
from sfu.codecs.info import describe
from sfu.codecs.resolution import Resolution, sizes_of
from sfu.errors import MalformedPacket
from sfu.layers.forward import ForwardEntry, forward
from sfu.rtp.extensions import Uri, find_extension
from sfu.rtp.packet import RtpPacket
from sfu.streams.clock_map import PublisherClock, SenderClock
from sfu.streams.history import PacketHistory
from sfu.streams.keyframes import KeyFrameRequester
from sfu.streams.layer_meter import LayerMeter
from sfu.streams.nack import NackGenerator
from sfu.streams.receive import ReceiveStream
from sfu.streams.steadiness import Steadiness

if TYPE_CHECKING:
    from sfu.consumer import Consumer
    from sfu.pipes.source import PipedEncoding
    from sfu.sinks import SinkTrack

AUDIO_HISTORY_PACKETS = 64
ACTIVE_WITHIN_S = 1.0
SWITCH_INDICATION = 2


class Encoding:
    """The RtpStream of one SSRC as it is received, with its history and the entries it is forwarded by."""

    def __init__(
        self,
        *,
        index: int,
        rid: str | None,
        ssrc: int,
        rtx_ssrc: int | None,
        codec_name: str,
        clock_rate: int,
        extensions: dict[str, int],
        nack: bool,
        history_packets: int,
        publisher_clock: PublisherClock,
    ) -> None:
        video = codec_name not in ("opus", "red")
        self.index = index
        self.rid = rid
        self.ssrc = ssrc
        self.rtx_ssrc = rtx_ssrc
        self.codec_name = codec_name
        self.video = video
        self.stream = ReceiveStream(ssrc, clock_rate)
        self.nack = NackGenerator() if nack else None
        self.history = PacketHistory(history_packets if video else AUDIO_HISTORY_PACKETS)
        self.key_frames = KeyFrameRequester()
        self.clock = SenderClock(publisher_clock, clock_rate)
        self.entries: list[ForwardEntry] = []
        self.consumers: list[Consumer | PipedEncoding] = []
        self.waiting: list[Consumer | SinkTrack | PipedEncoding] = []
        self.sink_tracks: list[SinkTrack] = []
        self.last_arrival = 0.0
        self.last_timestamp = 0
        self.last_picture_id: int | None = None
        self.last_tl0: int | None = None
        self.last_frame_number: int | None = None
        self.malformed = 0
        self.meter = LayerMeter()
        self.sizes: tuple[Resolution, ...] = ()
        # Whether anybody wants it, and since when; see Dynacast.
        self.wanted = True
        self.wanted_since = float("-inf")
        self.unwanted_since: float | None = None
        self.steadiness = Steadiness()
        self._restarts = 0
        descriptor_id = extensions.get(Uri.DEPENDENCY_DESCRIPTOR) if video else None
        self._descriptor_id = descriptor_id
        self._descriptors = DependencyDescriptorReader() if descriptor_id is not None else None

    def receive(self, packet: RtpPacket, now: float, *, recovered: bool) -> bool:
        """Take note of a packet; False if it is a duplicate, too old or cannot be read."""
        stream = self.stream
        highest = stream.max_ext_seq
        if not stream.on_packet(packet, now, recovered=recovered):
            return False
        if stream.restarts != self._restarts:
            self._restarts = stream.restarts
            for consumer in list(self.consumers):
                consumer.on_source_restarted(highest)
        nack = self.nack
        if nack is not None:
            nack.on_packet(packet.ext_seq, now, recovered)
        if self.video and packet.payload_end > packet.payload_offset and not self._describe(packet, now):
            return False
        self.history.put(packet)
        if not self.clock.reports:
            self.clock.on_packet(packet.timestamp, now)
        self.last_arrival = now
        self.last_timestamp = packet.timestamp
        return True

    def _describe(self, packet: RtpPacket, now: float) -> bool:
        try:
            info = describe(self.codec_name, packet.data, packet.payload_offset, packet.payload_end, packet.marker)
        except MalformedPacket:
            self.malformed += 1
            return False
        packet.info = info
        if self._descriptors is not None and self._descriptor_id is not None:
            self._read_descriptor(packet)
        self.meter.on_packet(
            info.spatial << 3 | info.temporal, len(packet.data), packet.timestamp, now, key_frame=info.key_frame
        )
        if info.picture_id is not None:
            self.last_picture_id = info.picture_id
        if info.tl0_pic_idx is not None:
            self.last_tl0 = info.tl0_pic_idx
        if info.key_frame and info.frame_start:
            self.key_frames.on_key_frame(now)
            self.sizes = (
                sizes_of(self.codec_name, packet.data[packet.payload_offset : packet.payload_end]) or self.sizes
            )
            if self.nack is not None:
                self.nack.on_key_frame(packet.ext_seq)
        return True

    def _read_descriptor(self, packet: RtpPacket) -> None:
        """The dependency descriptor knows layers and key frames where the payload does not tell (AV1)."""
        assert self._descriptors is not None and self._descriptor_id is not None and packet.info is not None
        value = find_extension(packet, self._descriptor_id)
        if value is None:
            return
        try:
            descriptor = self._descriptors.read(value)
        except MalformedPacket:
            self.malformed += 1
            return
        packet.info.spatial = descriptor.spatial
        packet.info.temporal = descriptor.temporal
        packet.info.frame_start = descriptor.first_packet_in_frame
        packet.info.frame_end = descriptor.last_packet_in_frame
        packet.info.frame_number = self.last_frame_number = descriptor.frame_number
        structure = self._descriptors.structure
        if structure is None:
            return
        if structure.resolutions:
            self.sizes = structure.resolutions
        own = (descriptor.spatial, descriptor.temporal)
        for layers, indication in zip(
            structure.decode_target_layers, descriptor.decode_target_indications, strict=False
        ):
            if layers == own and indication == SWITCH_INDICATION:
                packet.info.switch_up = True

    def pass_on(self, packet: RtpPacket, send_time_24: int, now: float) -> None:
        """Forward a received packet; Consumers that wait for a place to begin do so here."""
        if self.waiting and self._can_begin(packet):
            beginners, self.waiting = self.waiting, []
            for consumer in beginners:
                consumer.begin(self, packet, now)
        if self.entries:
            forward(packet, self.entries, send_time_24)
        if self.sink_tracks:
            for track in self.sink_tracks:
                track.put((track, packet))

    def _can_begin(self, packet: RtpPacket) -> bool:
        if not self.video:
            return True
        info = packet.info
        return info is not None and info.key_frame and info.frame_start

    def is_active(self, now: float) -> bool:
        """Whether packets arrived within the last second."""
        return now - self.last_arrival < ACTIVE_WITHIN_S

    def attach(self, consumer: Consumer | PipedEncoding, entry: ForwardEntry) -> None:
        """Forward to ``consumer`` by ``entry`` from the packet at hand on."""
        # New lists each time, so that a loop over the old ones is not disturbed.
        self.consumers = [*self.consumers, consumer]
        self.entries = [*self.entries, entry]

    def detach(self, consumer: Consumer | PipedEncoding) -> None:
        """Stop forwarding to ``consumer``; harmless if it never began."""
        if consumer in self.waiting:
            self.waiting.remove(consumer)
        if consumer in self.consumers:
            self.consumers = [c for c in self.consumers if c is not consumer]
            self.entries = [e for e in self.entries if e is not consumer.entry]
