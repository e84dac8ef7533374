"""The judge of connections: levels, hysteresis, advice."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfu.measuring import PathFigures
from signaling.quality import (
    BETTER_AFTER,
    CALM,
    SENTENCES,
    WORSE_AFTER,
    Advice,
    Figures,
    Judge,
    Level,
    advise,
    level_of,
)


def path(loss: float | None = 0.0, jitter: float | None = 5.0, rtt: float | None = 40.0, video: int = 0) -> PathFigures:
    return PathFigures(32_000, video, loss, jitter, rtt)


def up(loss: float, **more: float) -> Figures:
    return Figures(uplink=path(loss, **more))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("loss", "jitter", "rtt", "level"),
    [
        (0.0, 0.0, 0.0, Level.EXCELLENT),
        (0.01, 30, 150, Level.EXCELLENT),
        (0.011, 5, 40, Level.GOOD),
        (0.0, 31, 40, Level.GOOD),
        (0.0, 5, 151, Level.GOOD),
        (0.03, 50, 300, Level.GOOD),
        (0.031, 5, 40, Level.FAIR),
        (0.0, 51, 40, Level.FAIR),
        (0.0, 5, 301, Level.FAIR),
        (0.08, 100, 500, Level.FAIR),
        (0.081, 5, 40, Level.POOR),
        (0.0, 101, 40, Level.POOR),
        (0.0, 5, 501, Level.POOR),
        (1.0, None, None, Level.POOR),
        (None, None, None, Level.EXCELLENT),
        (0.02, None, 400, Level.FAIR),
    ],
)
def test_levels(loss: float | None, jitter: float | None, rtt: float | None, level: Level) -> None:
    one = path(loss, jitter, rtt)
    good = path()
    assert level_of(Figures(uplink=one)) is level
    assert level_of(Figures(downlink=one)) is level
    assert level_of(Figures(uplink=good, downlink=one)) is level, "the worse direction counts"
    assert level_of(Figures(uplink=one, interrupted=True)) is Level.POOR


@pytest.mark.parametrize(
    ("losses", "levels"),
    [
        # The first level needs two judgements, so that the first moments of a connection do not count.
        ([0.0], [None]),
        ([0.0, 0.0], [None, 3]),
        ([0.5, 0.0], [None, 3]),
        # One bad judgement is no trend, two are; the milder of them counts.
        ([0, 0, 0.1, 0, 0.1, 0], [None, 3, 3, 3, 3, 3]),
        ([0, 0, 0.1, 0.1], [None, 3, 3, 0]),
        ([0, 0, 0.05, 0.1, 0.1, 0.1], [None, 3, 3, 1, 1, 0]),
        # Four good ones bring it back, to the least of what they were.
        ([0.1, 0.1, 0, 0, 0, 0], [None, 0, 0, 0, 0, 3]),
        ([0.1, 0.1, 0, 0, 0, 0.02, 0, 0, 0, 0], [None, 0, 0, 0, 0, 2, 2, 2, 2, 3]),
        ([0.1, 0.1, 0, 0, 0, 0.1, 0, 0, 0, 0], [None, 0, 0, 0, 0, 0, 0, 0, 0, 3]),
        # Between three quarters of a limit and the limit the level stays as it is, from above and from below.
        ([0, 0, *[0.0095] * 6], [None, *[3] * 7]),
        ([0.02, 0.02, *[0.0095] * 6], [None, *[2] * 7]),
        ([0.02, 0.02, *[0.007] * 4], [None, 2, 2, 2, 2, 3]),
    ],
)
def test_hysteresis(losses: list[float], levels: list[int | None]) -> None:
    judge = Judge()
    seen = []
    for loss in losses:
        judge.judge(up(loss))
        seen.append(judge.level)
    assert seen == levels


def test_an_interruption_counts_at_once_and_ends_slowly() -> None:
    judge = Judge()
    assert not judge.judge(Figures())
    assert judge.judge(Figures(interrupted=True))
    assert judge.level is Level.POOR
    assert [judge.judge(up(0.0)) for _ in range(BETTER_AFTER)] == [False] * (BETTER_AFTER - 1) + [True]


def test_without_figures_the_level_stays() -> None:
    judge = Judge()
    for _ in range(WORSE_AFTER):
        judge.judge(up(0.1))
    for figures in (Figures(), Figures(uplink=PathFigures(jitter_ms=1.0))):
        assert not any(judge.judge(figures) for _ in range(10))
    assert judge.level is Level.POOR


@given(st.lists(st.floats(0, 0.2), max_size=200))
def test_the_level_never_flaps(losses: list[float]) -> None:
    judge = Judge()
    changes: list[tuple[int, int]] = []
    for at, loss in enumerate(losses):
        before = judge.level
        if judge.judge(up(loss)) and before is not None and judge.level is not None:
            changes.append((at, judge.level - before))
    for (earlier, first), (later, second) in itertools.pairwise(changes):
        assert later - earlier >= (WORSE_AFTER if second < 0 else BETTER_AFTER)
        assert first != 0 and second != 0


@given(st.floats(0, 0.2), st.floats(0, 200), st.floats(0, 800))
def test_calm_figures_are_never_better_than_they_are(loss: float, jitter: float, rtt: float) -> None:
    figures = Figures(uplink=path(loss, jitter, rtt))
    assert level_of(figures, CALM) <= level_of(figures)


@pytest.mark.parametrize(
    ("figures", "advice"),
    [
        (Figures(path(), path()), Advice.NONE),
        (up(0.02), Advice.NONE),
        (up(0.05), Advice.UPLINK_LOSS),
        (up(0.05, video=500_000), Advice.UPLINK_LOSS),
        (up(0.2), Advice.UPLINK_LOSS),
        (up(0.2, video=500_000), Advice.STOP_VIDEO),
        (Figures(downlink=path(0.05, video=1)), Advice.DOWNLINK_LOSS),
        (Figures(downlink=path(0.2)), Advice.DOWNLINK_LOSS),
        (Figures(path(0.05), path(0.2, video=1)), Advice.RECEIVE_LESS),
        (Figures(path(jitter=90), path()), Advice.UNSTEADY),
        (Figures(path(rtt=400), path(rtt=400)), Advice.DELAY),
        (Figures(path(0.2, video=1), path(), interrupted=True), Advice.RECONNECTING),
    ],
)
def test_advice(figures: Figures, advice: Advice) -> None:
    assert advise(figures, level_of(figures)) is advice
    assert SENTENCES[advice].endswith(".")


def test_no_advice_once_the_figures_are_fine_again() -> None:
    assert advise(up(0.0), Level.POOR) is Advice.NONE
    assert advise(Figures(), Level.POOR) is Advice.NONE


def test_the_round_trip_of_the_client_fills_the_gap_only() -> None:
    measured = Figures(path(rtt=None), path(rtt=60), reported_rtt_ms=900).completed()
    assert measured.uplink is not None and measured.uplink.rtt_ms == 60
    alone = Figures(path(rtt=None), None, reported_rtt_ms=900).completed()
    assert alone.uplink is not None and alone.uplink.rtt_ms == 900
    assert Figures(path(rtt=None)).completed() == Figures(path(rtt=None))
