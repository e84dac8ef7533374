"""Rates from two surveys: nothing is made up for a shard that is new, silent, or was started anew."""

from __future__ import annotations

import io
from typing import Any

import pytest
from rich.console import Console

from scripts.ops.rates import per_second, quantile_ms
from scripts.ops.top import render


def shard(name: str, packets: int, incarnation: str = "a", *, silent: bool = False) -> dict[str, Any]:
    figures = {
        **dict.fromkeys(("packets_received", "bytes_received", "messages_received", "messages_sent"), 0),
        "packets_sent": packets,
        "bytes_sent": 1_000 * packets,
        "loop_lag_ms": 0.5,
        "redis_up": True,
        "loop_counts": [packets, 0, 0],
        "loop_bounds_s": [0.001, 0.01],
        "forwarding_counts": [0, packets, 0],
        "forwarding_bounds_s": [0.001, 0.01],
    }
    told = {"id": name, "incarnation": incarnation, "state": "active", "rooms": 1, "participants": 2}
    return {**told, "load": 0.25, "max_load": 0.9, "counters": {}, "figures": None if silent else figures}


def survey(*shards: dict[str, Any]) -> dict[str, Any]:
    return {"shards": list(shards), "rooms": []}


def test_rates_are_differences_over_time() -> None:
    (one,) = per_second(survey(shard("s", 100)), survey(shard("s", 300)), 2.0)
    assert one["packets_sent_per_s"] == 100.0
    assert one["bytes_sent_per_s"] == 100_000.0
    assert (one["loop_p99_ms"], one["forwarding_p99_ms"]) == (1.0, 10.0)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (survey(), survey(shard("s", 300))),
        (survey(shard("s", 900)), survey(shard("s", 300, "b"))),
        (survey(shard("s", 100)), survey(shard("s", 300, silent=True))),
        (survey(shard("s", 100, silent=True)), survey(shard("s", 300))),
    ],
    ids=["new", "restarted", "silent", "was silent"],
)
def test_no_rate_where_there_is_nothing_to_compare(before: dict[str, Any], after: dict[str, Any]) -> None:
    (one,) = per_second(before, after, 2.0)
    assert one["packets_sent_per_s"] is None and one["loop_p99_ms"] is None


def test_quantiles_of_nothing_are_unknown() -> None:
    assert quantile_ms([0.001], [0, 0], 0.5) is None
    assert quantile_ms([0.001, 0.1], [0, 0, 5], 0.5) == 100.0


def test_the_picture_shows_what_is_wrong() -> None:
    room = {
        "room_id": "demo",
        "shard": "s",
        "participants": 3,
        "away": 1,
        "waiting": 0,
        "publications": 4,
        "up_bps": 1_500_000,
        "down_bps": 3_000_000,
        "worst_loss": 0.12,
        "rtt_ms": 40.0,
        "quality": {"poor": 1, "good": 2},
        "recordings": 1,
        "streams": 0,
    }
    shards = per_second(survey(shard("s", 100)), survey(shard("s", 300), shard("t", 0, silent=True)), 2.0)
    console = Console(width=200, record=True, file=io.StringIO())
    console.print(render({"shards": shards, "rooms": [room]}))
    text = console.export_text()
    assert "2 shards, 1 rooms, 3 participants" in text
    assert "silent" in text and "12.0%" in text and "1.5 Mbit/s" in text
