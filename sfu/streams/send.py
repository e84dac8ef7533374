"""The RtpStream of one outgoing SSRC: sender reports, and what the subscriber reports back (RFC 3550 section 6.4)."""

from __future__ import annotations

from collections import OrderedDict

from sfu.rtp.clock import ntp_from_unix, ntp_middle
from sfu.rtp.rtcp import ReportBlock, SenderReport

REMEMBERED_REPORTS = 16
MAX_RTT_S = 10.0


class SendStream:
    """State of exactly one SSRC that is sent.

    ``packets`` and ``octets`` (payload only) are set or counted up by whoever sends. Figures of the subscriber are
    None or 0 until its first report: ``rtt_s`` (smoothed round trip), ``fraction_lost`` (of the last interval, 0.0 to
    1.0), ``lost`` (packets since the start), ``jitter_ms``.
    """

    __slots__ = (
        "_sent_reports",
        "clock_rate",
        "fraction_lost",
        "highest_seq",
        "jitter_ms",
        "last_rtt_s",
        "lost",
        "octets",
        "packets",
        "reports",
        "rtt_s",
        "ssrc",
    )

    def __init__(self, ssrc: int, clock_rate: int) -> None:
        self.ssrc = ssrc
        self.clock_rate = clock_rate
        self.packets = 0
        self.octets = 0
        self.reports = 0
        self.rtt_s: float | None = None
        self.last_rtt_s: float | None = None
        self.fraction_lost = 0.0
        self.lost = 0
        self.highest_seq = 0
        self.jitter_ms = 0.0
        self._sent_reports: OrderedDict[int, float] = OrderedDict()

    def on_sent(self, payload_bytes: int) -> None:
        """Count one packet."""
        self.packets += 1
        self.octets += payload_bytes

    def sender_report(
        self, now: float, unix_now: float, rtp_timestamp: int, blocks: tuple[ReportBlock, ...] = ()
    ) -> SenderReport:
        """A report for this moment; ``rtp_timestamp`` is what the media clock as sent shows now (32 bits)."""
        ntp = ntp_from_unix(unix_now)
        sent = self._sent_reports
        sent[ntp_middle(ntp)] = now
        if len(sent) > REMEMBERED_REPORTS:
            sent.popitem(last=False)
        return SenderReport(
            ssrc=self.ssrc,
            ntp=ntp,
            rtp_timestamp=rtp_timestamp & 0xFFFFFFFF,
            packet_count=self.packets & 0xFFFFFFFF,
            octet_count=self.octets & 0xFFFFFFFF,
            blocks=blocks,
        )

    def on_report_block(self, block: ReportBlock, now: float) -> None:
        """Take a receiver's block about this stream.

        The round trip is A - LSR - DLSR (RFC 3550 6.4.1), with the sending time remembered on our own monotonic clock:
        a step of the wall clock or a made-up LSR then yields no round trip rather than a wrong one.
        """
        self.reports += 1
        self.fraction_lost = block.fraction_lost / 256
        self.lost = block.packets_lost
        self.highest_seq = block.highest_seq
        self.jitter_ms = block.jitter * 1000 / self.clock_rate
        sent_at = self._sent_reports.get(block.lsr) if block.lsr else None
        if sent_at is None:
            return
        rtt = now - sent_at - block.dlsr / 65536
        # The 16.16 fractions are rounded: on a local path the difference may come out just below zero.
        if -0.002 <= rtt <= MAX_RTT_S:
            rtt = max(rtt, 0.0)
            self.last_rtt_s = rtt
            self.rtt_s = rtt if self.rtt_s is None else self.rtt_s + (rtt - self.rtt_s) / 8

    def stats(self) -> dict[str, object]:
        """Figures since the start."""
        return {
            "packets": self.packets,
            "octets": self.octets,
            "rtt_ms": None if self.rtt_s is None else round(self.rtt_s * 1000, 1),
            "fraction_lost": round(self.fraction_lost, 4),
            "lost": self.lost,
            "jitter_ms": round(self.jitter_ms, 2),
        }
