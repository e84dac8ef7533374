"""A switch to another Encoding: its timestamps go on where the pictures were taken, whatever the network does."""

from __future__ import annotations

import pytest

from sfu.rtp.clock import ntp_from_unix
from sfu.rtp.rtcp import SenderReport
from tests.support.plain_media import Publisher, Subscriber

FRAME_S, CLOCK_RATE = 0.04, 90_000
BASES = {"q": (51, 1_000_000), "h": (52, 3_000_000_000)}


class Camera:
    """Two layers of the same pictures, whose timestamps have nothing to do with each other."""

    def __init__(self) -> None:
        self.publisher = Publisher(rids=("q", "h"))
        self.producer = self.publisher.publish_video()
        self.seqs = {"q": 100, "h": 40_000}
        self.start = self.publisher.now

    def frame(self, rid: str, number: int, *, key: bool = False, late_s: float = 0.0) -> None:
        """Picture ``number``; it arrives ``late_s`` after it could."""
        ssrc, base = BASES[rid]
        publisher = self.publisher
        publisher.now = self.start + number * FRAME_S + late_s
        publisher.seq = self.seqs[rid]
        publisher.timestamp = (base + round((number - 1) * FRAME_S * CLOCK_RATE) + 600) & 0xFFFFFFFF
        publisher.video(key=key, ssrc=ssrc, rid=rid)
        self.seqs[rid] = publisher.seq

    def report(self, rid: str, number: int) -> None:
        """A sender report of that moment, which arrives at once."""
        ssrc, base = BASES[rid]
        now = self.start + number * FRAME_S
        timestamp = (base + round((number - 1) * FRAME_S * CLOCK_RATE) + 3_600) & 0xFFFFFFFF
        report = SenderReport(ssrc, ntp_from_unix(1e9 + number * FRAME_S), timestamp, 1, 1, ())
        self.publisher.half.on_rtcp(report.pack(), now, 1e9)


@pytest.mark.parametrize("late_s", [0.0, 0.3])
def test_sender_reports_align_the_layers_even_if_the_key_frame_is_late(late_s: float) -> None:
    camera = Camera()
    subscriber = Subscriber(camera.publisher)
    camera.frame("h", 0, key=True)
    consumer = subscriber.consume(camera.producer)
    camera.frame("q", 0, key=True)
    for rid in ("q", "h"):
        camera.report(rid, 1)
    first = camera.producer.encodings[0]
    consumer.aim_at(first)
    camera.frame(first.rid or "", 1, key=True)
    camera.frame(first.rid or "", 2)
    other = camera.producer.encodings[1]
    consumer.aim_at(other)
    camera.frame(other.rid or "", 8, key=True, late_s=late_s)
    packets = subscriber.take()
    step = (packets[-1].timestamp - packets[-2].timestamp) & 0xFFFFFFFF
    assert step == pytest.approx(6 * FRAME_S * CLOCK_RATE, abs=90)
