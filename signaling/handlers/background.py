"""Virtual backgrounds."""

from __future__ import annotations

from signaling.context import Context
from signaling.effects import Broadcast, Effects
from signaling.messages.background import BackgroundRequest, BackgroundUpdate, VirtualBackground
from signaling.room import Participant, Room


def background_update(room: Room, participant: Participant, message: BackgroundRequest, context: Context) -> Effects:
    """Remember what is shown behind a participant, and tell the others."""
    background = VirtualBackground(
        enabled=message.enabled, background_type=message.background_type, background_url=message.background_url
    )
    participant.virtual_background = background
    told = BackgroundUpdate(user_id=participant.username, **background.model_dump())
    return [Broadcast(told, sender=participant.username, reply=True)]
