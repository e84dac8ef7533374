"""What the clients found, as one set of figures."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field

from scripts.load.participant import Participant


@dataclass(frozen=True)
class Spread:
    """Values in short; None: there are none."""

    p50: float | None = None
    p95: float | None = None
    worst: float | None = None

    @classmethod
    def of(cls, values: Iterable[float | None], digits: int = 3) -> Spread:
        """Of the values that are known."""
        found = sorted(value for value in values if value is not None)
        if not found:
            return cls()
        return cls(*(round(quantile(found, share), digits) for share in (0.5, 0.95, 1.0)))


@dataclass
class Outcome:
    """``expected_tracks``: what all should receive together; ``silent_tracks``: of them nothing came."""

    participants: int
    joined: int
    seconds: float
    join_s: Spread
    first_packet_s: Spread
    delay_ms: Spread
    expected_tracks: int
    silent_tracks: int
    packets_sent: int
    packets_received: int
    packets_per_s: float
    megabits_per_s: float
    frames_per_s: float
    loss: float
    resent: int
    key_frames: int
    trouble: dict[str, int] = field(default_factory=dict)

    @property
    def is_good(self) -> bool:
        """Whether everybody came and got everything, but for a little loss."""
        return not self.trouble and self.joined == self.participants and not self.silent_tracks and self.loss < 0.01

    def as_json(self) -> dict[str, object]:
        """For programs."""
        return {**asdict(self), "ok": self.is_good}


@dataclass(frozen=True)
class Mark:
    """Counts at one moment, to tell what came after it."""

    at: float
    packets: int
    octets: int
    frames: int
    expected: int
    sent: int


def mark(people: Sequence[Participant], at: float) -> Mark:
    """The counts now."""
    streams = [stream for one in people for stream in one.down.streams.values()]
    return Mark(
        at,
        sum(s.packets for s in streams),
        sum(s.octets for s in streams),
        sum(s.frames for s in streams),
        sum(s.expected for s in streams),
        sum(one.up.packets for one in people if one.up is not None),
    )


def outcome(people: Sequence[Participant], begin: Mark, end: Mark, expected_tracks: int) -> Outcome:
    """What was between the two marks; delays and joins are of the whole time."""
    seconds = max(end.at - begin.at, 1e-9)
    packets, expected = end.packets - begin.packets, end.expected - begin.expected
    heard = sum(1 for one in people for stream in one.down.streams.values() if stream.packets)
    trouble = Counter(text for one in people for text in one.story.trouble)
    return Outcome(
        participants=len(people),
        joined=sum(one.story.joined_s is not None for one in people),
        seconds=round(seconds, 2),
        join_s=Spread.of(one.story.joined_s for one in people),
        first_packet_s=Spread.of(one.story.first_packet_s for one in people),
        delay_ms=Spread.of(delay for one in people for delay in one.down.delays_ms),
        expected_tracks=expected_tracks,
        silent_tracks=max(0, expected_tracks - heard),
        packets_sent=end.sent - begin.sent,
        packets_received=packets,
        packets_per_s=round(packets / seconds, 1),
        megabits_per_s=round((end.octets - begin.octets) * 8 / seconds / 1e6, 2),
        frames_per_s=round((end.frames - begin.frames) / seconds, 1),
        loss=round(max(0, expected - packets) / expected, 5) if expected > 0 else 0.0,
        resent=sum(one.up.resent for one in people if one.up is not None),
        key_frames=sum(one.up.key_frames for one in people if one.up is not None),
        trouble=dict(trouble),
    )


def quantile(ordered: Sequence[float], share: float) -> float:
    """The value below which ``share`` of an ordered, non-empty sequence lies."""
    return ordered[min(len(ordered) - 1, max(0, math.ceil(share * len(ordered)) - 1))]
