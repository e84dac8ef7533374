"""SendStream: its sender reports, and what it reads from receivers' blocks."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfu.rtp.clock import ntp_middle
from sfu.rtp.rtcp import ReportBlock
from sfu.streams.send import MAX_RTT_S, REMEMBERED_REPORTS, SendStream

SSRC, RATE = 7, 90_000
UNIX = 1_700_000_000.0


def block(*, lsr: int = 0, dlsr: int = 0, fraction: int = 0, lost: int = 0, jitter: int = 0) -> ReportBlock:
    return ReportBlock(SSRC, fraction, lost, 1234, jitter, lsr, dlsr)


def test_sender_report() -> None:
    stream = SendStream(SSRC, RATE)
    for _ in range(3):
        stream.on_sent(500)
    report = stream.sender_report(10.0, UNIX + 0.5, 0x1_0000_0005)
    assert (report.ssrc, report.packet_count, report.octet_count, report.rtp_timestamp) == (SSRC, 3, 1500, 5)
    assert report.ntp == ((1_700_000_000 + 2_208_988_800) << 32) + (1 << 31)


def test_counts_wrap_at_32_bits() -> None:
    stream = SendStream(SSRC, RATE)
    stream.packets, stream.octets = 2**32 + 1, 2**33 + 2
    report = stream.sender_report(0.0, UNIX, 0)
    assert (report.packet_count, report.octet_count) == (1, 2)


@given(st.floats(0, 5), st.floats(0, 3), st.floats(0, 2**31))
def test_round_trip(rtt_s: float, held_s: float, start: float) -> None:
    stream = SendStream(SSRC, RATE)
    report = stream.sender_report(start, UNIX + start, 0)
    dlsr = round(held_s * 65536)
    stream.on_report_block(block(lsr=ntp_middle(report.ntp), dlsr=dlsr), start + rtt_s + held_s)
    assert stream.rtt_s == pytest.approx(rtt_s, abs=0.001)


def test_round_trip_is_smoothed() -> None:
    stream = SendStream(SSRC, RATE)
    for second in range(40):
        report = stream.sender_report(float(second), UNIX + second, 0)
        rtt_s = 0.4 if second == 39 else 0.1
        stream.on_report_block(block(lsr=ntp_middle(report.ntp)), second + rtt_s)
    assert stream.last_rtt_s == pytest.approx(0.4)
    assert stream.rtt_s == pytest.approx(0.1375, abs=0.001)


@pytest.mark.parametrize(
    ("name", "lsr_shift", "dlsr", "after_s"),
    [
        ("no report was seen", None, 0, 0.1),
        ("a report that was never sent", 1, 0, 0.1),
        ("held longer than possible", 0, 65536, 0.1),
        ("an absurd time", 0, 0, MAX_RTT_S + 1),
    ],
)
def test_no_round_trip_from_nonsense(name: str, lsr_shift: int | None, dlsr: int, after_s: float) -> None:
    stream = SendStream(SSRC, RATE)
    report = stream.sender_report(5.0, UNIX, 0)
    lsr = 0 if lsr_shift is None else ntp_middle(report.ntp) + lsr_shift
    stream.on_report_block(block(lsr=lsr, dlsr=dlsr), 5.0 + after_s)
    assert stream.rtt_s is None, name


def test_a_step_of_the_wall_clock_does_not_matter() -> None:
    stream = SendStream(SSRC, RATE)
    first = stream.sender_report(5.0, UNIX, 0)
    stream.sender_report(6.0, UNIX - 3600, 0)
    stream.on_report_block(block(lsr=ntp_middle(first.ntp), dlsr=65536), 6.05)
    assert stream.rtt_s == pytest.approx(0.05)


def test_only_so_many_reports_are_remembered() -> None:
    stream = SendStream(SSRC, RATE)
    reports = [stream.sender_report(float(i), UNIX + i, 0) for i in range(REMEMBERED_REPORTS + 1)]
    now = REMEMBERED_REPORTS + 0.1
    stream.on_report_block(block(lsr=ntp_middle(reports[0].ntp)), now)
    assert stream.rtt_s is None
    stream.on_report_block(block(lsr=ntp_middle(reports[-1].ntp)), now)
    assert stream.rtt_s == pytest.approx(0.1)


def test_loss_and_jitter() -> None:
    stream = SendStream(SSRC, RATE)
    stream.on_report_block(block(fraction=64, lost=-3, jitter=900), 1.0)
    assert (stream.fraction_lost, stream.lost, stream.jitter_ms, stream.reports) == (0.25, -3, 10.0, 1)
    assert stream.highest_seq == 1234
    assert stream.stats()["rtt_ms"] is None
