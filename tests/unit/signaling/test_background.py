"""Virtual backgrounds: remembered with the participant, told to all."""

from __future__ import annotations

from typing import Any

import pytest

from signaling.messages.background import is_background_url
from tests.unit.signaling.people import House

IMAGE = {"enabled": True, "background_type": "image", "background_url": "https://example.org/a.jpg"}


def test_all_are_told_and_newcomers_know() -> None:
    house = House()
    ada, bela = house.join("ada"), house.join("bela")
    assert bela.heard("room-state")[0]["participants"][0]["virtual_background"] is None
    reply = ada.say("virtual-background-update", {**IMAGE, "user_id": "bela"})
    assert reply["payload"] == {"user_id": "ada", **IMAGE}
    assert bela.heard("virtual-background-update") == [{"user_id": "ada", **IMAGE}]
    carl = house.join("carl")
    assert carl.heard("room-state")[0]["participants"][0]["virtual_background"] == IMAGE
    ada.say("virtual-background-update", {"enabled": False, "background_type": "blur"})
    off = {"enabled": False, "background_type": "blur", "background_url": None}
    assert house.room.participants["ada"].info().model_dump(mode="json")["virtual_background"] == off


def test_it_outlives_a_new_session_of_the_same_user() -> None:
    house = House()
    house.join("bela")
    house.join("ada").say("virtual-background-update", IMAGE)
    again = house.join("ada")
    own = next(p for p in again.heard("room-state")[0]["participants"] if p["username"] == "ada")
    assert own["virtual_background"] == IMAGE


@pytest.mark.parametrize(
    "payload",
    [
        {},
        {"enabled": True},
        {"enabled": True, "background_type": "none"},
        {"enabled": True, "background_type": "hologram"},
        {"enabled": True, "background_type": "blur", "background_url": "https://example.org/a.jpg"},
        {**IMAGE, "background_url": "javascript:alert(1)"},
        {**IMAGE, "background_url": "https://example.org/" + "a" * 2_048},
        {**IMAGE, "enabled": "perhaps"},
    ],
)
def test_a_bad_payload(payload: dict[str, Any]) -> None:
    house = House()
    ada, bela = house.join("ada"), house.join("bela")
    assert ada.say("virtual-background-update", payload)["payload"]["error_code"] == "invalid_message"
    assert bela.heard("virtual-background-update") == []
    assert house.room.participants["ada"].virtual_background is None


@pytest.mark.parametrize(
    "url",
    [
        "https://example.org/a.jpg",
        "https://example.org:8443/a/b.mp4?size=2#t=3",
        "https://[::1]/a.jpg",
        "/static/backgrounds/shelf.jpg",
        "/static/a.jpg?v=2",
        "backgrounds/a.jpg",
        "a%20b.jpg",
    ],
)
def test_good_addresses(url: str) -> None:
    assert is_background_url(url)


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org/a.jpg",
        "//example.org/a.jpg",
        "/webrtc/config",
        "/a.jpg",
        "/static/../webrtc/config",
        "/static/a/../../b",
        "../a.jpg",
        "data:image/png;base64,AAAA",
        "blob:https://example.org/1",
        "javascript:alert(1)",
        "JAVASCRIPT:alert(1)",
        "https://",
        "https://user:secret@example.org/a.jpg",
        "https://example.org:99999/a.jpg",
        "https://example.org/a b.jpg",
        "https://example.org/a\n.jpg",
        "https://exämple.org/a.jpg",
        "a:b",
        "",
        "a\\b",
        "/static//evil.example/a.jpg",
    ],
)
def test_bad_addresses(url: str) -> None:
    assert not is_background_url(url)
