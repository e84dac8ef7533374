"""Sound against picture: as much drift as 200 ppm give in ten minutes, in two, over a path that loses packets."""

from __future__ import annotations

import numpy as np

from tests.simulation.lip_sync import measure
from tests.support.virtual_room import Network

MAX_SKEW_S = 0.040


def test_a_flash_and_a_beep_stay_together() -> None:
    figures = measure(120, 1_000e-6, Network(loss=0.03, resent=0.8, jitter_s=0.03))
    print(figures)
    assert figures.lost > 20 and figures.found > 0.8 * figures.expected
    assert abs(figures.skew_s.mean()) < MAX_SKEW_S / 2
    assert np.quantile(np.abs(figures.skew_s), 0.9) < MAX_SKEW_S
    assert abs(figures.duration_s - 120) < 0.1
    quarter = len(figures.skew_s) // 4
    assert abs(figures.skew_s[-quarter:].mean() - figures.skew_s[:quarter].mean()) < 0.020, "they drift apart"
