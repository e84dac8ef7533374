"""Chat. The text is plain text: clients must show it as text, never as HTML."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field, StringConstraints

from signaling.messages.base import Incoming, Outgoing, Username

MAX_CHAT_CHARACTERS = 65_536


class ChatRequest(Incoming):
    """A client writes to the room or to one participant."""

    type_name: ClassVar[str] = "chat-message"

    message: Annotated[str, StringConstraints(min_length=1, max_length=MAX_CHAT_CHARACTERS)] = Field(
        description="The text; the server's limit may be lower."
    )
    target_user_id: Username | None = Field(default=None, description="The only receiver; null: the whole room.")


class ChatMessage(Outgoing):
    """A chat message; goes to the writer too, as the answer."""

    type_name: ClassVar[str] = "chat-message"

    message_id: str = Field(description="Identifies the message.")
    sender_id: str = Field(description="Who wrote it, stamped by the server.")
    sender_name: str = Field(description="The writer's display name.")
    message: str = Field(description="The text.")
    target_user_id: str | None = Field(default=None, description="The only receiver; null: the whole room.")
    is_system_message: bool = Field(default=False, description="Whether the server wrote it.")
    timestamp: str = Field(description="When it was written, ISO 8601 in UTC.")
