"""Chat."""

from __future__ import annotations

from signaling.context import Context
from signaling.effects import Broadcast, Effects, Send
from signaling.envelope import iso_utc
from signaling.errors import ErrorCode, RoomError
from signaling.messages.chat import ChatMessage, ChatRequest
from signaling.room import Participant, Room
from signaling.rules import find, require


def chat_message(room: Room, participant: Participant, message: ChatRequest, context: Context) -> Effects:
    """Pass a text on to the room, or to one participant and back to its writer."""
    require(participant, "can_send_chat")
    if not room.settings.enable_chat:
        raise RoomError(ErrorCode.PERMISSION_DENIED, "Chat is switched off in this room.")
    limit = context.options.max_chat_characters
    if len(message.message) > limit:
        raise RoomError(
            ErrorCode.INVALID_MESSAGE,
            f"A chat message has at most {limit} characters.",
            details={"max_chat_characters": limit},
        )
    if not message.message.strip():
        raise RoomError(ErrorCode.INVALID_MESSAGE, "A chat message cannot be empty.")
    chat = ChatMessage(
        message_id=context.new_id(),
        sender_id=participant.username,
        sender_name=participant.display_name,
        message=message.message,
        target_user_id=message.target_user_id,
        timestamp=iso_utc(context.now_unix),
    )
    if message.target_user_id is None:
        return [Broadcast(chat, sender=participant.username, reply=True)]
    target = find(room, message.target_user_id)
    effects: Effects = [Send(participant.username, chat, sender=participant.username, reply=True)]
    if target is not participant:
        effects.append(Send(target.username, chat, sender=participant.username))
    return effects
