"""What a subscriber wishes reaches the engine, merged, and waits for what is not there yet."""

from __future__ import annotations

from typing import Any

from sfu.transport import TransportRole
from sfu.wishes import Mode, Quality, Wish
from signaling.messages.preferences import MAX_TRACKS, PreferencesRequest
from signaling.preferences import Preferences
from tests.unit.signaling.people import House, Person


def merged(*payloads: dict[str, Any]) -> Preferences:
    preferences = Preferences()
    for payload in payloads:
        preferences.merge(PreferencesRequest.model_validate(payload))
    return preferences


def test_nothing_said_means_everything_wanted() -> None:
    assert merged({}) == Preferences(Mode.AUTO, {})


def test_only_what_is_said_changes() -> None:
    preferences = merged(
        {"mode": "data-saver", "tracks": {"a": {"width": 640, "height": 360}}},
        {"tracks": {"a": {"visible": False}, "b": {"quality": "low", "pinned": True}}},
    )
    assert preferences.mode is Mode.DATA_SAVER
    assert preferences.wishes == {
        "a": Wish(visible=False, width=640, height=360),
        "b": Wish(quality=Quality.LOW, pinned=True),
    }


def test_wishes_are_kept_for_so_many_tracks_only() -> None:
    first = {f"a{i}": {"visible": False} for i in range(MAX_TRACKS)}
    preferences = merged({"tracks": first}, {"tracks": {"a0": {"width": 1}, "new": {"visible": False}}})
    assert len(preferences.wishes) == MAX_TRACKS
    assert "new" in preferences.wishes and "a0" in preferences.wishes and "a1" not in preferences.wishes


def publish_camera(person: Person) -> str:
    answer = person.publish({"0": "video"}, {"0": "camera"})
    publication_id: str = answer["payload"]["publications"][0]["publication_id"]
    return publication_id


def test_a_wish_reaches_consumers_and_waits_for_those_to_come() -> None:
    house = House()
    alice, bob = house.join("alice"), house.join("bob")
    first = publish_camera(alice)
    bob.say("subscription-preferences", {"tracks": {first: {"visible": False}}})
    transport = bob.transport(TransportRole.SUBSCRIBE)
    assert [c.wish for c in transport.consumers] == [Wish(visible=False)]

    bob.say("subscription-preferences", {"mode": "audio-only", "tracks": {"producer9": {"pinned": True}}})
    assert transport.mode is Mode.AUDIO_ONLY
    assert [c.wish for c in transport.consumers] == [Wish(visible=False)]


def test_nonsense_is_refused_and_changes_nothing() -> None:
    house = House()
    alice, bob = house.join("alice"), house.join("bob")
    first = publish_camera(alice)
    for payload in ({"mode": "loud"}, {"tracks": {first: {"width": -1}}}, {"tracks": {first: {"quality": "4k"}}}):
        reply = bob.say("subscription-preferences", payload)
        assert reply["type"] == "error" and reply["payload"]["error_code"] == "invalid_message"
    assert [c.wish for c in bob.transport(TransportRole.SUBSCRIBE).consumers] == [Wish()]
