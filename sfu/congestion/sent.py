"""What was sent under which transport-wide number, until feedback tells what became of it."""

from __future__ import annotations

from operator import itemgetter

from sfu.rtp.arithmetic import seq_diff
from sfu.rtp.twcc import TransportFeedback

KEEP_S = 4.0
"""Feedback that comes later than this is of no use, and numbers must not come round again meanwhile."""
MAX_KEPT = 16_384

Sent = tuple[float, int, int | None]
"""Sending time in seconds, size in bytes, id of the probe cluster that it belongs to."""
Result = tuple[float, float, int, int | None]
"""Of a packet that arrived: sending time and arrival in seconds (each on its own clock), size in bytes, cluster."""

_ARRIVAL = itemgetter(1)


class Match:
    """What one feedback says of packets of ours."""

    __slots__ = ("lost", "lost_bytes", "received", "returned", "unreported_bytes")

    def __init__(self) -> None:
        self.received: list[Result] = []
        """In the order of arrival."""
        self.lost = 0
        self.lost_bytes = 0
        self.returned = 0
        """Packets that an earlier feedback called lost and that came after all."""
        self.unreported_bytes = 0
        """Sent before these packets, and told of by no feedback: that feedback itself was lost."""


class SentPackets:
    """The packets in flight by their 16-bit number, which no two of them share because only some seconds are kept."""

    __slots__ = ("_expected", "_missing", "in_flight")

    def __init__(self) -> None:
        # Written by the estimator for each packet sent: a plain dict, because a call would cost as much as the rest.
        self.in_flight: dict[int, Sent] = {}
        self._missing: dict[int, Sent] = {}
        self._expected: int | None = None

    def match(self, feedback: TransportFeedback, match: Match | None = None) -> Match:
        """Take the packets that ``feedback`` tells about out of flight; what is unknown is passed over.

        With ``match`` it is added to what earlier feedback told.
        """
        match = match or Match()
        in_flight, missing = self.in_flight, self._missing
        self._pass_unreported(feedback.base_seq, match)
        append = match.received.append
        last_s, disordered = match.received[-1][1] if match.received else 0.0, False
        for seq, arrival_us in feedback.arrivals:
            sent = in_flight.pop(seq, None)
            if arrival_us is None:
                if sent is not None:
                    missing[seq] = sent
                    match.lost += 1
                    match.lost_bytes += sent[1]
                continue
            if sent is None:
                if not missing or (sent := missing.pop(seq, None)) is None:
                    continue
                match.returned += 1
            arrival_s = arrival_us * 1e-6
            disordered |= arrival_s < last_s
            last_s = arrival_s
            append((sent[0], arrival_s, sent[1], sent[2]))
        if disordered:
            match.received.sort(key=_ARRIVAL)
        return match

    def _pass_unreported(self, base_seq: int, match: Match) -> None:
        expected, count = self._expected, 0
        if expected is not None:
            count = max(0, seq_diff(base_seq, expected))
        if expected is not None and 0 < count <= len(self.in_flight):
            pop = self.in_flight.pop
            for seq in range(expected, expected + count):
                sent = pop(seq & 0xFFFF, None)
                if sent is not None:
                    match.unreported_bytes += sent[1]

    def follow(self, feedback: TransportFeedback) -> None:
        """Remember where the next feedback should begin."""
        after = (feedback.base_seq + len(feedback.arrivals)) & 0xFFFF
        if self._expected is None or seq_diff(after, self._expected) > 0:
            self._expected = after

    def prune(self, now: float) -> None:
        """Forget what is too old to be told of; call it now and then."""
        oldest = now - KEEP_S
        for packets in (self.in_flight, self._missing):
            surplus = len(packets) - MAX_KEPT
            # In the order of sending, but for a number that came round again, which only ends the walk early.
            stale = []
            for place, (seq, sent) in enumerate(packets.items()):
                if sent[0] >= oldest and place >= surplus:
                    break
                stale.append(seq)
            for seq in stale:
                del packets[seq]

    def clear(self) -> None:
        """Forget all: the path changed."""
        self.in_flight.clear()
        self._missing.clear()
        self._expected = None
