"""What each layer of one incoming stream takes: bits and frames a second, measured, never assumed.

Figures are those of the last two seconds in which anything came: of a stream that stops they stay, so that one knows
what it would take again.
"""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

STEPS_PER_S = 10
WINDOW_STEPS = 20
GAP_STEPS = 10
"""After so long a silence the stream begins anew, maybe at another rate."""
FEWEST_STEPS = 3
RAMP_STEPS = 100
"""Encoders that begin anew take so long to come to their rate: until then it is thought to be what it was before."""
FADED = 0.9


class LayerRate(NamedTuple):
    """One layer alone, without those below it."""

    bitrate_bps: int
    frames_per_second: float


class _Count:
    __slots__ = ("frames", "is_levelled", "octets", "timestamp")

    def __init__(self) -> None:
        self.octets = 0
        self.frames = 0
        self.timestamp = -1
        self.is_levelled = False


class LayerMeter:
    """Layers are numbered ``spatial << 3 | temporal``."""

    __slots__ = ("_before", "_began_step", "_counts", "_history", "_rates", "_step")

    def __init__(self) -> None:
        self._counts: dict[int, _Count] = {}
        self._history: deque[tuple[int, dict[int, tuple[int, int]]]] = deque(maxlen=WINDOW_STEPS + 1)
        self._rates: dict[int, LayerRate] = {}
        self._before: dict[int, int] = {}
        self._began_step = 0
        self._step = -1

    def on_packet(self, layer: int, size_bytes: int, timestamp: int, now: float, *, key_frame: bool = False) -> None:
        """Count one packet; ``timestamp`` is that of its frame.

        A key frame counts as an ordinary one, as soon as it is known how large those are: it comes because somebody
        asked for it, and would make the layer seem dearer just when it is begun with.
        """
        step = int(now * STEPS_PER_S)
        if step != self._step:
            self._roll(step)
        count = self._counts.get(layer)
        if count is None:
            count = self._counts[layer] = _Count()
        if timestamp != count.timestamp:
            count.timestamp = timestamp
            count.frames += 1
            rate = self._rates.get(layer) if key_frame else None
            count.is_levelled = rate is not None
            if rate is not None and rate.frames_per_second:
                count.octets += round(rate.bitrate_bps / 8 / rate.frames_per_second)
        if not count.is_levelled:
            count.octets += size_bytes

    def _roll(self, step: int) -> None:
        before, self._step = self._step, step
        history = self._history
        if before < 0 or step - before > GAP_STEPS or step < before:
            history.clear()
            self._remember(step)
            before = step - 1
        history.append((before, {layer: (c.octets, c.frames) for layer, c in self._counts.items()}))
        first_step, first = history[0]
        last_step, last = history[-1]
        steps = last_step - first_step
        if steps < FEWEST_STEPS:
            return
        rates = {}
        for layer, (octets, frames) in last.items():
            octets_before, frames_before = first.get(layer, (0, 0))
            if octets > octets_before:
                per_s = STEPS_PER_S / steps
                rates[layer] = LayerRate(
                    round((octets - octets_before) * 8 * per_s), round((frames - frames_before) * per_s, 1)
                )
        self._rates = rates
        if self._before and last_step - self._began_step > RAMP_STEPS:
            self._before = {}

    def _remember(self, step: int) -> None:
        self._began_step = step
        faded = {layer: int(bps * FADED) for layer, bps in self._before.items()}
        for layer, rate in self._rates.items():
            faded[layer] = max(rate.bitrate_bps, faded.get(layer, 0))
        self._before = faded

    def expected_bps(self, layer: int) -> int:
        """What a layer is going to take: as measured, but of one that has just begun anew not less than it took."""
        return max(self._rates[layer].bitrate_bps, self._before.get(layer, 0))

    @property
    def rates(self) -> dict[int, LayerRate]:
        """Of each layer that came within the last two seconds of media; empty until a third of a second came."""
        return self._rates
