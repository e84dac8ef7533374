"""What is told of breakout rooms, and to whom."""

from __future__ import annotations

from signaling.breakouts.rooms import Breakout
from signaling.envelope import iso_utc
from signaling.messages.area import BreakoutArea
from signaling.messages.breakouts import BreakoutInfo
from signaling.messages.room import ParticipantInfo
from signaling.room import Participant, Room


def info(room: Room, breakout: Breakout) -> BreakoutInfo:
    """One breakout room with who is in it now."""
    return BreakoutInfo(
        breakout_room_id=breakout.breakout_room_id,
        name=breakout.name,
        participant_ids=[p.username for p in people_in(room, breakout.breakout_room_id)],
        created_at=iso_utc(breakout.created_unix),
        created_by=breakout.created_by,
        max_participants=breakout.max_participants,
        ends_at=iso_utc(breakout.ends_unix) if breakout.ends_unix is not None else None,
        self_assign=breakout.self_assign,
    )


def infos(room: Room) -> list[BreakoutInfo]:
    """All breakout rooms, in order of making."""
    return [info(room, breakout) for breakout in room.breakouts.rooms.values()]


def people_in(room: Room, area: str | None) -> list[Participant]:
    """Who is in a breakout room, or (None) in the main room."""
    return [p for p in room.participants.values() if p.breakout_room_id == area]


def counted(room: Room, area: str) -> int:
    """How many places of a breakout room are taken: hosts and moderators come and go."""
    return sum(1 for p in people_in(room, area) if not p.permissions.can_manage_participants)


def seen_from(participant: Participant, place: str | None) -> ParticipantInfo:
    """What those in ``place`` are told of a participant; who is elsewhere cannot be heard."""
    told = participant.info()
    if participant.breakout_room_id == place:
        return told
    return told.model_copy(update={"is_speaking": False, "audio_level": 0.0})


def area(room: Room, place: str | None, people: list[Participant], *, complete: bool) -> BreakoutArea:
    """``people`` of one area, and their tracks."""
    return BreakoutArea(
        breakout_room_id=place,
        complete=complete,
        participants=[p.info() for p in people],
        publications=[publication.info() for p in people for publication in p.publications.values()],
    )
