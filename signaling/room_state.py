"""The first message of a session."""

from __future__ import annotations

from signaling.breakouts.view import infos, seen_from
from signaling.hands import queue
from signaling.live.book import told
from signaling.messages.live import LiveStreamInfo
from signaling.messages.room import IceServerInfo, RoomState
from signaling.options import RoomOptions
from signaling.room import Participant, Room
from signaling.turn import credentials

FEATURES: dict[str, bool] = {
    "chat": True,
    "chat_history": True,
    "screen_share": True,
    "roles": True,
    "moderation": True,
    "data_relay": True,
    "whip": True,
    "whep": True,
    "waiting_room": True,
    "breakout_rooms": True,
    "reactions": True,
    "virtual_background": True,
    "e2ee_keys": True,
    "hand_raise": True,
    "file_sharing": True,
    "session_resume": True,
}


def room_state(
    room: Room,
    participant: Participant,
    options: RoomOptions,
    now_unix: float,
    *,
    continued: bool = False,
    recording: bool = False,
) -> RoomState:
    """All that ``participant`` needs to know to draw the room."""
    return RoomState(
        room_id=room.room_id,
        session_id=participant.session_id,
        user_id=participant.username,
        role=participant.role,
        permissions=participant.permissions,
        settings=room.settings,
        participants=[seen_from(p, participant.breakout_room_id) for p in room.participants.values()],
        publications=[p.info() for p in room.publications_in(participant.breakout_room_id)],
        breakout_room_id=participant.breakout_room_id,
        breakout_rooms=infos(room),
        hand_raise_queue=queue(room).queue,
        waiting_room=room.waiting.infos() if participant.permissions.can_manage_participants else [],
        file_transfers=[t.info() for t in room.files.open_of(participant.username)],
        ice_servers=ice_servers(options, participant.username, now_unix),
        heartbeat_interval_ms=int(options.heartbeat_interval_s * 1000),
        live_streams=[LiveStreamInfo.model_validate(told(record.info)) for record in room.live.running()],
        recordings=list(room.recordings.values()),
        features=features(options, live=room.live.capacity > 0, recording=recording),
        continued=continued,
    )


def features(options: RoomOptions, *, live: bool, recording: bool) -> dict[str, bool]:
    """What this server can do, as its operator has set it."""
    return {
        **FEATURES,
        "live_streaming": live,
        "recording": recording,
        "chat_images": options.chat.images,
        "link_previews": options.chat.link_previews,
        "file_sharing": options.files.enabled,
    }


def ice_servers(options: RoomOptions, username: str, now_unix: float) -> list[IceServerInfo]:
    """The STUN and TURN servers as ``username`` gets them, with credentials of its own where a secret is shared."""
    servers = [
        IceServerInfo(
            urls=server.urls,
            username=server.username,
            credential=server.credential.get_secret_value() if server.credential is not None else None,
        )
        for server in options.ice_servers
    ]
    turn = options.turn
    if turn.urls and turn.secret is not None:
        made = credentials(turn.secret.get_secret_value(), username, now_unix + turn.lifetime_s)
        servers.append(IceServerInfo(urls=turn.urls, username=made.username, credential=made.password))
    return servers
