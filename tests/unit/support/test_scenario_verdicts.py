"""The scenario runner's judges, on timelines made by hand: what must pass passes, what must fail fails."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.bench.scenarios import verdicts
from tests.bench.scenarios.timeline import Row, Timeline, UplinkRow, VideoRow, frozen_s, layer_changes, stalled

ROW = Row(
    t_s=0.0,
    sent_bps=2e6,
    received_bps=2e6,
    queue_ms=5.0,
    packets=0,
    lost=0,
    queue_full=0,
    rate_bps=5e6,
    estimate_bps=4e6,
    limited_by=None,
    current={"ada": "f/0/2"},
    target={"ada": "f/0/2"},
    videos={},
    concealed=0,
    samples=0,
    audible=1,
    rtt_ms=40.0,
)


def played(seconds: float, change: Callable[[float, Row], Row] = lambda _t, row: row) -> Timeline:
    """A subscriber to whom all is well, bent by ``change``."""
    line = Timeline("test", "test", notes={"height": 720, "publishers": 1, "speaker": "ada"})
    rows = []
    for step in range(int(seconds * 4)):
        t_s = step / 4
        video = VideoRow(720, int(t_s * 20), 0.0, 0, 1, 0)
        row = replace(ROW, t_s=t_s, videos={"ada": video}, packets=step * 50, samples=step * 12_000)
        rows.append(change(t_s, row))
    line.subscribers["bela"] = rows
    line.publishers["ada"] = [UplinkRow(row.t_s, 2e6, {"f": 1.6e6, "h": 4e5}) for row in rows]
    return line


def words(found: list[verdicts.Verdict]) -> list[bool | None]:
    return [one.passed for one in found]


def falls(layer_s: float, queue_s: float, frozen_s: float) -> Timeline:
    def change(t_s: float, row: Row) -> Row:
        if not 10 <= t_s < 20:
            return row
        target = {"ada": "h/0/2"} if t_s >= 10 + layer_s else row.target
        video = replace(row.videos["ada"], frozen_s=frozen_s if t_s > 11 else 0.0)
        return replace(row, target=target, queue_ms=300.0 if t_s < 10 + queue_s else 20.0, videos={"ada": video})

    line = played(30, change)
    line.marks = {"falls": 10.0, "returns": 20.0}
    return line


def test_a_good_fall_passes() -> None:
    assert words(verdicts.fall(falls(1.0, 2.0, 0.2))) == [True] * 4


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (falls(3.0, 2.0, 0.2), [True, False, True, True]),
        (falls(99.0, 2.0, 0.2), [True, False, True, True]),
        (falls(1.0, 5.0, 0.2), [True, True, True, False]),
        (falls(1.0, 99.0, 0.2), [True, True, True, False]),
        (falls(1.0, 2.0, 1.5), [True, True, False, True]),
    ],
)
def test_each_fault_of_a_fall_is_seen(line: Timeline, expected: list[bool]) -> None:
    assert words(verdicts.fall(line)) == expected


def test_recovery_counts_from_the_return() -> None:
    def change(t_s: float, row: Row) -> Row:
        low = replace(row.videos["ada"], height=360)
        return replace(row, videos={"ada": low}) if t_s < 26 else row

    line = played(40, change)
    line.marks = {"returns": 20.0}
    assert words(verdicts.recovery(line)) == [True, True]
    line.marks = {"returns": 14.0}
    assert words(verdicts.recovery(line)) == [False, True]


def test_a_constant_path_judges_the_error_at_each_moment() -> None:
    def swing(t_s: float, row: Row) -> Row:
        return replace(row, rate_bps=1e6, estimate_bps=0.6e6 if int(t_s) % 2 else 1.4e6)

    line = played(60, lambda _t, row: replace(row, rate_bps=1e6, estimate_bps=0.92e6))
    line.marks = {"settled": 5.0}
    assert words(verdicts.constant(line)) == [True] * 4
    line = played(60, swing)
    line.marks = {"settled": 5.0}
    assert words(verdicts.constant(line))[0] is False


def test_layers_that_flap_are_counted_and_frame_rates_are_not() -> None:
    def flap(t_s: float, row: Row) -> Row:
        return replace(row, current={"ada": f"{'fh'[int(t_s / 5) % 2]}/0/{int(t_s) % 3}"})

    assert layer_changes(played(60, flap).rows()) == 11


def test_a_picture_that_stands_still_is_found() -> None:
    def stop(t_s: float, row: Row) -> Row:
        video = replace(row.videos["ada"], frames=min(row.videos["ada"].frames, 200))
        return replace(row, videos={"ada": video})

    assert stalled(played(20, stop).rows(), 2) == ["ada"]
    assert stalled(played(20).rows(), 2) == []


def test_a_freeze_that_is_not_over_counts() -> None:
    def stop(t_s: float, row: Row) -> Row:
        video = replace(row.videos["ada"], frames=min(row.videos["ada"].frames, 200), frozen_s=0.25 if t_s > 5 else 0.0)
        return replace(row, videos={"ada": video})

    assert frozen_s(played(20, stop).rows()) == pytest.approx(10, abs=0.5)
    assert frozen_s(played(20).rows()) == 0


def test_loss_and_concealment_are_shares() -> None:
    line = played(30, lambda t_s, row: replace(row, concealed=int(row.samples * 0.2)))
    line.marks = {"settled": 5.0}
    assert words(verdicts.heavy_loss(line)) == [False, True]
    line = played(30)
    line.marks = {"lossy": 5.0}
    assert words(verdicts.light_loss(line)) == [True, True]


def test_the_uplink_has_to_fall_and_the_picture_to_come_back() -> None:
    def less(t_s: float, row: Row) -> Row:
        low = replace(row.videos["ada"], height=180)
        return replace(row, videos={"ada": low}) if 10 <= t_s < 21 else row

    line = played(30, less)
    line.marks = {"less": 10.0, "more": 20.0}
    assert words(verdicts.unused(line)) == [False, False, True, True]
    line.publishers["ada"] = [replace(row, bps=2e5) if 13 <= row.t_s < 20 else row for row in line.publishers["ada"]]
    assert words(verdicts.unused(line)) == [True] * 4
