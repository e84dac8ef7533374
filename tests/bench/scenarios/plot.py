"""A timeline as a picture: rates, queue, layers and freezes over time."""

from __future__ import annotations

from pathlib import Path

import matplotlib

matplotlib.use("Agg")

from matplotlib import pyplot
from matplotlib.axes import Axes

from tests.bench.scenarios import timeline as of
from tests.bench.scenarios.timeline import Row, Timeline

_WIDTH_IN, _ROW_IN = 7.5, 1.5


def draw(line: Timeline, target: Path) -> None:
    """One column of axes a subscriber."""
    names = list(line.subscribers)
    figure, grid = pyplot.subplots(
        4,
        len(names),
        sharex=True,
        squeeze=False,
        figsize=(_WIDTH_IN * len(names), 4 * _ROW_IN + 1),
        gridspec_kw={"height_ratios": [2.2, 1, 1, 1]},
    )
    for column, name in enumerate(names):
        _draw_one(line, name, [grid[row][column] for row in range(4)])
    figure.suptitle(f"{line.scenario} · {line.driver}", fontsize=10)
    figure.tight_layout()
    figure.savefig(target, dpi=90)
    pyplot.close(figure)


def _draw_one(line: Timeline, name: str, axes: list[Axes]) -> None:
    rows = line.subscribers[name]
    rates, queue, layers, uplink = axes
    times = [row.t_s for row in rows]
    _rates(rates, rows, times)
    rates.set_title(name, fontsize=9)
    queue.fill_between(times, [row.queue_ms for row in rows], step="pre", color="#c77", linewidth=0)
    queue.set_ylabel("queue ms", fontsize=8)
    _layers(layers, rows, times)
    for publisher in line.publishers.values():
        for rid in sorted({rid for row in publisher for rid in row.by_rid_bps}):
            values = [row.by_rid_bps.get(rid, 0) / 1e6 for row in publisher]
            uplink.plot([row.t_s for row in publisher], values, linewidth=0.9, label=rid or "single")
        for row in publisher:
            if "cpu" in row.limited_by:
                uplink.axvspan(row.t_s - 0.25, row.t_s, color="#999", alpha=0.3, linewidth=0)
        break
    uplink.set_ylabel("uplink Mbit/s", fontsize=8)
    uplink.legend(fontsize=7, loc="upper right", ncols=3)
    uplink.set_xlabel("s", fontsize=8)
    for one in axes:
        for mark, at in line.marks.items():
            one.axvline(at, color="#888", linewidth=0.7, linestyle=":")
            if one is rates:
                one.text(at, one.get_ylim()[1], mark, fontsize=7, va="top")
        one.tick_params(labelsize=7)


def _rates(axes: Axes, rows: list[Row], times: list[float]) -> None:
    axes.plot(times, [row.sent_bps / 1e6 for row in rows], color="#7ab", linewidth=0.9, label="sent")
    axes.plot(times, [row.received_bps / 1e6 for row in rows], color="#284", linewidth=1.1, label="received")
    estimates = [float("nan") if row.estimate_bps is None else row.estimate_bps / 1e6 for row in rows]
    axes.plot(times, estimates, color="#d60", linewidth=1.2, label="estimate")
    paths = [float("nan") if row.rate_bps is None else row.rate_bps / 1e6 for row in rows]
    axes.step(times, paths, color="#000", linewidth=0.9, linestyle="--", where="post", label="path")
    top = max([*(row.sent_bps for row in rows), *(row.received_bps for row in rows), 1.0]) / 1e6
    axes.set_ylim(0, max(1.0, top * 1.25))
    axes.set_ylabel("Mbit/s", fontsize=8)
    axes.legend(fontsize=7, loc="upper right", ncols=4)


def _layers(axes: Axes, rows: list[Row], times: list[float]) -> None:
    for key in sorted({key for row in rows for key in row.videos}):
        heights = [row.videos[key].height if key in row.videos else 0 for row in rows]
        axes.step(times, heights, where="post", linewidth=0.9)
    before = 0.0
    for row in rows:
        total = sum(video.frozen_s for video in row.videos.values())
        if total > before:
            axes.axvspan(row.t_s - (total - before), row.t_s, color="#d33", alpha=0.35, linewidth=0)
        before = total
    axes.set_ylabel("lines, freezes", fontsize=8)
    axes.set_ylim(0, max(100, 1.1 * max(of.height(row) for row in rows)))
