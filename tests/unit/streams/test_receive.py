"""ReceiveStream: unwrapping, duplicates, restarts, and RFC 3550's figures."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sfu.rtp.packet import RtpPacket, build_rtp, parse_rtp
from sfu.rtp.rtcp import SenderReport
from sfu.streams.receive import MAX_BEFORE_FIRST, MAX_DROPOUT, ReceiveStream

SSRC, RATE = 0xABCD, 90_000


def packet(seq: int, timestamp: int = 0, payload_bytes: int = 100) -> RtpPacket:
    data = build_rtp(payload_type=96, sequence_number=seq, timestamp=timestamp, ssrc=SSRC, payload=bytes(payload_bytes))
    return parse_rtp(data)


def feed(stream: ReceiveStream, *seqs: int, now: float = 0.0) -> list[int]:
    """The unwrapped number each packet got; -1 if it was refused."""
    result = []
    for seq in seqs:
        made = packet(seq)
        taken = stream.on_packet(made, now)
        assert taken == (made.ext_seq >= 0)
        result.append(made.ext_seq)
    return result


@pytest.mark.parametrize(
    ("name", "arrived", "expected"),
    [
        ("in order", [5, 6, 7], [5, 6, 7]),
        ("from zero", [0, 1], [0, 1]),
        ("a gap", [5, 9, 10], [5, 9, 10]),
        ("reordered", [5, 7, 6], [5, 7, 6]),
        ("duplicates", [5, 5, 6, 5, 6], [5, -1, 6, -1, -1]),
        ("a duplicate of a late one", [5, 7, 6, 6], [5, 7, 6, -1]),
        ("wraps", [65534, 65535, 0, 1], [65534, 65535, 65536, 65537]),
        ("late across the wrap", [65534, 1, 65535, 0], [65534, 65537, 65535, 65536]),
        ("overtook the first", [7, 6, 5, 8], [7, 6, 5, 8]),
        ("overtook the first, at zero", [0, 65535, 1], [0, -1, 1]),
        ("far before the first", [100, 100 - MAX_BEFORE_FIRST - 1, 101], [100, -1, 101]),
        ("the largest gap", [1, 1 + MAX_DROPOUT], [1, 1 + MAX_DROPOUT]),
        ("one stray packet", [1, 2, 30_000, 3, 4], [1, 2, -1, 3, 4]),
        ("two strays that do not follow each other", [1, 2, 30_000, 20_000, 3], [1, 2, -1, -1, 3]),
        ("a restart ahead", [1, 2, 30_000, 30_001, 30_002], [1, 2, -1, 30_001, 30_002]),
        ("a restart behind", [40_000, 10_000, 10_001], [40_000, -1, 65_536 + 10_001]),
        ("before a restart", [1, 2, 30_000, 30_001, 29_999], [1, 2, -1, 30_001, -1]),
        ("two restarts", [1, 9_000, 9_001, 100, 101, 102], [1, -1, 9_001, -1, 65_637, 65_638]),
    ],
)
def test_numbers(name: str, arrived: list[int], expected: list[int]) -> None:
    assert feed(ReceiveStream(SSRC, RATE), *arrived) == expected, name


def test_what_came_is_counted_by_kind() -> None:
    stream = ReceiveStream(SSRC, RATE)
    feed(stream, 10, 13, 12, 12, 14, 50_000)
    counts = {key: stream.stats()[key] for key in ("packets", "lost", "reordered", "duplicates", "too_old", "restarts")}
    assert counts == {"packets": 4, "lost": 1, "reordered": 1, "duplicates": 1, "too_old": 1, "restarts": 0}


def test_older_than_the_window_is_refused() -> None:
    stream = ReceiveStream(SSRC, RATE, window=64)
    feed(stream, *(seq for seq in range(1, 1001) if seq not in (930, 940)))
    assert feed(stream, 940) == [940]
    assert feed(stream, 930) == [-1]
    assert stream.too_old == 1


@pytest.mark.parametrize("window", [0, 3, 1000, 32768])
def test_the_window_is_a_power_of_two(window: int) -> None:
    with pytest.raises(ValueError):
        ReceiveStream(SSRC, RATE, window)


def test_ten_hours() -> None:
    """Every 97th packet of ten hours at 100 a second: 54 turns of the sequence number, as seen by a lossy receiver."""
    stream = ReceiveStream(SSRC, RATE)
    last = 0
    for count in range(0, 3_600_000, 97):
        made = packet(count & 0xFFFF, (count * 900) & 0xFFFFFFFF, 0)
        assert stream.on_packet(made, count / 100)
        assert made.ext_seq == count
        last = count
    assert stream.expected == last + 1
    assert stream.restarts == 0
    assert stream.jitter < 1


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 65535), st.integers(0, 2**32), st.floats(0, 0.3))
def test_agrees_with_a_plain_model(first: int, seed: int, disorder: float) -> None:
    random = Random(seed)
    sent = [first + i for i in range(400) if random.random() > 0.1]
    sent += random.sample(sent, 20)
    sent.sort(key=lambda seq: seq + (random.randint(0, 30) if random.random() < disorder else 0))
    stream = ReceiveStream(SSRC, RATE)
    seen: set[int] = set()
    start = sent[0]
    for seq in sent:
        made = packet(seq & 0xFFFF)
        acceptable = seq not in seen and seq >= start - MAX_BEFORE_FIRST
        if start - MAX_BEFORE_FIRST < 0 or (start & 0xFFFF) < MAX_BEFORE_FIRST:
            acceptable = acceptable and seq >= start
            if seq < start:
                continue
        taken = stream.on_packet(made, 0.0)
        assert taken == acceptable
        if taken:
            seen.add(seq)
            assert made.ext_seq == (start & 0xFFFF) + seq - start
    assert stream.received == len(seen)
    assert stream.lost == max(seen) - min(seen) + 1 - len(seen)


# -- loss ----------------------------------------------------------------------------------------------------------


def test_fraction_and_cumulative_loss() -> None:
    stream = ReceiveStream(SSRC, RATE)
    feed(stream, *range(1, 101))
    block = stream.report_block(1.0)
    assert (block.ssrc, block.fraction_lost, block.packets_lost, block.highest_seq) == (SSRC, 0, 0, 100)
    feed(stream, *(seq for seq in range(101, 201) if seq % 4))
    block = stream.report_block(2.0)
    # The last of the interval, 200, is lost but not yet known to be: 24 of 99.
    assert (block.fraction_lost, block.packets_lost, block.highest_seq) == (24 * 256 // 99, 24, 199)
    feed(stream, *range(200, 301))
    block = stream.report_block(3.0)
    assert (block.fraction_lost, block.packets_lost) == (0, 24)
    assert stream.report_block(4.0).fraction_lost == 0


def test_retransmissions_do_not_hide_the_loss() -> None:
    stream = ReceiveStream(SSRC, RATE)
    feed(stream, 1, 2, 4, 5)
    recovered = packet(3)
    assert stream.on_packet(recovered, 0.1, recovered=True)
    assert recovered.ext_seq == 3
    assert (stream.received, stream.recovered, stream.lost, stream.reordered) == (4, 1, 1, 0)
    assert feed(stream, 3) == [-1]


def test_a_restart_is_not_counted_as_loss() -> None:
    stream = ReceiveStream(SSRC, RATE)
    feed(stream, 1, 2, 4, 30_000, 30_001, 30_002)
    assert (stream.restarts, stream.lost) == (1, 1)


def test_cumulative_loss_is_clamped_to_24_bits() -> None:
    stream = ReceiveStream(SSRC, RATE)
    seq = 0
    for _ in range(3000):
        feed(stream, seq & 0xFFFF)
        seq += MAX_DROPOUT
    assert stream.expected > 0x800000
    block = stream.report_block(1.0)
    assert block.packets_lost == 0x7FFFFF
    assert block.fraction_lost == 255
    assert len(block.pack()) == 24


def test_before_the_first_packet() -> None:
    stream = ReceiveStream(SSRC, RATE)
    assert not stream.started
    assert (stream.expected, stream.lost, stream.bitrate_bps(5.0)) == (0, 0, 0)
    assert stream.report_block(1.0).highest_seq == 0


# -- jitter, bitrate, reports ---------------------------------------------------------------------------------------


def test_steady_arrival_has_no_jitter() -> None:
    stream = ReceiveStream(SSRC, RATE)
    for i in range(500):
        stream.on_packet(packet(i, (0xFFFF0000 + i * 3000) & 0xFFFFFFFF), 100.0 + i / 30)
    assert stream.jitter < 1


def test_jitter_of_alternating_delay() -> None:
    stream = ReceiveStream(SSRC, RATE)
    for i in range(500):
        stream.on_packet(packet(i, i * 3000), i / 30 + (i % 2) * 0.010)
    assert stream.report_block(20.0).jitter == pytest.approx(900, rel=0.02)
    assert stream.stats()["jitter_ms"] == pytest.approx(10, rel=0.02)


def test_later_packets_of_a_frame_and_retransmissions_are_no_measure_of_jitter() -> None:
    stream = ReceiveStream(SSRC, RATE)
    for frame in range(100):
        for part in range(5):
            made = packet(frame * 5 + part, frame * 3000)
            stream.on_packet(made, frame / 30 + part * 0.004, recovered=part == 3)
    assert stream.jitter < 1


def test_a_jump_of_the_timestamp_does_not_ruin_the_jitter() -> None:
    stream = ReceiveStream(SSRC, RATE)
    for i in range(100):
        stream.on_packet(packet(i, (i * 3000 + (1_000_000_000 if i >= 50 else 0)) & 0xFFFFFFFF), i / 30)
    assert stream.jitter < 1


def test_bitrate_over_the_last_second() -> None:
    stream = ReceiveStream(SSRC, RATE)
    now = 1000.0
    for i in range(500):
        stream.on_packet(packet(i, payload_bytes=988), now + i * 0.01)
    # 100 packets of 1000 bytes a second.
    assert stream.bitrate_bps(now + 4.999) == pytest.approx(800_000, rel=0.02)
    assert stream.bitrate_bps(now + 5.5) == pytest.approx(400_000, rel=0.06)
    assert stream.bitrate_bps(now + 60) == 0


def test_bitrate_is_right_soon_after_the_start() -> None:
    stream = ReceiveStream(SSRC, RATE)
    for i in range(30):
        stream.on_packet(packet(i, payload_bytes=988), 7.0 + i * 0.01)
    assert stream.bitrate_bps(7.3) == pytest.approx(800_000, rel=0.05)


def test_echoes_the_last_sender_report() -> None:
    stream = ReceiveStream(SSRC, RATE)
    feed(stream, 1)
    block = stream.report_block(1.0)
    assert (block.lsr, block.dlsr) == (0, 0)
    stream.on_sender_report(SenderReport(SSRC, 0x0123456789ABCDEF, 0, 0, 0), 2.0)
    block = stream.report_block(2.5)
    assert (block.lsr, block.dlsr) == (0x456789AB, 32768)
    assert stream.report_block(2.0 + 86400).dlsr == 0xFFFFFFFF


@given(st.lists(st.tuples(st.integers(0, 65535), st.floats(0, 10), st.booleans()), max_size=200))
def test_whatever_comes_numbers_are_unique_and_congruent(arrivals: list[tuple[int, float, bool]]) -> None:
    stream, now = ReceiveStream(SSRC, RATE), 0.0
    seen: set[int] = set()
    for seq, wait, recovered in arrivals:
        now += wait
        made = packet(seq)
        if stream.on_packet(made, now, recovered=recovered):
            assert made.ext_seq & 0xFFFF == seq
            assert made.ext_seq not in seen
            assert made.arrival == now
            seen.add(made.ext_seq)
            assert stream.max_ext_seq == max(seen)
        assert 0 <= stream.report_block(now).fraction_lost <= 255
        assert stream.bitrate_bps(now) >= 0
