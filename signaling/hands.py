"""The queue of raised hands, first in first out."""

from __future__ import annotations

from signaling.effects import Broadcast, Effects, ForgetEntry, SaveEntry, Table
from signaling.envelope import iso_utc
from signaling.messages.hands import HandRaiseQueue, RaisedHand
from signaling.room import Room


def queue(room: Room) -> HandRaiseQueue:
    """The queue as everybody is told it: those who are in the room."""
    raised = [(name, since) for name, since in room.hands.items() if name in room.participants]
    return HandRaiseQueue(
        queue=[
            RaisedHand(username=name, user_id=name, raised_at=iso_utc(since), position=position)
            for position, (name, since) in enumerate(raised, 1)
        ]
    )


def raise_hand(room: Room, username: str, now_unix: float) -> Effects:
    """Put a participant at the end of the queue; nothing if its hand is up already."""
    if username in room.hands:
        return []
    room.hands[username] = now_unix
    room.participants[username].is_hand_raised = True
    return [SaveEntry(Table.HANDS, username, repr(now_unix))]


def lower(room: Room, username: str) -> Effects:
    """Take a hand down and tell everybody; nothing if it is down already."""
    effects = take_down(room, username)
    return [*effects, Broadcast(queue(room))] if effects else []


def take_down(room: Room, username: str) -> Effects:
    """Take a hand down without telling anybody."""
    if room.hands.pop(username, None) is None:
        return []
    participant = room.participants.get(username)
    if participant is not None:
        participant.is_hand_raised = False
    return [ForgetEntry(Table.HANDS, username)]
