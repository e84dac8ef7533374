"""What an operator may set of the event log and of webhooks."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

MIN_SECRET_CHARACTERS = 16


class WebhookReceiver(BaseModel):
    """One address that is told what happens in rooms."""

    model_config = ConfigDict(extra="forbid")

    url: str = Field(description="Address that events are posted to, `https://` or `http://`.")
    secret: SecretStr = Field(description="Signs what is posted; at least 16 characters.")
    events: list[str] = Field(default=[], description="Event types that are posted; empty: all.")

    @field_validator("url")
    @classmethod
    def _is_http(cls, url: str) -> str:
        if not url.startswith(("https://", "http://")) or not url.isascii() or any(c.isspace() for c in url):
            raise ValueError("a webhook's address starts with https:// or http://")
        return url

    @field_validator("secret")
    @classmethod
    def _long_enough(cls, secret: SecretStr) -> SecretStr:
        if len(secret.get_secret_value()) < MIN_SECRET_CHARACTERS:
            raise ValueError(f"a webhook's secret must have at least {MIN_SECRET_CHARACTERS} characters")
        return secret


class WebhookOptions(BaseModel):
    """How events are posted."""

    model_config = ConfigDict(extra="forbid")

    receivers: list[WebhookReceiver] = Field(default=[], description="Who is told; each gets all its events in order.")
    timeout_s: float = Field(default=10.0, gt=0, le=120, description="Longest wait for a receiver's answer.")
    first_retry_s: float = Field(
        default=1.0, gt=0, le=600, description="Pause before the second try; doubled each time."
    )
    longest_retry_s: float = Field(default=600.0, gt=0, le=86_400, description="Longest pause between two tries.")
    give_up_after_s: float = Field(
        default=21_600.0, gt=0, description="An event that no try has delivered for so long is left out, and counted."
    )
    max_connections: int = Field(default=8, ge=1, le=256, description="Posts to one receiver at the same time.")


class EventOptions(BaseModel):
    """The event log of rooms; part of the settings tree as ``events``."""

    model_config = ConfigDict(extra="forbid")

    max_events: int = Field(
        default=10_000, ge=100, le=1_000_000, description="Events kept of a room; the oldest are dropped beyond."
    )
    lifetime_s: int = Field(
        default=86_400, ge=60, description="Life of a room's events and analytics after the room has ended."
    )
    chat_text: bool = Field(
        default=False, description="Keep the text of chat messages to the whole room in the event log, too."
    )
    webhooks: WebhookOptions = Field(default_factory=WebhookOptions, description="Who is told what happens.")
