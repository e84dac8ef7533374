"""Which packets of one incoming stream are missing, and when to ask for them again (RFC 4585 section 6.2.1)."""

from __future__ import annotations

REORDERING_PACKETS = 1
REORDERING_S = 0.010
MAX_TRIES = 10
MAX_AGE_S = 1.0
MAX_MISSING = 200
MIN_INTERVAL_S = 0.020
UNKNOWN_RTT_S = 0.1
RTT_MARGIN = 1.2
GROWTH = 1.25

_NEVER = float("inf")


class _Missing:
    """One packet: since when it is known to be missing, when to ask (again), how often it was asked for.

    It is held to be lost, not just late, once ``sure_at`` (a sequence number) has arrived.
    """

    __slots__ = ("asked_at", "due_at", "since", "sure_at", "tries")

    def __init__(self, now: float, sure_at: int) -> None:
        self.since = now
        self.sure_at = sure_at
        self.due_at = now + REORDERING_S
        self.asked_at = 0.0
        self.tries = 0


class NackGenerator:
    """Keeps the list of missing packets; numbers are unwrapped.

    ``has_missing`` (also while a wish for a key frame was not fetched) and ``next_deadline`` (seconds, infinity if
    nothing is missing) are plain attributes, so that a caller can see without a call that there is nothing to do.
    A gap counts as lost, not as reordered, as soon as two later packets arrived or 10 ms passed.
    """

    __slots__ = (
        "_highest",
        "_missing",
        "_sure_at",
        "_wants_key_frame",
        "abandoned",
        "asked",
        "has_missing",
        "next_deadline",
        "recovered",
        "rtt_s",
    )

    def __init__(self) -> None:
        self.has_missing = False
        self.next_deadline = _NEVER
        self.rtt_s: float | None = None
        self.asked = 0
        self.recovered = 0
        self.abandoned = 0
        self._highest = -1
        self._sure_at = -1
        self._missing: dict[int, _Missing] = {}
        self._wants_key_frame = False

    def on_packet(self, ext_seq: int, now: float, recovered: bool = False) -> None:
        """A packet arrived (with or without payload); ``recovered``: as a retransmission."""
        highest = self._highest
        if ext_seq == highest + 1 and not self.has_missing:
            self._highest = ext_seq
        elif ext_seq > highest:
            self._highest = ext_seq
            if ext_seq > highest + 1 and highest >= 0:
                self._open_gap(highest + 1, ext_seq, now)
            elif ext_seq == self._sure_at:
                self._expect(now)
        elif self.has_missing:
            self._fill(ext_seq, now, recovered)

    def _open_gap(self, first: int, end: int, now: float) -> None:
        """Packets ``first`` to ``end`` - 1 did not come."""
        if len(self._missing) + end - first > MAX_MISSING:
            # Asking for so much only adds to the congestion that lost it.
            self._abandon_all()
            return
        earlier_gap_is_sure = self.has_missing and self._sure_at <= end
        self._sure_at = end + REORDERING_PACKETS
        for seq in range(first, end):
            self._missing[seq] = _Missing(now, self._sure_at)
        self.has_missing = True
        self._expect(now if earlier_gap_is_sure else now + REORDERING_S)

    def _expect(self, at: float) -> None:
        if at < self.next_deadline:
            self.next_deadline = at

    def _fill(self, ext_seq: int, now: float, recovered: bool) -> None:
        entry = self._missing.pop(ext_seq, None)
        if entry is None:
            return
        if recovered:
            self.recovered += 1
            if entry.tries == 1:
                sample = now - entry.asked_at
                self.rtt_s = sample if self.rtt_s is None else self.rtt_s + (sample - self.rtt_s) / 8
        self._settle()

    def _settle(self) -> None:
        if not self._missing:
            self.has_missing = self._wants_key_frame
            self.next_deadline = _NEVER

    def _abandon_all(self) -> None:
        self.abandoned += len(self._missing)
        self._missing.clear()
        self._wants_key_frame = True
        self._settle()

    def due(self, now: float, rtt_s: float | None = None) -> list[int]:
        """The unwrapped numbers to ask for now, in ascending order; they count as asked for.

        ``rtt_s`` is the publisher's round trip; None: as measured from earlier retransmissions.
        """
        if now < self.next_deadline:
            return []
        rtt = rtt_s if rtt_s is not None else self.rtt_s if self.rtt_s is not None else UNKNOWN_RTT_S
        interval = max(rtt * RTT_MARGIN, MIN_INTERVAL_S)
        wanted: list[int] = []
        given_up: list[int] = []
        deadline = _NEVER
        highest = self._highest
        for seq, entry in self._missing.items():
            if entry.due_at <= now or (entry.tries == 0 and highest >= entry.sure_at):
                if entry.tries >= MAX_TRIES or now - entry.since >= MAX_AGE_S:
                    given_up.append(seq)
                    continue
                entry.tries += 1
                entry.asked_at = now
                entry.due_at = min(now + interval * GROWTH ** (entry.tries - 1), max(entry.since + MAX_AGE_S, now))
                wanted.append(seq)
            if entry.due_at < deadline:
                deadline = entry.due_at
        self.next_deadline = deadline
        self.asked += len(wanted)
        self._give_up(given_up)
        return wanted

    def _give_up(self, given_up: list[int]) -> None:
        """Nobody will ever get these packets, so only a key frame repairs the picture of those who watch."""
        if given_up:
            for seq in given_up:
                del self._missing[seq]
            self.abandoned += len(given_up)
            self._wants_key_frame = True
            self._settle()

    def on_key_frame(self, ext_seq: int) -> None:
        """A key frame begins with packet ``ext_seq``: what is missing before it is needed no more."""
        if self.has_missing:
            self._wants_key_frame = False
            self._missing = {seq: entry for seq, entry in self._missing.items() if seq > ext_seq}
            self._settle()

    def wants_key_frame(self) -> bool:
        """Whether something was given up since the last call, so that only a key frame helps."""
        if not self._wants_key_frame:
            return False
        self._wants_key_frame = False
        self._settle()
        return True
