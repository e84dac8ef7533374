"""Asking to unmute, kicking, banning."""

from __future__ import annotations

from signaling.admission import tell_managers
from signaling.bans import Ban
from signaling.context import Context
from signaling.effects import Effects, EndSession, EndViewing, ForgetEntry, Leave, SaveEntry, Send, Table
from signaling.envelope import iso_utc
from signaling.errors import CloseCode, ErrorCode, RoomError
from signaling.handlers.waiting import turn_away
from signaling.messages.moderation import (
    BanList,
    BanListRequest,
    BanRequest,
    Kicked,
    KickRequest,
    UnbanRequest,
    UnmuteAsked,
    UnmuteRequest,
)
from signaling.model import Source
from signaling.room import Participant, Room
from signaling.rules import find, may_share, require, require_authority

MAX_BANS = 10_000


def unmute_request(room: Room, participant: Participant, message: UnmuteRequest, context: Context) -> Effects:
    """Ask somebody to switch its microphone or camera on."""
    require(participant, "can_manage_participants")
    target = find(room, message.user_id)
    for wanted, source in ((message.audio, Source.MICROPHONE), (message.video, Source.CAMERA)):
        if wanted and not may_share(target, source):
            raise RoomError(
                ErrorCode.INVALID_STATE,
                f"That participant does not have the right to share its {source.value}.",
                details={"user_id": target.username, "source": source.value},
            )
    asked = UnmuteAsked(
        user_id=target.username, requested_by=participant.username, audio=message.audio, video=message.video
    )
    return [Send(target.username, asked, sender=participant.username)]


def kick(room: Room, participant: Participant, message: KickRequest, context: Context) -> Effects:
    """Take somebody out."""
    target = find(room, message.user_id)
    require_authority(participant, target)
    room.admitted.discard(target.username)
    return [ForgetEntry(Table.ADMITTED, target.username), *_take_out(participant, target.username, message.reason)]


def ban(room: Room, participant: Participant, message: BanRequest, context: Context) -> Effects:
    """Take somebody out, if it is there, and keep it out."""
    username = message.user_id
    target = room.participants.get(username)
    if target is not None:
        require_authority(participant, target)
    else:
        require(participant, "can_manage_participants")
        if username == participant.username:
            raise RoomError(ErrorCode.PERMISSION_DENIED, "You cannot do this to yourself.")
    if len(room.bans) >= MAX_BANS and username not in room.bans:
        raise RoomError(ErrorCode.INVALID_STATE, "Too many are banned.", details={"max_bans": MAX_BANS})
    entry = Ban(
        user_id=username,
        banned_by=participant.username,
        banned_at=iso_utc(context.now_unix),
        reason=message.reason,
    )
    room.bans[username] = entry
    room.admitted.discard(username)
    effects: Effects = [
        SaveEntry(Table.BANS, username, entry.model_dump_json()),
        ForgetEntry(Table.ADMITTED, username),
        EndViewing(username),  # it may watch without being in the room
    ]
    if target is not None:
        effects += _take_out(participant, username, message.reason, banned=True)
    effects += turn_away(room, username, message.reason, participant.username)
    return [*effects, *_tell_bans(room, participant)]


def unban(room: Room, participant: Participant, message: UnbanRequest, context: Context) -> Effects:
    """Let somebody in again."""
    require(participant, "can_manage_participants")
    if room.bans.pop(message.user_id, None) is None:
        raise RoomError(ErrorCode.USER_NOT_FOUND, "That user is not banned.", details={"user_id": message.user_id})
    return [ForgetEntry(Table.BANS, message.user_id), *_tell_bans(room, participant)]


def ban_list(room: Room, participant: Participant, message: BanListRequest, context: Context) -> Effects:
    """Who is banned."""
    require(participant, "can_manage_participants")
    return [Send(participant.username, _bans(room), reply=True)]


def _take_out(participant: Participant, username: str, reason: str | None, *, banned: bool = False) -> Effects:
    told = Kicked(user_id=username, kicked_by=participant.username, reason=reason, banned=banned)
    word = "banned" if banned else "kicked"
    return [
        Send(username, told, sender=participant.username),
        EndSession(username, CloseCode.FORBIDDEN if banned else CloseCode.KICKED, word),
        EndViewing(username),
        Leave(username, word),
    ]


def _tell_bans(room: Room, participant: Participant) -> Effects:
    """To the one who asked as the answer, and to the others who manage participants."""
    others = tell_managers(room, _bans(room), without=participant.username)
    return [Send(participant.username, _bans(room), reply=True), *others]


def _bans(room: Room) -> BanList:
    return BanList(bans=list(room.bans.values()))
