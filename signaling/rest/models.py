"""Bodies of REST requests and answers."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from signaling.messages.room import IceServerInfo, ParticipantInfo
from signaling.names import MAX_DISPLAY_NAME_CHARACTERS


class Limits(BaseModel):
    """What a client must keep to."""

    heartbeat_interval_ms: int = Field(description="How often a client sends a heartbeat.")
    session_timeout_ms: int = Field(description="A session is dropped after so long a silence.")
    messages_per_minute: int = Field(description="Messages of a user in a minute, negotiation and heartbeats apart.")
    max_frame_bytes: int = Field(description="Largest WebSocket frame.")
    max_chat_characters: int = Field(description="Longest chat message.")
    chat_edit_window_s: int = Field(description="Seconds in which a chat message can be edited; 0: never.")
    max_image_bytes: int = Field(description="Largest image for the chat.")
    max_publications: int = Field(description="Tracks of one participant.")
    max_participants: int = Field(description="Participants of a new room.")


class ClientConfig(BaseModel):
    """What a client needs before it joins."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "ice_servers": [{"urls": ["stun:stun.example.org:3478"], "username": None, "credential": None}],
                    "limits": {
                        "heartbeat_interval_ms": 10000,
                        "session_timeout_ms": 30000,
                        "messages_per_minute": 100,
                        "max_frame_bytes": 262144,
                        "max_chat_characters": 4000,
                        "chat_edit_window_s": 900,
                        "max_image_bytes": 5242880,
                        "max_publications": 16,
                        "max_participants": 100,
                    },
                    "features": {"chat": True, "screen_share": True},
                }
            ]
        }
    )

    ice_servers: list[IceServerInfo] = Field(description="STUN and TURN servers for the peer connections.")
    limits: Limits = Field(description="What a client must keep to.")
    features: dict[str, bool] = Field(description="What this server can do.")


class Participants(BaseModel):
    """Who is in a room."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"room_id": "demo", "participants": ["alice", "bob"], "count": 2}]}
    )

    room_id: str = Field(description="The room.")
    participants: list[str] = Field(description="Usernames, in order of joining.")
    count: int = Field(description="How many.")


class EnhancedParticipants(BaseModel):
    """Who is in a room, with all that is known of each."""

    room_id: str = Field(description="The room.")
    participants: list[ParticipantInfo] = Field(description="In order of joining.")
    count: int = Field(description="How many.")


class ActiveRoom(BaseModel):
    """An open room."""

    room_id: str = Field(description="The room.")
    participants: int = Field(description="How many are in it.")
    publications: int = Field(description="How many tracks are published.")
    created_at: str = Field(description="When it was opened, ISO 8601 in UTC.")


class ActiveRooms(BaseModel):
    """The open rooms that the token may see."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "rooms": [
                        {
                            "room_id": "demo",
                            "participants": 2,
                            "publications": 4,
                            "created_at": "2026-11-24T09:00:00.000Z",
                        }
                    ],
                    "count": 1,
                }
            ]
        }
    )

    rooms: list[ActiveRoom] = Field(description="The rooms.")
    count: int = Field(description="How many.")


class Health(BaseModel):
    """Whether the server can serve."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "status": "ok",
                    "version": "0.1.0",
                    "uptime_s": 12.5,
                    "rooms": 1,
                    "participants": 2,
                    "redis": "ok",
                    "redis_circuit": "closed",
                }
            ]
        }
    )

    status: str = Field(description="`ok`, or `degraded` while Redis does not answer.")
    version: str = Field(description="Version of the server.")
    uptime_s: float = Field(description="Seconds since the start.")
    rooms: int = Field(description="Open rooms.")
    participants: int = Field(description="Participants of all rooms.")
    redis: str = Field(description="`ok` or `unavailable`.")
    redis_circuit: str = Field(
        default="closed", description="`open` or `half_open` while Redis is left alone because it did not answer."
    )
    redis_cause: str | None = Field(default=None, description="Why Redis is left alone.")


class Alive(BaseModel):
    """The process lives."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"alive": True, "loop_lag_s": 0.0004}]})

    alive: bool = Field(default=True, description="Always.")
    loop_lag_s: float = Field(description="How late the event loop's latest second came.")


class Ready(BaseModel):
    """Whether new rooms may come to this process."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"ready": False, "causes": ["draining"]}]})

    ready: bool = Field(description="Whether they may.")
    causes: list[str] = Field(
        description="`draining`, `stopping`, `max_rooms`, `max_participants`: why not; `redis_unavailable`: what is "
        "wrong all the same."
    )


class Target(BaseModel):
    """A group of targets as Prometheus takes them from `http_sd_configs`."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"targets": ["meet.example.org"], "labels": {"__param_shard": "shard-1", "shard": "shard-1"}}]
        }
    )

    targets: list[str] = Field(description="Addresses.")
    labels: dict[str, str] = Field(description="Labels of all figures from there; `__param_*` are parameters.")


class Stats(BaseModel):
    """Figures of this server."""

    uptime_s: float = Field(description="Seconds since the start.")
    rooms: int = Field(description="Open rooms.")
    participants: int = Field(description="Participants of all rooms.")
    sessions: int = Field(description="Open WebSockets.")
    publications: int = Field(description="Published tracks.")
    viewers: int = Field(description="WHEP viewers.")
    signaling: dict[str, int] = Field(description="Counters of messages, refusals and Redis, by name.")
    media: dict[str, object] = Field(description="Figures of the media engine.")


class InviteRequest(BaseModel):
    """An invite and the name its bearer wants to be shown under."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"invite": "eyJhbGciOi…", "display_name": "Alice"}]})

    invite: str = Field(min_length=1, max_length=4096, description="The invite.")
    display_name: str = Field(min_length=1, max_length=MAX_DISPLAY_NAME_CHARACTERS, description="Name to show.")


class InviteAccepted(BaseModel):
    """What an invite was exchanged for."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "token": "eyJhbGciOi…",
                    "username": "alice-3f9a1c",
                    "room_id": "demo",
                    "ws_url": "wss://meet.example.org/webrtc/ws/demo",
                }
            ]
        }
    )

    token: str = Field(description="A participant's token for the room.")
    username: str = Field(description="The username it holds.")
    room_id: str = Field(description="The room it opens.")
    ws_url: str = Field(description="Where to connect, without the token.")
