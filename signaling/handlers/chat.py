"""Writing, editing, deleting and answering chat messages."""

from __future__ import annotations

from signaling.chat.emoji import is_emoji
from signaling.chat.log import ChatEntry
from signaling.chat.text import clean_text, first_link
from signaling.chat.view import check_open, find_entry, save, state_of, to_viewers
from signaling.context import Context
from signaling.effects import Broadcast, DropImages, Effects, FetchPreview, ForgetChat
from signaling.errors import ErrorCode, RoomError
from signaling.messages.chat import (
    ChatDelete,
    ChatDeleteRequest,
    ChatEdit,
    ChatEditRequest,
    ChatImage,
    ChatMessage,
    ChatReaction,
    ChatReactionRequest,
    ChatRequest,
)
from signaling.room import Participant, Room
from signaling.rules import find, require

MAX_EMOJI_OF_A_MESSAGE = 20


def chat_message(room: Room, participant: Participant, message: ChatRequest, context: Context) -> Effects:
    """Pass a message on to the room, or to one participant and back to its writer, and keep it."""
    check_open(room, participant)
    text = _text(message.message, context, may_be_empty=bool(message.image_ids))
    if message.target_user_id is not None:
        find(room, message.target_user_id)
    if message.to_all_rooms:
        _check_to_all(participant, message)
    answered = _answered(room, participant, message)
    images = _take_images(room, participant, message.image_ids)
    entry = ChatEntry(
        number=room.chat.next_number(),
        message_id=context.new_id(),
        sender_id=participant.username,
        sender_name=participant.display_name,
        message=text,
        target_user_id=message.target_user_id,
        breakout_room_id=participant.breakout_room_id if message.target_user_id is None else None,
        to_all_rooms=message.to_all_rooms,
        written_unix=context.now_unix,
        kept=room.settings.chat_history,
        reply_to_id=answered.message_id if answered is not None else None,
        thread_root_id=(answered.thread_root_id or answered.message_id) if answered is not None else None,
        images=images,
        origin=context.origin,
    )
    told = to_viewers(room, entry, state_of(entry, ChatMessage), participant.username, reply=True)
    return [*told, *_keep(room, entry, context), *_preview(entry, context)]


def system_message(room: Room, text: str, context: Context) -> Effects:
    """Say something to the whole room in the server's name; no client can."""
    entry = ChatEntry(
        number=room.chat.next_number(),
        message_id=context.new_id(),
        sender_id=None,
        sender_name="",
        to_all_rooms=True,
        message=clean_text(text),
        written_unix=context.now_unix,
        kept=room.settings.chat_history,
    )
    return [Broadcast(state_of(entry, ChatMessage)), *_keep(room, entry, context)]


def chat_edit(room: Room, participant: Participant, message: ChatEditRequest, context: Context) -> Effects:
    """Give one's own message another text."""
    check_open(room, participant)
    entry = find_entry(room, participant, message.message_id)
    if entry.sender_id != participant.username:
        raise RoomError(ErrorCode.PERMISSION_DENIED, "Only its author can edit a message.")
    window_s = context.options.chat.edit_window_s
    if context.now_unix - entry.written_unix > window_s or window_s == 0:
        raise RoomError(
            ErrorCode.INVALID_STATE, "This message can be edited no more.", details={"edit_window_s": window_s}
        )
    room.chat.set_text(entry, _text(message.message, context, may_be_empty=bool(entry.images)))
    entry.edited_unix = context.now_unix
    link = first_link(entry.message)
    entry.previews = [preview for preview in entry.previews if preview.url == link]
    told = to_viewers(room, entry, state_of(entry, ChatEdit), participant.username, reply=True)
    return [*told, *save(entry), *([] if entry.previews else _preview(entry, context))]


def chat_delete(room: Room, participant: Participant, message: ChatDeleteRequest, context: Context) -> Effects:
    """Delete one's own message, or as a moderator any message to the room; its place stays."""
    entry = find_entry(room, participant, message.message_id)
    if entry.sender_id != participant.username:
        require(participant, "can_manage_participants")
        if entry.target_user_id is not None:
            raise RoomError(ErrorCode.PERMISSION_DENIED, "A direct message can be deleted by its author only.")
    images = room.chat.drop_images(entry)
    room.chat.set_text(entry, "")
    entry.previews, entry.reactions, entry.deleted_by = [], {}, participant.username
    told = ChatDelete(message_id=entry.message_id, deleted_by=participant.username, target_user_id=entry.target_user_id)
    dropped: Effects = [DropImages(images)] if images else []
    return [*to_viewers(room, entry, told, participant.username, reply=True), *save(entry), *dropped]


def chat_reaction(room: Room, participant: Participant, message: ChatReactionRequest, context: Context) -> Effects:
    """Answer a message with an emoji, or take that back."""
    check_open(room, participant, permission="can_use_reactions")
    if not room.settings.enable_reactions:
        raise RoomError(ErrorCode.PERMISSION_DENIED, "Reactions are switched off in this room.")
    entry = find_entry(room, participant, message.message_id)
    if not is_emoji(message.emoji):
        raise RoomError(ErrorCode.INVALID_MESSAGE, "That is no emoji.", details={"field": "emoji"})
    users = entry.reactions.get(message.emoji, [])
    if not message.active:
        users = [user for user in users if user != participant.username]
    elif participant.username not in users:
        if not users and len(entry.reactions) >= MAX_EMOJI_OF_A_MESSAGE:
            raise RoomError(
                ErrorCode.INVALID_STATE,
                f"A message has at most {MAX_EMOJI_OF_A_MESSAGE} different emoji.",
                details={"max_emoji": MAX_EMOJI_OF_A_MESSAGE},
            )
        users = [*users, participant.username]
    if users:
        entry.reactions[message.emoji] = users
    else:
        entry.reactions.pop(message.emoji, None)
    told = ChatReaction(
        message_id=entry.message_id,
        user_id=participant.username,
        reactions=state_of(entry, ChatMessage).reactions,
    )
    return [*to_viewers(room, entry, told, participant.username, reply=True), *save(entry)]


def _text(text: str, context: Context, *, may_be_empty: bool) -> str:
    limit = context.options.max_chat_characters
    if len(text) > limit:
        raise RoomError(
            ErrorCode.INVALID_MESSAGE,
            f"A chat message has at most {limit} characters.",
            details={"max_chat_characters": limit},
        )
    cleaned = clean_text(text)
    if not cleaned.strip() and not may_be_empty:
        raise RoomError(ErrorCode.INVALID_MESSAGE, "A chat message cannot be empty.")
    return cleaned


def _check_to_all(participant: Participant, message: ChatRequest) -> None:
    require(participant, "can_manage_participants")
    if message.target_user_id is not None:
        raise RoomError(
            ErrorCode.INVALID_MESSAGE, "A direct message has one receiver.", details={"field": "to_all_rooms"}
        )


def _answered(room: Room, participant: Participant, message: ChatRequest) -> ChatEntry | None:
    if message.reply_to_id is None:
        return None
    entry = find_entry(room, participant, message.reply_to_id)
    if entry.other(participant.username) != message.target_user_id:
        raise RoomError(
            ErrorCode.INVALID_MESSAGE,
            "An answer belongs to the conversation of what it answers.",
            details={"field": "target_user_id"},
        )
    return entry


def _take_images(room: Room, participant: Participant, image_ids: list[str]) -> list[ChatImage]:
    """The images of a message; raises RoomError when one is not the writer's, used already or named twice."""
    for image_id in image_ids:
        upload = room.chat.uploads.get(image_id)
        if upload is None or upload.owner != participant.username or image_ids.count(image_id) > 1:
            raise RoomError(
                ErrorCode.INVALID_MESSAGE, "An image is not there, or used already.", details={"image_id": image_id}
            )
    return [room.chat.uploads.pop(image_id).image for image_id in image_ids]


def _keep(room: Room, entry: ChatEntry, context: Context) -> Effects:
    trimmed = room.chat.add(entry, context.options.chat)
    effects = save(entry)
    if trimmed.message_ids:
        effects.append(ForgetChat(trimmed.message_ids, trimmed.read_keys))
    if trimmed.image_ids:
        effects.append(DropImages(trimmed.image_ids))
    return effects


def _preview(entry: ChatEntry, context: Context) -> Effects:
    link = first_link(entry.message) if context.options.chat.link_previews else None
    return [FetchPreview(entry.message_id, link)] if link is not None else []
