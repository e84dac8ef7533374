"""Where a new room goes."""

from __future__ import annotations

from collections import Counter

import pytest

from signaling.shards.model import ShardInfo, ShardState
from signaling.shards.placement import place


def shard(name: str, **given: object) -> ShardInfo:
    return ShardInfo.model_validate({"id": name, "incarnation": "1", "max_rooms": 10, "max_participants": 100, **given})


@pytest.mark.parametrize(
    ("shards", "region", "chosen"),
    [
        ([], "", None),
        ([shard("a")], "", "a"),
        ([shard("a", rooms=8), shard("b", rooms=2)], "", "b"),
        ([shard("a", participants=90), shard("b", rooms=7)], "", "b"),
        ([shard("a", rooms=10), shard("b", rooms=9)], "", "b"),
        ([shard("a", rooms=10)], "", None),
        ([shard("a", participants=100)], "", None),
        ([shard("a", load=0.95, max_load=0.9), shard("b", rooms=9)], "", "b"),
        ([shard("a", state=ShardState.DRAINING), shard("b", rooms=9)], "", "b"),
        ([shard("a", state=ShardState.DRAINING)], "", None),
        ([shard("a", region="eu", rooms=9), shard("b", region="us")], "eu", "a"),
        ([shard("a", region="eu", rooms=10), shard("b", region="us")], "eu", "b"),
        ([shard("a", region="eu"), shard("b", region="us", rooms=5)], "asia", "a"),
    ],
)
def test_the_emptiest_of_the_region_that_has_place(shards: list[ShardInfo], region: str, chosen: str | None) -> None:
    found = place("room", shards, region)
    assert (found.id if found else None) == chosen


def test_rooms_of_one_moment_are_spread() -> None:
    shards = [shard(name, rooms=index % 2) for index, name in enumerate("abcd")]
    counts = Counter(found.id for i in range(4_000) if (found := place(f"room{i}", shards)))
    assert set(counts) == set("abcd")
    assert max(counts.values()) < 1.2 * min(counts.values())


def test_all_shards_choose_alike_and_one_more_changes_few() -> None:
    before = [shard(name) for name in "abc"]
    after = [*before, shard("d")]
    rooms = [f"room{i}" for i in range(1_000)]
    first = {room: place(room, before) for room in rooms}
    assert first == {room: place(room, before[::-1]) for room in rooms}
    moved = [room for room in rooms if place(room, after) != first[room]]
    assert all((found := place(room, after)) and found.id == "d" for room in moved)
    assert 150 < len(moved) < 350


def test_those_that_are_not_wanted_are_left_out() -> None:
    found = place("room", [shard("a"), shard("b")], without=["a"])
    assert found is not None and found.id == "b"
