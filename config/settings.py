"""The settings tree: one typed model whose branches are the options of the parts."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from config.options import HttpOptions, LoggingOptions, TracingOptions
from media.jobs.options import JobOptions
from recorder.options import RecorderOptions
from sfu.options import MediaOptions
from signaling.options import (
    AuthOptions,
    EventOptions,
    PageOptions,
    RedisOptions,
    RoomOptions,
    ShardOptions,
    SignalingOptions,
)
from streaming.options import LiveOptions


class Settings(BaseModel):
    """Everything an operator may set. Every leaf has a default, a description and a type."""

    model_config = ConfigDict(extra="forbid")

    auth: AuthOptions = Field(default_factory=AuthOptions, description="Tokens and invites.")
    http: HttpOptions = Field(default_factory=HttpOptions, description="HTTP and WebSocket listener.")
    media: MediaOptions = Field(default_factory=MediaOptions, description="Media engine: ports, addresses, codecs.")
    rooms: RoomOptions = Field(default_factory=RoomOptions, description="Rooms and sessions.")
    redis: RedisOptions = Field(default_factory=RedisOptions, description="The state of rooms.")
    page: PageOptions = Field(default_factory=PageOptions, description="Pages and browsers.")
    events: EventOptions = Field(default_factory=EventOptions, description="The event log of rooms, and webhooks.")
    jobs: JobOptions = Field(default_factory=JobOptions, description="Worker processes of recordings and live outputs.")
    recording: RecorderOptions = Field(default_factory=RecorderOptions, description="Recordings and their storage.")
    shards: ShardOptions = Field(default_factory=ShardOptions, description="This process among others.")
    live: LiveOptions = Field(default_factory=LiveOptions, description="Live output by RTMP and HLS, and RTMP in.")
    logging: LoggingOptions = Field(default_factory=LoggingOptions, description="The log.")
    tracing: TracingOptions = Field(default_factory=TracingOptions, description="Traces of joins, for OpenTelemetry.")

    def signaling(self) -> SignalingOptions:
        """The options of signaling as one value."""
        return SignalingOptions(
            auth=self.auth, rooms=self.rooms, redis=self.redis, page=self.page, events=self.events, shards=self.shards
        )
