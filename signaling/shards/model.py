"""The nouns of shards: what each tells of itself, and who holds a room."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field


class ShardState(StrEnum):
    """Whether a shard takes new rooms."""

    ACTIVE = "active"
    DRAINING = "draining"


class ShardInfo(BaseModel):
    """What a shard tells of itself with each heartbeat. ``load``: share of one processor core that it used, 0 to 1."""

    model_config = ConfigDict(extra="ignore")

    id: str = Field(description="Its name, the same after a restart.")
    incarnation: str = Field(description="Names this run of it.")
    state: ShardState = Field(default=ShardState.ACTIVE, description="`active` or `draining`.")
    region: str = Field(default="", description="Where it is.")
    version: str = Field(default="", description="Version of the server.")
    internal_url: str = Field(default="", description="Where other shards reach it.")
    media_addresses: list[str] = Field(default=[], description="Where media goes, as told by the configuration.")
    media_port: int = Field(default=0, description="UDP port of its media.")
    pid: int = Field(default=0, description="Its process on its machine.")
    max_rooms: int = Field(default=1, description="Rooms that it takes at most.")
    max_participants: int = Field(default=1, description="Participants that it takes at most.")
    max_subscribers: int | None = Field(default=None, description="Participants that receive from it at most.")
    max_load: float = Field(default=1.0, description="Load above which it takes no new room.")
    rooms: int = Field(default=0, description="Open rooms.")
    participants: int = Field(default=0, description="Participants in them.")
    subscribers: int = Field(default=0, description="Those who receive media from it.")
    load: float = Field(default=0.0, description="Share of one processor core, 0 to 1.")
    started_unix: float = Field(default=0.0, description="Start, seconds since 1970.")
    beat_unix: float = Field(default=0.0, description="Latest heartbeat, seconds since 1970 by its own clock.")

    @property
    def holder(self) -> str:
        """How leases name it: a shard that was started anew is another holder."""
        return holder_of(self.id, self.incarnation)

    @property
    def fullness(self) -> float:
        """How full it is by what is scarcest; from 1.0 on nothing more fits.

        The load of a second says little: it counts from the half of what is allowed on.
        """
        busy = 2 * self.load / self.max_load - 1
        return max(self.rooms / self.max_rooms, self.participants / self.max_participants, busy, 0.0)


def holder_of(shard_id: str, incarnation: str) -> str:
    """The name of one run of a shard in leases."""
    return f"{shard_id}/{incarnation}"


def shard_of(holder: str) -> str:
    """The shard of a lease's holder."""
    return holder.partition("/")[0]


@dataclass(frozen=True, slots=True)
class Lease:
    """Who has a room. ``fence`` grows with every change of hands; only writes with the newest are taken."""

    holder: str
    fence: str
