"""The commands ``token`` and ``invite``."""

from __future__ import annotations

import time
from pathlib import Path
from urllib.parse import quote

from pydantic import SecretStr

from config.tree import similar
from scripts import checks
from scripts.failures import CommandError, ExitCode
from scripts.loading import bad_settings, load_settings
from signaling.errors import RoomError
from signaling.invites import create_invite, create_token
from signaling.model import Permissions, Role
from signaling.names import check_room_id, is_username


def participant_token(
    config: Path | None,
    user: str,
    room: str | None,
    name: str | None,
    role: str | None,
    permissions: list[str],
    lifetime_s: int,
    admin: bool = False,
) -> str:
    """A token signed with the secret of the settings. Raises ``CommandError``."""
    secret = _secret(config)
    if not is_username(user):
        raise CommandError(f"--user: {user!r} is no username", code=ExitCode.USAGE)
    if room is not None:
        _check_room(room)
    if admin and room is not None:
        raise CommandError("--admin: an admin's token is for all rooms", "Leave --room away.", ExitCode.USAGE)
    return create_token(
        secret.get_secret_value(),
        username=user,
        expires_at=time.time() + lifetime_s,
        name=name,
        room_id=room,
        role=Role(role) if role else None,
        permissions=_permissions(permissions) or None,
        admin=admin,
    )


def invite_link(config: Path | None, room: str, role: str | None, lifetime_s: int, url: str) -> str:
    """A link with an invite to ``room`` in its fragment, which browsers send to no server. Raises ``CommandError``."""
    secret = _secret(config)
    _check_room(room)
    invite = create_invite(
        secret.get_secret_value(),
        room_id=room,
        expires_at=time.time() + lifetime_s,
        role=Role(role) if role else None,
    )
    return f"{url.rstrip('/')}/?room={quote(room)}#invite={invite}"


def _secret(config: Path | None) -> SecretStr:
    auth = load_settings(config).settings.auth
    if auth.secret is None:
        raise bad_settings(
            [f"auth.secret is not set; it must be the one of the server. Make one: {checks.MAKE_SECRET}"]
        )
    return auth.secret


def _check_room(room: str) -> None:
    try:
        check_room_id(room)
    except RoomError as error:
        raise CommandError(f"--room: {error}", code=ExitCode.USAGE) from error


def _permissions(names: list[str]) -> dict[str, bool]:
    given = {}
    for written in names:
        name = written.removeprefix("no-")
        if name not in Permissions.model_fields:
            meant = similar(name, Permissions.model_fields)
            hint = f"Did you mean {meant}?" if meant else f"One of: {', '.join(Permissions.model_fields)}."
            raise CommandError(f"--permission: there is no permission {name!r}", hint, ExitCode.USAGE)
        given[name] = name == written
    return given
