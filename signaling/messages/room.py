"""Joining, leaving, and what keeps a session alive."""

from __future__ import annotations

from typing import ClassVar

from pydantic import BaseModel, ConfigDict, Field

from signaling.errors import ErrorBody
from signaling.messages.background import VirtualBackground
from signaling.messages.base import Incoming, Outgoing
from signaling.messages.breakouts import BreakoutInfo
from signaling.messages.files import TransferInfo
from signaling.messages.hands import RaisedHand
from signaling.messages.live import LiveStreamInfo
from signaling.messages.recordings import RecordingInfo
from signaling.messages.waiting import WaitingInfo
from signaling.model import Kind, Permissions, Role, RoomSettings, Source


class PublicationInfo(BaseModel):
    """What a participant announces: one track."""

    publication_id: str = Field(description="Identifies the track in this room.")
    user_id: str = Field(description="Username of the publisher.")
    source: Source = Field(description="What it shows.")
    kind: Kind = Field(description="Its medium.")
    muted: bool = Field(description="Whether nothing of it is forwarded now.")


class ParticipantInfo(BaseModel):
    """The enhanced information on a participant."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "username": "alice",
                    "display_name": "Alice",
                    "avatar_url": None,
                    "connection_quality": None,
                    "is_speaking": False,
                    "audio_level": 0.0,
                    "is_hand_raised": False,
                    "role": "host",
                    "joined_at": "2026-11-24T09:00:00.000Z",
                    "audio_enabled": True,
                    "video_enabled": True,
                    "screen_sharing": False,
                    "virtual_background": None,
                    "breakout_room_id": None,
                }
            ]
        }
    )

    username: str = Field(description="The token's `sub`: the only identity.")
    display_name: str = Field(description="Name to show.")
    avatar_url: str | None = Field(description="Picture to show.")
    connection_quality: str | None = Field(
        default=None, description="`excellent`, `good`, `fair` or `poor`; null until it is measured."
    )
    is_speaking: bool = Field(description="Whether it is speaking now.")
    audio_level: float = Field(ge=0, le=1, description="Loudness, 0.0 to 1.0.")
    is_hand_raised: bool = Field(default=False, description="Whether its hand is raised.")
    role: Role = Field(description="Its role.")
    joined_at: str = Field(description="When it joined, ISO 8601 in UTC.")
    audio_enabled: bool = Field(description="Whether its microphone can be heard.")
    video_enabled: bool = Field(description="Whether its camera can be seen.")
    screen_sharing: bool = Field(description="Whether it shares a screen.")
    virtual_background: VirtualBackground | None = Field(
        default=None, description="What is shown behind it; null: it has not said."
    )
    breakout_room_id: str | None = Field(
        default=None,
        description="In which breakout room it is; null: in the main room. Of those elsewhere, what can be heard and "
        "seen is not kept up to date.",
    )


class IceServerInfo(BaseModel):
    """A STUN or TURN server, to be given to `RTCPeerConnection` as it is."""

    urls: list[str] = Field(description="Addresses.")
    username: str | None = Field(default=None, description="User name of a TURN server.")
    credential: str | None = Field(default=None, description="Password of a TURN server.")


class RoomState(Outgoing):
    """The first message after a join: everything a client needs to draw the room."""

    type_name: ClassVar[str] = "room-state"

    room_id: str = Field(description="The room.")
    session_id: str = Field(description="This session.")
    user_id: str = Field(description="The receiver's own username.")
    role: Role = Field(description="The receiver's own role.")
    permissions: Permissions = Field(description="The receiver's own permissions.")
    settings: RoomSettings = Field(description="The room's settings.")
    participants: list[ParticipantInfo] = Field(description="All participants, the receiver too, in order of joining.")
    publications: list[PublicationInfo] = Field(
        description="All tracks where the receiver is: in its breakout room, or in the main room."
    )
    breakout_room_id: str | None = Field(
        default=None, description="In which breakout room the receiver is; null: in the main room."
    )
    breakout_rooms: list[BreakoutInfo] = Field(default=[], description="All breakout rooms.")
    hand_raise_queue: list[RaisedHand] = Field(default=[], description="Raised hands, first in first out.")
    waiting_room: list[WaitingInfo] = Field(
        default=[], description="Who waits to be admitted; only told to who manages participants."
    )
    recordings: list[RecordingInfo] = Field(
        default=[], description="Recordings under way: whoever joins has to be told that it is recorded."
    )
    live_streams: list[LiveStreamInfo] = Field(default=[], description="Live streams under way.")
    file_transfers: list[TransferInfo] = Field(
        default=[], description="File transfers under way from and to the receiver."
    )
    ice_servers: list[IceServerInfo] = Field(description="STUN and TURN servers for the peer connections.")
    heartbeat_interval_ms: int = Field(description="How often the client sends a heartbeat.")
    features: dict[str, bool] = Field(description="What this server can do.")
    continued: bool = Field(
        default=False,
        description="This session takes the place of the one that was named: messages that were not answered may be "
        "sent again with their ids, and are not done twice.",
    )


class UserJoined(ParticipantInfo, Outgoing):
    """Somebody joined; goes to the others."""

    type_name: ClassVar[str] = "user-joined"


class UserLeft(Outgoing):
    """Somebody left; goes to the others."""

    type_name: ClassVar[str] = "user-left"

    username: str = Field(description="Who left.")
    reason: str = Field(
        description="`left`, `disconnected`, `timeout`, `media_failed`, `flooded`, `kicked` or `banned`."
    )


class RoleUpdated(Outgoing):
    """A participant's role changed."""

    type_name: ClassVar[str] = "role-updated"

    user_id: str = Field(description="Whose role.")
    role: Role = Field(description="The new role.")
    updated_by: str | None = Field(description="Who changed it; null: the server.")


class PermissionUpdated(Outgoing):
    """A participant's permissions changed."""

    type_name: ClassVar[str] = "permission-updated"

    user_id: str = Field(description="Whose permissions.")
    permissions: Permissions = Field(description="All seven, as they are now.")
    updated_by: str | None = Field(description="Who changed them; null: the server.")


class ErrorMessage(ErrorBody, Outgoing):
    """Something a client asked for could not be done; never ends the session by itself."""

    type_name: ClassVar[str] = "error"


class Ack(Outgoing):
    """The answer to a message with an `id` that has no other."""

    type_name: ClassVar[str] = "ack"


class HeartbeatRequest(Incoming):
    """A client is alive; sent every `heartbeat_interval_ms`."""

    type_name: ClassVar[str] = "heartbeat"

    last_seq: int | None = Field(
        default=None, ge=0, description="`seq` of the last message that the client has; older ones are kept no longer."
    )


class Heartbeat(Outgoing):
    """The answer to a heartbeat."""

    type_name: ClassVar[str] = "heartbeat"


class LeaveRequest(Incoming):
    """A client leaves on purpose."""

    type_name: ClassVar[str] = "leave"
