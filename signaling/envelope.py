"""The envelope of every message: reading what clients send, building what they get."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import from_json

from signaling.errors import ErrorCode, RoomError

MAX_TYPE_CHARACTERS = 64
MAX_ID_CHARACTERS = 128
MAX_REPORTED_ERRORS = 5


@dataclass(frozen=True, slots=True)
class Frame:
    """A message of a client before its payload is looked at."""

    type: str
    payload: dict[str, Any]
    id: str | None


class InvalidFrame(RoomError):
    """A frame that is no message; ``message_id`` is its ``id`` as far as it could be read."""

    def __init__(self, message: str, message_id: str | None = None) -> None:
        super().__init__(ErrorCode.INVALID_MESSAGE, message)
        self.message_id = message_id


class Envelope(BaseModel):
    """What the server sends; documentation only, frames are put together from parts."""

    model_config = ConfigDict(extra="forbid")

    type: str
    payload: dict[str, Any]
    sender: str | None
    timestamp: str
    seq: int
    reply_to: str | None = None


def parse_frame(text: str, max_bytes: int) -> Frame:
    """Read a frame; raises InvalidFrame."""
    if len(text) > max_bytes or (len(text) * 4 > max_bytes and len(text.encode("utf-8", "replace")) > max_bytes):
        raise InvalidFrame("The message is too large.")
    try:
        data = from_json(text, allow_inf_nan=False)
    except ValueError:
        raise InvalidFrame("The message is not valid JSON.") from None
    if not isinstance(data, dict):
        raise InvalidFrame("A message is a JSON object.")
    message_id = data.get("id")
    if message_id is not None and not (isinstance(message_id, str) and len(message_id) <= MAX_ID_CHARACTERS):
        raise InvalidFrame("The field 'id' is a short string.")
    kind = data.get("type")
    if not isinstance(kind, str) or not 0 < len(kind) <= MAX_TYPE_CHARACTERS:
        raise InvalidFrame("The field 'type' is a short string.", message_id)
    payload = data.get("payload", {})
    if not isinstance(payload, dict):
        raise InvalidFrame("The field 'payload' is an object.", message_id)
    return Frame(kind, payload, message_id)


def explain(error: ValidationError) -> RoomError:
    """What is wrong with a payload, without repeating what it held: that may be a chat text or a key."""
    found = [
        {"field": ".".join(str(part) for part in item["loc"]), "problem": item["msg"]}
        for item in error.errors(include_url=False, include_input=False, include_context=False)[:MAX_REPORTED_ERRORS]
    ]
    return RoomError(ErrorCode.INVALID_MESSAGE, "The payload is not valid.", details={"errors": found})


class Letter:
    """A message on its way out, encoded once for all who get it; only ``seq`` and ``reply_to`` differ."""

    __slots__ = ("_head", "type")

    def __init__(self, message_type: str, payload_json: str, sender: str | None, now_unix: float) -> None:
        self.type = message_type
        self._head = (
            f'{{"type":"{message_type}","payload":{payload_json},"sender":{json.dumps(sender)},'
            f'"timestamp":"{iso_utc(now_unix)}"'
        )

    @property
    def size(self) -> int:
        """Its length in characters, but for what differs."""
        return len(self._head)

    def frame(self, seq: int, reply_to: str | None = None) -> str:
        """The text for one session."""
        if reply_to is None:
            return f'{self._head},"seq":{seq}}}'
        return f'{self._head},"seq":{seq},"reply_to":{json.dumps(reply_to)}}}'


def iso_utc(unix_s: float) -> str:
    """ISO 8601 in UTC with milliseconds."""
    return datetime.fromtimestamp(unix_s, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
