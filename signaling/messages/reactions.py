"""Reactions: an emoji that is shown for some seconds."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import ConfigDict, Field, StringConstraints

from signaling.emoji import MAX_CODE_POINTS
from signaling.messages.base import Incoming, Outgoing


class ReactionRequest(Incoming):
    """A client reacts. Needs `can_use_reactions` and the setting `enable_reactions`."""

    model_config = ConfigDict(extra="ignore", frozen=True, json_schema_extra={"examples": [{"reaction_type": "👏"}]})
    type_name: ClassVar[str] = "reaction"

    reaction_type: Annotated[str, StringConstraints(min_length=1, max_length=MAX_CODE_POINTS)] = Field(
        description="Exactly one emoji."
    )


class Reaction(Outgoing):
    """Somebody reacts. Goes to everybody in the same breakout or main room, who reacts too, and is shown for
    `duration_ms`; nothing of it is kept.
    """

    type_name: ClassVar[str] = "reaction"

    user_id: str = Field(description="Who reacts.")
    username: str = Field(description="The same.")
    reaction_type: str = Field(description="The emoji.")
    timestamp: str = Field(description="When, by the server's clock, ISO 8601 in UTC.")
    duration_ms: int = Field(description="How long it is shown.")
