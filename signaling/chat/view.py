"""What several chat handlers share: who sees a message, how it is told, how it is saved."""

from __future__ import annotations

from typing import TypeVar

from signaling.chat.log import ChatEntry, Viewer
from signaling.effects import Broadcast, Effects, SaveChat, Send
from signaling.envelope import iso_utc
from signaling.errors import ErrorCode, RoomError
from signaling.messages.base import Outgoing
from signaling.messages.chat import ChatMessage, ChatReactions
from signaling.room import Participant, Room
from signaling.rules import require

Told = TypeVar("Told", bound=ChatMessage)


def check_open(room: Room, participant: Participant, *, permission: str = "can_send_chat") -> None:
    """Raises RoomError ``permission_denied`` unless the participant may take part in the chat now."""
    require(participant, permission)
    if not room.settings.enable_chat:
        raise RoomError(
            ErrorCode.PERMISSION_DENIED, "Chat is switched off in this room.", details={"setting": "enable_chat"}
        )


def viewer_of(room: Room, participant: Participant) -> Viewer:
    """The participant as one who looks at the log."""
    return Viewer(
        participant.username, participant.joined_unix, room.settings.chat_history, participant.breakout_room_id
    )


def find_entry(room: Room, participant: Participant, message_id: str, *, deleted: bool = False) -> ChatEntry:
    """The message, as far as the participant may see it; raises RoomError ``message_not_found``."""
    entry = room.chat.seen_by(viewer_of(room, participant), message_id)
    if entry is None or (entry.deleted and not deleted):
        raise RoomError(ErrorCode.MESSAGE_NOT_FOUND, "There is no such message.", details={"message_id": message_id})
    return entry


def state_of(entry: ChatEntry, told: type[Told]) -> Told:
    """The message as it is now."""
    return told(
        message_id=entry.message_id,
        sender_id=entry.sender_id,
        sender_name=entry.sender_name,
        message=entry.message,
        html=entry.html,
        target_user_id=entry.target_user_id,
        breakout_room_id=entry.breakout_room_id,
        to_all_rooms=entry.to_all_rooms,
        is_system_message=entry.sender_id is None,
        timestamp=iso_utc(entry.written_unix),
        reply_to_id=entry.reply_to_id,
        thread_root_id=entry.thread_root_id,
        edited_at=iso_utc(entry.edited_unix) if entry.edited_unix is not None else None,
        deleted=entry.deleted,
        images=entry.images,
        link_previews=entry.previews,
        reactions=[ChatReactions(emoji=emoji, user_ids=users) for emoji, users in entry.reactions.items()],
    )


def to_viewers(room: Room, entry: ChatEntry, message: Outgoing, sender: str | None, *, reply: bool = False) -> Effects:
    """Tell all in the room who may see ``entry``; with ``reply`` the sender's copy is the answer."""
    if entry.target_user_id is None:
        blind = frozenset(p.username for p in room.participants.values() if not viewer_of(room, p).sees(entry))
        return [Broadcast(message, sender=sender, without=blind, reply=reply)]
    ends = dict.fromkeys((entry.sender_id, entry.target_user_id))
    present = [room.participants[end] for end in ends if end is not None and end in room.participants]
    return [
        Send(end.username, message, sender=sender, reply=reply and end.username == sender)
        for end in present
        if viewer_of(room, end).sees(entry)
    ]


def save(entry: ChatEntry) -> Effects:
    """Write a message down, if those who join later may see it."""
    return [SaveChat(entry.message_id, entry.model_dump_json())] if entry.kept else []
