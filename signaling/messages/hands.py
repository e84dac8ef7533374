"""Raising a hand."""

from __future__ import annotations

from typing import ClassVar

from pydantic import BaseModel, ConfigDict, Field, StrictBool

from signaling.messages.base import Incoming, Outgoing, Username


class HandRaiseRequest(Incoming):
    """A client raises or lowers its hand; who manages participants may lower those of others."""

    type_name: ClassVar[str] = "hand-raise"

    raised: StrictBool = Field(description="Whether the hand is to be up.")
    user_id: Username | None = Field(
        default=None, description="Whose hand; absent: one's own. Another's can only be lowered."
    )


class RaisedHand(BaseModel):
    """One raised hand."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"username": "bob", "user_id": "bob", "raised_at": "2026-11-24T09:00:00.000Z", "position": 1}]
        }
    )

    username: str = Field(description="Whose hand.")
    user_id: str = Field(description="The same.")
    raised_at: str = Field(description="Since when, ISO 8601 in UTC.")
    position: int = Field(ge=1, description="Place in the queue: 1 is next.")


class HandRaiseQueue(Outgoing):
    """All raised hands, first in first out; goes to everybody on every change, and is the answer to `hand-raise`."""

    type_name: ClassVar[str] = "hand-raise-queue"

    queue: list[RaisedHand] = Field(description="The raised hands.")
