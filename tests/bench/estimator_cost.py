"""Cost of bandwidth estimation: for each packet sent, for each packet that feedback tells of, for each batch paced.

    python -m tests.bench.estimator_cost [--bps 2000000] [-r 5]

A stream of video frames in packets of 1,200 bytes and audio every 20 ms, feedback each 100 ms as browsers send it. The
best of some rounds is shown, because other work on the machine only adds.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from time import perf_counter

from sfu.congestion.estimator import BandwidthEstimator
from sfu.congestion.feedback import FeedbackCollector
from sfu.congestion.pacer import Pacer, Priority
from sfu.rtp.rtcp import TransportFeedback, parse_compound

SECONDS = 20
AUDIO_BYTES, VIDEO_BYTES = 120, 1_200
FRAME_S = 1 / 30
Packet = tuple[int, int, float]


def packets(bps: int) -> list[Packet]:
    """(number, size, time) of all that is sent, in order."""
    sent: list[tuple[float, int]] = [(1.0 + i * 0.02, AUDIO_BYTES) for i in range(SECONDS * 50)]
    for frame in range(SECONDS * 30):
        count = max(1, round(bps * FRAME_S / 8 / VIDEO_BYTES))
        # A browser spreads a frame over some of the time until the next.
        sent += [(1.0 + frame * FRAME_S + i * 0.4 * FRAME_S / count, VIDEO_BYTES) for i in range(count)]
    return [(seq & 0xFFFF, size, at) for seq, (at, size) in enumerate(sorted(sent))]


def intervals(sent: list[Packet]) -> list[tuple[list[Packet], list[TransportFeedback], float]]:
    """What is sent in each tenth of a second, and the feedback on it."""
    collector = FeedbackCollector(1)
    parts: list[tuple[list[Packet], list[TransportFeedback], float]] = []
    part: list[Packet] = []
    end = 1.1
    for packet in sent:
        if packet[2] >= end:
            reports = [report for data in collector.build(end + 0.05) for report in parse_compound(data)]
            parts.append((part, [report for report in reports if isinstance(report, TransportFeedback)], end))
            part, end = [], end + 0.1
        part.append(packet)
        collector.on_packet(packet[0], packet[2] + 0.04 + (packet[0] * 7919 % 13) * 1e-4, 2)
    return parts


def estimation(parts: list[tuple[list[Packet], list[TransportFeedback], float]]) -> tuple[float, float, float]:
    """Seconds spent in sending, in feedback, in ticks and questions for probes."""
    estimator = BandwidthEstimator(1.0)
    sending = hearing = ticking = 0.0
    for part, feedbacks, end in parts:
        on_sent = estimator.on_sent
        begin = perf_counter()
        for seq, size, at in part:
            on_sent(seq, size, at)
        sent = perf_counter()
        for feedback in feedbacks:
            estimator.on_feedback(feedback, now=end + 0.05)
        heard = perf_counter()
        estimator.tick(end + 0.05)
        estimator.probe_due(end + 0.05)
        sending, hearing, ticking = sending + sent - begin, hearing + heard - sent, ticking + perf_counter() - heard
    return sending, hearing, ticking


def direct_pass(sent: list[Packet]) -> float:
    """Seconds to ask the pacer for each batch of two packets, on a path wide enough."""
    pacer: Pacer[bytes] = Pacer(20_000_000, 1.0)
    admits = pacer.admits
    begin = perf_counter()
    for _, size, at in sent[::2]:
        admits(size * 2, at)
    return perf_counter() - begin


def queueing(sent: list[Packet]) -> float:
    """Seconds to queue each packet and take it out again."""
    pacer: Pacer[bytes] = Pacer(1_000_000, 1.0)
    begin = perf_counter()
    for place, (_, size, at) in enumerate(sent):
        pacer.enqueue(b"", size, Priority.VIDEO if size > AUDIO_BYTES else Priority.AUDIO, at)
        if place % 4 == 3:
            pacer.due(at)
    return perf_counter() - begin


def empty_loop(sent: list[Packet]) -> float:
    begin = perf_counter()
    for _seq, _size, _at in sent:
        pass
    return perf_counter() - begin


def best(rounds: int, measure: Callable[[], float]) -> float:
    return min(measure() for _ in range(rounds))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bps", type=int, default=2_000_000, help="rate of the video")
    parser.add_argument("-r", type=int, default=5, help="rounds")
    arguments = parser.parse_args()
    sent = packets(arguments.bps)
    parts = intervals(sent)
    count, told = sum(len(part) for part, _, _ in parts), sum(len(f.arrival_ticks) for _, fs, _ in parts for f in fs)
    loop = best(arguments.r, lambda: empty_loop(sent)) / len(sent)
    rounds = [estimation(parts) for _ in range(arguments.r)]
    print(f"{count} packets in {len(parts)} feedbacks")
    print(f"packet sent              {(min(r[0] for r in rounds) / count - loop) * 1e6:6.2f} µs")
    print(f"packet in a feedback     {min(r[1] for r in rounds) / told * 1e6:6.2f} µs")
    print(f"tick and probe_due       {min(r[2] for r in rounds) / len(parts) * 1e6:6.2f} µs")
    print(f"pacer, batch admitted    {best(arguments.r, lambda: direct_pass(sent)) / (len(sent) / 2) * 1e6:6.2f} µs")
    print(f"pacer, packet queued     {best(arguments.r, lambda: queueing(sent)) / len(sent) * 1e6:6.2f} µs")


if __name__ == "__main__":
    main()
