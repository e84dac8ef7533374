"""What applications count in a room."""

from __future__ import annotations

import json
from typing import Annotated, Any, ClassVar

from pydantic import Field, StringConstraints, field_validator

from signaling.messages.base import Incoming, Outgoing

MAX_METADATA_CHARACTERS = 4_096

EventType = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.:-]{1,64}$")]


class AnalyticsEventRequest(Incoming):
    """Something that an application wants to have counted; it is kept in the room's event log."""

    type_name: ClassVar[str] = "analytics-event"

    event_type: EventType = Field(description="The application's own name for it: letters, digits and `_.:-`.")
    metadata: dict[str, Any] = Field(default={}, description="What belongs to it; at most 4,096 characters of JSON.")

    @field_validator("metadata")
    @classmethod
    def _is_small(cls, metadata: dict[str, Any]) -> dict[str, Any]:
        try:
            size = len(json.dumps(metadata, ensure_ascii=False))
        except (ValueError, RecursionError):
            raise ValueError("metadata must be plain JSON") from None
        if size > MAX_METADATA_CHARACTERS:
            raise ValueError(f"metadata must have at most {MAX_METADATA_CHARACTERS} characters of JSON")
        return metadata


class AnalyticsEvent(Outgoing):
    """Somebody's application counted something; goes to the others who may manage participants."""

    type_name: ClassVar[str] = "analytics-event"

    event_type: str = Field(description="The application's own name for it.")
    user_id: str = Field(description="Whose application, stamped by the server.")
    metadata: dict[str, Any] = Field(description="What belongs to it.")
    timestamp: str = Field(description="When, ISO 8601 in UTC.")
