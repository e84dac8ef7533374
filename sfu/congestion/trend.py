"""Is the queue on the path growing? The slope of the delay against an adaptive threshold.

draft-ietf-rmcat-gcc-02 sections 5.3 to 5.5, with a line fitted through the smoothed delay in place of the Kalman
filter, as browsers do it today. The threshold adapts to what the path does by itself, so that jitter is no overuse and
a greedy competitor does not starve us (Carlucci et al., "Analysis and Design of the Google Congestion Control").
"""

from __future__ import annotations

import enum
from collections import deque

from sfu.congestion.bursts import Burst

WINDOW = 20
FEWEST_POINTS = 8
SMOOTHING = 0.9
GAIN = 4.0
MAX_DELTAS = 60
FIRST_THRESHOLD_MS = 12.5
MIN_THRESHOLD_MS, MAX_THRESHOLD_MS = 6.0, 600.0
THRESHOLD_UP, THRESHOLD_DOWN = 0.0087, 0.039
SPIKE_MS = 15.0
"""A trend this far beyond the threshold is a sudden event, to which the threshold must not adapt."""
OVERUSE_MS = 10.0
MAX_ADAPT_STEP_MS = 100.0
REBASE_MS = 10_000.0
LEAST_SPREAD = 1e-3


class Usage(enum.Enum):
    """What the delay says about the path."""

    UNDERUSE = "underuse"
    NORMAL = "normal"
    OVERUSE = "overuse"


class TrendDetector:
    """Takes the deltas of bursts; ``usage`` is its verdict."""

    __slots__ = (
        "_accumulated_ms",
        "_adapted_at_ms",
        "_base_ms",
        "_deltas",
        "_over_count",
        "_over_ms",
        "_points",
        "_smoothed_ms",
        "_sum_x",
        "_sum_xx",
        "_sum_xy",
        "_sum_y",
        "threshold_ms",
        "trend",
        "usage",
    )

    def __init__(self) -> None:
        self.threshold_ms = FIRST_THRESHOLD_MS
        self.usage = Usage.NORMAL
        self._points: deque[tuple[float, float]] = deque()
        self.reset()

    def reset(self) -> None:
        """Forget the delays, as after a silence; the threshold that was learnt stays."""
        self.usage = Usage.NORMAL
        self.trend = 0.0
        self._points.clear()
        self._deltas = 0
        self._accumulated_ms = self._smoothed_ms = 0.0
        self._sum_x = self._sum_y = self._sum_xx = self._sum_xy = 0.0
        self._base_ms = self._adapted_at_ms = -1.0
        self._over_ms, self._over_count = -1.0, 0

    def on_bursts(self, bursts: list[Burst]) -> bool:
        """Some bursts more, in order; True if one of them showed overuse. Running sums make each a few operations."""
        points, overused = self._points, False
        for send_delta_s, arrival_delta_s, arrival_s, _, _ in bursts:
            arrival_ms = arrival_s * 1000.0
            if self._base_ms < 0:
                self._base_ms = self._adapted_at_ms = arrival_ms
            elif arrival_ms - self._base_ms > REBASE_MS:
                self._rebase(arrival_ms)
            self._accumulated_ms = level = self._accumulated_ms + (arrival_delta_s - send_delta_s) * 1000.0
            self._smoothed_ms = y = SMOOTHING * self._smoothed_ms + (1 - SMOOTHING) * level
            x = arrival_ms - self._base_ms
            points.append((x, y))
            sum_x, sum_y = self._sum_x + x, self._sum_y + y
            sum_xx, sum_xy = self._sum_xx + x * x, self._sum_xy + x * y
            count = len(points)
            if count > WINDOW:
                count = WINDOW
                x, y = points.popleft()
                sum_x, sum_y, sum_xx, sum_xy = sum_x - x, sum_y - y, sum_xx - x * x, sum_xy - x * y
            self._sum_x, self._sum_y, self._sum_xx, self._sum_xy = sum_x, sum_y, sum_xx, sum_xy
            trend = self.trend
            if count >= FEWEST_POINTS:
                spread = sum_xx - sum_x * sum_x / count
                if spread > LEAST_SPREAD:
                    trend = (sum_xy - sum_x * sum_y / count) / spread
            if self._detect(trend, send_delta_s * 1000.0, arrival_ms) is Usage.OVERUSE:
                overused = True
        return overused

    def _rebase(self, arrival_ms: float) -> None:
        """Count anew from here, and sum anew: running sums of growing numbers lose their digits."""
        shift, self._base_ms = arrival_ms - self._base_ms, arrival_ms
        level, points = self._accumulated_ms, self._points
        self._accumulated_ms, self._smoothed_ms = 0.0, self._smoothed_ms - level
        moved = [(x - shift, y - level) for x, y in points]
        points.clear()
        points.extend(moved)
        self._sum_x, self._sum_y = sum(x for x, _ in moved), sum(y for _, y in moved)
        self._sum_xx, self._sum_xy = sum(x * x for x, _ in moved), sum(x * y for x, y in moved)

    def _detect(self, trend: float, send_delta_ms: float, arrival_ms: float) -> Usage:
        if self._deltas < MAX_DELTAS:
            self._deltas += 1
        scaled = trend * self._deltas * GAIN
        threshold = self.threshold_ms
        if scaled > threshold:
            # Half of the first delta: the crossing lies somewhere within it.
            self._over_ms = send_delta_ms / 2 if self._over_ms < 0 else self._over_ms + send_delta_ms
            self._over_count += 1
            if self._over_ms > OVERUSE_MS and self._over_count > 1 and trend >= self.trend:
                self._over_ms, self._over_count = 0.0, 0
                self.usage = Usage.OVERUSE
        else:
            self._over_ms, self._over_count = -1.0, 0
            self.usage = Usage.UNDERUSE if scaled < -threshold else Usage.NORMAL
        self.trend = trend
        distance = (scaled if scaled > 0 else -scaled) - threshold
        if distance <= SPIKE_MS:
            step_ms = arrival_ms - self._adapted_at_ms
            if step_ms > MAX_ADAPT_STEP_MS:
                step_ms = MAX_ADAPT_STEP_MS
            threshold += (THRESHOLD_DOWN if distance < 0 else THRESHOLD_UP) * distance * step_ms
            if threshold < MIN_THRESHOLD_MS:
                threshold = MIN_THRESHOLD_MS
            elif threshold > MAX_THRESHOLD_MS:
                threshold = MAX_THRESHOLD_MS
            self.threshold_ms = threshold
        self._adapted_at_ms = arrival_ms
        return self.usage
