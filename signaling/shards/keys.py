"""Names of what shards keep in Redis.

``P:{R}:lease`` (string, seconds): who has the room; ``P:{R}:fence`` (string): the token of the latest taking, which
every write must carry. ``P:{shards}:ids`` (set), ``P:{shards}:at:ID`` (string, seconds): what each shard tells of
itself; ``P:{shards}:drain`` (hash): which are to be emptied; ``P:{shards}:dead:HOLDER``: runs of shards that have
certainly ended; ``P:{shards}:epoch``: which life of Redis this is.
"""

from __future__ import annotations

from signaling.key_base import room_base


class LeaseKeys:
    """The two keys of one room's lease."""

    __slots__ = ("fence", "lease")

    def __init__(self, prefix: str, room_id: str) -> None:
        room = room_base(prefix, room_id)
        self.lease = f"{room}:lease"
        self.fence = f"{room}:fence"


class ShardKeys:
    """The keys of the register of shards; in one hash slot, so that a cluster keeps them together."""

    __slots__ = ("_base", "drain", "epoch", "grace", "ids", "rooms")

    def __init__(self, prefix: str) -> None:
        self._base = f"{prefix}:{{shards}}"
        self.ids = f"{self._base}:ids"
        self.drain = f"{self._base}:drain"
        self.epoch = f"{self._base}:epoch"
        self.grace = f"{self._base}:grace"
        self.rooms = f"{prefix}:rooms"

    def at(self, shard_id: str) -> str:
        """What a shard tells of itself."""
        return f"{self._base}:at:{shard_id}"

    def dead(self, holder: str) -> str:
        """Set for a run of a shard that has certainly ended."""
        return f"{self._base}:dead:{holder}"
