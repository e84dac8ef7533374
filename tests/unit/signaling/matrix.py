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


@dataclass(frozen=True)
class MessageLine:
    """``may``: roles that are not told ``permission_denied``; ``answer``: what those are told, if not a success."""

    type: str
    payload: dict[str, Any]
    may: frozenset[str] = ALL
    answer: str | None = None


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
    MessageLine("leave", {}),
    MessageLine("offer", _publish("camera")),
    MessageLine("offer", _publish("microphone")),
    MessageLine("offer", _publish("screen"), SHARERS),
    MessageLine("offer", {"target_user_id": "victim", "sdp": "v=0"}),
    MessageLine("answer", {"transport": "subscribe", "sdp": "{}"}, answer="invalid_state"),
    MessageLine("answer", {"target_user_id": "victim", "sdp": "v=0"}),
    MessageLine("ice-candidate", {"transport": "publish", "candidate": None}),
    MessageLine("ice-candidate", {"target_user_id": "victim", "candidate": None}),
    MessageLine("ice-restart", {"transport": "subscribe"}),
    MessageLine("media-control", {"audio_enabled": False}),
    MessageLine("media-control", VICTIM | {"audio_enabled": False}, OFFICIALS),
    MessageLine("media-control", VICTIM | {"audio_enabled": True}, NOBODY),
    MessageLine("screen-share-control", {"screen_sharing": True}, SHARERS),
    MessageLine("screen-share-control", VICTIM | {"screen_sharing": False}, OFFICIALS),
    MessageLine("network-stats", {"rtt": 10}),
    MessageLine("subscription-preferences", {"mode": "audio-only"}),
    MessageLine("analytics-event", {"event_type": "poll"}),
    MessageLine("role-update", VICTIM | {"role": "guest"}, OFFICIALS),
    MessageLine("role-update", VICTIM | {"role": "moderator"}, HOST),
    MessageLine("role-update", VICTIM | {"role": "host"}, HOST),
    MessageLine("permission-update", VICTIM | {"permissions": {"can_send_chat": False}}, OFFICIALS),
    MessageLine("permission-update", VICTIM | {"permissions": {"can_manage_participants": True}}, HOST),
    MessageLine("participant-update", {"display_name": "Me"}),
    MessageLine("participant-update", VICTIM | {"display_name": "You"}, OFFICIALS),
    MessageLine("room-settings-update", {"enable_chat": False}, OFFICIALS),
    MessageLine("room-settings-update", {"require_host_approval": True}, HOST),
    MessageLine("unmute-request", VICTIM, OFFICIALS),
    MessageLine("kick", VICTIM, OFFICIALS),
    MessageLine("ban", VICTIM, OFFICIALS),
    MessageLine("unban", {"user_id": "banned"}, OFFICIALS),
    MessageLine("ban-list", {}, OFFICIALS),
    MessageLine("waiting-room-join", {}, answer="invalid_state"),
    MessageLine("waiting-room-admit", {"user_id": "lounger"}, OFFICIALS),
    MessageLine("waiting-room-reject", {"all": True}, OFFICIALS),
    MessageLine("hand-raise", {"raised": True}),
    MessageLine("hand-raise", VICTIM | {"raised": False}, OFFICIALS),
    MessageLine("chat-message", {"message": "hi"}),
    MessageLine("chat-message", {"message": "hi", "target_user_id": "victim"}),
    MessageLine("chat-message", {"message": "hi", "to_all_rooms": True}, OFFICIALS),
    MessageLine("chat-edit", OF_MESSAGE | {"message": "forged"}, NOBODY),
    MessageLine("chat-delete", OF_MESSAGE, OFFICIALS),
    MessageLine("chat-reaction", OF_MESSAGE | {"emoji": "👍"}),
    MessageLine("chat-read", OF_MESSAGE),
    MessageLine("chat-typing", {"typing": True}),
    MessageLine("chat-history", {}),
    MessageLine("reaction", {"reaction_type": "👍"}),
    MessageLine("virtual-background-update", {"enabled": True, "background_type": "blur"}),
    MessageLine("file-share-offer", {"receiver_id": "victim", "file_name": "a.txt", "file_size": 5}),
    MessageLine("file-share-accept", {"transfer_id": "none"}, answer="transfer_not_found"),
    MessageLine("file-share-reject", {"transfer_id": "none"}, answer="transfer_not_found"),
    MessageLine("file-share-progress", {"transfer_id": "none", "bytes_transferred": 1}, answer="transfer_not_found"),
    MessageLine("file-share-complete", {"transfer_id": "none", "checksum": "0" * 64}, answer="transfer_not_found"),
    MessageLine("e2ee-key-exchange", {"public_key": "A" * 44, "key_id": "1"}),
    MessageLine("e2ee-ratchet-update", {"ratchet_key": "A" * 44, "chain_index": 1, "target_user_id": "victim"}),
    MessageLine("recording-control", {"action": "start"}, OFFICIALS, answer="not_supported"),
    MessageLine("recording-control", {"action": "stop", "recording_id": "none"}, OFFICIALS, answer="not_supported"),
    MessageLine("live-stream-start", LIVE, OFFICIALS, answer="not_supported"),
    MessageLine("live-stream-stop", {"stream_id": "none"}, OFFICIALS, answer="not_supported"),
    MessageLine("live-stream-picture", {"picture": {"layout": "grid"}}, OFFICIALS, answer="not_supported"),
    MessageLine("breakout-room-create", {"name": "Red"}, OFFICIALS),
    MessageLine("breakout-room-assign", BLUE | {"participant_ids": ["victim"]}, OFFICIALS),
    MessageLine("breakout-room-assign", BLUE, OFFICIALS),
    MessageLine("breakout-room-assign", BLUE | {"self_assign": True}, OFFICIALS),
    MessageLine("breakout-room-assign", {"auto": True}, OFFICIALS),
    MessageLine("breakout-room-close", BLUE, OFFICIALS),
    MessageLine("breakout-room-close", {"all": True}, OFFICIALS),
)


@dataclass(frozen=True)
class RestLine:
    """``path`` is below ``/webrtc``. ``may``: roles that are not refused with 403.

    ``reads``: somebody outside may do it while the room stands open. ``personal``: needs a place in the room, so that
    hosts by token cannot do it from outside. ``answer``: the status that those who may do get.
    """

    method: str
    path: str
    body: Any = None
    may: frozenset[str] = ALL
    reads: bool = False
    personal: bool = False
    answer: int = 200
    headers: dict[str, str] = field(default_factory=dict)


_R = "/rooms/{room_id}"
REST = (
    # There is no Redis in these tests: 503 is told to those who may look.
    RestLine("GET", _R + "/events", may=OFFICIALS, answer=503),
    RestLine("GET", _R + "/analytics", may=OFFICIALS, answer=503),
    RestLine("GET", _R + "/analytics/summary", may=OFFICIALS, answer=503),
    RestLine("GET", _R + "/participants", reads=True),
    RestLine("GET", _R + "/participants/enhanced", reads=True),
    RestLine("GET", _R + "/roles/{user_id}", reads=True),
    RestLine("POST", _R + "/roles/{user_id}", {"role": "guest"}, OFFICIALS),
    RestLine("POST", _R + "/roles/{user_id}", {"role": "host"}, HOST),
    RestLine("GET", _R + "/permissions/{user_id}", reads=True),
    RestLine("POST", _R + "/permissions/{user_id}", {"can_share_video": False}, OFFICIALS),
    RestLine("POST", _R + "/participants/{user_id}/info", {"display_name": "You"}, OFFICIALS),
    RestLine("POST", _R + "/participants/{user_id}/media", {"audio_enabled": False}, OFFICIALS),
    RestLine("POST", _R + "/participants/{user_id}/unmute-request", {}, OFFICIALS),
    RestLine("POST", _R + "/participants/{user_id}/kick", {}, OFFICIALS),
    RestLine("GET", _R + "/participants/{user_id}/explain", None, OFFICIALS),
    RestLine("GET", _R + "/settings", reads=True),
    RestLine("POST", _R + "/settings", {"lock_room": True}, OFFICIALS),
    RestLine("GET", _R + "/bans", None, OFFICIALS),
    RestLine("POST", _R + "/bans/{user_id}", {}, OFFICIALS),
    RestLine("DELETE", _R + "/bans/banned", None, OFFICIALS),
    RestLine("POST", _R + "/hand-raise", {"raised": True}, personal=True),
    RestLine("GET", _R + "/hand-raise/queue", reads=True),
    RestLine("GET", _R + "/waiting-room", None, OFFICIALS),
    RestLine("POST", _R + "/waiting-room/lounger/admit", {}, OFFICIALS),
    RestLine("POST", _R + "/waiting-room/lounger/reject", {}, OFFICIALS),
    RestLine("POST", _R + "/waiting-room/admit", {"all": True}, OFFICIALS),
    RestLine("POST", _R + "/waiting-room/reject", {"user_ids": ["lounger"]}, OFFICIALS),
    RestLine("GET", _R + "/breakout-rooms", reads=True),
    RestLine("POST", _R + "/breakout-rooms", {"name": "Red"}, OFFICIALS),
    RestLine("DELETE", _R + "/breakout-rooms", None, OFFICIALS),
    RestLine("DELETE", _R + "/breakout-rooms/blue", None, OFFICIALS),
    RestLine("POST", _R + "/breakout-rooms/assign", {"auto": True}, OFFICIALS),
    RestLine("POST", _R + "/breakout-rooms/blue/assign/{user_id}", None, OFFICIALS),
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
    OpenLine("GET", "/health", _EVERYBODY),
    OpenLine("GET", "/metrics", _EVERYBODY),
    OpenLine("POST", "/invites/accept", (401, 401, 401, 401), {"invite": "x", "display_name": "X"}),
    # A stranger may publish and watch, but this is no offer; and of sessions it knows none.
    *(OpenLine("POST", f"/{way}/demo", (401, 401, 415, 403)) for way in ("whip", "whep")),
    *(OpenLine("PATCH", f"/{way}/demo/unknown", (401, 401, 404, 403)) for way in ("whip", "whep")),
    *(OpenLine("DELETE", f"/{way}/demo/unknown", (401, 401, 404, 403)) for way in ("whip", "whep")),
    *(OpenLine("OPTIONS", f"/{way}/demo", (204, 204, 204, 204)) for way in ("whip", "whep")),
    *(OpenLine("OPTIONS", f"/{way}/demo/unknown", (204, 204, 204, 204)) for way in ("whip", "whep")),
)
