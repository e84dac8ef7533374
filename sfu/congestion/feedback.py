"""Transport-wide feedback to a publisher: which of its packets arrived when, so that it can estimate its uplink.

draft-holmer-rmcat-transport-wide-cc-extensions-01. The sequence number counts all packets of the transport.
"""

from __future__ import annotations

from sfu.rtp.twcc import build_feedback

MIN_INTERVAL_S = 0.05
MAX_INTERVAL_S = 0.1
EAGER_PACKETS = 20
"""With this many new packets feedback goes out after the shorter interval: at high rates it is cheap and useful."""
KEEP_S = 0.5
MAX_RECEIVED = 300
MAX_STATUSES = 1500
"""Of one message, so that it fits a datagram even with 2 bytes for each arrival and for each 7 statuses."""
MAX_JUMP = 4_000
"""More missing at once is a count that began anew, or an outage about which there is nothing to estimate."""
MAX_DELTA_US = 8_000_000
"""Two arrivals further apart than a signed 16-bit number of 250 µs need messages of their own (section 3.1.5)."""


class FeedbackCollector:
    """Notes arrivals and builds the feedback messages; ``sender_ssrc`` is our own SSRC in them."""

    __slots__ = (
        "_arrivals",
        "_count",
        "_fresh",
        "_highest",
        "_last_sent",
        "_media_ssrc",
        "_start",
        "jumps",
        "sender_ssrc",
    )

    def __init__(self, sender_ssrc: int) -> None:
        self.sender_ssrc = sender_ssrc
        self.jumps = 0
        self._media_ssrc = 0
        self._arrivals: dict[int, float] = {}
        self._highest = -1
        self._start = 0
        self._fresh = 0
        self._last_sent = float("-inf")
        self._count = 0

    def on_packet(self, twcc_seq: int, now: float, media_ssrc: int) -> None:
        """A packet with this 16-bit transport-wide sequence number arrived."""
        highest = self._highest
        ext_seq = highest + ((twcc_seq - highest) & 0xFFFF)
        if ext_seq > highest + MAX_JUMP or highest < 0:
            ext_seq = self._unusual(twcc_seq, ext_seq)
        elif ext_seq > highest:
            self._highest = ext_seq
        arrivals = self._arrivals
        if ext_seq < 0 or ext_seq in arrivals:
            return
        arrivals[ext_seq] = now
        self._media_ssrc = media_ssrc
        self._fresh += 1

    def _unusual(self, twcc_seq: int, ext_seq: int) -> int:
        """The unwrapped number of a first packet, a late one, or one of a count that began anew; -1: too late."""
        highest = self._highest
        if highest >= 0 and ext_seq >= highest + 0x8000:
            late = ext_seq - 0x10000
            if late > highest - MAX_JUMP:
                # Report again from there on: what was said to be lost has come after all.
                # Only while the arrivals since then are still known, else they would be said to be lost.
                if not self._arrivals or late < next(iter(self._arrivals)):
                    return -1
                self._start = min(self._start, late)
                return late
        if highest >= 0:
            self.jumps += 1
        self._arrivals.clear()
        self._fresh = 0
        self._highest = self._start = twcc_seq if highest < 0 else ext_seq
        return self._highest

    @property
    def has_news(self) -> bool:
        """Whether packets have arrived that no message has told of."""
        return self._fresh > 0

    def build(self, now: float) -> list[bytes]:
        """The RTCP messages that are due now, else none; call it every few tens of milliseconds."""
        if not self._fresh:
            return []
        elapsed = now - self._last_sent
        if elapsed < MIN_INTERVAL_S or (elapsed < MAX_INTERVAL_S and self._fresh < EAGER_PACKETS):
            return []
        messages = self._messages()
        self._last_sent = now
        self._start = self._highest + 1
        self._fresh = 0
        self._prune(now)
        return messages

    def _messages(self) -> list[bytes]:
        """All that is new, cut so that each message holds an arrival and fits a datagram."""
        messages: list[bytes] = []
        chunk: list[tuple[int, int | None]] = []
        received, previous_us = 0, 0
        for ext_seq in range(self._start, self._highest + 1):
            arrival = self._arrivals.get(ext_seq)
            arrival_us = None if arrival is None else round(arrival * 1_000_000)
            if received and (
                received >= MAX_RECEIVED
                or len(chunk) >= MAX_STATUSES
                or (arrival_us is not None and abs(arrival_us - previous_us) > MAX_DELTA_US)
            ):
                messages.append(self._message(chunk))
                chunk, received = [], 0
            chunk.append((ext_seq, arrival_us))
            if arrival_us is not None:
                previous_us = arrival_us
                received += 1
        if received:
            messages.append(self._message(chunk))
        return messages

    def _message(self, chunk: list[tuple[int, int | None]]) -> bytes:
        count, self._count = self._count, (self._count + 1) & 0xFF
        return build_feedback(self.sender_ssrc, self._media_ssrc, count, chunk)

    def _prune(self, now: float) -> None:
        """Forget arrivals that no late packet can make us report again; the dict is in the order of arrival."""
        arrivals = self._arrivals
        oldest = now - KEEP_S
        old = []
        for ext_seq, at in arrivals.items():
            if at >= oldest:
                break
            old.append(ext_seq)
        for ext_seq in old:
            del arrivals[ext_seq]
