"""Chat, muting, speakers, and what is wrong with messages."""

from __future__ import annotations

from typing import Any

import pytest

from sfu.transport import TransportRole
from signaling.catalogue import CATALOGUE
from signaling.model import RoomSettings
from signaling.options import RoomOptions
from signaling.speakers import SpeakerBoard
from tests.unit.signaling.people import House

BOTH = {"0": "audio", "1": "video"}


def test_chat_to_the_room() -> None:
    house = House()
    alice, bob = house.join("alice"), house.join("bob")
    reply = alice.say("chat-message", {"message": "<b>hi</b>", "sender_id": "bob", "is_system_message": True})
    assert (
        reply["payload"].items()
        >= {
            "message_id": reply["payload"]["message_id"],
            "sender_id": "alice",
            "sender_name": "Alice",
            "message": "<b>hi</b>",
            "target_user_id": None,
            "is_system_message": False,
            "timestamp": "2027-01-15T08:00:00.000Z",
        }.items()
    )
    assert reply["sender"] == "alice"
    assert bob.heard("chat-message") == [reply["payload"]]
    assert "reply_to" not in bob.port.messages[-1]


def test_direct_chat() -> None:
    house = House()
    alice, bob, carol = house.join("alice"), house.join("bob"), house.join("carol")
    reply = alice.say("chat-message", {"message": "psst", "target_user_id": "bob"})
    assert bob.heard("chat-message") == [reply["payload"]]
    assert carol.heard("chat-message") == []
    alice.say("chat-message", {"message": "note to self", "target_user_id": "alice"})
    assert len(alice.heard("chat-message")) == 2


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        ({"message": ""}, "invalid_message"),
        ({"message": "  \n"}, "invalid_message"),
        ({"message": "x" * 11}, "invalid_message"),
        ({"message": 5}, "invalid_message"),
        ({}, "invalid_message"),
        ({"message": "hi", "target_user_id": "nobody"}, "user_not_found"),
    ],
)
def test_bad_chat(payload: dict[str, Any], code: str) -> None:
    house = House(RoomOptions(max_chat_characters=10))
    alice, bob = house.join("alice"), house.join("bob")
    assert alice.say("chat-message", payload)["payload"]["error_code"] == code
    assert bob.heard("chat-message") == []


def test_chat_needs_permission_and_setting() -> None:
    house = House()
    house.join("host")
    mute = house.join("mute", permissions={"can_send_chat": False})
    assert mute.say("chat-message", {"message": "hi"})["payload"]["error_code"] == "permission_denied"
    house.room.settings = RoomSettings(enable_chat=False)
    bob = house.join("bob")
    assert bob.say("chat-message", {"message": "hi"})["payload"]["error_code"] == "permission_denied"


def test_own_mute_and_unmute() -> None:
    house = House()
    alice, bob = house.join("alice"), house.join("bob")
    alice.publish(BOTH)
    producers = list(house.router.producers.values())
    reply = alice.say("media-control", {"audio_enabled": False, "user_id": "alice"})
    expected = {"user_id": "alice", "audio_enabled": False, "video_enabled": True, "screen_sharing": False}
    assert reply["payload"] == expected
    assert bob.heard("media-control") == [expected]
    assert [p.muted for p in producers] == [True, False]
    assert not house.room.participants["alice"].info().audio_enabled
    alice.say("media-control", {"audio_enabled": True})
    assert [p.muted for p in producers] == [False, False]


@pytest.mark.parametrize(
    ("actor", "target", "payload", "code"),
    [
        ("host", "guest", {"audio_enabled": False}, None),
        ("host", "guest", {"video_enabled": False, "screen_sharing": False}, None),
        ("host", "guest", {"audio_enabled": True}, "permission_denied"),
        ("guest", "host", {"audio_enabled": False}, "permission_denied"),
        ("mo", "host", {"audio_enabled": False}, "permission_denied"),
        ("mo", "guest", {"audio_enabled": False}, None),
        ("host", "nobody", {"audio_enabled": False}, "user_not_found"),
    ],
)
def test_muting_others(actor: str, target: str, payload: dict[str, bool], code: str | None) -> None:
    from signaling.model import Role

    house = House()
    people = {
        "host": house.join("host"),
        "mo": house.join("mo", role=Role.MODERATOR),
        "guest": house.join("guest"),
    }
    people["guest"].publish({**BOTH, "2": "video"}, {"2": "screen"})
    reply = people[actor].say("media-control", {**payload, "user_id": target})
    if code is not None:
        assert reply["payload"]["error_code"] == code
        assert not any(p.muted for p in house.router.producers.values())
        return
    told = people[target].port.messages[-1]
    assert (told["type"], told["sender"], told["payload"]["user_id"]) == ("media-control", actor, target)
    for field, source in (("audio_enabled", "microphone"), ("video_enabled", "camera"), ("screen_sharing", "screen")):
        publication = next(p for p in house.room.publications() if p.source == source)
        assert publication.muted == (field in payload)
        assert house.router.producers[publication.publication_id].muted == (field in payload)


def test_unmuting_needs_the_right() -> None:
    house = House()
    house.join("host")
    bob = house.join("bob", permissions={"can_share_audio": False})
    assert bob.say("media-control", {"audio_enabled": True})["payload"]["error_code"] == "permission_denied"
    assert bob.say("media-control", {"audio_enabled": False})["type"] == "media-control"


def test_screen_share() -> None:
    house = House()
    alice, bob = house.join("alice"), house.join("bob")
    alice.publish({"0": "video", "1": "audio"}, {"0": "screen", "1": "screen-audio"})
    alice.say("screen-share-control", {"screen_sharing": True})
    assert bob.heard("screen-share-control")[-1]["screen_sharing"] is True
    alice.say("screen-share-control", {"screen_sharing": False})
    assert all(p.muted for p in house.router.producers.values())
    alice.publish({})
    own = alice.publish({"2": "video"}, {"2": "screen"})["payload"]["publications"]
    assert own[0]["muted"] is False, "a screen that is shared anew is shown"


@pytest.mark.parametrize("message_type", ["nonsense", "room-state", "user-joined", "ack"])
def test_unknown_or_wrong_direction(message_type: str) -> None:
    house = House()
    alice = house.join("alice")
    reply = alice.say(message_type)
    assert (reply["type"], reply["payload"]["error_code"]) == ("error", "invalid_message")
    assert alice.port.closed is None


def test_refusals_do_not_repeat_what_was_sent() -> None:
    house = House()
    alice = house.join("alice")
    reply = alice.say("chat-message", {"message": {"secret": "s3cr3t"}})
    assert "s3cr3t" not in str(reply)


def test_bug_in_a_handler_is_told_as_internal(monkeypatch: pytest.MonkeyPatch) -> None:
    house = House()
    alice = house.join("alice")
    monkeypatch.setattr(house.live.negotiation, "take_offer", lambda *_: 1 // 0)
    assert alice.publish(BOTH)["payload"]["error_code"] == "internal"
    assert alice.say("heartbeat")["type"] == "heartbeat"


async def test_speakers_are_told_on_change_only() -> None:
    house = House(RoomOptions(speakers_interval_ms=50))
    alice, bob = house.join("alice"), house.join("bob")
    alice.publish({"0": "audio"})
    (producer_id,) = house.router.producers
    listener = house.router.listener
    listener.on_speakers(producer_id, {producer_id: 0.52, "unknown": 0.9})
    assert bob.heard("active-speakers") == [
        {"dominant": "alice", "speakers": [{"user_id": "alice", "audio_level": 0.5}]}
    ]
    assert house.room.participants["alice"].is_speaking
    listener.on_speakers(producer_id, {producer_id: 0.51})
    listener.on_speakers(producer_id, {})
    assert len(bob.heard("active-speakers")) == 1
    import asyncio

    await asyncio.sleep(0.07)
    assert bob.heard("active-speakers")[1:] == [{"dominant": "alice", "speakers": []}]
    assert not house.room.participants["alice"].is_speaking
    house.live.close(1012, "server_restart")


def test_speaker_levels() -> None:
    house = House()
    alice, bob = house.join("alice"), house.join("bob")
    alice.publish({"0": "audio"})
    bob.publish({"0": "audio"})
    first, second = house.router.producers
    board = SpeakerBoard(house.room)
    told = board.update(None, {first: 0.02, second: 1.0})
    assert told is not None
    assert told.model_dump() == {"dominant": None, "speakers": [{"user_id": "bob", "audio_level": 1.0}]}
    alice.say("media-control", {"audio_enabled": False})
    told = board.update(first, {first: 0.8})
    assert told is not None
    assert told.model_dump() == {"dominant": "alice", "speakers": []}


def test_catalogue_is_whole() -> None:
    for name, line in CATALOGUE.items():
        assert (line.receives is None) == (line.handle is None), name
        assert line.receives or line.sends, name
        for model in (line.receives, line.sends):
            assert model is None or (model.__doc__ and model.type_name == name)
            for field in (model.model_fields if model else {}).values():
                assert field.description, f"{name}: {field}"
    exempt = {"heartbeat", "leave", "offer", "answer", "ice-candidate", "ice-restart", "subscription-preferences"}
    assert {name for name, line in CATALOGUE.items() if line.receives and line.limit is None} == exempt


def test_subscriber_hears_nothing_of_itself() -> None:
    house = House()
    alice, _bob = house.join("alice"), house.join("bob")
    alice.publish(BOTH)
    assert not [t for t in house.router.transports.values() if t.owner == "alice" and t.role is TransportRole.SUBSCRIBE]
