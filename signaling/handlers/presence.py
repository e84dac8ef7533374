"""Heartbeats and leaving."""

from __future__ import annotations

from signaling.context import Context
from signaling.effects import Effects, EndSession, Leave, RenewPresence, Send
from signaling.errors import CloseCode
from signaling.messages.room import Heartbeat, HeartbeatRequest, LeaveRequest
from signaling.room import Participant, Room


def heartbeat(room: Room, participant: Participant, message: HeartbeatRequest, context: Context) -> Effects:
    """Answer, and keep the presence."""
    return [RenewPresence(participant.username), Send(participant.username, Heartbeat(), reply=True)]


def leave(room: Room, participant: Participant, message: LeaveRequest, context: Context) -> Effects:
    """Leave on purpose."""
    return [
        EndSession(participant.username, CloseCode.NORMAL, "left"),
        Leave(participant.username, "left"),
    ]
