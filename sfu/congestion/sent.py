"""What was sent under which transport-wide numbers, until feedback tells what became of it.

Packets leave in batches: the packets of one were sent at one time, under consecutive numbers. Batches are what is noted
and matched, so that the work is the same for two packets and for twenty.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from itertools import islice
from operator import itemgetter

from sfu.rtp.twcc import TICK_US, TransportFeedback

KEEP_S = 4.0
"""Feedback that comes later than this is of no use, and numbers must not come round again meanwhile."""
MAX_KEPT = 16_384
NEWEST = 200
TICK_S = TICK_US * 1e-6

Batch = tuple[int, int, float, int, int | None]
"""The last number (counted on beyond 16 bits), how many packets, sending time in seconds, bytes in all, id of the probe
cluster that it belongs to."""
Run = tuple[float, float, float, int, int, int | None]
"""Packets of one batch that arrived: sending time, first and last arrival in seconds (each on its own clock), bytes,
packets, cluster."""

_FIRST_ARRIVAL = itemgetter(1)


class Match:
    """What some feedback says of packets of ours."""

    __slots__ = ("lost", "packets", "received", "returned", "unreported_bytes")

    def __init__(self) -> None:
        self.received: list[Run] = []
        """In the order of arrival."""
        self.packets = 0
        """How many these are."""
        self.lost = 0
        self.returned = 0
        """Packets that an earlier feedback called lost and that came after all."""
        self.unreported_bytes = 0
        """Sent before these packets, and told of by no feedback: that feedback itself was lost."""


class SentPackets:
    """The batches in flight in the order of their numbers, and single packets that were called lost."""

    __slots__ = ("_batches", "_expected", "_last", "_missing", "sent_bytes")

    def __init__(self) -> None:
        self._batches: deque[Batch] = deque()
        self._missing: dict[int, tuple[float, int, int | None]] = {}
        self._last = 0
        self.sent_bytes = 0
        self._expected: int | None = None

    def __len__(self) -> int:
        """Batches in flight."""
        return len(self._batches)

    def add(self, last_seq: int, packets: int, size_bytes: int, now: float, cluster: int | None) -> None:
        """A batch left under numbers that end with ``last_seq`` (16 bits)."""
        last = self._last + ((last_seq - self._last + 0x8000) & 0xFFFF) - 0x8000
        self._last = max(self._last, last)
        self.sent_bytes += size_bytes
        # Nearly always the end: but what is numbered may wait for its flush while paced packets overtake it.
        place = len(self._batches)
        while place and self._batches[place - 1][0] > last:
            place -= 1
        self._batches.insert(place, (last, packets, now, size_bytes, cluster))

    def sent_at(self, seq: int) -> float | None:
        """When the packet of this 16-bit number was sent, if it is one of the newest."""
        number = self._last - ((self._last - seq) & 0xFFFF)
        for last, packets, sent_s, _, _ in islice(reversed(self._batches), NEWEST):
            if last - packets < number:
                return sent_s if number <= last else None
        return None

    def match(self, feedback: TransportFeedback, match: Match | None = None) -> Match:
        """Take the packets that ``feedback`` tells about out of flight; what is unknown is passed over.

        With ``match`` it is added to what earlier feedback told.
        """
        match = match or Match()
        batches, ticks = self._batches, feedback.arrival_ticks
        base = self._last - ((self._last - feedback[2]) & 0xFFFF)
        end = base + len(ticks)
        if self._missing:
            self._find_missing(base, ticks, match)
        is_next = self._expected is not None and base >= self._expected
        while batches:
            last, packets, sent_s, size, cluster = batches[0]
            first = last + 1 - packets
            if first >= end:
                break
            batches.popleft()
            if first < base:
                # Passed over by feedback that goes on behind it.
                passed = min(packets, base - first)
                if is_next:
                    match.unreported_bytes += size * passed // packets
                if passed == packets:
                    continue
                size -= size * passed // packets
                packets, first = packets - passed, base
            if last >= end:
                told = end - first
                rest = size * (packets - told) // packets
                batches.appendleft((last, packets - told, sent_s, rest, cluster))
                size, packets = size - rest, told
            self._take(first, ticks[first - base : first - base + packets], (sent_s, size, cluster), match)
        if self._expected is None or end > self._expected:
            self._expected = end
        return match

    def pass_over(self, feedback: TransportFeedback) -> int:
        """Forget what this feedback and those before it tell of; returns the bytes of it."""
        batches, passed_bytes = self._batches, 0
        end = self._last - ((self._last - feedback.base_seq) & 0xFFFF) + len(feedback.arrival_ticks)
        while batches and batches[0][0] < end:
            passed_bytes += batches.popleft()[3]
        if batches and (told := end - 1 - batches[0][0] + batches[0][1]) > 0:
            last, packets, sent_s, size, cluster = batches[0]
            rest = size * (packets - told) // packets
            batches[0] = (last, packets - told, sent_s, rest, cluster)
            passed_bytes += size - rest
        self._expected = end
        return passed_bytes

    def _take(self, first: int, ticks: Sequence[int | None], sent: tuple[float, int, int | None], match: Match) -> None:
        sent_s, size, cluster = sent
        packets = len(ticks)
        begin, end = ticks[0], ticks[-1]
        if (
            begin is not None
            and end is not None
            and (packets == 1 or (packets == 2 and begin <= end) or _in_order(ticks))
        ):
            self._append((sent_s, begin * TICK_S, end * TICK_S, size, packets, cluster), match)
            return
        each = size // packets
        for place, tick in enumerate(ticks):
            if tick is None:
                self._missing[first + place] = (sent_s, each, cluster)
                match.lost += 1
            else:
                self._append((sent_s, tick * TICK_S, tick * TICK_S, each, 1, cluster), match)

    def _append(self, run: Run, match: Match) -> None:
        received = match.received
        match.packets += run[4]
        received.append(run)
        if len(received) > 1 and run[1] < received[-2][1]:
            received.sort(key=_FIRST_ARRIVAL)

    def _find_missing(self, base: int, ticks: Sequence[int | None], match: Match) -> None:
        """What was called lost, and came."""
        missing = self._missing
        for seq in [seq for seq in missing if base <= seq < base + len(ticks)]:
            tick = ticks[seq - base]
            if tick is not None:
                sent_s, size, cluster = missing.pop(seq)
                match.returned += 1
                self._append((sent_s, tick * TICK_S, tick * TICK_S, size, 1, cluster), match)

    def prune(self, now: float) -> None:
        """Forget what is too old to be told of; call it now and then."""
        oldest, batches = now - KEEP_S, self._batches
        while batches and (batches[0][2] < oldest or len(batches) > MAX_KEPT):
            batches.popleft()
        if self._missing:
            self._missing = {seq: sent for seq, sent in self._missing.items() if sent[0] >= oldest}

    def clear(self) -> None:
        """Forget all: the path changed."""
        self._batches.clear()
        self._missing.clear()
        self._expected = None


def _in_order(ticks: Sequence[int | None]) -> bool:
    """Whether all came, none before another that was sent earlier."""
    return None not in ticks and list(ticks) == sorted(ticks)  # type: ignore[type-var]
