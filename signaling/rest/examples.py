"""Examples for the documents: those that models bring along, and what can be put together from names and types."""

from __future__ import annotations

from typing import Any

REF = "#/components/schemas/"
_WHEN = "2026-11-24T09:00:00.000Z"
_ID = "pL6v0xQe3mUzB1YkT9wd"
# What fields of these names hold, wherever they are.
_VALUES: dict[str, Any] = {
    "room_id": "demo",
    "user_id": "bob",
    "user_ids": ["bob", "carol"],
    "username": "bob",
    "display_name": "Bob",
    "sender_id": "alice",
    "sender_name": "Alice",
    "receiver_id": "bob",
    "target_user_id": "bob",
    "updated_by": "alice",
    "created_by": "alice",
    "started_by": "alice",
    "stopped_by": "alice",
    "assigned_by": "alice",
    "closed_by": "alice",
    "banned_by": "alice",
    "avatar_url": "https://example.org/bob.png",
    "role": "participant",
    "reason": "The meeting is over.",
    "message": "Good morning!",
    "html": "Good morning!",
    "emoji": "👍",
    "reaction_type": "👍",
    "name": "Blue",
    "participant_ids": ["bob", "carol"],
    "admitted": ["bob"],
    "rejected": [],
    "waiting": [],
    "not_found": [],
    "not_assigned": [],
    "position": 1,
    "count": 1,
    "file_name": "minutes.pdf",
    "file_size": 18_400,
    "file_type": "application/pdf",
    "checksum": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "platform": "youtube",
    "stream_url": "rtmps://a.rtmps.youtube.com/live2",
    "sdp": "v=0\r\n…",
    "candidate": "candidate:1 1 udp 2122260223 192.0.2.7 50000 typ host",
    "public_key": "MCowBQYDK2VuAyEAm1q6Qf3Yb0m3o5n5rV0m1z0p2s3t4u5v6w7x8y9z0Ak=",
    "ratchet_key": "MCowBQYDK2VuAyEAm1q6Qf3Yb0m3o5n5rV0m1z0p2s3t4u5v6w7x8y9z0Ak=",
    "key_id": "1",
    "algorithm": "AES-GCM-256",
    "media_type": "image/png",
    "width": 640,
    "height": 360,
    "event_type": "poll-answered",
    "urls": ["stun:stun.example.org:3478"],
    "audio_level": 0.25,
    "connection_quality": "good",
    "max_participants": 100,
    "seq": 7,
    "duration_s": 600,
    "heartbeat_interval_ms": 10_000,
    "features": {"chat": True, "recording": True},
    "credential": "c2VjcmV0",
    "error_code": "room_full",
    "version": "0.1.0",
}
_PARAMETERS = {
    "room_id": "The room.",
    "user_id": "Username of the participant.",
    "breakout_room_id": "The breakout room.",
    "recording_id": "The recording.",
    "stream_id": "The live stream.",
    "image_id": "The image.",
    "session_id": "The WHIP or WHEP session, from the `Location` of its start.",
}


def example(schema: Any, schemas: dict[str, Any], name: str = "") -> Any:
    """A value that ``schema`` allows; ``name``: of the field that it is for. ``schemas``: what references lead to."""
    if not isinstance(schema, dict):
        return {}
    if "$ref" in schema:
        return example(schemas[schema["$ref"].rpartition("/")[2]], schemas, name)
    if schema.get("examples"):
        return _completed(schema["examples"][0], schema, schemas)
    if "example" in schema:
        return schema["example"]
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return _VALUES[name] if _VALUES.get(name) in schema["enum"] else schema["enum"][0]
    options = schema.get("anyOf") or schema.get("oneOf")
    if options:
        return example(options[0], schemas, name)
    return _of_type(schema, schemas, name)


def _completed(given: Any, schema: dict[str, Any], schemas: dict[str, Any]) -> Any:
    """With the fields that FastAPI has dropped because they are null, and those that a subclass has added."""
    if not isinstance(given, dict):
        return given
    missing = {key: schema["properties"][key] for key in schema.get("required", []) if key not in given}
    nulls = {key: None for key, field in missing.items() if {"type": "null"} in field.get("anyOf", [])}
    made = {key: example(field, schemas, key) for key, field in missing.items() if key not in nulls}
    return {**given, **nulls, **made}


def _of_type(schema: dict[str, Any], schemas: dict[str, Any], name: str) -> Any:
    kind = schema.get("type")
    known = _VALUES.get(name)
    if kind == "object" or "properties" in schema:
        if schema.get("properties"):
            return {key: example(field, schemas, key) for key, field in schema["properties"].items()}
        inner = schema.get("additionalProperties")
        if isinstance(known, dict):
            return known
        return {"bob": example(inner, schemas)} if isinstance(inner, dict) and inner else {}
    if kind == "array":
        return known if isinstance(known, list) else [example(schema.get("items", {}), schemas, name)]
    if kind == "string":
        return known if isinstance(known, str) else _text(schema, name)
    if kind == "boolean":
        return bool(schema.get("default", True))
    if kind in ("integer", "number"):
        return known if isinstance(known, (int, float)) else schema.get("default") or schema.get("minimum") or 1
    return None


def _text(schema: dict[str, Any], name: str) -> str:
    if name.endswith("_at") or name == "timestamp":
        return _WHEN
    if name.endswith(("_id", "_ids")):
        return _ID
    if name.endswith("_url") or name == "url":
        return f"https://example.org/{name.removesuffix('_url')}"
    return schema.get("default") or "text"


def complete(schemas: dict[str, Any]) -> None:
    """Complete the examples that models bring along."""
    for schema in schemas.values():
        if "examples" in schema:
            schema["examples"] = [_completed(given, schema, schemas) for given in schema["examples"]]


def add_to(operation: dict[str, Any], schemas: dict[str, Any]) -> None:
    """Give an operation of the OpenAPI document an example of each answer, and say what its parameters are."""
    for parameter in operation.get("parameters", []):
        name = parameter["name"]
        if name in _PARAMETERS:
            parameter.setdefault("description", _PARAMETERS[name])
            parameter.setdefault("example", _text({}, name) if name not in _VALUES else _VALUES[name])
    contents = [response.get("content", {}) for status, response in operation["responses"].items() if status < "400"]
    for content in [*contents, operation.get("requestBody", {}).get("content", {})]:
        for media_type, entry in content.items():
            if media_type == "application/json" and not {"example", "examples"} & entry.keys():
                entry["example"] = example(entry.get("schema", {}), schemas)
