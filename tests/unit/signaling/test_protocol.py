"""What clients rely on: names, directions, fields, paths and error codes that are fixed, whatever else changes."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import BaseModel

from signaling.catalogue import CATALOGUE
from signaling.errors import ERRORS, ErrorBody
from signaling.limits import limits_of
from signaling.messages.room import ParticipantInfo
from signaling.model import Permissions, Role, RoomSettings, Source
from signaling.options import RoomOptions
from tests.unit.signaling.test_openapi import document

ENHANCED = "username display_name avatar_url connection_quality is_speaking audio_level is_hand_raised role joined_at"
SETTINGS = "lock_room enable_waiting_room mute_on_entry enable_chat enable_reactions max_participants enable_recording"
SETTINGS += " require_host_approval"
PERMISSIONS = "can_share_screen can_share_audio can_share_video can_send_chat can_use_reactions can_record"
PERMISSIONS += " can_manage_participants"
MEDIA = "audio_enabled video_enabled screen_sharing user_id"
BREAKOUT = "breakout_room_id name participant_ids created_at created_by max_participants"
WAITING = "user_id username joined_waiting_at status reason"
FILE = "transfer_id sender_id receiver_id file_name file_size file_type checksum bytes_transferred progress_percentage"
STATS = "bitrate_video bitrate_audio bitrate_total packet_loss jitter rtt"
LIVE = "stream_id room_id stream_url platform started_by started_at status viewer_count quality"
STATE = (
    "room_id settings role permissions participants publications hand_raise_queue recordings live_streams ice_servers"
)
# Type, direction, fields that a client may write, fields that it gets.
TYPES = (
    ("room-state", "S→C", "", STATE + " session_id"),
    ("user-joined", "S→C", "", ENHANCED),
    ("user-left", "S→C", "", "username reason"),
    ("offer", "both", "transport sdp tracks target_user_id", "transport sdp tracks"),
    ("answer", "both", "transport sdp target_user_id", "transport sdp"),
    ("ice-candidate", "both", "transport candidate target_user_id", "candidate target_user_id user_id"),
    ("error", "S→C", "", "error_code message details retry_after"),
    ("media-control", "both", MEDIA, MEDIA),
    ("screen-share-control", "both", MEDIA, MEDIA),
    (
        "chat-message",
        "both",
        "message target_user_id",
        "sender_id sender_name message target_user_id is_system_message message_id timestamp",
    ),
    ("role-updated", "S→C", "", "user_id role updated_by"),
    ("permission-updated", "S→C", "", "user_id permissions updated_by"),
    ("recording-control", "C→S", "action options recording_id", ""),
    ("recording-status", "S→C", "", "recording_id room_id started_by started_at status stopped_at stopped_by"),
    ("file-share-offer", "both", "receiver_id file_name file_size file_type checksum", FILE),
    ("file-share-accept", "both", "transfer_id", FILE),
    ("file-share-reject", "both", "transfer_id", FILE),
    ("file-share-progress", "both", "transfer_id bytes_transferred", FILE),
    ("file-share-complete", "both", "transfer_id checksum", FILE),
    ("network-stats", "C→S", STATS, ""),
    ("quality-update", "S→C", "", "user_id quality_level recommendation"),
    ("analytics-event", "both", "event_type metadata", "event_type user_id metadata timestamp"),
    ("participant-update", "both", "display_name avatar_url", "user_id display_name avatar_url"),
    ("room-settings-update", "both", SETTINGS, SETTINGS),
    ("hand-raise", "C→S", "raised", ""),
    ("hand-raise-queue", "S→C", "", "queue"),
    ("waiting-room-join", "both", "", WAITING),
    ("waiting-room-admit", "both", "user_id", WAITING),
    ("waiting-room-reject", "both", "user_id reason", WAITING),
    ("reaction", "both", "reaction_type", "user_id username reaction_type timestamp"),
    ("breakout-room-create", "both", "name participant_ids max_participants", BREAKOUT),
    ("breakout-room-assign", "both", "breakout_room_id participant_ids auto", BREAKOUT),
    ("breakout-room-close", "both", "breakout_room_id", "breakout_rooms"),
    (
        "virtual-background-update",
        "both",
        "enabled background_type background_url",
        "user_id enabled background_type background_url",
    ),
    ("live-stream-start", "both", "stream_url stream_key platform quality", LIVE),
    ("live-stream-stop", "both", "stream_id", LIVE),
    (
        "e2ee-key-exchange",
        "both",
        "public_key key_id algorithm target_user_id",
        "user_id public_key key_id algorithm target_user_id",
    ),
    ("e2ee-ratchet-update", "both", "ratchet_key chain_index", "user_id ratchet_key chain_index timestamp"),
)
_R = "/webrtc/rooms/{room_id}"
ENDPOINTS = (
    "GET /webrtc/config",
    f"GET {_R}/participants",
    *(f"{method} {_R}/roles/{{user_id}}" for method in ("POST", "GET")),
    *(f"{method} {_R}/permissions/{{user_id}}" for method in ("POST", "GET")),
    f"POST {_R}/recordings/start",
    f"POST {_R}/recordings/{{recording_id}}/stop",
    f"GET {_R}/recordings",
    f"GET {_R}/analytics",
    f"GET {_R}/analytics/summary",
    f"GET {_R}/participants/enhanced",
    f"POST {_R}/participants/{{user_id}}/info",
    *(f"{method} {_R}/settings" for method in ("GET", "POST")),
    f"POST {_R}/hand-raise",
    f"GET {_R}/hand-raise/queue",
    f"GET {_R}/waiting-room",
    f"POST {_R}/waiting-room/{{user_id}}/admit",
    f"POST {_R}/waiting-room/{{user_id}}/reject",
    f"POST {_R}/breakout-rooms",
    f"POST {_R}/breakout-rooms/{{breakout_room_id}}/assign/{{user_id}}",
    f"DELETE {_R}/breakout-rooms/{{breakout_room_id}}",
    f"POST {_R}/live-streams/start",
    f"POST {_R}/live-streams/{{stream_id}}/stop",
    f"GET {_R}/live-streams",
    "GET /webrtc/health",
    "GET /webrtc/metrics",
    "GET /webrtc/rooms/active",
    "GET /webrtc/stats",
    f"GET {_R}/events",
)
CODES = "unauthorized permission_denied rate_limited room_full room_locked room_not_found room_closed user_not_found"
CODES += " waiting_for_approval rejected invalid_message invalid_state not_supported media_failed storage_failed"
CODES += " unavailable internal"


def fields_of(model: type[BaseModel] | None) -> set[str]:
    return set(model.model_fields) if model is not None else set()


@pytest.mark.parametrize(("name", "direction", "written", "got"), TYPES, ids=[line[0] for line in TYPES])
def test_messages(name: str, direction: str, written: str, got: str) -> None:
    line = CATALOGUE[name]
    assert line.direction == direction
    assert set(written.split()) <= fields_of(line.receives)
    assert set(got.split()) <= fields_of(line.sends) | fields_of(line.relays)


def test_there_are_38() -> None:
    assert len({line[0] for line in TYPES}) == 38


@pytest.fixture(scope="module")
def openapi() -> dict[str, Any]:
    return document()


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_endpoints(openapi: dict[str, Any], endpoint: str) -> None:
    method, path = endpoint.split(" ")
    assert method.lower() in openapi["paths"][path]


def test_words() -> None:
    assert {role.value for role in Role} == {"host", "moderator", "participant", "guest"}
    assert {source.value for source in Source} == {"camera", "microphone", "screen", "screen-audio"}
    assert fields_of(Permissions) == set(PERMISSIONS.split())
    assert set(SETTINGS.split()) <= fields_of(RoomSettings)
    assert set(ENHANCED.split()) <= fields_of(ParticipantInfo)
    assert set(CODES.split()) <= {code.value for code in ERRORS}
    assert list(ErrorBody.model_fields) == ["error_code", "message", "details", "retry_after"]


def test_limits() -> None:
    limits = {name: (limit.count, limit.window_s) for name, limit in limits_of(RoomOptions()).items()}
    assert limits["messages"] == (100, 60) and limits["hand_raises"] == (5, 60) and limits["reactions"] == (20, 60)
    assert limits["file_shares"] == (10, 3_600) and limits["rooms_created"] == (10, 3_600)
