"""What an operator may set of signaling: tokens, rooms, Redis, and what the HTTP side tells browsers."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from signaling.chat.options import ChatOptions
from signaling.events.options import EventOptions as EventOptions
from signaling.files.options import FileOptions
from signaling.model import Role, RolePermissions, RoomSettings
from signaling.shards.options import ShardOptions as ShardOptions

MIN_SECRET_BYTES = 32
# RFC 7065 section 3.1: scheme, host (a name, IPv4, or IPv6 in brackets), port and transport.
_TURN_URL = re.compile(r"turns?:(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?(?:\?transport=(?:udp|tcp))?")
Algorithm = Literal["HS256", "RS256", "ES256", "EdDSA"]


class AuthOptions(BaseModel):
    """How participants' tokens are checked; part of the settings tree as ``auth``."""

    model_config = ConfigDict(extra="forbid")

    secret: SecretStr | None = Field(
        default=None,
        description="Secret of HS256 tokens and of invites, at least 32 bytes. Needed while HS256 is accepted.",
    )
    algorithms: list[Algorithm] = Field(
        default=["HS256"], min_length=1, description="Signature algorithms that are accepted; all others are refused."
    )
    public_key_file: Path | None = Field(
        default=None, description="PEM file with the public key of RS256, ES256 or EdDSA tokens."
    )
    jwks_file: Path | None = Field(
        default=None, description="JSON Web Key Set with the public keys; a token names its key by `kid`."
    )
    issuer: str | None = Field(default=None, description="The `iss` a token must carry; absent: not looked at.")
    audience: str | None = Field(default=None, description="The `aud` a token must carry; absent: not looked at.")
    leeway_s: float = Field(
        default=0.0, ge=0, le=300, description="Clock difference in seconds that `exp` and `nbf` are granted."
    )
    allow_invites: bool = Field(default=True, description="Signed invites may be exchanged for a participant's token.")
    invite_token_lifetime_s: int = Field(
        default=12 * 3600,
        ge=60,
        le=7 * 86_400,
        description="Life in seconds of a token that an invite was exchanged for.",
    )

    @field_validator("secret")
    @classmethod
    def _long_enough(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and len(value.get_secret_value().encode()) < MIN_SECRET_BYTES:
            raise ValueError(f"a secret must have at least {MIN_SECRET_BYTES} bytes")
        return value


class IceServer(BaseModel):
    """A STUN or TURN server, as browsers take it."""

    model_config = ConfigDict(extra="forbid")

    urls: list[str] = Field(min_length=1, description="Addresses such as `stun:stun.example.org:3478`.")
    username: str | None = Field(default=None, description="User name of a TURN server.")
    credential: SecretStr | None = Field(default=None, description="Password of a TURN server.")


class TurnOptions(BaseModel):
    """TURN servers that share a secret with us: each client gets credentials of its own, good for a while."""

    model_config = ConfigDict(extra="forbid")

    urls: list[str] = Field(
        default=[],
        description="Addresses of the servers, such as `turn:turn.example.org:3478?transport=udp`; empty: none.",
    )
    secret: SecretStr | None = Field(
        default=None, description="The shared secret: coturn's `static-auth-secret` with `use-auth-secret`."
    )
    lifetime_s: int = Field(
        default=21_600,
        ge=300,
        le=604_800,
        description="Seconds for which credentials are good. Running allocations outlive them.",
    )

    @field_validator("urls")
    @classmethod
    def _are_turn(cls, urls: list[str]) -> list[str]:
        for url in urls:
            if _TURN_URL.fullmatch(url) is None:
                raise ValueError(f"{url} is not like turn:host:port or turns:host:port?transport=tcp")
        return urls

    @model_validator(mode="after")
    def _is_complete(self) -> TurnOptions:
        if self.urls and self.secret is None:
            raise ValueError("rooms.turn.urls needs rooms.turn.secret, which the TURN server knows too")
        return self


class RoomOptions(BaseModel):
    """What rooms start with and what a session may send; part of the settings tree as ``rooms``."""

    model_config = ConfigDict(extra="forbid")

    settings: RoomSettings = Field(default=RoomSettings(), description="The settings that a new room starts with.")
    permissions: RolePermissions = Field(default=RolePermissions(), description="The permissions of each role.")
    lock_exempt_roles: list[Role] = Field(
        default=[Role.HOST, Role.MODERATOR], description="Tokens with these roles enter a locked room."
    )
    wait_for_host: bool = Field(
        default=False,
        description="Without a host in the room all but hosts and moderators by token wait for one. "
        "Otherwise the first who comes is the host.",
    )
    waiting_room_at_percent: int | None = Field(
        default=None,
        ge=1,
        le=100,
        description="From this share of `max_participants` on newcomers need approval; absent: never for that.",
    )
    queue_when_full: bool = Field(
        default=False, description="Who comes to a full room waits for a free place in place of being refused."
    )
    max_waiting: int = Field(default=500, ge=0, le=10_000, description="Users who may wait before one room.")
    waiting_place_s: float = Field(
        default=30.0, ge=0, le=600, description="One who waits and is cut off keeps its place for so long."
    )
    max_breakout_rooms: int = Field(default=50, ge=0, le=1_000, description="Breakout rooms of one room.")
    breakout_notice_s: float = Field(
        default=60.0, ge=0, le=3_600, description="So long before a breakout room closes by itself, this is told."
    )
    hand_raises_per_minute: int = Field(default=5, ge=1, description="Times a user may raise its hand in a minute.")
    ice_servers: list[IceServer] = Field(
        default=[], description="STUN and TURN servers for clients; none is needed where the media port is reachable."
    )
    turn: TurnOptions = Field(
        default_factory=TurnOptions, description="TURN servers with time-limited credentials, made for each client."
    )
    heartbeat_interval_s: float = Field(default=10.0, gt=0, le=60, description="A client sends a heartbeat this often.")
    session_timeout_s: float = Field(
        default=30.0, gt=0, le=600, description="A session that sends nothing for so long is dropped."
    )
    resume_window_s: float = Field(
        default=30.0,
        ge=0,
        le=600,
        description="A participant whose connection is lost stays for so long, and can go on where it was; 0: no.",
    )
    resume_max_messages: int = Field(
        default=1_000,
        ge=1,
        le=100_000,
        description="Messages kept for a session to be sent again after a lost connection.",
    )
    resume_max_bytes: int = Field(
        default=1_048_576, ge=4_096, description="Bytes kept for a session to be sent again after a lost connection."
    )
    duplicate_session: Literal["replace", "refuse"] = Field(
        default="replace",
        description="When a user joins who is in the room already: `replace` the old session or `refuse` the new one.",
    )
    messages_per_minute: int = Field(
        default=100, ge=1, description="Messages of a user in a minute, negotiation and heartbeats apart."
    )
    rooms_created_per_hour: int = Field(
        default=10, ge=1, description="Rooms that a user may open in an hour; the same room again counts once."
    )
    requests_per_minute: int = Field(
        default=600, ge=1, description="REST calls of a user in a minute, reading included, at each process."
    )
    joins_per_minute: int = Field(
        default=60, ge=1, description="WebSockets that a user may open in a minute, at each process."
    )
    flood_messages_per_second: float = Field(
        default=50.0,
        gt=0,
        description="A session that goes on to send more messages of any kind in a second is closed. "
        "Large ones count for several.",
    )
    flood_burst: int = Field(
        default=500, ge=16, description="So many messages a session may send at once before that is looked at."
    )
    max_frame_bytes: int = Field(
        default=262_144, ge=16_384, le=4_194_304, description="Largest WebSocket frame that is read."
    )
    max_sdp_bytes: int = Field(
        default=262_144, ge=8_192, le=1_048_576, description="Largest SDP of a WHIP or WHEP request."
    )
    max_chat_characters: int = Field(default=4_000, ge=1, le=65_536, description="Longest chat message.")
    chat: ChatOptions = Field(default_factory=ChatOptions, description="The chat.")
    reactions_per_minute: int = Field(default=20, ge=1, description="Reactions of a user in a minute.")
    files: FileOptions = Field(default_factory=FileOptions, description="File transfers between participants.")
    max_queue_messages: int = Field(
        default=1_000, ge=16, description="Messages that may wait for a slow reader before its session is closed."
    )
    max_queue_bytes: int = Field(
        default=4_194_304, ge=65_536, description="Bytes that may wait for a slow reader before its session is closed."
    )
    max_publications: int = Field(default=16, ge=1, le=128, description="Publications of one participant.")
    max_viewers: int = Field(default=5_000, ge=0, description="WHEP viewers of one room.")
    speakers_interval_ms: int = Field(
        default=200, ge=50, le=5_000, description="Who is speaking is told at most once in so many milliseconds."
    )
    ingest_timeout_s: float = Field(
        default=30.0, gt=0, le=600, description="A WHIP or WHEP session without a connection for so long is ended."
    )


class RedisOptions(BaseModel):
    """Where the state of rooms lives; part of the settings tree as ``redis``."""

    model_config = ConfigDict(extra="forbid")

    url: str | None = Field(
        default=None,
        repr=False,
        description="Address such as `redis://:password@host:6379/0`, `redis+sentinel://host:26379,host2:26379/mymaster`"
        " or `redis+cluster://host:6379,host2:6379`; absent: an embedded server is started.",
    )
    key_prefix: str = Field(default="plenum", pattern=r"^[A-Za-z0-9_.-]{1,64}$", description="First part of every key.")
    connect_timeout_s: float = Field(default=2.0, gt=0, le=60, description="Longest wait for a connection.")
    command_timeout_s: float = Field(default=2.0, gt=0, le=60, description="Longest wait for one answer.")
    max_connections: int = Field(
        default=64, ge=2, le=10_000, description="Connections of one process at most, at a cluster to each node."
    )
    retries: int = Field(
        default=2, ge=0, le=10, description="A command whose connection breaks off is repeated so often."
    )
    breaker_failures: int = Field(
        default=3,
        ge=1,
        le=100,
        description="After so many failures in a row Redis is left alone until a probe succeeds.",
    )
    breaker_pause_s: float = Field(default=1.0, gt=0, le=60, description="Longest pause between two such probes.")
    presence_lifetime_s: int = Field(
        default=30, ge=5, description="Life of a participant's presence without a heartbeat."
    )
    roles_lifetime_s: int = Field(default=3_600, ge=60, description="Life of roles and permissions after the last use.")
    room_lifetime_s: int = Field(
        default=3_600,
        ge=60,
        description="Life, after the last use, of what is kept only while its room lives, should the server crash.",
    )
    settings_lifetime_s: int = Field(default=86_400, ge=60, description="Life of a room's settings after the last use.")


class PageOptions(BaseModel):
    """What browsers are told about our pages; part of the settings tree as ``page``."""

    model_config = ConfigDict(extra="forbid")

    frame_ancestors: list[str] = Field(
        default=["'self'"], description="Origins whose pages may embed the conference page (CSP `frame-ancestors`)."
    )
    media_sources: list[str] = Field(
        default=["https:"],
        description="Where recordings may be played from besides this server (CSP `media-src`, `img-src` and "
        "`connect-src`), such as the origin of an object storage without TLS.",
    )
    allowed_origins: list[str] = Field(
        default=["*"], description="Origins whose pages may call REST, WHIP and WHEP (CORS); tokens guard the calls."
    )


class SignalingOptions(BaseModel):
    """All options of signaling, as the composition root hands them to ``create_app``."""

    model_config = ConfigDict(extra="forbid")

    auth: AuthOptions = Field(default_factory=AuthOptions, description="Tokens and invites.")
    rooms: RoomOptions = Field(default_factory=RoomOptions, description="Rooms and sessions.")
    redis: RedisOptions = Field(default_factory=RedisOptions, description="The state of rooms.")
    page: PageOptions = Field(default_factory=PageOptions, description="Pages and browsers.")
    events: EventOptions = Field(default_factory=EventOptions, description="The event log and webhooks.")
    shards: ShardOptions = Field(default_factory=ShardOptions, description="This process among others.")
