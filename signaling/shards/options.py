"""What an operator may set of shards."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator


class ShardOptions(BaseModel):
    """This process among others that share a Redis; part of the settings tree as ``shards``."""

    model_config = ConfigDict(extra="forbid")

    id: str | None = Field(
        default=None,
        pattern=r"^[A-Za-z0-9_.-]{1,64}$",
        description="Name of this shard, unique and the same after a restart; absent: made of host name and process.",
    )
    region: str = Field(
        default="", max_length=64, description="Where this shard is; new rooms prefer shards of the same region."
    )
    internal_host: str = Field(
        default="127.0.0.1",
        description="Address on which other shards reach this one; on several machines one of the private network.",
    )
    internal_port: int = Field(default=0, ge=0, le=65535, description="TCP port for other shards; 0: any free one.")
    secret: SecretStr | None = Field(
        default=None,
        description="Shards prove themselves to each other by it, at least 32 bytes; absent: made of `auth.secret`.",
    )
    heartbeat_interval_s: float = Field(
        default=1.0, gt=0.05, le=10, description="A shard tells that it lives, and renews its rooms, this often."
    )
    lease_lifetime_s: float = Field(
        default=4.0, ge=0.2, le=60, description="A shard that is silent for so long loses its rooms to others."
    )
    max_rooms: int = Field(default=2_000, ge=1, description="Rooms that this shard takes at most.")
    max_participants: int = Field(default=2_000, ge=1, description="Participants that this shard takes at most.")
    max_subscribers: int | None = Field(
        default=500,
        ge=0,
        description="Participants that receive media from this shard itself; of a room with more, others receive from "
        "another shard that has place, to which each track is sent once. None: no limit.",
    )
    max_load: float = Field(
        default=0.9, gt=0, le=1, description="Above this share of one processor core no new room is placed here."
    )
    move_overlap_s: float = Field(
        default=8.0,
        ge=0,
        le=60,
        description="After a move the old shard goes on forwarding for so long, until clients have changed over.",
    )
    drain_timeout_s: float = Field(
        default=30.0, ge=0, le=600, description="Longest time on SIGTERM for moving rooms to other shards."
    )
    takeover_wait_s: float = Field(
        default=10.0, gt=0, le=60, description="A request for a room whose shard is silent waits so long for the next."
    )

    @model_validator(mode="after")
    def _renewed_in_time(self) -> ShardOptions:
        if self.lease_lifetime_s < 2 * self.heartbeat_interval_s:
            raise ValueError("shards.lease_lifetime_s must be at least twice shards.heartbeat_interval_s")
        if self.secret is not None and len(self.secret.get_secret_value().encode()) < 32:
            raise ValueError("shards.secret must have at least 32 bytes")
        return self
