"""Histograms count values below their bounds."""

from __future__ import annotations

import pytest

from sfu.totals import Histogram


@pytest.mark.parametrize(
    ("values", "counts"),
    [([], [0, 0, 0]), ([0.5], [1, 0, 0]), ([1.0], [1, 0, 0]), ([1.1, 2.0], [0, 2, 0]), ([3.0, 9.0], [0, 0, 2])],
)
def test_values_are_counted_at_the_least_bound_that_holds_them(values: list[float], counts: list[int]) -> None:
    histogram = Histogram((1.0, 2.0))
    for value in values:
        histogram.observe(value)
    assert histogram.counts == counts
    assert histogram.sum == pytest.approx(sum(values))


def test_a_quantile_is_a_bound() -> None:
    histogram = Histogram((1.0, 2.0, 4.0))
    assert histogram.quantile(0.5) is None
    for value in (0.1, 0.2, 0.3, 3.0):
        histogram.observe(value)
    assert histogram.quantile(0.5) == 1.0
    assert histogram.quantile(0.99) == 4.0
    histogram.observe(100.0)
    assert histogram.quantile(1.0) == 4.0, "above all bounds nothing is known but that it is above"
