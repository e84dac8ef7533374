"""A meeting of four at the page that uses what there is, in acts that can be played again and again.

Each act leaves the room as it found it. Who looks at a feature looks at what the others see of it.
"""

from tests.support.meeting.hosting import ban_and_lock, breakouts, door, hand_over, moderation, mute_all
from tests.support.meeting.looking import backgrounds, devices, quality, screen, settings
from tests.support.meeting.outside import live, recording
from tests.support.meeting.people import Act, Meeting
from tests.support.meeting.talking import chat, files, hands_and_reactions, images_and_whispers

ACTS: list[Act] = [
    chat,
    images_and_whispers,
    hands_and_reactions,
    devices,
    screen,
    moderation,
    mute_all,
    hand_over,
    door,
    ban_and_lock,
    breakouts,
    files,
    settings,
    quality,
    recording,
    live,
    backgrounds,
]

__all__ = ["ACTS", "Act", "Meeting"]
