"""Raising and lowering hands."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from signaling.context import Context
from signaling.effects import Broadcast, Effects, Send
from signaling.errors import ErrorCode, RoomError
from signaling.hands import queue, raise_hand, take_down
from signaling.messages.hands import HandRaiseRequest
from signaling.room import Participant, Room
from signaling.rules import find, require


def hand_raise(room: Room, participant: Participant, message: HandRaiseRequest, context: Context) -> Effects:
    """Raise or lower one's hand, or lower another's; a change is told to everybody."""
    target = participant if message.user_id is None else find(room, message.user_id)
    if target.username != participant.username:
        require(participant, "can_manage_participants")
        if message.raised:
            raise RoomError(ErrorCode.PERMISSION_DENIED, "Everybody raises their own hand.")
    elif target.username not in room.participants:
        raise RoomError(ErrorCode.INVALID_STATE, "Join the room first.")
    if message.raised:
        changed = raise_hand(room, target.username, context.now_unix)
    else:
        changed = take_down(room, target.username)
    if not changed:
        return [Send(participant.username, queue(room), reply=True)]
    return [*changed, Broadcast(queue(room), sender=participant.username, reply=True)]


def lowers(payload: Mapping[str, Any]) -> bool:
    """Whether a payload lowers a hand: that is not limited as raising is."""
    return payload.get("raised") is False
