"""Reactions: one emoji, for all who may see it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signaling.emoji import MAX_CODE_POINTS, is_emoji
from signaling.model import Permissions, RolePermissions, RoomSettings
from signaling.options import RoomOptions
from tests.unit.signaling.people import House

ONE_EMOJI = [
    "👍",
    "👍🏽",
    "❤",
    "❤️",
    "©",
    "©️",
    "🇦🇹",
    "1️⃣",
    "#⃣",
    "🏴‍☠️",
    "🏴󠁧󠁢󠁥󠁮󠁧󠁿",
    "👨‍👩‍👧‍👦",
    "👩🏽‍🚀",
    "🫱🏻‍🫲🏿",
    "🏳️‍🌈",
    "❤️‍🔥",
    "🪿",
    "🏽",
    "↗",
]
NO_EMOJI = [
    "",
    " ",
    "a",
    "1",
    "#",
    "👍👍",
    "👍 ",
    " 👍",
    "👍a",
    "<b>",
    "🇦",
    "🇦🇹🇩🇪",
    "👍🏽🏽",
    "\u200d",
    "\ufe0f",
    "\u20e3",
    "a\u20e3",
    "👍\u200d",
    "\u200d👍",
    "👍\u200d\u200d👍",
    "👍\u202e",
    "👍\n",
    "★",
    "→",
    "́",
    "👨‍👩‍👧‍👦" * 3,
    "👍" + "\u200d👍" * 8,
    "\U000e0067",
    "🏴\U000e0067\U000e007f",
]


@pytest.mark.parametrize("text", ONE_EMOJI)
def test_one_emoji(text: str) -> None:
    assert is_emoji(text)


@pytest.mark.parametrize("text", NO_EMOJI)
def test_no_emoji(text: str) -> None:
    assert not is_emoji(text)


@given(st.text(max_size=MAX_CODE_POINTS + 4))
def test_no_letter_and_no_markup_passes(text: str) -> None:
    if is_emoji(text):
        assert 0 < len(text) <= MAX_CODE_POINTS
        assert not any(
            character.isalpha() and character not in "ℹ🅰🅱🅾🅿Ⓜ㊗㊙" and ord(character) < 0x1F000 for character in text
        )
        assert not set(text) & set("<>&\"'\\ \n")


def test_everybody_sees_it_with_the_servers_stamp() -> None:
    house = House()
    ada, bela = house.join("ada"), house.join("bela")
    reply = ada.say("reaction", {"reaction_type": "👏", "user_id": "bela", "timestamp": "1970-01-01T00:00:00Z"})
    assert reply["type"] == "reaction"
    told = {
        "user_id": "ada",
        "username": "ada",
        "reaction_type": "👏",
        "timestamp": "2027-01-15T08:00:00.000Z",
        "duration_ms": 5_000,
    }
    assert bela.heard("reaction") == ada.heard("reaction") == [told]
    assert bela.port.messages[-1]["sender"] == "ada"


def test_the_setting_switches_it_off() -> None:
    house = House(settings=RoomSettings(enable_reactions=False))
    ada, bela = house.join("ada"), house.join("bela")
    refused = ada.say("reaction", {"reaction_type": "👏"})
    assert refused["payload"]["error_code"] == "permission_denied"
    assert refused["payload"]["details"] == {"setting": "enable_reactions"}
    assert bela.heard("reaction") == []


def test_the_permission_is_needed() -> None:
    mute = Permissions(can_use_reactions=False)
    house = House(RoomOptions(permissions=RolePermissions(participant=mute)))
    house.join("ada")
    bela = house.join("bela")
    refused = bela.say("reaction", {"reaction_type": "👏"})
    assert refused["payload"]["error_code"] == "permission_denied"
    assert refused["payload"]["details"] == {"permission": "can_use_reactions"}


@pytest.mark.parametrize(
    "payload", [{}, {"reaction_type": 3}, {"reaction_type": "<script>"}, {"reaction_type": "😀" * 40}]
)
def test_a_bad_payload(payload: dict[str, object]) -> None:
    ada = House().join("ada")
    assert ada.say("reaction", payload)["payload"]["error_code"] == "invalid_message"
