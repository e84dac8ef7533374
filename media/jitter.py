"""A jitter buffer: packets of one SSRC in the order in which they were sent, late ones waited for up to a limit."""

from __future__ import annotations

from sfu.rtp.arithmetic import SequenceUnwrapper
from sfu.rtp.packet import RtpPacket

MAX_PACKETS = 2_048
BEGIN_S = 0.05
"""The first packet to come need not be the first that was sent."""
RESTART_PACKETS = 3_000
"""A number this far from the last one is a publisher that began anew, not a loss."""


class JitterBuffer:
    """``wait_s``: how long a missing packet holds up those behind it, counted from the arrival of the next one.

    It should be longer than a retransmission takes and shorter than the delay of what plays the packets. At most
    ``max_packets`` wait; then the oldest gap is given up.
    """

    def __init__(self, wait_s: float, max_packets: int = MAX_PACKETS) -> None:
        self.received = 0
        self.lost = 0
        self.late = 0
        self.duplicates = 0
        self._wait_s = wait_s
        self._max_packets = max_packets
        self._unwrapper = SequenceUnwrapper()
        self._waiting: dict[int, RtpPacket] = {}
        self._next: int | None = None
        self._new_start = False
        self._begins_at: float | None = None

    def __len__(self) -> int:
        return len(self._waiting)

    def expect_new_start(self) -> None:
        """The packets come after a pause (a mute): whatever number the next one has, nothing was lost before it."""
        self._new_start = True

    def push(self, packet: RtpPacket) -> None:
        """Take a packet in; ``packet.arrival`` is when it came. ``packet.ext_seq`` is filled in."""
        seq = self._unwrap(packet.sequence_number)
        packet.ext_seq = seq
        if self._next is None:
            self._next = seq
            self._begins_at = packet.arrival + min(self._wait_s, BEGIN_S)
        elif self._starts_over(seq, self._next):
            self._next = seq
        self._new_start = False
        if seq < self._next:
            self.late += 1
        elif seq in self._waiting:
            self.duplicates += 1
        else:
            self._waiting[seq] = packet
            self.received += 1

    def _starts_over(self, seq: int, expected: int) -> bool:
        """Whether the count goes on from ``seq``, whatever was expected; what waits of the old count is forgotten."""
        if abs(seq - expected) >= RESTART_PACKETS:
            self._waiting.clear()
            return True
        if self._begins_at is not None:
            return seq < expected
        return self._new_start and not self._waiting and seq > expected

    def _unwrap(self, number: int) -> int:
        """Unwrapped against the highest number, so that a packet that comes very late moves nothing."""
        last = self._unwrapper.last
        seq = self._unwrapper.unwrap(number)
        if last is not None and last - RESTART_PACKETS < seq < last:
            self._unwrapper.last = last
        return seq

    def pop(self, now: float) -> list[tuple[RtpPacket, int]]:
        """The packets whose turn it is, each with the count of packets that were lost right before it."""
        ready: list[tuple[RtpPacket, int]] = []
        if self._begins_at is not None:
            if now < self._begins_at:
                return ready
            self._begins_at = None
        waiting = self._waiting
        while waiting:
            assert self._next is not None
            seq = self._next
            gap = 0
            if seq not in waiting:
                seq = min(waiting)
                if now - waiting[seq].arrival < self._wait_s and len(waiting) <= self._max_packets:
                    break
                gap = seq - self._next
            ready.append((waiting.pop(seq), gap))
            self.lost += gap
            self._next = seq + 1
        return ready
