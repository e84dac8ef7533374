"""What clients say of their own connection."""

from __future__ import annotations

from signaling.context import Context
from signaling.effects import Effects
from signaling.messages.quality import NetworkStatsRequest
from signaling.room import Participant, Reported, Room


def network_stats(room: Room, participant: Participant, message: NetworkStatsRequest, context: Context) -> Effects:
    """Remember it until it is old; it only complements what the server measures."""
    participant.reported = Reported(rtt_ms=message.rtt, at_unix=context.now_unix)
    return []
