"""Chat. ``message`` is plain text: clients must show it as text; ``html`` is the same text, safe to insert as HTML."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StringConstraints

from signaling.messages.base import Incoming, Outgoing, Username

MAX_CHAT_CHARACTERS = 65_536
MAX_IMAGES = 4
MAX_PAGE = 100
MAX_SEARCH_CHARACTERS = 100

ChatText = Annotated[str, StringConstraints(max_length=MAX_CHAT_CHARACTERS)]
MessageId = Annotated[str, StringConstraints(min_length=1, max_length=64)]
SearchText = Annotated[str, StringConstraints(min_length=1, max_length=MAX_SEARCH_CHARACTERS)]
PageLimit = Annotated[int, Field(ge=1, le=MAX_PAGE)]


class ChatImage(BaseModel):
    """An image of a chat message."""

    model_config = ConfigDict(frozen=True)

    image_id: str = Field(description="Identifies the image; cannot be guessed.")
    url: str = Field(
        description="Path of the image at this server; add `?token=` with a participant's token, or send it as header."
    )
    media_type: str = Field(description="`image/png`, `image/jpeg`, `image/gif` or `image/webp`.")
    size_bytes: int = Field(description="Its size.")
    width: int = Field(description="Its width in pixels.")
    height: int = Field(description="Its height in pixels.")


class LinkPreview(BaseModel):
    """What a linked page says about itself: plain text from elsewhere."""

    model_config = ConfigDict(frozen=True)

    url: str = Field(description="The link as it was written.")
    title: str = Field(description="Title of the page.")
    description: str | None = Field(default=None, description="Description of the page.")
    image_url: str | None = Field(
        default=None, description="https address of a picture; the server did not fetch it, showing it tells that site."
    )


class ChatReactions(BaseModel):
    """Who answered a message with one emoji."""

    model_config = ConfigDict(frozen=True)

    emoji: str = Field(description="The emoji.")
    user_ids: list[str] = Field(description="Who chose it, in order.")


class ChatRequest(Incoming):
    """A client writes to the room or to one participant."""

    type_name: ClassVar[str] = "chat-message"

    message: ChatText = Field(
        default="", description="The text; may be empty only with images. The server's limit may be lower."
    )
    target_user_id: Username | None = Field(default=None, description="The only receiver; null: the whole room.")
    to_all_rooms: StrictBool = Field(
        default=False,
        description="Everybody gets it, in the main room and in all breakout rooms; for hosts and moderators only, "
        "and not together with `target_user_id`.",
    )
    reply_to_id: MessageId | None = Field(
        default=None, description="The message that this answers; it must be of the same conversation."
    )
    image_ids: list[MessageId] = Field(
        default=[], max_length=MAX_IMAGES, description="Images that the writer has uploaded before, each used once."
    )


class ChatMessage(Outgoing):
    """A chat message; goes to the writer too, as the answer."""

    type_name: ClassVar[str] = "chat-message"

    message_id: str = Field(description="Identifies the message.")
    sender_id: str | None = Field(description="Who wrote it, stamped by the server; null: the server.")
    sender_name: str = Field(description="The writer's display name when it was written.")
    message: str = Field(description="The text, to be shown as text; empty when deleted.")
    html: str = Field(description="The text as safe HTML: escaped, with links and line breaks, nothing else.")
    target_user_id: str | None = Field(default=None, description="The only receiver; null: the whole room.")
    breakout_room_id: str | None = Field(
        default=None, description="The breakout room whose people see it; null: the main room, or a direct message."
    )
    to_all_rooms: bool = Field(
        default=False, description="Whether it is for everybody, in the main room and in all breakout rooms."
    )
    is_system_message: bool = Field(default=False, description="Whether the server wrote it.")
    timestamp: str = Field(description="When it was written, ISO 8601 in UTC.")
    reply_to_id: str | None = Field(default=None, description="The message that this answers.")
    thread_root_id: str | None = Field(default=None, description="The first message of the thread that this is in.")
    edited_at: str | None = Field(default=None, description="When it was last edited.")
    deleted: bool = Field(default=False, description="Whether it was deleted; text, images and previews are gone.")
    images: list[ChatImage] = Field(default=[], description="Its images.")
    link_previews: list[LinkPreview] = Field(default=[], description="Previews of its links, as far as known.")
    reactions: list[ChatReactions] = Field(default=[], description="Emoji answers.")


class ChatEditRequest(Incoming):
    """The author changes the text of a message, within the server's edit window."""

    type_name: ClassVar[str] = "chat-edit"

    message_id: MessageId = Field(description="The message.")
    message: ChatText = Field(description="The new text; may be empty only with images.")


class ChatEdit(ChatMessage):
    """A message was edited: the whole message as it is now, to all who can see it; the editor's copy is the answer."""

    type_name: ClassVar[str] = "chat-edit"


class ChatDeleteRequest(Incoming):
    """The author deletes a message; hosts and moderators may delete any message to the room."""

    type_name: ClassVar[str] = "chat-delete"

    message_id: MessageId = Field(description="The message.")


class ChatDelete(Outgoing):
    """A message was deleted; goes to all who could see it."""

    type_name: ClassVar[str] = "chat-delete"

    message_id: str = Field(description="The message; answers to it stay.")
    deleted_by: str = Field(description="Who deleted it.")
    target_user_id: str | None = Field(default=None, description="The only receiver; null: the whole room.")


class ChatReadRequest(Incoming):
    """A client has shown a message and all before it of the same conversation."""

    type_name: ClassVar[str] = "chat-read"

    message_id: MessageId = Field(description="The newest message that was read.")


class ChatRead(Outgoing):
    """Somebody has read up to a message; goes to the authors of what was newly read, and as the answer to itself."""

    type_name: ClassVar[str] = "chat-read"

    user_id: str = Field(description="Who has read.")
    message_id: str = Field(description="The newest message that was read; all before it are read too.")
    target_user_id: str | None = Field(
        default=None, description="The other one of a direct conversation, as the receiver sees it; null: the room."
    )
    read_at: str = Field(description="When, ISO 8601 in UTC.")


class ChatTypingRequest(Incoming):
    """A client types, or has stopped; repeated while it types, before `expires_in_ms` is over."""

    type_name: ClassVar[str] = "chat-typing"

    typing: StrictBool = Field(default=True, description="Whether it types.")
    target_user_id: Username | None = Field(default=None, description="To whom; null: to the whole room.")


class ChatTyping(Outgoing):
    """Somebody types, or has stopped; goes to those for whom the text will be, not to the typist."""

    type_name: ClassVar[str] = "chat-typing"

    user_id: str = Field(description="Who types.")
    typing: bool = Field(description="Whether it types.")
    target_user_id: str | None = Field(default=None, description="The only receiver; null: the whole room.")
    expires_in_ms: int = Field(
        description="Take the notice away after so long, when a message of that user comes, or when it leaves."
    )


class ChatReactionRequest(Incoming):
    """A client answers a message with an emoji, or takes that back."""

    type_name: ClassVar[str] = "chat-reaction"

    message_id: MessageId = Field(description="The message.")
    emoji: Annotated[str, StringConstraints(min_length=1, max_length=16)] = Field(description="One emoji.")
    active: StrictBool = Field(default=True, description="False: take it back.")


class ChatReaction(Outgoing):
    """The emoji answers of a message changed; goes to all who can see it."""

    type_name: ClassVar[str] = "chat-reaction"

    message_id: str = Field(description="The message.")
    user_id: str = Field(description="Who changed it.")
    reactions: list[ChatReactions] = Field(description="All emoji answers, as they are now.")


class ChatLinkPreview(Outgoing):
    """The server has read a linked page; goes to all who can see the message. Only where previews are switched on."""

    type_name: ClassVar[str] = "chat-link-preview"

    message_id: str = Field(description="The message with the link.")
    preview: LinkPreview = Field(description="What the page says.")


class ChatHistoryRequest(Incoming):
    """A client asks for earlier messages that it may see, newest first, page by page."""

    type_name: ClassVar[str] = "chat-history"

    before: MessageId | None = Field(
        default=None, description="Only messages older than this one: `next_before` of the page before; null: newest."
    )
    limit: PageLimit = Field(default=50, description="Most messages of the page.")
    q: SearchText | None = Field(default=None, description="Only messages that contain this text, in any case.")
    target_user_id: Username | None = Field(
        default=None, description="Only the direct conversation with this user; null: all that one may see."
    )
    thread_root_id: MessageId | None = Field(default=None, description="Only this message and the answers below it.")


class ReadPosition(BaseModel):
    """How far somebody has read a conversation."""

    model_config = ConfigDict(frozen=True)

    user_id: str = Field(description="Who has read.")
    message_id: str = Field(description="The newest message that was read.")
    target_user_id: str | None = Field(
        default=None, description="The other one of a direct conversation, as the receiver sees it; null: the room."
    )


class ChatHistory(Outgoing):
    """One page of earlier messages."""

    type_name: ClassVar[str] = "chat-history"

    messages: list[ChatMessage] = Field(description="In order of writing; deleted ones are kept as such.")
    next_before: str | None = Field(description="`before` of the next older page; null: there is none.")
    reply_counts: dict[str, int] = Field(
        description="How many answers the threads have whose first message is on this page."
    )
    reads: list[ReadPosition] = Field(
        description="Read positions in the room and in one's own direct conversations; only with the newest page."
    )
