"""What subscribers wish to receive."""

from __future__ import annotations

from signaling.context import Context
from signaling.effects import Effects, TakePreferences
from signaling.messages.preferences import PreferencesRequest
from signaling.room import Participant, Room


def subscription_preferences(
    room: Room, participant: Participant, message: PreferencesRequest, context: Context
) -> Effects:
    """Anybody may wish anything of what it receives; a wish for what is not there yet waits until it is."""
    return [TakePreferences(participant.username, message)]
