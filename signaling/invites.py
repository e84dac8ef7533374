"""Invites: signed links that let somebody without an account into one room under a name of their own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import jwt

from signaling.errors import ErrorCode, RoomError
from signaling.model import Role
from signaling.names import check_room_id, clean_display_name, slug
from signaling.options import AuthOptions

INVITE_ALGORITHM = "HS256"


@dataclass(frozen=True, slots=True)
class Accepted:
    """What an invite was exchanged for."""

    token: str
    username: str
    room_id: str


def create_invite(secret: str, *, room_id: str, expires_at: float, role: Role | None = None) -> str:
    """An invite to ``room_id`` until ``expires_at`` (Unix seconds)."""
    claims: dict[str, Any] = {"invite": True, "room": check_room_id(room_id), "exp": int(expires_at)}
    if role is not None:
        claims["role"] = role.value
    return jwt.encode(claims, secret, algorithm=INVITE_ALGORITHM)


def create_token(
    secret: str,
    *,
    username: str,
    expires_at: float,
    name: str | None = None,
    room_id: str | None = None,
    role: Role | None = None,
    permissions: dict[str, bool] | None = None,
    admin: bool = False,
) -> str:
    """A participant's HS256 token until ``expires_at`` (Unix seconds)."""
    claims: dict[str, Any] = {"sub": username, "exp": int(expires_at)}
    optional = {"name": name, "room": room_id, "role": role.value if role else None, "permissions": permissions}
    claims.update({key: value for key, value in optional.items() if value is not None})
    if admin:
        claims["admin"] = True
    return jwt.encode(claims, secret, algorithm=INVITE_ALGORITHM)


class InviteDesk:
    """Exchanges invites for tokens."""

    def __init__(self, options: AuthOptions) -> None:
        self._options = options

    def accept(self, invite: str, display_name: str, *, now_unix: float, suffix: str) -> Accepted:
        """Exchange ``invite``; ``suffix`` (random) keeps usernames apart.

        Raises RoomError: ``permission_denied`` when invites are switched off, ``unauthorized`` for a bad invite,
        ``invalid_message`` for a name without a visible character.
        """
        options = self._options
        # Participants' tokens are signed with the secret too: without HS256 nobody would accept ours.
        if not options.allow_invites or options.secret is None or INVITE_ALGORITHM not in options.algorithms:
            raise RoomError(ErrorCode.PERMISSION_DENIED, "Invites are switched off here.")
        secret = options.secret.get_secret_value()
        claims = _decode(invite, secret)
        name = clean_display_name(display_name)
        if not name:
            raise RoomError(ErrorCode.INVALID_MESSAGE, "A name is needed.", details={"field": "display_name"})
        username = f"{slug(name)}-{suffix}"
        token = create_token(
            secret,
            username=username,
            name=name,
            room_id=claims["room"],
            role=Role(claims["role"]) if "role" in claims else None,
            expires_at=now_unix + options.invite_token_lifetime_s,
        )
        return Accepted(token, username, claims["room"])


def _decode(invite: str, secret: str) -> dict[str, Any]:
    refused = RoomError(ErrorCode.UNAUTHORIZED, "The invite is not valid or has expired.")
    try:
        claims: dict[str, Any] = jwt.decode(
            invite,
            secret,
            algorithms=[INVITE_ALGORITHM],
            options={"require": ["exp", "room"], "verify_iat": False, "verify_aud": False},
        )
        if claims.get("invite") is not True or not isinstance(claims["room"], str) or "sub" in claims:
            raise refused
        check_room_id(claims["room"])
        if "role" in claims:
            Role(claims["role"])
    except (jwt.PyJWTError, ValueError, TypeError, RecursionError):
        raise refused from None
    return claims
