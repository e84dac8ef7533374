"""Permissions take effect: in what the room is told, in Redis, and in the media at once."""

from __future__ import annotations

from collections.abc import Mapping

from signaling.admission import join_message
from signaling.effects import Broadcast, Effects, SaveRole, Send, SetMuted
from signaling.handlers.media import state_of, told_of
from signaling.messages.room import PermissionUpdated
from signaling.model import Permissions, Role, RolePermissions
from signaling.room import Participant, Publication, Room
from signaling.rules import may_share


def permissions_of(
    role: Role, granted: Mapping[str, bool], defaults: RolePermissions, overrides: Mapping[str, bool] | None = None
) -> Permissions:
    """The permissions of a role, with what the token says on top, and what the room's host has set on top of that."""
    return defaults.of(role).model_copy(update={**granted, **(overrides or {})})


def take_effect(
    room: Room, participant: Participant, permissions: Permissions, *, updated_by: str | None, reply: bool = False
) -> Effects:
    """Give ``permissions`` in place of those the participant has, and tell everybody of a change.

    ``reply``: the message is the answer to who asked for it, and told even without a change.
    """
    before = participant.permissions
    participant.permissions = permissions
    effects: Effects = [SaveRole(participant.username, participant.role, permissions, dict(participant.overrides))]
    if reply or permissions != before:
        told = PermissionUpdated(user_id=participant.username, permissions=permissions, updated_by=updated_by)
        effects.append(Broadcast(told, sender=updated_by, reply=reply))
    effects += match_media(participant, updated_by)
    if permissions.can_manage_participants and not before.can_manage_participants:
        effects += [
            Send(participant.username, join_message(room, waiter, position))
            for position, waiter in enumerate(room.waiting, 1)
        ]
    return effects


def match_media(participant: Participant, updated_by: str | None) -> Effects:
    """Withhold the tracks that the participant may not share now, and forward again those that it may again."""
    changed: list[Publication] = []
    for publication in participant.publications.values():
        allowed = may_share(participant, publication.source)
        if not allowed and not publication.muted:
            publication.muted = publication.withheld = True
            changed.append(publication)
        elif allowed and publication.withheld:
            publication.withheld = False
            publication.muted = not participant.shows_again(publication.source)
            changed.append(publication)
    effects: Effects = [SetMuted(publication.publication_id, publication.muted) for publication in changed]
    if effects:
        effects.append(told_of(participant, state_of(participant), updated_by))
    return effects
