"""Publishers with simulcast and one subscriber on a simulated path, through the engine's real halves, in virtual time.

A publisher is told which layers are wanted and answers key-frame requests after a while, as browsers do. The subscriber
judges what arrives as a decoder would: a picture counts when it is whole and all it depends on was decoded.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import NamedTuple

from sfu.census import Census
from sfu.codecs.info import describe
from sfu.congestion.feedback import FeedbackCollector
from sfu.downlink import Downlink
from sfu.layers.forward import Outlet
from sfu.layers.header_plan import PlanTable
from sfu.pacing import PacedSender
from sfu.producer import Producer
from sfu.rtp.clock import ntp_from_unix
from sfu.rtp.extensions import build_extensions, find_extension
from sfu.rtp.packet import build_rtp, parse_rtp
from sfu.rtp.payload_info import PayloadInfo
from sfu.rtp.rtcp import Fir, Nack, Pli, SenderReport, parse_compound
from sfu.rtp.rtx import unwrap_rtx
from sfu.sdp.types import SendSection
from sfu.sending import SendingHalf
from sfu.wishes import Mode
from tests.simulation.network import Impairment, Path, VirtualTime
from tests.support.plain_media import (
    OPUS_PT,
    VIDEO_FEEDBACK,
    VP8_PT,
    OpenProtector,
    Publisher,
    vp8_payload,
)

FRAME_S = 0.05
PACKET_BYTES = 1_100
KEY_FRAME_FACTOR = 4
TWCC_ID, MID_ID = 5, 1
FREEZE_S = 0.25
PATIENCE_S = 0.3
VIDEO_PT, RTX_OUT_PT, AUDIO_PT = 120, 121, 109


class Size(NamedTuple):
    """One layer of a publisher."""

    rid: str
    ssrc: int
    bps: int
    height: int


CAMERA = (Size("q", 51, 130_000, 180), Size("h", 52, 450_000, 360), Size("f", 53, 1_700_000, 720))


@dataclass(slots=True)
class _Layer:
    size: Size
    seq: int
    timestamp: int
    picture_id: int
    tl0: int = 0
    key_at: float | None = None
    active: bool = True
    suspended: bool = False


class Camera:
    """A browser that sends simulcast VP8; in ``temporal`` mode every other picture is of the upper temporal layer."""

    def __init__(self, meeting: Meeting, sizes: tuple[Size, ...], *, source: str = "camera", temporal: bool) -> None:
        self.meeting, self.time = meeting, meeting.time
        self.publisher = Publisher(rids=tuple(size.rid for size in sizes))
        self.publisher.now = self.time.now
        self.publisher.half.on_wanted = self._on_wanted
        self.producer = self.publisher.publish_video()
        self.producer.source = source
        self.temporal = temporal
        random = Random(hash(source) & 0xFF)
        self.layers = [
            _Layer(size, random.randrange(65_536), random.randrange(1 << 32), random.randrange(1 << 15))
            for size in sizes
        ]
        for layer in self.layers:
            layer.key_at = self.time.now
        self.sent_bytes: Counter[str] = Counter()
        self.needless_key_frames = 0
        self.starts: Counter[str] = Counter()
        self._frames = 0
        self._started = self.time.now
        self.time.every(FRAME_S, self._frame)
        self.time.every(0.02, self._tick)
        self.time.every(1.0, self._report)

    def _tick(self) -> None:
        self.publisher.now = self.time.now
        self.publisher.half.tick(self.time.now)
        requests, self.publisher.rtcp[:] = list(self.publisher.rtcp), []
        for data in requests:
            for report in parse_compound(data):
                ssrcs = [report.media_ssrc] if isinstance(report, Pli) else []
                ssrcs += [ssrc for ssrc, _ in report.entries] if isinstance(report, Fir) else []
                asked = [layer for layer in self.layers if layer.size.ssrc in ssrcs]
                # Asked for a key frame of what they do not send, browsers send one of everything else.
                if any(layer.suspended for layer in asked):
                    self.needless_key_frames += 1
                for layer in asked:
                    if layer.key_at is None:
                        layer.key_at = self.time.now + 0.1

    def suspend(self, *rids: str) -> None:
        """The uplink is short: these are not sent, and all others are; what is sent again begins with a key frame."""
        for layer in self.layers:
            suspended = layer.size.rid in rids
            if layer.suspended and not suspended:
                layer.key_at = self.time.now
            layer.suspended = suspended

    def _on_wanted(self, producer: Producer) -> None:
        wanted = producer.dynacast.layers()

        def obey() -> None:
            for layer in self.layers:
                active = wanted[layer.size.rid]
                if active and not layer.active:
                    layer.key_at = self.time.now
                    self.starts[layer.size.rid] += 1
                layer.active = active

        self.time.at(self.time.now + 0.1, obey)

    def _frame(self) -> None:
        self.publisher.now = self.time.now
        self._frames += 1
        temporal = self._frames % 2 if self.temporal else 0
        for layer in self.layers:
            layer.timestamp = (layer.timestamp + round(FRAME_S * 90_000)) & 0xFFFFFFFF
            if layer.active and not layer.suspended:
                self._send(layer, temporal)

    def _send(self, layer: _Layer, temporal: int) -> None:
        now = self.time.now
        key = layer.key_at is not None and now >= layer.key_at and temporal == 0
        if key:
            layer.key_at = None
        size = int(layer.size.bps * FRAME_S / 8) * (KEY_FRAME_FACTOR if key else 1)
        layer.picture_id = (layer.picture_id + 1) & 0x7FFF
        if temporal == 0:
            layer.tl0 = (layer.tl0 + 1) & 0xFF
        count = max(1, -(-size // PACKET_BYTES))
        for part in range(count):
            payload = vp8_payload(layer.picture_id, key=key, tl0=layer.tl0, size=size // count, start=part == 0)
            if self.temporal:
                payload = _with_temporal(payload, temporal)
            if key and part == 0:
                at = payload.index(b"\x9d\x01\x2a") + 3
                width = layer.size.height * 16 // 9
                sides = width.to_bytes(2, "little") + layer.size.height.to_bytes(2, "little")
                payload = payload[:at] + sides + payload[at + 4 :]
            data = build_rtp(
                payload_type=VP8_PT,
                sequence_number=layer.seq,
                timestamp=layer.timestamp,
                ssrc=layer.size.ssrc,
                marker=part == count - 1,
                payload=payload,
                extensions=build_extensions([(4, b"v"), (10, layer.size.rid.encode())]),
            )
            layer.seq = (layer.seq + 1) & 0xFFFF
            self.sent_bytes[layer.size.rid] += len(data)
            self.publisher.half.on_rtp(data, now)
        self.meeting.flush()

    def _report(self) -> None:
        """Sender reports, by which the timestamps of the layers are brought together."""
        for layer in self.layers:
            report = SenderReport(layer.size.ssrc, ntp_from_unix(1e9 + self.time.now), layer.timestamp, 1, 1, ())
            self.publisher.half.on_rtcp(report.pack(), self.time.now, 1e9 + self.time.now)


def _with_temporal(payload: bytes, temporal: int) -> bytes:
    """Add TID and Y (RFC 7741 section 4.2); the upper layer needs only the base, so switching up is always possible."""
    return payload[:1] + bytes((payload[1] | 0x20,)) + payload[2:5] + bytes((temporal << 6 | 0x20,)) + payload[5:]


class Microphone:
    """Opus all the time."""

    def __init__(self, meeting: Meeting, size_bytes: int = 100) -> None:
        self.publisher = Publisher()
        self.producer = self.publisher.publish_audio()

        def send() -> None:
            self.publisher.now = meeting.time.now
            self.publisher.audio(bytes(size_bytes), payload_type=OPUS_PT)
            meeting.flush()

        meeting.time.every(0.02, send)


@dataclass
class Shown:
    """What a viewer sees of one track. ``changes``: (time, lines) whenever the size of the picture changes."""

    pictures: int = 0
    height: int = 0
    last_at: float | None = None
    frozen_s: float = 0.0
    needs_key: bool = True
    tl0: int = -1
    waiting_since: float | None = None
    asked_at: float = 0.0

    def __post_init__(self) -> None:
        self.changes: list[tuple[float, int]] = []
        self.timestamps: list[int] = []
        self.picture_ids: list[int] = []
        self.buffered: dict[int, tuple[bytes, PayloadInfo, int]] = {}


class Meeting(Outlet):
    """The server and its one subscriber."""

    def __init__(self, path: Impairment, seed: int = 1) -> None:
        super().__init__([])
        self.time = VirtualTime()
        self.start = self.time.now
        self.path = Path(self.time, seed, path, Impairment(delay_s=path.delay_s))
        self.protector = OpenProtector()
        self.busy: set[PacedSender] = set()
        self.watcher: PacedSender | None = None
        self.dominant: Producer | None = None
        self.half = SendingHalf(
            outlet=self,
            plans=PlanTable(),
            random=Random(seed),
            send_rtcp=lambda data: None,
            counters=Counter(),
            now=lambda: self.time.now,
            census=Census(),
        )
        self.downlink = self.half.downlink = Downlink(
            self,
            self,
            self.half.consumers,
            self.busy,
            lambda producer: producer is self.dominant,
            self.time.now,
        )
        self.half.on_secured(self.protector)
        self.shown: dict[str, Shown] = {}
        self.heard: Counter[str] = Counter()
        self.arrived_bytes = 0
        self.stalled_until = 0.0
        self._feedback = FeedbackCollector(1)
        self._by_ssrc: dict[int, str] = {}
        self._rtx: dict[int, int] = {}
        self._frames: dict[tuple[int, int], dict[int, bytes]] = {}
        self._newest: dict[int, int] = {}
        self._missing: dict[int, dict[int, int]] = {}
        self.time.every(0.1, self._ask_again)
        self.time.every(0.1, lambda: self.downlink.tick(self, self.time.now))
        self.time.every(0.005, self._pace)
        self.time.every(0.05, self._feed_back)
        self.time.every(1.0, lambda: self.half.report(self.time.now, 1e9 + self.time.now))

    # -- the server ------------------------------------------------------------------------------------------------

    def camera(self, sizes: tuple[Size, ...] = CAMERA, *, source: str = "camera", temporal: bool = False) -> Camera:
        made = Camera(self, sizes, source=source, temporal=temporal)
        self.time.run(FRAME_S * 1.5)
        return made

    def consume(self, producer: Producer, *, rtx: bool = True) -> str:
        consumer = self.half.add(producer)
        video = producer.kind == "video"
        section = SendSection(
            track_key=consumer.id,
            mid=str(len(self.half.consumers)),
            kind=producer.kind,
            accepted=True,
            payload_type=VIDEO_PT if video else AUDIO_PT,
            rtx_payload_type=RTX_OUT_PT if video and rtx else None,
            red_payload_type=None,
            extensions={"urn:ietf:params:rtp-hdrext:sdes:mid": MID_ID, TRANSPORT_CC: TWCC_ID},
            feedback=VIDEO_FEEDBACK if video else frozenset(),
        )
        self.shown[consumer.id] = Shown()
        self._by_ssrc[consumer.ssrc] = consumer.id
        self._rtx[consumer.rtx_ssrc] = consumer.ssrc
        self.half.apply([section])
        return consumer.id

    def set_mode(self, mode: Mode) -> None:
        self.downlink.mode = mode
        self.downlink.dirty = True

    def flush(self) -> None:
        if self.dirty and self.time.now >= self.stalled_until:
            self.dirty.clear()
            packets, self.packets = self.packets, []
            self.send_paced(packets)
            if self.watcher is not None:
                self.watcher.on_flushed(packets, self.time.now)

    def send_paced(self, packets: Sequence[bytes]) -> None:
        for packet in packets:
            self.path.forth.send(packet, len(packet), self._arrive)

    def _pace(self) -> None:
        for sender in list(self.busy):
            sender.serve(self.time.now)
        self.flush()

    # -- the subscriber --------------------------------------------------------------------------------------------

    def _arrive(self, data: bytes) -> None:
        now = self.time.now
        self.arrived_bytes += len(data)
        packet = parse_rtp(data)
        number = find_extension(packet, TWCC_ID)
        assert number is not None
        self._feedback.on_packet(int.from_bytes(number, "big"), now, packet.ssrc)
        ssrc = self._rtx.get(packet.ssrc)
        if ssrc is not None:
            if packet.payload_end - packet.payload_offset < 2:
                return
            packet = parse_rtp(unwrap_rtx(packet, ssrc, VIDEO_PT))
        key = self._by_ssrc[packet.ssrc]
        if packet.payload_type == AUDIO_PT:
            self.heard[key] += 1
            return
        self._video(key, packet.ssrc, packet.sequence_number, packet.timestamp, data if ssrc is None else packet.data)

    def _video(self, key: str, ssrc: int, seq: int, timestamp: int, data: bytes) -> None:
        newest = self._newest.get(ssrc)
        if newest is not None:
            ahead = ((seq - newest + 0x8000) & 0xFFFF) - 0x8000
            if 1 < ahead < 500:
                lost = tuple((newest + step) & 0xFFFF for step in range(1, ahead))
                self._missing.setdefault(ssrc, {}).update(dict.fromkeys(lost, 0))
                self._ask(Nack(1, ssrc, lost).pack())
        self._missing.get(ssrc, {}).pop(seq, None)
        if newest is None or 0 < (seq - newest) & 0xFFFF < 0x8000:
            self._newest[ssrc] = seq
        frame = self._frames.setdefault((ssrc, timestamp), {})
        frame[seq] = data
        packets = [parse_rtp(frame[place]) for place in sorted(frame, key=lambda place: (place - seq) & 0xFFFF)]
        packets.sort(key=lambda p: (p.sequence_number - seq + 0x8000) & 0xFFFF)
        first, last = packets[0], packets[-1]
        info = describe("VP8", first.data, first.payload_offset, first.payload_end, first.marker)
        whole = info.frame_start and last.marker
        whole &= (last.sequence_number - first.sequence_number) & 0xFFFF == len(packets) - 1
        if whole and len(frame) == len(packets):
            assert info.picture_id is not None
            shown = self.shown[key]
            shown.buffered[info.picture_id] = (first.data[first.payload_offset :], info, timestamp)
            del self._frames[(ssrc, timestamp)]
            if timestamp in shown.timestamps:
                del shown.buffered[info.picture_id]  # a probe's padding: it was shown already
            self._play(shown, ssrc)

    def _play(self, shown: Shown, ssrc: int) -> None:
        """Decode what can be, in order; what something is missing for waits a while, then a key frame is asked for."""
        while True:
            found = next((pid for pid, frame in shown.buffered.items() if _is_decodable(shown, frame[1])), None)
            if found is None:
                break
            payload, info, timestamp = shown.buffered.pop(found)
            if info.key_frame:
                shown.buffered.clear()
            self._decode(shown, payload, info, timestamp)
            shown.waiting_since = None
        now = self.time.now
        if not shown.buffered:
            return
        if shown.waiting_since is None:
            shown.waiting_since = now
        elif now - shown.waiting_since > PATIENCE_S and now - shown.asked_at > PATIENCE_S:
            shown.asked_at = now
            shown.needs_key = True
            shown.buffered.clear()
            self._ask(Pli(1, ssrc).pack())

    def _decode(self, shown: Shown, payload: bytes, info: PayloadInfo, timestamp: int) -> None:
        now = self.time.now
        if info.key_frame:
            at = payload.index(b"\x9d\x01\x2a") + 5
            height = int.from_bytes(payload[at : at + 2], "little")
            if height != shown.height:
                shown.height = height
                shown.changes.append((now - self.start, height))
            shown.needs_key = False
        if info.temporal == 0:
            assert info.tl0_pic_idx is not None
            shown.tl0 = info.tl0_pic_idx
        if shown.last_at is not None and now - shown.last_at > FREEZE_S:
            shown.frozen_s += now - shown.last_at - FRAME_S
        shown.last_at = now
        shown.pictures += 1
        shown.timestamps.append(timestamp)
        assert info.picture_id is not None
        shown.picture_ids.append(info.picture_id)

    def _ask_again(self) -> None:
        for ssrc, missing in self._missing.items():
            if missing:
                self._ask(Nack(1, ssrc, tuple(missing)).pack())
            self._missing[ssrc] = {seq: times + 1 for seq, times in missing.items() if times < 6}

    def _feed_back(self) -> None:
        for message in self._feedback.build(self.time.now):
            self._ask(message)

    def _ask(self, message: bytes) -> None:
        self.path.back.send(message, len(message), lambda data: self.half.on_rtcp(data, self.time.now))

    # -- figures ---------------------------------------------------------------------------------------------------

    @property
    def queue_s(self) -> float:
        """How long a packet would wait in the path now."""
        return max(0.0, self.path.forth._busy_until - self.time.now)

    def run(self, seconds: float) -> None:
        self.time.run(seconds)

    def change(self, path: Impairment) -> None:
        self.path.forth.impairment = path


def _is_decodable(shown: Shown, info: PayloadInfo) -> bool:
    """A picture of the base needs the base before it, one of the upper layer only the base it belongs to."""
    if info.key_frame:
        return True
    if shown.needs_key:
        return False
    return info.tl0_pic_idx == ((shown.tl0 + 1) & 0xFF if info.temporal == 0 else shown.tl0)


TRANSPORT_CC = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"
