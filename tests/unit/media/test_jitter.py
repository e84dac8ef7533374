"""The jitter buffer in virtual time: order, patience, bounds."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from media.jitter import JitterBuffer
from sfu.rtp.packet import RtpPacket, build_rtp, parse_rtp


def packet(seq: int, arrival: float) -> RtpPacket:
    made = parse_rtp(build_rtp(payload_type=96, sequence_number=seq, timestamp=0, ssrc=1, payload=b"x"))
    made.arrival = arrival
    return made


def drain(buffer: JitterBuffer, now: float) -> list[tuple[int, int]]:
    return [(p.ext_seq, gap) for p, gap in buffer.pop(now)]


def test_a_late_packet_is_waited_for_and_then_given_up() -> None:
    buffer = JitterBuffer(wait_s=0.3)
    for seq in (65_534, 65_535, 1, 2):
        buffer.push(packet(seq, 10.0))
    assert drain(buffer, 10.0) == []
    assert drain(buffer, 10.05) == [(65_534, 0), (65_535, 0)]
    assert drain(buffer, 10.29) == []
    buffer.push(packet(0, 10.29))
    assert drain(buffer, 10.29) == [(65_536, 0), (65_537, 0), (65_538, 0)]
    buffer.push(packet(5, 10.3))
    assert drain(buffer, 10.59) == []
    assert drain(buffer, 10.61) == [(65_541, 2)]
    buffer.push(packet(4, 10.7))
    assert drain(buffer, 11.0) == [] and (buffer.late, buffer.lost) == (1, 2)


@given(st.permutations(range(40)), st.sets(st.integers(1, 38), max_size=10), st.integers(0, 65_535), st.integers(1, 3))
def test_any_order_comes_out_sorted(order: list[int], lost: set[int], first: int, copies: int) -> None:
    buffer = JitterBuffer(wait_s=1.0)
    for n in order:
        if n not in lost:
            for _ in range(copies):
                buffer.push(packet((first + n) & 0xFFFF, 0.0))
    out = drain(buffer, 0.5) + drain(buffer, 2.0)
    assert [seq - out[0][0] for seq, _ in out] == [n for n in range(40) if n not in lost]
    assert buffer.late == 0 and sum(gap for _, gap in out) == buffer.lost == len(lost)


def test_it_holds_no_more_than_its_bound() -> None:
    buffer = JitterBuffer(wait_s=100.0, max_packets=50)
    buffer.push(packet(0, 0.0))
    for seq in range(2, 200):
        buffer.push(packet(seq, 0.0))
    assert drain(buffer, 1.0)[1] == (2, 1)
    assert len(buffer) == 0


def test_a_publisher_that_begins_anew_is_no_loss() -> None:
    buffer = JitterBuffer(wait_s=0.3)
    buffer.push(packet(100, 0.0))
    drain(buffer, 0.5)
    buffer.push(packet(40_000, 1.0))
    assert drain(buffer, 1.0)[-1][1] == 0
    buffer.expect_new_start()
    buffer.push(packet(40_500, 2.0))
    assert [gap for _, gap in drain(buffer, 2.0)] == [0] and buffer.lost == 0


def test_a_very_old_packet_moves_nothing() -> None:
    buffer = JitterBuffer(wait_s=0.3)
    buffer.push(packet(2_500, 0.0))
    drain(buffer, 0.5)
    for seq in (1, 2_501):
        buffer.push(packet(seq, 0.6))
    assert [seq for seq, _ in drain(buffer, 0.6)] == [2_501] and buffer.late == 1
