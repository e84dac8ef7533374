"""Who sits in a room, as it is kept in Redis, so that another shard can go on with the room as it is.

A record holds what cannot be learned from anything else: identity as the token gave it, role, what was set in the
room, and the session by which its client proves that it is the same.
"""

from __future__ import annotations

from collections.abc import Iterable

from pydantic import BaseModel, ValidationError

from signaling.messages.background import VirtualBackground
from signaling.model import Role, RolePermissions
from signaling.permissions import permissions_of
from signaling.room import Participant, Room


class SeatRecord(BaseModel):
    """One participant. ``seq`` and ``ids``: how far its session has come, known only if the room was handed over."""

    username: str
    display_name: str
    avatar_url: str | None = None
    role: Role
    joined_unix: float
    session_id: str
    granted: dict[str, bool] = {}
    overrides: dict[str, bool] = {}
    token_role: Role | None = None
    renamed: bool = False
    breakout_room_id: str | None = None
    microphone_on: bool = True
    camera_on: bool = True
    virtual_background: VirtualBackground | None = None
    by_whip: bool = False
    seq: int = 0
    ids: list[str] = []


def record(participant: Participant, seq: int = 0, ids: Iterable[str] = ()) -> str:
    """A participant as it is kept."""
    return SeatRecord(
        username=participant.username,
        display_name=participant.display_name,
        avatar_url=participant.avatar_url,
        role=participant.role,
        joined_unix=participant.joined_unix,
        session_id=participant.session_id,
        granted=dict(participant.granted),
        overrides=dict(participant.overrides),
        token_role=participant.token_role,
        renamed=participant.renamed,
        breakout_room_id=participant.breakout_room_id,
        microphone_on=participant.microphone_on,
        camera_on=participant.camera_on,
        virtual_background=participant.virtual_background,
        by_whip=participant.by_whip,
        seq=seq,
        ids=list(ids),
    ).model_dump_json()


def read(texts: Iterable[str]) -> list[SeatRecord]:
    """Records from Redis in order of joining; what another version wrote is passed over."""
    found: list[SeatRecord] = []
    for text in texts:
        try:
            found.append(SeatRecord.model_validate_json(text))
        except ValidationError:
            continue
    return sorted(found, key=lambda seat: seat.joined_unix)


def take_seats(room: Room, seats: Iterable[SeatRecord], defaults: RolePermissions) -> list[SeatRecord]:
    """Put those who were in a room back into it; who they are. Encoders start anew by themselves."""
    taken = [seat for seat in seats if not seat.by_whip and seat.username not in room.participants]
    for seat in taken:
        place = seat.breakout_room_id if seat.breakout_room_id in room.breakouts.rooms else None
        room.participants[seat.username] = Participant(
            username=seat.username,
            display_name=seat.display_name,
            avatar_url=seat.avatar_url,
            role=seat.role,
            permissions=permissions_of(seat.role, seat.granted, defaults, seat.overrides),
            joined_unix=seat.joined_unix,
            session_id=seat.session_id,
            granted=seat.granted,
            overrides=seat.overrides,
            token_role=seat.token_role,
            renamed=seat.renamed,
            is_hand_raised=seat.username in room.hands,
            breakout_room_id=place,
            microphone_on=seat.microphone_on,
            camera_on=seat.camera_on,
            virtual_background=seat.virtual_background,
        )
        room.remembered.pop(seat.username, None)
        room.admitted.add(seat.username)
    room.was_entered = room.was_entered or bool(taken)
    return taken
