"""Who may do what: one line for every message and every REST call about a room. New ones need a line here.

``victim`` is a participant of the room, ``lounger`` one who waits before it, ``banned`` one who may not come in.
``blue`` is a breakout room that nobody may enter by itself. ``{message_id}`` in a payload stands for a chat message
that the victim has written to the room.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

HOST = frozenset({"host"})
OFFICIALS = frozenset({"host", "moderator"})
ALL = frozenset({"host", "moderator", "participant", "guest"})
SHARERS = ALL - {"guest"}
NOBODY: frozenset[str] = frozenset()


def told(everybody: str = "", **some: str) -> dict[str, str]:
    """Types that people of the room get, in order: what all get that are not named, and what those get that are."""
    return {"": everybody, **some}


@dataclass(frozen=True)
class MessageLine:
    """``may``: roles that are not told ``permission_denied``; ``answer``: what those are told, if not a success.

    ``needs``: permissions without any of which it is denied, whatever the role; for what only officials may, the right
    to manage is one. ``off``: settings of the room that forbid it when they are off. ``seen``: what the others get.
    """

    type: str
    payload: dict[str, Any]
    may: frozenset[str] = ALL
    answer: str | None = None
    needs: tuple[str, ...] = ()
    off: tuple[str, ...] = ()
    seen: dict[str, str] = field(default_factory=told)

    @property
    def permissions(self) -> tuple[str, ...]:
        """All that are needed."""
        return self.needs or (("can_manage_participants",) if self.may in (OFFICIALS, HOST) else ())


def _publish(source: str) -> dict[str, Any]:
    kind = "audio" if source in ("microphone", "screen-audio") else "video"
    sdp = f'{{"tracks": {{"0": "{kind}"}}}}'
    return {"transport": "publish", "sdp": sdp, "tracks": {"0": {"source": source}}}


VICTIM = {"user_id": "victim"}
BLUE = {"breakout_room_id": "blue"}
LIVE = {"stream_url": "rtmp://live.example.org/app", "stream_key": "secret"}
OF_MESSAGE = {"message_id": "{message_id}"}
MESSAGES = (
    MessageLine("heartbeat", {}),
    MessageLine("leave", {}, seen=told("user-left role-updated")),
    MessageLine("offer", _publish("camera"), needs=("can_share_video",), seen=told("track-published offer")),
    MessageLine("offer", _publish("microphone"), needs=("can_share_audio",), seen=told("track-published offer")),
    MessageLine("offer", _publish("screen"), SHARERS, needs=("can_share_screen",), seen=told("track-published offer")),
    MessageLine("offer", {"target_user_id": "victim", "sdp": "v=0"}, seen=told(victim="offer")),
    MessageLine("answer", {"transport": "subscribe", "sdp": "{}"}, answer="invalid_state"),
    MessageLine("answer", {"target_user_id": "victim", "sdp": "v=0"}, seen=told(victim="answer")),
    MessageLine("ice-candidate", {"transport": "publish", "candidate": None}),
    MessageLine("ice-candidate", {"target_user_id": "victim", "candidate": None}, seen=told(victim="ice-candidate")),
    MessageLine("ice-restart", {"transport": "subscribe"}),
    MessageLine("media-control", {"audio_enabled": False}, seen=told("media-control")),
    MessageLine("media-control", VICTIM | {"audio_enabled": False}, OFFICIALS, seen=told("media-control")),
    MessageLine("media-control", VICTIM | {"audio_enabled": True}, NOBODY),
    MessageLine(
        "screen-share-control",
        {"screen_sharing": True},
        SHARERS,
        needs=("can_share_screen",),
        seen=told("screen-share-control"),
    ),
    MessageLine(
        "screen-share-control", VICTIM | {"screen_sharing": False}, OFFICIALS, seen=told("screen-share-control")
    ),
    MessageLine("network-stats", {"rtt": 10}),
    MessageLine("subscription-preferences", {"mode": "audio-only"}),
    MessageLine("analytics-event", {"event_type": "poll"}, seen=told(moderator="analytics-event")),
    MessageLine("role-update", VICTIM | {"role": "guest"}, OFFICIALS, seen=told("role-updated permission-updated")),
    MessageLine(
        "role-update",
        VICTIM | {"role": "moderator"},
        HOST,
        seen=told("role-updated permission-updated", victim="role-updated permission-updated waiting-room-join"),
    ),
    MessageLine(
        "role-update",
        VICTIM | {"role": "host"},
        HOST,
        seen=told(
            "role-updated role-updated permission-updated",
            victim="role-updated role-updated permission-updated waiting-room-join",
        ),
    ),
    MessageLine(
        "permission-update",
        VICTIM | {"permissions": {"can_send_chat": False}},
        OFFICIALS,
        seen=told("permission-updated"),
    ),
    MessageLine(
        "permission-update",
        VICTIM | {"permissions": {"can_manage_participants": True}},
        HOST,
        seen=told("permission-updated", victim="permission-updated waiting-room-join"),
    ),
    MessageLine("participant-update", {"display_name": "Me"}, seen=told("participant-update")),
    MessageLine("participant-update", VICTIM | {"display_name": "You"}, OFFICIALS, seen=told("participant-update")),
    MessageLine("room-settings-update", {"enable_chat": False}, OFFICIALS, seen=told("room-settings-update")),
    MessageLine("room-settings-update", {"require_host_approval": True}, HOST, seen=told("room-settings-update")),
    MessageLine("unmute-request", VICTIM, OFFICIALS, seen=told(victim="unmute-request")),
    MessageLine("kick", VICTIM, OFFICIALS, seen=told("user-left", victim="kick")),
    MessageLine("ban", VICTIM, OFFICIALS, seen=told("user-left", moderator="user-left ban-list", victim="kick")),
    MessageLine("unban", {"user_id": "banned"}, OFFICIALS, seen=told(moderator="ban-list")),
    MessageLine("ban-list", {}, OFFICIALS),
    MessageLine("waiting-room-join", {}, answer="invalid_state"),
    MessageLine(
        "waiting-room-admit",
        {"user_id": "lounger"},
        OFFICIALS,
        seen=told("user-joined", moderator="waiting-room-admit user-joined", lounger="waiting-room-admit room-state"),
    ),
    MessageLine(
        "waiting-room-reject",
        {"all": True},
        OFFICIALS,
        seen=told(moderator="waiting-room-reject", lounger="waiting-room-reject"),
    ),
    MessageLine("hand-raise", {"raised": True}, seen=told("hand-raise-queue")),
    MessageLine("hand-raise", VICTIM | {"raised": False}, OFFICIALS),
    MessageLine(
        "chat-message", {"message": "hi"}, needs=("can_send_chat",), off=("enable_chat",), seen=told("chat-message")
    ),
    MessageLine(
        "chat-message",
        {"message": "hi", "target_user_id": "victim"},
        needs=("can_send_chat",),
        off=("enable_chat",),
        seen=told(victim="chat-message"),
    ),
    MessageLine(
        "chat-message",
        {"message": "hi", "to_all_rooms": True},
        OFFICIALS,
        needs=("can_send_chat", "can_manage_participants"),
        off=("enable_chat",),
        seen=told("chat-message"),
    ),
    MessageLine("chat-edit", OF_MESSAGE | {"message": "forged"}, NOBODY),
    MessageLine("chat-delete", OF_MESSAGE, OFFICIALS, seen=told("chat-delete")),
    MessageLine(
        "chat-reaction",
        OF_MESSAGE | {"emoji": "👍"},
        needs=("can_use_reactions",),
        off=("enable_chat", "enable_reactions"),
        seen=told("chat-reaction"),
    ),
    MessageLine("chat-read", OF_MESSAGE, seen=told(victim="chat-read")),
    MessageLine(
        "chat-typing", {"typing": True}, needs=("can_send_chat",), off=("enable_chat",), seen=told("chat-typing")
    ),
    MessageLine("chat-history", {}),
    MessageLine(
        "reaction",
        {"reaction_type": "👍"},
        needs=("can_use_reactions",),
        off=("enable_reactions",),
        seen=told("reaction"),
    ),
    MessageLine(
        "virtual-background-update",
        {"enabled": True, "background_type": "blur"},
        seen=told("virtual-background-update"),
    ),
    MessageLine(
        "file-share-offer",
        {"receiver_id": "victim", "file_name": "a.txt", "file_size": 5},
        needs=("can_send_chat",),
        off=("enable_chat",),
        seen=told(victim="file-share-offer"),
    ),
    MessageLine("file-share-accept", {"transfer_id": "none"}, answer="transfer_not_found"),
    MessageLine("file-share-reject", {"transfer_id": "none"}, answer="transfer_not_found"),
    MessageLine("file-share-progress", {"transfer_id": "none", "bytes_transferred": 1}, answer="transfer_not_found"),
    MessageLine("file-share-complete", {"transfer_id": "none", "checksum": "0" * 64}, answer="transfer_not_found"),
    MessageLine("e2ee-key-exchange", {"public_key": "A" * 44, "key_id": "1"}, seen=told("e2ee-key-exchange")),
    MessageLine(
        "e2ee-ratchet-update",
        {"ratchet_key": "A" * 44, "chain_index": 1, "target_user_id": "victim"},
        seen=told(victim="e2ee-ratchet-update"),
    ),
    MessageLine(
        "recording-control",
        {"action": "start"},
        OFFICIALS,
        answer="not_supported",
        needs=("can_record",),
        off=("enable_recording",),
    ),
    MessageLine(
        "recording-control",
        {"action": "stop", "recording_id": "none"},
        OFFICIALS,
        answer="not_supported",
        needs=("can_record",),
    ),
    MessageLine("live-stream-start", LIVE, OFFICIALS, answer="not_supported", needs=("can_record",)),
    MessageLine("live-stream-stop", {"stream_id": "none"}, OFFICIALS, answer="not_supported", needs=("can_record",)),
    MessageLine(
        "live-stream-picture", {"picture": {"layout": "grid"}}, OFFICIALS, answer="not_supported", needs=("can_record",)
    ),
    MessageLine("breakout-room-create", {"name": "Red"}, OFFICIALS, seen=told("breakout-room-create")),
    MessageLine(
        "breakout-room-assign",
        BLUE | {"participant_ids": ["victim"]},
        OFFICIALS,
        seen=told("breakout-room-assign", victim="breakout-room-assign breakout-room-area"),
    ),
    MessageLine("breakout-room-assign", BLUE, OFFICIALS, seen=told("breakout-room-assign")),
    MessageLine("breakout-room-assign", BLUE | {"self_assign": True}, OFFICIALS, seen=told("breakout-room-assign")),
    MessageLine(
        "breakout-room-assign",
        {"auto": True},
        OFFICIALS,
        seen=told("breakout-room-assign breakout-room-area", moderator="breakout-room-assign"),
    ),
    MessageLine("breakout-room-close", BLUE, OFFICIALS, seen=told("breakout-room-close")),
    MessageLine("breakout-room-close", {"all": True}, OFFICIALS, seen=told("breakout-room-close")),
)


@dataclass(frozen=True)
class RestLine:
    """``path`` is below ``/webrtc``. ``may``: roles that are not refused with 403.

    ``reads``: somebody outside may do it while the room stands open. ``personal``: needs a place in the room, so that
    hosts by token cannot do it from outside. ``answer``: the status that those who may do get. ``seen``: as above.
    """

    method: str
    path: str
    body: Any = None
    may: frozenset[str] = ALL
    reads: bool = False
    personal: bool = False
    answer: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    seen: dict[str, str] = field(default_factory=told)


_R = "/rooms/{room_id}"
REST = (
    # There is no Redis in these tests: 503 is told to those who may look.
    RestLine("GET", _R + "/events", may=OFFICIALS, answer=503),
    RestLine("GET", _R + "/analytics", may=OFFICIALS, answer=503),
    RestLine("GET", _R + "/analytics/summary", may=OFFICIALS, answer=503),
    RestLine("GET", _R + "/participants", reads=True),
    RestLine("GET", _R + "/participants/enhanced", reads=True),
    RestLine("GET", _R + "/roles/{user_id}", reads=True),
    RestLine(
        "POST", _R + "/roles/{user_id}", {"role": "guest"}, OFFICIALS, seen=told("role-updated permission-updated")
    ),
    RestLine(
        "POST",
        _R + "/roles/{user_id}",
        {"role": "host"},
        HOST,
        seen=told(
            "role-updated role-updated permission-updated",
            victim="role-updated role-updated permission-updated waiting-room-join",
        ),
    ),
    RestLine("GET", _R + "/permissions/{user_id}", reads=True),
    RestLine(
        "POST", _R + "/permissions/{user_id}", {"can_share_video": False}, OFFICIALS, seen=told("permission-updated")
    ),
    RestLine(
        "POST", _R + "/participants/{user_id}/info", {"display_name": "You"}, OFFICIALS, seen=told("participant-update")
    ),
    RestLine(
        "POST", _R + "/participants/{user_id}/media", {"audio_enabled": False}, OFFICIALS, seen=told("media-control")
    ),
    RestLine("POST", _R + "/participants/{user_id}/unmute-request", {}, OFFICIALS, seen=told(victim="unmute-request")),
    RestLine("POST", _R + "/participants/{user_id}/kick", {}, OFFICIALS, seen=told("user-left", victim="kick")),
    RestLine("GET", _R + "/participants/{user_id}/explain", None, OFFICIALS),
    RestLine("GET", _R + "/settings", reads=True),
    RestLine("POST", _R + "/settings", {"lock_room": True}, OFFICIALS, seen=told("room-settings-update")),
    RestLine("GET", _R + "/bans", None, OFFICIALS),
    RestLine(
        "POST",
        _R + "/bans/{user_id}",
        {},
        OFFICIALS,
        seen=told("user-left", moderator="user-left ban-list", victim="kick"),
    ),
    RestLine("DELETE", _R + "/bans/banned", None, OFFICIALS, seen=told(moderator="ban-list")),
    RestLine("POST", _R + "/hand-raise", {"raised": True}, personal=True, seen=told("hand-raise-queue")),
    RestLine("GET", _R + "/hand-raise/queue", reads=True),
    RestLine("GET", _R + "/waiting-room", None, OFFICIALS),
    RestLine(
        "POST",
        _R + "/waiting-room/lounger/admit",
        {},
        OFFICIALS,
        seen=told("user-joined", moderator="waiting-room-admit user-joined", lounger="waiting-room-admit room-state"),
    ),
    RestLine(
        "POST",
        _R + "/waiting-room/lounger/reject",
        {},
        OFFICIALS,
        seen=told(moderator="waiting-room-reject", lounger="waiting-room-reject"),
    ),
    RestLine(
        "POST",
        _R + "/waiting-room/admit",
        {"all": True},
        OFFICIALS,
        seen=told("user-joined", moderator="waiting-room-admit user-joined", lounger="waiting-room-admit room-state"),
    ),
    RestLine(
        "POST",
        _R + "/waiting-room/reject",
        {"user_ids": ["lounger"]},
        OFFICIALS,
        seen=told(moderator="waiting-room-reject", lounger="waiting-room-reject"),
    ),
    RestLine("GET", _R + "/breakout-rooms", reads=True),
    RestLine("POST", _R + "/breakout-rooms", {"name": "Red"}, OFFICIALS, seen=told("breakout-room-create")),
    RestLine("DELETE", _R + "/breakout-rooms", None, OFFICIALS, seen=told("breakout-room-close")),
    RestLine("DELETE", _R + "/breakout-rooms/blue", None, OFFICIALS, seen=told("breakout-room-close")),
    RestLine(
        "POST",
        _R + "/breakout-rooms/assign",
        {"auto": True},
        OFFICIALS,
        seen=told("breakout-room-assign breakout-room-area", moderator="breakout-room-assign"),
    ),
    RestLine(
        "POST",
        _R + "/breakout-rooms/blue/assign/{user_id}",
        None,
        OFFICIALS,
        seen=told("breakout-room-assign", victim="breakout-room-assign breakout-room-area"),
    ),
    RestLine("GET", _R + "/chat", personal=True),
    RestLine("POST", _R + "/chat/images", personal=True, answer=415),
    RestLine("GET", _R + "/chat/images/unknown", personal=True, answer=404),
    RestLine("GET", _R + "/recordings", reads=True),
    RestLine("POST", _R + "/recordings/start", {}, OFFICIALS, answer=422),
    RestLine("POST", _R + "/recordings/unknown/stop", None, OFFICIALS, answer=422),
    RestLine("DELETE", _R + "/recordings/unknown", None, OFFICIALS, answer=422),
    RestLine("GET", _R + "/live-streams", reads=True),
    RestLine("POST", _R + "/live-streams/start", LIVE, OFFICIALS, answer=422),
    RestLine("POST", _R + "/live-streams/picture", {"layout": "grid"}, OFFICIALS, answer=422),
    RestLine("POST", _R + "/live-streams/unknown/stop", None, OFFICIALS, answer=422),
)


@dataclass(frozen=True)
class OpenLine:
    """A call that is not about one room's people.

    ``statuses``: for no token, a bad one, one of a stranger, and one that opens another room only.
    """

    method: str
    path: str
    statuses: tuple[int, int, int, int]
    body: Any = None


_WITH_TOKEN = (401, 401, 200, 200)
_EVERYBODY = (200, 200, 200, 200)
ELSEWHERE = (
    OpenLine("GET", "/config", _WITH_TOKEN),
    OpenLine("GET", "/rooms/active", _WITH_TOKEN),
    OpenLine("GET", "/stats", _WITH_TOKEN),
    OpenLine("GET", "/admin/overview", (401, 401, 403, 403)),
    OpenLine("GET", "/admin/rooms/demo", (401, 401, 403, 403)),
    OpenLine("GET", "/health", _EVERYBODY),
    OpenLine("GET", "/health/live", _EVERYBODY),
    OpenLine("GET", "/metrics/targets", _EVERYBODY),
    OpenLine("GET", "/health/ready", _EVERYBODY),
    OpenLine("GET", "/metrics", _EVERYBODY),
    OpenLine("POST", "/invites/accept", (401, 401, 401, 401), {"invite": "x", "display_name": "X"}),
    # A stranger may publish and watch, but this is no offer; and of sessions it knows none.
    *(OpenLine("POST", f"/{way}/demo", (401, 401, 415, 403)) for way in ("whip", "whep")),
    *(OpenLine("PATCH", f"/{way}/demo/unknown", (401, 401, 404, 403)) for way in ("whip", "whep")),
    *(OpenLine("DELETE", f"/{way}/demo/unknown", (401, 401, 404, 403)) for way in ("whip", "whep")),
    *(OpenLine("OPTIONS", f"/{way}/demo", (204, 204, 204, 204)) for way in ("whip", "whep")),
    *(OpenLine("OPTIONS", f"/{way}/demo/unknown", (204, 204, 204, 204)) for way in ("whip", "whep")),
)
