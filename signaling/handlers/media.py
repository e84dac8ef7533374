"""Muting and screen sharing."""

from __future__ import annotations

from signaling.context import Context
from signaling.effects import Broadcast, Effects, SetMuted
from signaling.errors import ErrorCode, RoomError
from signaling.messages.media import MediaControl, MediaControlRequest, ScreenShareControl, ScreenShareRequest
from signaling.model import Role, Source
from signaling.room import SCREEN_SOURCES, Participant, Room
from signaling.rules import find, may_share, require, require_share

_MICROPHONE = frozenset({Source.MICROPHONE})
_CAMERA = frozenset({Source.CAMERA})


def media_control(room: Room, participant: Participant, message: MediaControlRequest, context: Context) -> Effects:
    """Switch own tracks on or off, or another's off."""
    target = _target(room, participant, message)
    effects = _switch(target, message)
    return [*effects, told_of(target, state_of(target), participant.username, reply=True)]


def screen_share_control(
    room: Room, participant: Participant, message: ScreenShareRequest, context: Context
) -> Effects:
    """The same, told as the start or stop of a screen share."""
    target = _target(room, participant, message)
    effects = _switch(target, message)
    told = ScreenShareControl.model_validate(state_of(target).model_dump())
    return [*effects, told_of(target, told, participant.username, reply=True)]


def state_of(participant: Participant) -> MediaControl:
    """What the room is told: what the participant wants to be heard and seen, as far as it may."""
    return MediaControl(
        user_id=participant.username,
        audio_enabled=participant.microphone_on and may_share(participant, Source.MICROPHONE),
        video_enabled=participant.camera_on and may_share(participant, Source.CAMERA),
        screen_sharing=participant.screen_on and may_share(participant, Source.SCREEN),
    )


def told_of(target: Participant, told: MediaControl, sender: str | None, *, reply: bool = False) -> Broadcast:
    """To all who are where ``target`` is."""
    return Broadcast(told, sender=sender, reply=reply, area=target.breakout_room_id)


def _target(room: Room, participant: Participant, message: MediaControlRequest) -> Participant:
    if message.user_id is None or message.user_id == participant.username:
        return participant
    require(participant, "can_manage_participants")
    target = find(room, message.user_id)
    if target.role is Role.HOST and participant.role is not Role.HOST:
        raise RoomError(ErrorCode.PERMISSION_DENIED, "Only the host can switch the host's tracks.")
    if message.audio_enabled or message.video_enabled or message.screen_sharing:
        raise RoomError(ErrorCode.PERMISSION_DENIED, "Tracks of others can only be switched off.")
    return target


def _switch(target: Participant, message: MediaControlRequest) -> Effects:
    wishes = (
        (message.audio_enabled, Source.MICROPHONE, _MICROPHONE),
        (message.video_enabled, Source.CAMERA, _CAMERA),
        (message.screen_sharing, Source.SCREEN, SCREEN_SOURCES),
    )
    for wish, source, _ in wishes:
        if wish:
            require_share(target, source)
    effects: Effects = []
    for wish, source, sources in wishes:
        if wish is not None:
            _remember(target, source, wish)
            effects += set_muted(target, sources, muted=not wish)
    return effects


def set_muted(participant: Participant, sources: frozenset[Source], *, muted: bool) -> Effects:
    """Mute or unmute all tracks of ``sources``; tracks that are so already stay untouched."""
    changed = [p for p in participant.publications.values() if p.source in sources and p.muted != muted]
    for publication in changed:
        publication.muted = muted
    return [SetMuted(publication.publication_id, muted) for publication in changed]


def _remember(participant: Participant, source: Source, on: bool) -> None:
    if source is Source.MICROPHONE:
        participant.microphone_on = on
    elif source is Source.CAMERA:
        participant.camera_on = on
    else:
        participant.screen_on = on
