"""TURN credentials: their form, and where they are handed out."""

from __future__ import annotations

import base64
import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr, ValidationError

from signaling.options import IceServer, RoomOptions, TurnOptions
from signaling.room_state import ice_servers
from signaling.turn import credentials
from tests.unit.signaling.people import NOW_UNIX, House

TURN = TurnOptions(urls=["turn:turn.example.org"], secret=SecretStr("shared"), lifetime_s=3600)


def test_form() -> None:
    made = credentials("shared", "alice", 1_800_000_000.9)
    assert made.username == "1800000000:alice"
    assert made.password == base64.b64encode(hmac.new(b"shared", b"1800000000:alice", hashlib.sha1).digest()).decode()


@given(st.text(min_size=1, max_size=128))
def test_any_name_gives_what_turn_and_http_headers_can_carry(user: str) -> None:
    try:
        user.encode()
    except UnicodeEncodeError:
        return
    username = credentials("shared", user, 1.0).username
    assert len(username.encode()) < 509
    assert username.isascii() and username.isprintable() and not set(username) & set(" '\"\\")


def test_each_client_gets_its_own_beside_the_fixed_servers() -> None:
    fixed = IceServer(urls=["stun:stun.example.org"])
    house = House(RoomOptions(ice_servers=[fixed], turn=TURN))
    states = [house.join(name).heard("room-state")[0] for name in ("alice", "bob")]
    names = []
    for state in states:
        stun, turn = state["ice_servers"]
        assert stun["urls"] == ["stun:stun.example.org"]
        assert turn["urls"] == ["turn:turn.example.org"]
        names.append(turn["username"])
        assert "shared" not in str(state)
    assert names == [f"{int(NOW_UNIX) + 3600}:alice", f"{int(NOW_UNIX) + 3600}:bob"]


def test_none_without_urls() -> None:
    assert ice_servers(RoomOptions(turn=TurnOptions(secret=SecretStr("shared"))), "alice", NOW_UNIX) == []


def test_the_secret_is_not_shown() -> None:
    assert "shared" not in repr(RoomOptions(turn=TURN))


@pytest.mark.parametrize(
    ("values", "word"),
    [
        ({"urls": ["turn:turn.example.org"]}, "rooms.turn.secret"),
        ({"urls": ["stun:turn.example.org"], "secret": "s"}, "not like"),
        ({"urls": ["turn://turn.example.org"], "secret": "s"}, "not like"),
        ({"urls": ["turn:host?transport=sctp"], "secret": "s"}, "not like"),
        ({"urls": ["turn:host>; rel=evil"], "secret": "s"}, "not like"),
        ({"lifetime_s": 1}, "greater"),
    ],
)
def test_refused_settings(values: dict[str, object], word: str) -> None:
    with pytest.raises(ValidationError, match=word):
        TurnOptions.model_validate(values)


@pytest.mark.parametrize(
    "url", ["turn:h", "turn:h:3478", "turn:[2001:db8::1]:3478?transport=udp", "turns:h:443?transport=tcp"]
)
def test_accepted_urls(url: str) -> None:
    assert TurnOptions(urls=[url], secret=SecretStr("s")).urls == [url]
