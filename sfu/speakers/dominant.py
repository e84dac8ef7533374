"""Who is speaking: the dominant speaker after Volfin and Cohen.

I. Volfin, I. Cohen, "Dominant Speaker Identification for Multipoint Videoconferencing", Computer Speech and Language
27 (2013). The loudness of each speaker is looked at over an immediate, a medium and a long time. In each, the score
is the likelihood that so many active sub-units come from speech rather than from noise. A challenger takes over only
if it beats the dominant speaker in all three: so a cough or a click, loud but short, does not.
"""

from __future__ import annotations

import math
from collections import deque
from typing import NamedTuple

from sfu.speakers.level import SmoothedLevel

FRAME_S = 0.02
MAX_FRAMES_A_PACKET = 3
MAX_AHEAD_S = 0.06
IMMEDIATE_BANDS = 13
BAND_DB = 5
MEDIUM_FRAMES = 5
LONG_BLOCKS = 10
HISTORY_FRAMES = MEDIUM_FRAMES * LONG_BLOCKS
MEDIUM_THRESHOLD = 4
"""Bands a frame must reach to count as active in its block of 100 ms."""
LONG_THRESHOLD = 2
"""Active frames a block must hold to count as active in the last second."""
MIN_LONG_BLOCKS = 4
"""Nobody becomes dominant with less than this many active blocks of 100 ms, not even in a silent room."""

IMMEDIATE_ADVANTAGE = 3.0
MEDIUM_ADVANTAGE = 2.0
LONG_ADVANTAGE = 0.5
"""Not 0 as in the paper: in an exchange of short sentences both would be ahead in turn."""
HOLD_S = 1.5
"""A dominant speaker is not replaced earlier than this: who watches could not follow."""

MAX_FLOOR_DB = 67
FLOOR_RISE_DB_PER_S = 2.0
FLOOR_MARGIN_DB = 3
MIN_SPEECH_DB = 67
"""Loudness is 127 minus the RFC 6464 level: 67 is -60 dBov."""

_MIN_SCORE = 1e-10


def _scores(count: int, probability: float, weight: float) -> tuple[float, ...]:
    """The score of 0 to ``count`` active sub-units: log of binomial speech against exponential noise."""
    scores = []
    for active in range(count + 1):
        speech = (
            math.log(math.comb(count, active))
            + active * math.log(probability)
            + (count - active) * math.log(1 - probability)
        )
        scores.append(max(speech - math.log(weight) + weight * active, _MIN_SCORE))
    return tuple(scores)


_IMMEDIATE_SCORES = _scores(IMMEDIATE_BANDS, 0.5, 0.78)
_MEDIUM_SCORES = _scores(MEDIUM_FRAMES, 0.5, 24.0)
_LONG_SCORES = _scores(LONG_BLOCKS, 0.5, 47.0)


class _Activity(NamedTuple):
    """The scores of one speaker at one moment."""

    immediate: float
    medium: float
    long: float
    active_blocks: int

    def beats(self, other: _Activity) -> bool:
        """Whether the advantage (log of the ratio) suffices in all three times."""
        return (
            self.active_blocks >= MIN_LONG_BLOCKS
            and math.log(self.immediate / other.immediate) > IMMEDIATE_ADVANTAGE
            and math.log(self.medium / other.medium) > MEDIUM_ADVANTAGE
            and math.log(self.long / other.long) > LONG_ADVANTAGE
        )


_SILENT = _Activity(_MIN_SCORE, _MIN_SCORE, _MIN_SCORE, 0)


class _Speaker:
    """The last second of one Producer, as the number of bands each 20 ms frame reached."""

    __slots__ = ("_floor_db", "bands", "frames_until", "level")

    def __init__(self, now: float) -> None:
        self.bands: deque[int] = deque([0] * HISTORY_FRAMES, maxlen=HISTORY_FRAMES)
        self.level = SmoothedLevel()
        self.frames_until = now
        self._floor_db = float(MAX_FLOOR_DB)

    def add(self, level_dbov: int, now: float) -> None:
        """A packet's level; it speaks for the frames since the last packet, unless that was long ago."""
        self.level.add(level_dbov, now)
        if self.frames_until - now > MAX_AHEAD_S:
            # More packets than frames: shorter packets, or a flood.
            self.bands[-1] = max(self.bands[-1], self._band(127 - level_dbov, 0))
            return
        frames = max(1, round((now - self.frames_until) / FRAME_S))
        self._silence(frames - MAX_FRAMES_A_PACKET)
        spoken = min(frames, MAX_FRAMES_A_PACKET)
        self.bands.extend([self._band(127 - level_dbov, spoken)] * spoken)
        self.frames_until = max(self.frames_until + frames * FRAME_S, now - FRAME_S)

    def _band(self, loudness_db: int, frames: int) -> int:
        """How many bands this loudness reaches above the noise floor, which falls at once and rises slowly."""
        floor = self._floor_db + FLOOR_RISE_DB_PER_S * FRAME_S * frames
        self._floor_db = floor = min(floor, max(loudness_db, 0), MAX_FLOOR_DB)
        if loudness_db < MIN_SPEECH_DB:
            return 0
        return min(max(math.ceil((loudness_db - floor - FLOOR_MARGIN_DB) / BAND_DB), 0), IMMEDIATE_BANDS)

    def advance(self, now: float) -> None:
        """Count the time without packets (DTX, mute, loss) as silence."""
        missing = int((now - self.frames_until) / FRAME_S) - MAX_FRAMES_A_PACKET
        if missing > 0:
            self._silence(missing)
            self.frames_until += missing * FRAME_S

    def _silence(self, frames: int) -> None:
        if frames > 0:
            self.bands.extend([0] * min(frames, HISTORY_FRAMES))

    def activity(self) -> _Activity:
        """Immediate, medium and long activity."""
        frames = list(self.bands)
        if not any(frames):
            return _SILENT
        blocks = [
            sum(band >= MEDIUM_THRESHOLD for band in frames[start : start + MEDIUM_FRAMES])
            for start in range(0, HISTORY_FRAMES, MEDIUM_FRAMES)
        ]
        active_blocks = sum(block >= LONG_THRESHOLD for block in blocks)
        return _Activity(
            immediate=_IMMEDIATE_SCORES[max(frames[-MEDIUM_FRAMES:])],
            medium=_MEDIUM_SCORES[blocks[-1]],
            long=_LONG_SCORES[active_blocks],
            active_blocks=active_blocks,
        )


class DominantSpeaker:
    """Follows the levels of a room's audio Producers; knows them by opaque ids."""

    def __init__(self) -> None:
        self.dominant: str | None = None
        self._held_until = float("-inf")
        self._speakers: dict[str, _Speaker] = {}

    def on_level(self, producer_id: str, level_dbov: int, now: float) -> None:
        """The RFC 6464 level of one packet: 0 (loudest) to 127 (silence; also what a muted one counts as)."""
        speaker = self._speakers.get(producer_id)
        if speaker is None:
            speaker = self._speakers[producer_id] = _Speaker(now - FRAME_S)
        speaker.add(level_dbov & 0x7F, now)

    def remove(self, producer_id: str) -> None:
        """Forget a Producer; harmless if it was never heard."""
        self._speakers.pop(producer_id, None)
        if self.dominant == producer_id:
            self.dominant = None

    def evaluate(self, now: float) -> str | None:
        """The dominant speaker; call it every 200 to 300 ms. It stays when all fall silent, None before the first."""
        activities = {}
        for producer_id, speaker in self._speakers.items():
            speaker.advance(now)
            activities[producer_id] = speaker.activity()
        if self.dominant is not None and now < self._held_until:
            return self.dominant
        holder = activities.get(self.dominant, _SILENT) if self.dominant is not None else _SILENT
        best: tuple[float, float, float] | None = None
        for producer_id, activity in activities.items():
            if producer_id != self.dominant and activity.beats(holder):
                rank = (activity.medium, activity.long, activity.immediate)
                if best is None or rank > best:
                    best, winner = rank, producer_id
        if best is not None:
            self.dominant = winner
            self._held_until = now + HOLD_S
        return self.dominant

    def levels(self, now: float) -> dict[str, float]:
        """The smoothed loudness of each Producer that was heard so far: 0.0 to 1.0."""
        return {producer_id: speaker.level.value(now) for producer_id, speaker in self._speakers.items()}
