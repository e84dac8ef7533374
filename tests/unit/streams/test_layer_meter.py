"""Layers are measured alone, key frames do not make them dear, and silence does not make them cheap."""

from __future__ import annotations

import pytest

from sfu.streams.layer_meter import LayerMeter

FRAME_S = 0.04


def play(meter: LayerMeter, seconds: float, start: float, *, key_every: int = 0, layers: int = 2) -> float:
    """Frames of 1,000 bytes in turn of the layers; every so many a key frame of 20,000."""
    now = start
    for number in range(round(seconds / FRAME_S)):
        now = start + number * FRAME_S
        key = key_every > 0 and number % key_every == 0
        for _ in range(20 if key else 1):
            meter.on_packet(number % layers, 1_000, number, now, key_frame=key)
    return now + FRAME_S


def test_each_layer_has_its_own_rate() -> None:
    meter = LayerMeter()
    play(meter, 3, 10.0)
    assert set(meter.rates) == {0, 1}
    for rate in meter.rates.values():
        assert rate.bitrate_bps == pytest.approx(12.5 * 8_000, rel=0.08)
        assert rate.frames_per_second == pytest.approx(12.5, rel=0.08)


def test_key_frames_count_as_ordinary_ones() -> None:
    meter = LayerMeter()
    now = play(meter, 3, 10.0)
    play(meter, 3, now, key_every=10)
    assert meter.rates[0].bitrate_bps == pytest.approx(100_000, rel=0.1)


def test_what_has_stopped_keeps_its_rate_and_begins_anew() -> None:
    meter = LayerMeter()
    now = play(meter, 3, 10.0)
    before = meter.rates
    assert meter.rates is before
    play(meter, 1, now + 60, layers=1)
    assert set(meter.rates) == {0}
    assert meter.rates[0].bitrate_bps == pytest.approx(200_000, rel=0.25)


def test_a_layer_that_is_gone_is_forgotten() -> None:
    meter = LayerMeter()
    now = play(meter, 3, 10.0)
    play(meter, 4, now, layers=1)
    assert set(meter.rates) == {0}


def test_an_encoder_that_has_just_begun_anew_is_expected_to_come_to_what_it_took() -> None:
    meter = LayerMeter()
    now = play(meter, 3, 10.0, layers=1)
    full_bps = meter.expected_bps(0)
    assert full_bps == meter.rates[0].bitrate_bps

    def ramp(start: float, seconds: float) -> float:
        """A third of the frames."""
        for number in range(round(seconds * 8)):
            meter.on_packet(0, 1_000, number, start + number / 8)
        return start + seconds

    now = ramp(now + 20, 5)
    assert meter.rates[0].bitrate_bps < full_bps / 2
    assert meter.expected_bps(0) == full_bps
    now = ramp(now + 20, 5)
    assert full_bps / 2 < meter.expected_bps(0) < full_bps, "it fades with each time"
    ramp(now, 8)
    assert meter.expected_bps(0) == meter.rates[0].bitrate_bps, "after a while what is measured is true"
