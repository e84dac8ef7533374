"""The bitrate that an uplink carries: down quickly when packets wait, up slowly when none do."""

from __future__ import annotations

from collections import deque
from statistics import fmean

_CONGESTED_MS = 700
_CLEAR_MS = 150
_HOLD_DOWN_S = 3.0
_HOLD_UP_S = 8.0
_HEADROOM = 0.85
_STEP_UP = 1.08
_LEAST_SHARE = 0.2
_MEASURED_S = 4
_MOST_DOWN = 0.5
"""Of the target, at one step: what the socket took just before also tells of its buffer, which had to be filled."""


class UplinkControl:
    """``full_bps``: what video takes when nothing is in the way; ``audio_bps`` comes on top and is never touched."""

    def __init__(self, full_bps: int, audio_bps: int) -> None:
        self.target_bps = full_bps
        self._full_bps = full_bps
        self._audio_bps = audio_bps
        self._changed_at = float("-inf")
        self._clear_since: float | None = None
        self._sent: deque[float] = deque(maxlen=_MEASURED_S)

    def update(self, now: float, waiting_ms: int, sent_bps: float) -> int:
        """Look once a second: how long packets wait, what the socket took in the last second. The new target."""
        self._sent.append(sent_bps)
        if waiting_ms > _CONGESTED_MS:
            self._clear_since = None
            if now - self._changed_at >= _HOLD_DOWN_S:
                self._lower(now)
        elif waiting_ms <= _CLEAR_MS:
            if self._clear_since is None:
                self._clear_since = now
            held_s = now - max(self._clear_since, self._changed_at)
            if held_s >= _HOLD_UP_S and self.target_bps < self._full_bps:
                self.target_bps = min(self._full_bps, round(self.target_bps * _STEP_UP))
                self._changed_at = now
        else:
            self._clear_since = None
        return self.target_bps

    def _lower(self, now: float) -> None:
        # A socket whose buffer is full takes nothing for a second, then much: the mean tells.
        carried_bps = max(0.0, fmean(self._sent) - self._audio_bps)
        wanted = min(carried_bps, self.target_bps) * _HEADROOM
        self.target_bps = round(max(wanted, self.target_bps * _MOST_DOWN, self._full_bps * _LEAST_SHARE))
        self._changed_at = now
