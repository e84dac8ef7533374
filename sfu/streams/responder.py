"""Which NACKs of one subscriber to answer."""

from __future__ import annotations

MIN_INTERVAL_S = 0.005
UNKNOWN_RTT_S = 0.05
MAX_RESENDS = 10
KEEP_S = 2.0
PRUNE_ABOVE = 1024


class NackResponder:
    """Suppresses repeats: an answer that may still be under way is not sent again.

    A receiver that asks twice within a round trip cannot have seen the first answer yet.
    """

    __slots__ = ("_sent", "suppressed")

    def __init__(self) -> None:
        self._sent: dict[int, tuple[float, int]] = {}
        self.suppressed = 0

    def should_resend(self, ext_seq: int, now: float, rtt_s: float | None) -> bool:
        """Whether to answer a NACK for ``ext_seq`` (unwrapped, as sent) now; True counts as resent.

        ``rtt_s`` is the subscriber's round trip, None while unknown.
        """
        known = self._sent.get(ext_seq)
        times = 0
        if known is not None:
            at, times = known
            if now - at > KEEP_S:
                times = 0
            elif times >= MAX_RESENDS or now - at < max(rtt_s if rtt_s is not None else UNKNOWN_RTT_S, MIN_INTERVAL_S):
                self.suppressed += 1
                return False
            # Taken out and put back, so that the dict stays in the order of sending.
            del self._sent[ext_seq]
        self._sent[ext_seq] = (now, times + 1)
        if len(self._sent) > PRUNE_ABOVE:
            self._prune(now)
        return True

    def _prune(self, now: float) -> None:
        """Forget the oldest: all that are past their time, and half of the rest if that was not enough."""
        sent = self._sent
        for seq in [seq for seq, (at, _) in sent.items() if now - at > KEEP_S]:
            del sent[seq]
        if len(sent) > PRUNE_ABOVE:
            for seq in list(sent)[: PRUNE_ABOVE // 2]:
                del sent[seq]
