"""Invites and what they are exchanged for."""

from __future__ import annotations

import time
from typing import Any

import jwt
import pytest
from pydantic import SecretStr

from signaling.errors import RoomError
from signaling.invites import Accepted, InviteDesk, create_invite, create_token
from signaling.model import Role
from signaling.options import AuthOptions
from signaling.tokens import TokenVerifier

SECRET = "s" * 32
OPTIONS = AuthOptions(secret=SecretStr(SECRET))
NOW = time.time()


def accept(invite: str, name: str = "Zoë Müller", options: AuthOptions = OPTIONS) -> Accepted:
    return InviteDesk(options).accept(invite, name, now_unix=NOW, suffix="3f9a1c")


def invite(**more: Any) -> str:
    return create_invite(SECRET, room_id="demo", expires_at=NOW + 86_400, **more)


def test_exchange() -> None:
    accepted = accept(invite(role=Role.GUEST))
    assert (accepted.username, accepted.room_id) == ("zo-m-ller-3f9a1c", "demo")
    identity = TokenVerifier(OPTIONS).verify_for_room(accepted.token, "demo")
    assert (identity.username, identity.display_name, identity.role) == (accepted.username, "Zoë Müller", Role.GUEST)


def test_invite_without_role_gives_a_token_without() -> None:
    assert TokenVerifier(OPTIONS).verify(accept(invite()).token).role is None


def test_name_without_latin_letters() -> None:
    assert accept(invite(), "王小明").username == "guest-3f9a1c"


def encode(**claims: Any) -> str:
    return jwt.encode(claims, SECRET)


BAD = [
    "garbage",
    create_invite("t" * 32, room_id="demo", expires_at=NOW + 86_400),
    create_invite(SECRET, room_id="demo", expires_at=NOW - 60),
    create_token(SECRET, username="alice", room_id="demo", expires_at=NOW + 86_400),
    encode(invite=True, exp=NOW + 86_400),
    encode(invite=True, room="demo"),
    encode(invite="yes", room="demo", exp=NOW + 86_400),
    encode(invite=True, room="demo", exp=NOW + 86_400, role="king"),
    encode(invite=True, room="demo", exp=NOW + 86_400, sub="alice"),
]


@pytest.mark.parametrize("bad", BAD, ids=range(len(BAD)))
def test_bad_invites(bad: str) -> None:
    with pytest.raises(RoomError) as caught:
        accept(bad)
    assert caught.value.code == "unauthorized"


def test_invite_is_no_token() -> None:
    with pytest.raises(RoomError):
        TokenVerifier(OPTIONS).verify(invite())


@pytest.mark.parametrize("name", ["", "  ", "\u202e\n"])
def test_nameless(name: str) -> None:
    with pytest.raises(RoomError) as caught:
        accept(invite(), name)
    assert caught.value.code == "invalid_message"


def test_switched_off() -> None:
    for options in (
        AuthOptions(secret=SecretStr(SECRET), allow_invites=False),
        AuthOptions(secret=SecretStr(SECRET), algorithms=["RS256"]),
        AuthOptions(),
    ):
        with pytest.raises(RoomError) as caught:
            accept(invite(), options=options)
        assert caught.value.code == "permission_denied"


def test_created_token_carries_what_was_asked() -> None:
    token = create_token(
        SECRET, username="bob", name="Bob", role=Role.HOST, permissions={"can_record": False}, expires_at=NOW + 86_400
    )
    identity = TokenVerifier(OPTIONS).verify(token)
    assert (identity.display_name, identity.room, identity.role) == ("Bob", None, Role.HOST)
    assert identity.permissions == {"can_record": False}
