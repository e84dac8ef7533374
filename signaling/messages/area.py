"""What surrounds a participant that was moved between the main room and breakout rooms."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from signaling.messages.base import Outgoing
from signaling.messages.room import ParticipantInfo, PublicationInfo


class BreakoutArea(Outgoing):
    """Who is where the receiver is, and what is published there. After a move this goes to who moved, with everything
    (`complete`); and to those who were there before, with those who came. Offers on the subscribe transport follow.
    """

    type_name: ClassVar[str] = "breakout-room-area"

    breakout_room_id: str | None = Field(description="Where the receiver is; null: in the main room.")
    complete: bool = Field(
        description="True: `publications` are all that the receiver can get now, any others it knew are gone. "
        "False: they come on top."
    )
    participants: list[ParticipantInfo] = Field(description="Those who are there, the receiver too, or who came.")
    publications: list[PublicationInfo] = Field(description="Their tracks.")
