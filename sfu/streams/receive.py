"""The RtpStream of one incoming SSRC: unwrapped numbers, duplicates, and the figures of RFC 3550."""

from __future__ import annotations

from collections import deque

from sfu.rtp.clock import ntp_middle
from sfu.rtp.packet import RtpPacket
from sfu.rtp.rtcp import ReportBlock, SenderReport

MAX_DROPOUT = 3000
"""A jump ahead by more than this many packets is a restart of the count (RFC 3550 appendix A.1)."""
DEFAULT_WINDOW = 2048
MAX_BEFORE_FIRST = 16
RATE_STEPS_PER_S = 20
RATE_STEPS = 20
MIN_RATE_SPAN_S = 0.1
MAX_JITTER_STEP_S = 5.0
MAX_LOST = 0x7FFFFF
MIN_LOST = -0x800000


class ReceiveStream:
    """State of exactly one SSRC that is received.

    ``clock_rate`` is in Hz. ``window`` (a power of two) is how many sequence numbers back a late packet is still
    taken. ``restarts`` counts how often the publisher's numbers began anew: the numbers around such a place have
    nothing to do with each other, though ``ext_seq`` only ever grows and stays congruent to the 16-bit number.
    """

    __slots__ = (
        "_bad_seq",
        "_base",
        "_carried_expected",
        "_first_arrival",
        "_jitter_arrival",
        "_jitter_timestamp",
        "_lsr",
        "_lsr_at",
        "_mask",
        "_next_step",
        "_prior_expected",
        "_prior_received",
        "_seen",
        "_steps",
        "_window",
        "clock_rate",
        "duplicates",
        "fraction_lost",
        "jitter",
        "last_sender_report",
        "max_ext_seq",
        "octets",
        "received",
        "recovered",
        "reordered",
        "restarts",
        "ssrc",
        "started",
        "too_old",
    )

    def __init__(self, ssrc: int, clock_rate: int, window: int = DEFAULT_WINDOW) -> None:
        if window < 1 or window & (window - 1) or window > 16384:
            raise ValueError("window must be a power of two up to 16384")
        self.ssrc = ssrc
        self.clock_rate = clock_rate
        self.started = False
        self.max_ext_seq = -1
        self.received = 0
        self.recovered = 0
        self.octets = 0
        self.duplicates = 0
        self.reordered = 0
        self.too_old = 0
        self.restarts = 0
        self.jitter = 0.0
        self.fraction_lost = 0
        self.last_sender_report: SenderReport | None = None
        self._window = window
        self._mask = window - 1
        self._seen = [-1] * window
        self._bad_seq = -1
        self._base = 0
        self._carried_expected = 0
        self._prior_expected = 0
        self._prior_received = 0
        self._first_arrival = 0.0
        self._jitter_arrival = 0.0
        self._jitter_timestamp = -1
        self._lsr = 0
        self._lsr_at = 0.0
        self._next_step = 0
        self._steps: deque[tuple[int, int]] = deque(maxlen=RATE_STEPS)

    def on_packet(self, packet: RtpPacket, now: float, *, recovered: bool = False) -> bool:
        """Take note of a packet and set its ``ext_seq`` and ``arrival``; False: a duplicate, too old, or on probation.

        ``recovered`` marks a packet that was unwrapped from a retransmission: it fills its place, but is no
        measurement of the network, so it counts neither as received (RFC 3550 A.3) nor for the jitter (A.8).
        """
        seq = packet.sequence_number
        highest = self.max_ext_seq
        ahead = (seq - highest) & 0xFFFF
        if 0 < ahead <= MAX_DROPOUT and highest >= 0:
            ext_seq = highest + ahead
            self.max_ext_seq = ext_seq
        else:
            ext_seq = self._unusual(seq, ahead, now)
            if ext_seq < 0:
                return False
            ahead = 0 if ext_seq < self.max_ext_seq else 1
        self._seen[ext_seq & self._mask] = ext_seq
        packet.ext_seq = ext_seq
        packet.arrival = now
        # Bytes before this step of the rate window: one entry for each step in which anything came.
        step = int(now * RATE_STEPS_PER_S)
        if step >= self._next_step:
            self._steps.append((step, self.octets))
            self._next_step = step + 1
        self.octets += len(packet.data)
        if recovered:
            self.recovered += 1
            return True
        self.received += 1
        timestamp = packet.timestamp
        if not ahead:
            self.reordered += 1
        # One measurement a frame: its later packets wait in the publisher's pacer, not in the network.
        elif timestamp != self._jitter_timestamp:
            moved = ((timestamp - self._jitter_timestamp + 0x80000000) & 0xFFFFFFFF) - 0x80000000
            deviation = abs((now - self._jitter_arrival) * self.clock_rate - moved)
            if deviation < MAX_JITTER_STEP_S * self.clock_rate and self._jitter_timestamp >= 0:
                self.jitter += (deviation - self.jitter) / 16
            self._jitter_timestamp = timestamp
            self._jitter_arrival = now
        return True

    def _unusual(self, seq: int, ahead: int, now: float) -> int:
        """The unwrapped number of a packet that does not just go on; -1 if it is of no use."""
        highest = self.max_ext_seq
        if highest < 0:
            self.started = True
            self._first_arrival = now
            self._base = self.max_ext_seq = seq
            return seq
        if ahead == 0 or ahead > 0x10000 - self._window:
            return self._late(highest - ((0x10000 - ahead) & 0xFFFF))
        if seq != self._bad_seq:
            self._bad_seq = (seq + 1) & 0xFFFF
            self.too_old += 1
            return -1
        # Two in a row: the count began anew.
        self._bad_seq = -1
        self._jitter_timestamp = -1
        self.restarts += 1
        self._carried_expected += highest - self._base + 1
        self._base = self.max_ext_seq = highest + ahead
        return self.max_ext_seq

    def _late(self, ext_seq: int) -> int:
        # Before the first packet only its neighbours, which it overtook; before a restart lies another count.
        earliest = self._base if self.restarts else max(0, self._base - MAX_BEFORE_FIRST)
        if ext_seq < earliest:
            self.too_old += 1
            return -1
        if self._seen[ext_seq & self._mask] == ext_seq:
            self.duplicates += 1
            return -1
        if ext_seq < self._base:
            self._base = ext_seq
        return ext_seq

    # -- figures ---------------------------------------------------------------------------------------------------

    @property
    def expected(self) -> int:
        """How many packets should have come so far."""
        return self._carried_expected + self.max_ext_seq - self._base + 1 if self.started else 0

    @property
    def missing(self) -> int:
        """How many packets came neither by themselves nor by a retransmission: gaps in what can be passed on."""
        return max(self.expected - self.received - self.recovered, 0)

    @property
    def lost(self) -> int:
        """How many packets did not come by themselves, clamped to the signed 24 bits of a report block."""
        return min(max(self.expected - self.received, MIN_LOST), MAX_LOST)

    def bitrate_bps(self, now: float) -> int:
        """Bits per second over the last second, RTP headers included."""
        if not self.started:
            return 0
        first = int(now * RATE_STEPS_PER_S) - RATE_STEPS + 1
        since = max(first / RATE_STEPS_PER_S, self._first_arrival)
        before = next((octets for step, octets in self._steps if step >= first), self.octets)
        return round((self.octets - before) * 8 / max(now - since, MIN_RATE_SPAN_S))

    def on_sender_report(self, report: SenderReport, now: float) -> None:
        """Remember a sender report for LSR and DLSR (RFC 3550 section 6.4.1)."""
        self.last_sender_report = report
        self._lsr = ntp_middle(report.ntp)
        self._lsr_at = now

    def report_block(self, now: float) -> ReportBlock:
        """The block about this stream; each call closes one interval of the fraction lost (RFC 3550 A.3)."""
        expected = self.expected
        expected_interval = expected - self._prior_expected
        lost_interval = expected_interval - (self.received - self._prior_received)
        self._prior_expected = expected
        self._prior_received = self.received
        fraction = 0
        if expected_interval > 0 and lost_interval > 0:
            fraction = min(255, (lost_interval << 8) // expected_interval)
        self.fraction_lost = fraction
        dlsr = min(max(0, round((now - self._lsr_at) * 65536)), 0xFFFFFFFF) if self._lsr else 0
        return ReportBlock(
            self.ssrc,
            fraction,
            self.lost,
            max(0, self.max_ext_seq) & 0xFFFFFFFF,
            min(int(self.jitter), 0xFFFFFFFF),
            self._lsr,
            dlsr,
        )

    def stats(self) -> dict[str, object]:
        """Figures since the start; jitter in milliseconds."""
        return {
            "packets": self.received,
            "octets": self.octets,
            "lost": self.lost,
            "recovered": self.recovered,
            "duplicates": self.duplicates,
            "reordered": self.reordered,
            "too_old": self.too_old,
            "restarts": self.restarts,
            "fraction_lost": self.fraction_lost,
            "jitter_ms": round(self.jitter * 1000 / self.clock_rate, 2),
        }
