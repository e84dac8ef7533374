"""The first message of a session."""

from __future__ import annotations

from signaling.messages.room import IceServerInfo, RoomState
from signaling.options import RoomOptions
from signaling.room import Participant, Room

FEATURES: dict[str, bool] = {
    "chat": True,
    "screen_share": True,
    "data_relay": True,
    "whip": True,
    "whep": True,
    "recording": False,
    "live_streaming": False,
    "waiting_room": False,
    "breakout_rooms": False,
    "reactions": False,
    "hand_raise": False,
    "file_sharing": False,
    "session_resume": False,
}


def room_state(room: Room, participant: Participant, options: RoomOptions) -> RoomState:
    """All that ``participant`` needs to know to draw the room."""
    return RoomState(
        room_id=room.room_id,
        session_id=participant.session_id,
        user_id=participant.username,
        role=participant.role,
        permissions=participant.permissions,
        settings=room.settings,
        participants=[p.info() for p in room.participants.values()],
        publications=[p.info() for p in room.publications()],
        ice_servers=ice_servers(options),
        heartbeat_interval_ms=int(options.heartbeat_interval_s * 1000),
        features=FEATURES,
    )


def ice_servers(options: RoomOptions) -> list[IceServerInfo]:
    """The configured STUN and TURN servers, as clients get them."""
    return [
        IceServerInfo(
            urls=server.urls,
            username=server.username,
            credential=server.credential.get_secret_value() if server.credential is not None else None,
        )
        for server in options.ice_servers
    ]
