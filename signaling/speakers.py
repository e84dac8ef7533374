"""Who is speaking: from the engine's levels of Producers to what the room is told."""

from __future__ import annotations

from signaling.messages.media import ActiveSpeakers, SpeakerLevel
from signaling.room import Room

SPEAKING_LEVEL = 0.05
LEVEL_STEPS = 20
"""Levels are told in twentieths: finer ones would only make more messages."""


class SpeakerBoard:
    """Keeps who speaks in the Participants, and decides whether it is worth telling.

    ``area``: the breakout room that it watches, or None for the main room.
    """

    def __init__(self, room: Room, area: str | None = None) -> None:
        self._room = room
        self._area = area
        self._told: ActiveSpeakers | None = ActiveSpeakers(dominant=None, speakers=[])
        self._heard: set[str] = set()

    def tell_anew(self) -> None:
        """Others are listening now: what comes next is worth telling."""
        self._told = None

    def update(self, dominant: str | None, levels: dict[str, float]) -> ActiveSpeakers | None:
        """Take the dominant Producer and the level (0.0 to 1.0) of each; a message if something changed."""
        loudest: dict[str, float] = {}
        for producer_id, level in levels.items():
            publication = self._room.publication(producer_id)
            if publication is not None and not publication.muted:
                loudest[publication.user_id] = max(loudest.get(publication.user_id, 0.0), level)
        self._mark(loudest)
        floor = self._room.publication(dominant) if dominant is not None else None
        message = ActiveSpeakers(
            dominant=floor.user_id if floor is not None else None,
            speakers=[
                SpeakerLevel(user_id=user_id, audio_level=step)
                for user_id, level in sorted(loudest.items(), key=lambda item: -item[1])
                if (step := min(round(level * LEVEL_STEPS) / LEVEL_STEPS, 1.0)) >= SPEAKING_LEVEL
            ],
        )
        if message == self._told:
            return None
        self._told = message
        return message

    def _mark(self, loudest: dict[str, float]) -> None:
        for username in self._heard | loudest.keys():
            participant = self._room.participants.get(username)
            if participant is not None and participant.breakout_room_id == self._area:
                participant.audio_level = min(loudest.get(username, 0.0), 1.0)
                participant.is_speaking = participant.audio_level >= SPEAKING_LEVEL
        self._heard = set(loudest)
