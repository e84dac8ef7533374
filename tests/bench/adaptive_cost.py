"""What estimation, pacing and allocation add to a forwarded packet: one publisher, N subscribers, the real path.

    python -m tests.bench.adaptive_cost [-n 100] [-s 10] [-r 3]

Packets are sealed by AES-GCM and handed to a UDP socket on loopback that nobody reads, as the server would. Virtual
time passes meanwhile: feedback comes twenty times a second from each subscriber, as browsers send it, ticks and reviews
as the engine makes them. The first seconds, in which a path is learnt, do not count.
Both halves of the comparison take turns, since the speed of a shared machine drifts; medians are shown.
"""

from __future__ import annotations

import argparse
import socket
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from statistics import median
from time import process_time

from sfu.census import Census
from sfu.downlink import Downlink
from sfu.io.path import UdpPath, UdpSocket
from sfu.io.srtp import SrtpKeys, SrtpSender
from sfu.layers.forward import Outlet
from sfu.layers.header_plan import PlanTable
from sfu.pacing import PacedSender
from sfu.rtp.packet import build_rtp
from sfu.rtp.twcc import build_feedback
from sfu.sdp.types import SendSection
from sfu.sending import SendingHalf
from tests.support.plain_media import OPUS_PT, VIDEO_FEEDBACK, VP8_PT, Publisher, vp8_payload

FRAME_S, VIDEO_PACKETS, VIDEO_BYTES = 1 / 30, 4, 1_050
TRANSPORT_CC = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"
PACING_S = 0.005
NO_FEEDBACK_EVERY_FRAMES = 3
LEARNING_S = 8
TICK_EVERY_FRAMES = 3


class Viewer(Outlet):
    """One subscriber: its connection is a path on loopback."""

    def __init__(self, publisher: Publisher, path: UdpPath, busy: set[PacedSender], *, adaptive: bool) -> None:
        super().__init__([])
        keys = SrtpKeys("SRTP_AEAD_AES_128_GCM", b"k" * 16, b"s" * 12, b"k" * 16, b"s" * 12)
        self.path = path
        self.publisher = publisher
        self.half = SendingHalf(
            outlet=self,
            plans=PLANS,
            random=Random(id(self)),
            send_rtcp=lambda data: None,
            counters=Counter(),
            now=lambda: publisher.now,
            census=Census(),
        )
        self.downlink: Downlink | None = None
        self.watcher: PacedSender | None = None
        if adaptive:
            self.downlink = self.half.downlink = Downlink(
                self, self, self.half.consumers, busy, lambda producer: False, publisher.now
            )
        self.half.on_secured(SrtpSender(keys))
        self.batches: list[tuple[int, float]] = []
        self.told = 0
        self.sent = 0

    def consume(self) -> None:
        for producer in self.publisher.half.producers.values():
            video = producer.kind == "video"
            consumer = self.half.add(producer)
            self.half.apply(
                [
                    SendSection(
                        track_key=consumer.id,
                        mid=str(len(self.half.consumers)),
                        kind=producer.kind,
                        accepted=True,
                        payload_type=120 if video else 109,
                        rtx_payload_type=121 if video else None,
                        red_payload_type=None,
                        extensions={"urn:ietf:params:rtp-hdrext:sdes:mid": 1, TRANSPORT_CC: 5},
                        feedback=VIDEO_FEEDBACK if video else frozenset(),
                    )
                ]
            )

    def flush(self, now: float) -> None:
        packets, self.packets = self.packets, []
        self.dirty.clear()
        self.sent += len(packets)
        self.batches.append((self.twcc_seq, now))
        if packets:
            self.path.send_many(packets)
        if self.watcher is not None:
            self.watcher.on_flushed(packets, now)

    def send_paced(self, packets: Sequence[bytes]) -> None:
        self.sent += len(packets)
        self.path.send_many(packets)

    def feedback(self, now: float) -> list[bytes]:
        """What the subscriber would tell of what was sent since; not part of what is measured."""
        arrivals: list[tuple[int, int | None]] = []
        for last, at in self.batches:
            for step in range(1, ((last - self.told) & 0xFFFF) + 1):
                arrivals.append((len(arrivals), round((at + 0.02 + step * 1e-4) * 1e6)))
            self.told = last
        self.batches.clear()
        first = self.told + 1 - len(arrivals)
        return [build_feedback(1, 2, 0, [(first + 0x10000 + place, at) for place, at in arrivals])] if arrivals else []


PLANS = PlanTable()


@dataclass
class Spent:
    """Processor time, in the end in µs for each packet: to forward (and note) it, to pace and probe, to take what RTCP
    tells, and to think about it with each tick."""

    forwarding: float = 0.0
    pacing: float = 0.0
    hearing: float = 0.0
    thinking: float = 0.0

    @property
    def total(self) -> float:
        return self.forwarding + self.pacing + self.hearing + self.thinking

    def __str__(self) -> str:
        parts = (self.forwarding, self.pacing, self.hearing, self.thinking)
        return f"{self.total:.2f} µs/packet (" + " + ".join(f"{part:.2f}" for part in parts) + ")"


def run(viewers: int, seconds: float, *, adaptive: bool) -> Spent:
    """Processor time for each packet that was forwarded."""
    sink = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sink.bind(("127.0.0.1", 0))
    source = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    source.bind(("127.0.0.1", 0))
    source.setblocking(False)
    path = UdpPath(UdpSocket(source, Counter()), sink.getsockname())
    publisher = Publisher()
    publisher.publish_video()
    publisher.publish_audio()
    busy: set[PacedSender] = set()
    all_viewers = [Viewer(publisher, path, busy, adaptive=adaptive) for _ in range(viewers)]
    send(publisher, 0)
    for viewer in all_viewers:
        viewer.consume()
    spent, sent_before = Spent(), 0
    for frame in range(1, round((LEARNING_S + seconds) / FRAME_S)):
        if frame == round(LEARNING_S / FRAME_S):
            spent, sent_before = Spent(), sum(viewer.sent for viewer in all_viewers)
        one_frame(publisher, all_viewers, busy, frame, spent, adaptive=adaptive)
    packets = sum(viewer.sent for viewer in all_viewers) - sent_before
    source.close()
    sink.close()
    parts = (spent.forwarding, spent.pacing, spent.hearing, spent.thinking)
    return Spent(*(part / packets * 1e6 for part in parts))


def one_frame(
    publisher: Publisher, viewers: list[Viewer], busy: set[PacedSender], frame: int, spent: Spent, *, adaptive: bool
) -> None:
    """A frame's time of media, and what goes on meanwhile."""
    begin = process_time()
    send(publisher, frame)
    for viewer in viewers:
        viewer.flush(publisher.now)
    spent.forwarding += process_time() - begin
    for step in range(round(FRAME_S / PACING_S)):
        if busy:
            begin = process_time()
            pace(busy, viewers, publisher.now + step * PACING_S)
            spent.pacing += process_time() - begin
    if frame % NO_FEEDBACK_EVERY_FRAMES and adaptive:
        told = [(viewer, viewer.feedback(publisher.now)) for viewer in viewers]
        begin = process_time()
        for viewer, messages in told:
            for message in messages:
                viewer.half.on_rtcp(message, publisher.now)
        spent.hearing += process_time() - begin
    if frame % TICK_EVERY_FRAMES == 0 and adaptive:
        begin = process_time()
        for viewer in viewers:
            assert viewer.downlink is not None
            viewer.downlink.tick(viewer, publisher.now)
            if frame % 30 == 0:
                viewer.downlink.has_news()
        spent.thinking += process_time() - begin


def pace(busy: set[PacedSender], viewers: list[Viewer], now: float) -> None:
    """What the engine does every few milliseconds for those that probe or pace."""
    for sender in list(busy):
        sender.serve(now)
    for viewer in viewers:
        if viewer.dirty:
            viewer.flush(now)


def send(publisher: Publisher, frame: int) -> None:
    """One video frame, and the audio of that time."""
    publisher.now += FRAME_S
    publisher.picture_id = (publisher.picture_id + 1) & 0x7FFF
    publisher.timestamp = (publisher.timestamp + 3_000) & 0xFFFFFFFF
    for part in range(VIDEO_PACKETS):
        payload = vp8_payload(publisher.picture_id, key=frame % 300 == 1, size=VIDEO_BYTES, start=part == 0)
        data = build_rtp(
            payload_type=VP8_PT,
            sequence_number=publisher.seq,
            timestamp=publisher.timestamp,
            ssrc=1_111,
            marker=part == VIDEO_PACKETS - 1,
            payload=payload,
        )
        publisher.seq = (publisher.seq + 1) & 0xFFFF
        publisher.half.on_rtp(data, publisher.now)
    publisher.audio(bytes(100), payload_type=OPUS_PT)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-n", type=int, default=100, help="subscribers")
    parser.add_argument("-s", type=float, default=10, help="seconds of media in each run")
    parser.add_argument("-r", type=int, default=3, help="runs of each kind")
    arguments = parser.parse_args()
    plain: list[Spent] = []
    adaptive: list[Spent] = []
    for _ in range(arguments.r):
        plain.append(run(arguments.n, arguments.s, adaptive=False))
        adaptive.append(run(arguments.n, arguments.s, adaptive=True))
        print(f"plain {plain[-1]}, adaptive {adaptive[-1]}", flush=True)
    before, after = (median(spent.total for spent in runs) for runs in (plain, adaptive))
    print(f"medians: plain {before:.2f}, adaptive {after:.2f}: +{after - before:.2f} µs, ", end="")
    print(f"{after / before - 1:.1%} of a packet's cost with the kernel's share, up to the socket")


if __name__ == "__main__":
    main()
