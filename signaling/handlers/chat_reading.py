"""Reading the chat: pages of history, read marks, typing, and previews that have come."""

from __future__ import annotations

from signaling.chat.log import Query
from signaling.chat.text import first_link
from signaling.chat.view import check_open, find_entry, save, state_of, to_viewers, viewer_of
from signaling.context import Context
from signaling.effects import Broadcast, Effects, SaveChatRead, Send
from signaling.envelope import iso_utc
from signaling.messages.chat import (
    ChatHistory,
    ChatHistoryRequest,
    ChatLinkPreview,
    ChatMessage,
    ChatRead,
    ChatReadRequest,
    ChatTyping,
    ChatTypingRequest,
    LinkPreview,
    ReadPosition,
)
from signaling.room import Participant, Room
from signaling.rules import find


def chat_history(room: Room, participant: Participant, message: ChatHistoryRequest, context: Context) -> Effects:
    """Answer with one page."""
    return [Send(participant.username, history_page(room, participant, message), reply=True)]


def history_page(room: Room, participant: Participant, request: ChatHistoryRequest) -> ChatHistory:
    """One page of what ``participant`` may see; for WebSocket and REST alike."""
    viewer = viewer_of(room, participant)
    query = Query(request.before, request.limit, request.q, request.target_user_id, request.thread_root_id)
    page = room.chat.page(viewer, query)
    newest = request.before is None
    return ChatHistory(
        messages=[state_of(entry, ChatMessage) for entry in page.entries],
        next_before=page.next_before,
        reply_counts=room.chat.reply_counts(viewer, page.entries),
        reads=_reads(room, participant) if newest else [],
    )


def _reads(room: Room, participant: Participant) -> list[ReadPosition]:
    """Marks in the room, and those of the two ends of own direct conversations, as ``participant`` sees them."""
    own = participant.username
    found = []
    for mark in room.chat.marks.values():
        if mark.other is None and mark.breakout_room_id != participant.breakout_room_id:
            continue
        if mark.other is None or own in (mark.reader, mark.other):
            other = mark.reader if mark.other == own else mark.other
            found.append(ReadPosition(user_id=mark.reader, message_id=mark.message_id, target_user_id=other))
    return found


def chat_read(room: Room, participant: Participant, message: ChatReadRequest, context: Context) -> Effects:
    """Move the own read mark forward, and tell the authors of what was newly read."""
    entry = find_entry(room, participant, message.message_id, deleted=True)
    mark, authors = room.chat.mark_read(viewer_of(room, participant), entry)

    def told(other: str | None) -> ChatRead:
        return ChatRead(
            user_id=mark.reader, message_id=mark.message_id, target_user_id=other, read_at=iso_utc(context.now_unix)
        )

    effects: Effects = [Send(participant.username, told(mark.other), sender=participant.username, reply=True)]
    for author in sorted(authors):
        other = None if mark.other is None else participant.username
        effects.append(Send(author, told(other), sender=participant.username))
    # Marks of what later ones may not see are not written down either.
    return [*effects, SaveChatRead(mark.key, mark.model_dump_json())] if entry.kept else effects


def chat_typing(room: Room, participant: Participant, message: ChatTypingRequest, context: Context) -> Effects:
    """Tell those for whom the text will be."""
    check_open(room, participant)
    told = ChatTyping(
        user_id=participant.username,
        typing=message.typing,
        target_user_id=message.target_user_id,
        expires_in_ms=context.options.chat.typing_expires_ms,
    )
    if message.target_user_id is None:
        place = participant.breakout_room_id
        elsewhere = {p.username for p in room.participants.values() if p.breakout_room_id != place}
        return [Broadcast(told, sender=participant.username, without=frozenset({participant.username, *elsewhere}))]
    target = find(room, message.target_user_id)
    return [Send(target.username, told, sender=participant.username)] if target is not participant else []


def preview_found(room: Room, message_id: str, preview: LinkPreview) -> Effects:
    """Attach a preview, unless the message has lost the link meanwhile."""
    entry = room.chat.get(message_id)
    if entry is None or entry.deleted or entry.previews or first_link(entry.message) != preview.url:
        return []
    entry.previews = [preview]
    return [*to_viewers(room, entry, ChatLinkPreview(message_id=message_id, preview=preview), None), *save(entry)]
