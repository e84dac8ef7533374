"""What the meters make of a call in virtual time: losses count where they happen, and nowhere else."""

from __future__ import annotations

from random import Random

import pytest

from sfu.measuring import MIN_PACKETS, WINDOW_S, DownlinkMeter, LossWindow, PathFigures, UplinkMeter
from sfu.rtp.rtcp import ReceiverReport, SenderReport, parse_compound
from sfu.streams.receive import ReceiveStream
from tests.support.plain_media import Publisher, Subscriber

FRAME_S = 0.02
READ_EVERY_S = 2.0


class Call:
    """One microphone, one listener; share of packets lost before and behind the server, delays in seconds."""

    def __init__(self, *, report_every_s: float = 1.0) -> None:
        self.publisher = Publisher(first_seq=100)
        self.producer = self.publisher.publish_audio()
        self.subscriber = Subscriber(self.publisher)
        self.consumer = self.subscriber.consume(self.producer)
        self.heard = ReceiveStream(self.consumer.ssrc, 48_000)
        self.uplink, self.downlink = UplinkMeter(), DownlinkMeter()
        self.up_loss = self.down_loss = 0.0
        self.up_jitter_s = self.down_jitter_s = self.rtt_s = 0.0
        self.report_every_s = report_every_s
        self._random = Random(7)
        self._steps = 0

    def run(self, seconds: float) -> tuple[PathFigures | None, PathFigures | None]:
        """Let time pass; the last readings."""
        last: tuple[PathFigures | None, PathFigures | None] = (None, None)
        start = self.publisher.now
        for step in range(1, round(seconds / FRAME_S) + 1):
            at = start + step * FRAME_S
            self._packet(at)
            self.publisher.now = at
            self._steps += 1
            if self._steps % round(self.report_every_s / FRAME_S) == 0:
                self._report(at)
            if self._steps % round(READ_EVERY_S / FRAME_S) == 0:
                last = self.read()
        return last

    def read(self) -> tuple[PathFigures | None, PathFigures | None]:
        now = self.publisher.now
        return (
            self.uplink.read(self.publisher.half.producers.values(), now),
            self.downlink.read(self.subscriber.half.consumers.values(), now),
        )

    def _packet(self, at: float) -> None:
        publisher = self.publisher
        if self._random.random() < self.up_loss:
            publisher.seq = (publisher.seq + 1) & 0xFFFF
            publisher.timestamp = (publisher.timestamp + 960) & 0xFFFFFFFF
            return
        publisher.now = at + self._random.random() * self.up_jitter_s
        publisher.audio()
        for packet in self.subscriber.take():
            if self._random.random() >= self.down_loss:
                self.heard.on_packet(packet, publisher.now + self._random.random() * self.down_jitter_s)

    def _report(self, at: float) -> None:
        half = self.subscriber.half
        half.on_rtcp(ReceiverReport(1, (self.heard.report_block(at),)).pack(), at)
        half.report(at, 1_700_000_000 + at)
        for data in self.subscriber.rtcp:
            for report in parse_compound(data):
                if isinstance(report, SenderReport):
                    self.heard.on_sender_report(report, at + self.rtt_s)
        self.subscriber.rtcp.clear()


def losses(readings: tuple[PathFigures | None, PathFigures | None]) -> tuple[float, float]:
    up, down = readings
    assert up is not None and up.loss is not None
    assert down is not None and down.loss is not None
    return up.loss, down.loss


@pytest.mark.parametrize("report_every_s", [1.0, 5.0])
@pytest.mark.parametrize(("up", "down"), [(0.0, 0.0), (0.1, 0.0), (0.0, 0.1), (0.05, 0.2), (0.3, 0.0)])
def test_loss_counts_where_it_happens(up: float, down: float, report_every_s: float) -> None:
    call = Call(report_every_s=report_every_s)
    call.run(20)
    call.up_loss, call.down_loss = up, down
    call.run(16)
    # One reading's noise is that of some 300 packets; over a few it has to meet the truth.
    read = [losses(call.run(2)) for _ in range(8)]
    # What is lost before the server cannot be lost behind it: the listener's share is of what came up to the gaps.
    truths = (up, down * (1 - up))
    for measured, truth in zip(zip(*read, strict=True), truths, strict=True):
        assert sum(measured) / len(measured) == pytest.approx(truth, abs=0.025)
        assert max(measured) < truth + 0.06


def test_loss_is_seen_and_forgotten_within_the_window() -> None:
    call = Call()
    assert losses(call.run(10)) == (0.0, 0.0)
    call.up_loss = call.down_loss = 0.2
    assert all(loss > 0.08 for loss in losses(call.run(4)))
    call.up_loss = call.down_loss = 0.0
    call.run(WINDOW_S)
    assert losses(call.run(4)) == pytest.approx((0.0, 0.0), abs=0.005)


def test_nothing_is_known_of_silence() -> None:
    call = Call()
    assert call.read() == (None, None)
    call.run(0.2)
    up, down = call.read()
    assert up is not None and up.loss is None, "ten packets prove nothing"
    assert down is None, "the listener has not reported"
    call.run(10)
    call.publisher.now += 10
    assert call.uplink.read(call.publisher.half.producers.values(), call.publisher.now) is None


def test_jitter_of_a_publisher_is_not_that_of_its_listeners() -> None:
    call = Call()
    call.up_jitter_s = 0.06
    up, down = call.run(10)
    assert up is not None and up.jitter_ms is not None
    assert down is not None and down.jitter_ms is not None
    assert up.jitter_ms > 12
    assert down.jitter_ms < 6
    call.up_jitter_s, call.down_jitter_s = 0.0, 0.06
    up, down = call.run(10)
    assert up is not None and up.jitter_ms is not None and up.jitter_ms < 3
    assert down is not None and down.jitter_ms is not None and down.jitter_ms > 12


def test_bitrate_and_round_trip() -> None:
    call = Call()
    call.rtt_s = 0.08
    up, down = call.run(20)
    assert up is not None and down is not None
    assert up.video_bps == down.video_bps == 0
    assert up.audio_bps == pytest.approx(50 * 8 * 24, rel=0.05)
    assert 0 < down.audio_bps < up.audio_bps, "payload alone"
    assert down.rtt_ms == pytest.approx(80, abs=3)
    assert up.rtt_ms is None


def test_a_pause_is_no_loss() -> None:
    call = Call()
    call.run(10)
    call.consumer.set_paused(True)
    call.run(10)
    call.consumer.set_paused(False)
    call.run(6)
    assert losses(call.run(4)) == pytest.approx((0.0, 0.0), abs=0.005)


def test_window() -> None:
    window = LossWindow()
    window.add(0.0, MIN_PACKETS - 1, 5)
    assert window.share is None
    window.add(1.0, 75, -7)
    assert window.share == 0.0, "late packets were no loss"
    window.add(2.0, 100, 50)
    assert window.share == pytest.approx(48 / 199, abs=0.001)
    window.add(WINDOW_S + 1.5, 0, 0)
    assert window.share == 0.5
    window.add(WINDOW_S + 2, 0, 0)
    assert window.share is None
