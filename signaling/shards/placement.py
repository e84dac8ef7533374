"""Which shard a new room goes to. Pure: what the shards told of themselves comes in, one of them comes out."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable

from signaling.shards.model import ShardInfo, ShardState

# Heartbeats are a second old: of shards that are about as full as the emptiest the room's name chooses, or all rooms
# of one second would go to the same.
ABOUT_AS_FULL = 0.1


def takes_rooms(shard: ShardInfo) -> bool:
    """Whether a shard takes one more room: it is not draining, and none of its hard limits is reached."""
    return shard.state is ShardState.ACTIVE and shard.fullness < 1.0


def place(
    room_id: str, shards: Iterable[ShardInfo], region: str = "", without: Collection[str] = ()
) -> ShardInfo | None:
    """The shard for a new room: of ``region`` if one there has place, there the emptiest; None: all are full.

    ``without``: ids of shards that are not wanted.
    """
    able = [shard for shard in shards if takes_rooms(shard) and shard.id not in without]
    near = [shard for shard in able if shard.region == region]
    found = near or able
    if not found:
        return None
    emptiest = min(shard.fullness for shard in found)
    equal = [shard for shard in found if shard.fullness <= emptiest + ABOUT_AS_FULL]
    return max(equal, key=lambda shard: _weight(room_id, shard.id))


def _weight(room_id: str, shard_id: str) -> bytes:
    """Rendezvous hashing: every shard comes to the same choice, and a shard more or less changes few of them."""
    return hashlib.blake2b(f"{room_id}\n{shard_id}".encode(), digest_size=8).digest()
