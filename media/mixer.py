"""Sound: each track read at the pace of our clock, all of them added up, and no sample ever too loud."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from media.decode import SAMPLE_RATE, Samples
from media.timeline import Timeline

BUFFER_SAMPLES = 4 * SAMPLE_RATE
FADE_SAMPLES = 240
JUMP_SAMPLES = 0.060 * SAMPLE_RATE
PULL = 1.0 / SAMPLE_RATE
"""How much faster a track is read for each sample that it lies behind: it comes right within about a second."""
MAX_PULL = 0.005
CEILING = 0.97
RELEASE = 0.02
_FADE: NDArray[np.float32] = np.linspace(0, 1, FADE_SAMPLES, dtype=np.float32)


class TrackBuffer:
    """Decoded sound of one track by its RTP timestamps (48 kHz), zeros where nothing came."""

    def __init__(self) -> None:
        self.late = 0
        self._data: Samples = np.zeros((2, BUFFER_SAMPLES), np.float32)
        self._start = 0
        self._end: int | None = None
        self._position: float | None = None

    def write(self, timestamp: int, sound: Samples) -> None:
        """Put sound where it belongs; edges beside a gap are faded, so that they do not click."""
        count = sound.shape[1]
        if self._end is None or timestamp < self._start or timestamp - self._end > BUFFER_SAMPLES // 2:
            self._restart(timestamp)
        assert self._end is not None
        if self._position is not None and timestamp + count <= self._position:
            self.late += 1
            return
        if timestamp - self._start + count > BUFFER_SAMPLES:
            self._forget(timestamp + count)
        begin = timestamp - self._start
        fits = min(count, BUFFER_SAMPLES - begin)
        gap = timestamp - self._end
        self._data[:, begin : begin + fits] = sound[:, :fits]
        if gap > 0:
            self._data[:, begin : begin + FADE_SAMPLES] *= _FADE[: max(0, min(FADE_SAMPLES, BUFFER_SAMPLES - begin))]
            old_end = self._end - self._start
            if gap < BUFFER_SAMPLES // 2 and old_end >= FADE_SAMPLES:
                self._data[:, old_end - FADE_SAMPLES : old_end] *= _FADE[::-1]
        self._end = max(self._end, timestamp + fits)

    def _restart(self, timestamp: int) -> None:
        self._data[:] = 0
        # Some room before it, for sound that comes late, and a gap, so that it is faded in.
        self._start = timestamp - SAMPLE_RATE // 2
        self._end = timestamp - FADE_SAMPLES
        self._position = None

    def _forget(self, end: int) -> None:
        """Move on: half the buffer at least becomes free behind what was read."""
        shift = max(end - self._start - BUFFER_SAMPLES, BUFFER_SAMPLES // 2)
        keep = BUFFER_SAMPLES - shift
        self._data[:, :keep] = self._data[:, shift:].copy()
        self._data[:, keep:] = 0
        self._start += shift

    def read(self, time_s: float, count: int, timeline: Timeline) -> Samples | None:
        """``count`` samples from the moment ``time_s`` on; None if there is only silence.

        A publisher's clock that runs faster or slower than ours is made up for by reading in steps that are a little
        more or less than one sample (cubic interpolation).
        """
        if self._end is None:
            return None
        wanted = timeline.timestamp_at(time_s)
        position = self._position
        if position is None or abs(wanted - position) > JUMP_SAMPLES:
            position = float(round(wanted))
        behind = wanted - position
        if abs(behind) < 0.75 and position == int(position):
            self._position = position + count
            return self._slice(int(position), count)
        step = 1.0 + min(max(behind * PULL, -MAX_PULL), MAX_PULL)
        self._position = position + count * step
        first = int(np.floor(position))
        source = self._slice(first - 1, int(count * step) + 5)
        if source is None:
            return None
        return _resampled(source, position - first + 1 + np.arange(count) * step)

    def _slice(self, position: int, count: int) -> Samples | None:
        assert self._end is not None
        begin = position - self._start
        if position >= self._end or begin + count <= 0:
            return None
        if begin >= 0 and begin + count <= BUFFER_SAMPLES:
            return self._data[:, begin : begin + count]
        whole = np.zeros((2, count), np.float32)
        low, high = max(begin, 0), min(begin + count, BUFFER_SAMPLES)
        whole[:, low - begin : high - begin] = self._data[:, low:high]
        return whole


def _resampled(source: Samples, places: NDArray[np.floating]) -> Samples:
    """Catmull-Rom interpolation of ``source`` at ``places``, each at least 1 and 2 from its end."""
    whole = places.astype(np.int64)
    t = (places - whole).astype(np.float32)
    a, b, c, d = (source[:, whole + n] for n in (-1, 0, 1, 2))
    result: Samples = b + 0.5 * t * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a)))
    return result


class Limiter:
    """Turns the mix down just before it would be too loud, and up again slowly.

    What it gives is one block behind what it gets: it looks ahead that far.
    """

    def __init__(self, block_samples: int) -> None:
        self.limited_blocks = 0
        self._gain = 1.0
        self._held: Samples = np.zeros((2, block_samples), np.float32)
        self._held_target = 1.0

    def process(self, block: Samples) -> Samples:
        """The block before this one, within -CEILING and CEILING."""
        peak = float(np.abs(block).max(initial=0.0))
        target = min(1.0, CEILING / peak) if peak > 0 else 1.0
        if target < 1.0:
            self.limited_blocks += 1
        # By the end of the held block the gain must suit both it and the one that follows.
        end = min(self._held_target, target, self._gain + RELEASE)
        held, self._held = self._held, block
        if self._gain == end == 1.0:
            result = held
        else:
            # The held block was looked at before: the gain that it began with suits it already.
            ramp = np.linspace(self._gain, end, held.shape[1], endpoint=False, dtype=np.float32)
            result = np.clip(held * ramp, -CEILING, CEILING)
        self._gain, self._held_target = end, target
        return result
