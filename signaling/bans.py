"""Bans: who may not come in while the room lives."""

from __future__ import annotations

from pydantic import BaseModel, Field


class Ban(BaseModel):
    """One who was shut out."""

    user_id: str = Field(description="Who may not come in.")
    banned_by: str = Field(description="Who banned it.")
    banned_at: str = Field(description="Since when, ISO 8601 in UTC.")
    reason: str | None = Field(default=None, description="Why, in the words of who did it.")
