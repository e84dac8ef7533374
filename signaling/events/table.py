"""Which messages and changes are events, and what of them is kept.

A feature is in the log by a line here: its message, or its table in Redis, and the fields to keep. Fields are named one
by one, so that no secret, text or address gets into the log by accident. A test holds every message type to be either
here or in ``NOT_LOGGED``.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from signaling.effects import Table


class Tally(StrEnum):
    """What an event counts for in the analytics of its room."""

    JOIN = "join"
    LEAVE = "leave"
    MESSAGE = "message"
    FILE = "file"
    NOTHING = ""


@dataclass(frozen=True, slots=True)
class Rule:
    """What is kept of a message. ``text``: fields of one to the whole room that are kept if the settings say so."""

    keep: tuple[str, ...]
    tally: Tally = Tally.NOTHING
    text: tuple[str, ...] = ()


_FILE = ("transfer_id", "sender_id", "receiver_id", "file_size", "file_type", "status")
_SWITCHES = ("user_id", "audio_enabled", "video_enabled", "screen_sharing")
_BREAKOUT = ("breakout_room_id", "name", "participant_ids", "created_by", "max_participants")
_RECORDING = ("recording_id", "status", "started_by", "started_at", "stopped_by", "stopped_at", "stop_reason")
_STREAM = ("stream_id", "platform", "status", "quality", "started_by", "started_at")
_SETTINGS = (
    *("lock_room", "enable_waiting_room", "mute_on_entry", "enable_chat", "enable_reactions", "max_participants"),
    *("enable_recording", "automatic_recording", "require_host_approval", "chat_history", "settings", "updated_by"),
)

RULES: Mapping[str, Rule] = {
    "user-joined": Rule(("username", "display_name", "role"), Tally.JOIN),
    "user-left": Rule(("username", "reason"), Tally.LEAVE),
    "role-updated": Rule(("user_id", "role", "updated_by")),
    "permission-updated": Rule(("user_id", "permissions", "updated_by")),
    "room-settings-update": Rule(_SETTINGS),
    "participant-update": Rule(("username", "display_name")),
    "track-published": Rule(("publication",)),
    "track-unpublished": Rule(("publication_id", "user_id", "source")),
    "media-control": Rule(_SWITCHES),
    "screen-share-control": Rule(_SWITCHES),
    "chat-message": Rule(
        ("message_id", "sender_id", "is_system_message", "thread_root_id"), Tally.MESSAGE, text=("message",)
    ),
    "chat-edit": Rule(("message_id", "sender_id"), text=("message",)),
    "chat-delete": Rule(("message_id", "deleted_by")),
    "kick": Rule(("user_id", "kicked_by", "reason", "banned")),
    "unmute-request": Rule(("user_id", "requested_by", "audio", "video")),
    "waiting-room-admit": Rule(("user_id", "status")),
    "waiting-room-reject": Rule(("user_id", "status")),
    "waiting-room-left": Rule(("user_id", "reason")),
    "recording-status": Rule(_RECORDING),
    "live-stream-start": Rule(_STREAM),
    "live-stream-stop": Rule((*_STREAM, "stopped_by")),
    "live-stream-picture": Rule(("picture", "changed_by")),
    "breakout-room-create": Rule((*_BREAKOUT, "created_ids")),
    "breakout-room-assign": Rule((*_BREAKOUT, "assignments", "assigned_by")),
    "breakout-room-close": Rule((*_BREAKOUT, "closed_ids", "closed_by")),
    "file-share-offer": Rule(_FILE),
    "file-share-accept": Rule(_FILE),
    "file-share-reject": Rule(_FILE),
    "file-share-complete": Rule(_FILE, Tally.FILE),
}

# Answers, signalling, measurements, what is gone in seconds, and what is nobody's affair but the receiver's.
NOT_LOGGED = frozenset(
    {
        *("room-state", "session-resumed", "room-moved", "error", "ack", "heartbeat", "leave"),
        *("offer", "answer", "ice-candidate", "ice-restart", "active-speakers", "quality-update"),
        *("subscription-status", "publish-layers"),
        *("chat-history", "chat-read", "chat-typing", "chat-reaction", "chat-link-preview"),
        *(
            "hand-raise-queue",
            "ban-list",
            "breakout-room-area",
            "breakout-room-closing",
            "waiting-room-join",
            "waiting-room-result",
        ),
        *("reaction", "virtual-background-update", "e2ee-key-exchange", "e2ee-ratchet-update", "file-share-progress"),
        "live-stream-health",
        "analytics-event",  # by its handler: nobody may be there to be told
    }
)


@dataclass(frozen=True, slots=True)
class TableRule:
    """What a change of one of the room's tables is as an event. ``by_itself``: the user of the entry did it."""

    type: str
    payload: Callable[[str, str], dict[str, Any]]
    by_itself: bool = False


def _banned(user_id: str, value: str) -> dict[str, Any]:
    ban = json.loads(value)
    return {"user_id": user_id, "banned_by": ban.get("banned_by"), "reason": ban.get("reason")}


SAVED: Mapping[Table, TableRule] = {
    Table.BANS: TableRule("ban", _banned),
    Table.HANDS: TableRule("hand-raise", lambda user_id, value: {"user_id": user_id, "raised": True}, by_itself=True),
}
FORGOTTEN: Mapping[Table, TableRule] = {
    Table.BANS: TableRule("unban", lambda user_id, value: {"user_id": user_id}),
    Table.HANDS: TableRule("hand-raise", lambda user_id, value: {"user_id": user_id, "raised": False}),
}
