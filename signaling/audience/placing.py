"""Which shard the next of a room's audience receives from. Pure: what the shards told comes in, one comes out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from signaling.shards.model import ShardInfo, ShardState


def choose_far(shards: Iterable[ShardInfo], own_id: str, taken: Mapping[str, int]) -> ShardInfo | None:
    """A shard with place for one more: one that the room is piped to already, the fewest copies cost the least; else
    the emptiest of the same region first. None: all are full.

    ``taken``: how many of this room receive from each shard, some of whom its last heartbeat may not have counted.
    """
    shards = list(shards)
    region = next((shard.region for shard in shards if shard.id == own_id), "")
    able = [
        shard
        for shard in shards
        if shard.id != own_id and shard.state is ShardState.ACTIVE and _used(shard, taken) < _most(shard)
    ]
    piped = [shard for shard in able if shard.id in taken]
    if piped:
        return max(piped, key=lambda shard: (taken[shard.id], shard.id))

    def rank(shard: ShardInfo) -> tuple[bool, int, float, str]:
        return shard.region != region, _used(shard, taken), shard.load, shard.id

    return min(able, key=rank, default=None)


def _used(shard: ShardInfo, taken: Mapping[str, int]) -> int:
    return max(shard.subscribers, taken.get(shard.id, 0))


def _most(shard: ShardInfo) -> int:
    return shard.max_subscribers if shard.max_subscribers is not None else shard.max_participants
