"""Reactions."""

from __future__ import annotations

from signaling.context import Context
from signaling.effects import Broadcast, Effects
from signaling.emoji import is_emoji
from signaling.envelope import iso_utc
from signaling.errors import ErrorCode, RoomError
from signaling.messages.reactions import Reaction, ReactionRequest
from signaling.room import Participant, Room
from signaling.rules import require

SHOWN_MS = 5_000


def reaction(room: Room, participant: Participant, message: ReactionRequest, context: Context) -> Effects:
    """Show everybody who is in the same place an emoji."""
    require(participant, "can_use_reactions")
    if not room.settings.enable_reactions:
        raise RoomError(
            ErrorCode.PERMISSION_DENIED,
            "Reactions are switched off in this room.",
            details={"setting": "enable_reactions"},
        )
    if not is_emoji(message.reaction_type):
        raise RoomError(ErrorCode.INVALID_MESSAGE, "That is not one emoji.", details={"field": "reaction_type"})
    told = Reaction(
        user_id=participant.username,
        username=participant.username,
        reaction_type=message.reaction_type,
        timestamp=iso_utc(context.now_unix),
        duration_ms=SHOWN_MS,
    )
    return [Broadcast(told, sender=participant.username, area=participant.breakout_room_id, reply=True)]
