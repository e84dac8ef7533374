"""Roles, permissions and what is shown of participants: who may change them, what follows, what others see."""

from __future__ import annotations

from typing import Any

import pytest

from signaling import effects as fx
from signaling.model import Role
from tests.unit.signaling.people import House, Person

HOST, MODERATOR, PARTICIPANT, GUEST = Role.HOST, Role.MODERATOR, Role.PARTICIPANT, Role.GUEST


def cast_of(house: House) -> dict[str, Person]:
    """One of each role, and a second of each but the host."""
    people = {"host": house.join("host")}
    for role in (MODERATOR, PARTICIPANT, GUEST):
        for name in (role.value, f"{role.value}2"):
            people[name] = house.join(name, role=role)
    return people


def code(reply: dict[str, Any]) -> str | None:
    return str(reply["payload"]["error_code"]) if reply["type"] == "error" else None


DENIED = "permission_denied"


@pytest.mark.parametrize(
    ("actor", "target", "role", "expected"),
    [
        ("host", "participant", "moderator", None),
        ("host", "moderator", "guest", None),
        ("host", "guest", "host", None),
        ("host", "host", "moderator", "invalid_state"),
        ("host", "host", "host", None),
        ("moderator", "participant", "guest", None),
        ("moderator", "guest", "participant", None),
        ("moderator", "participant", "moderator", DENIED),
        ("moderator", "participant", "host", DENIED),
        ("moderator", "moderator2", "participant", DENIED),
        ("moderator", "host", "participant", DENIED),
        ("moderator", "moderator", "host", DENIED),
        ("moderator", "moderator", "participant", None),
        ("participant", "participant", "moderator", DENIED),
        ("participant", "participant", "guest", None),
        ("participant", "guest", "participant", DENIED),
        ("guest", "guest", "participant", DENIED),
        ("guest", "participant", "guest", DENIED),
        ("host", "nobody", "guest", "user_not_found"),
        ("host", "guest", "king", "invalid_message"),
    ],
)
def test_who_gives_which_role(actor: str, target: str, role: str, expected: str | None) -> None:
    house = House()
    people = cast_of(house)
    before = {name: house.role(person) for name, person in people.items()}
    reply = people[actor].say("role-update", {"user_id": target, "role": role})
    assert code(reply) == expected
    if expected is not None:
        assert {name: house.role(person) for name, person in people.items()} == before
        return
    assert reply["type"] == "role-updated"
    assert reply["payload"] == {"user_id": target, "role": role, "updated_by": actor}
    assert house.role(people[target]) == role
    if role != before[target]:
        assert reply["payload"] in people["guest2"].heard("role-updated")
    assert [p for p in house.room.participants.values() if p.role is HOST] == [house.room.host]


def test_handing_the_room_over() -> None:
    house = House()
    alice, bob, carol = house.join("alice"), house.join("bob"), house.join("carol")
    carol.forget()
    alice.say("role-update", {"user_id": "bob", "role": "host"})
    assert (house.role(alice), house.role(bob)) == (MODERATOR, HOST)
    assert carol.heard("role-updated") == [
        {"user_id": "alice", "role": "moderator", "updated_by": "alice"},
        {"user_id": "bob", "role": "host", "updated_by": "alice"},
    ]
    assert [m["user_id"] for m in carol.heard("permission-updated")] == ["bob"]
    saved = [e for e in house.saved if isinstance(e, fx.SaveRole)][-2:]
    assert [(e.username, e.role) for e in saved] == [("alice", MODERATOR), ("bob", HOST)]


def test_an_encoder_cannot_be_host() -> None:
    house = House()
    alice, bob = house.join("alice"), house.join("bob")
    house.room.participants["bob"].by_whip = True
    assert code(alice.say("role-update", {"user_id": "bob", "role": "host"})) == "invalid_state"
    assert house.role(bob) is PARTICIPANT
    assert house.role(alice) is HOST


@pytest.mark.parametrize(
    ("actor", "target", "changes", "expected"),
    [
        ("host", "participant", {"can_record": True}, None),
        ("host", "moderator", {"can_send_chat": False}, None),
        ("host", "participant", {"can_manage_participants": True}, None),
        ("host", "host", {"can_send_chat": False}, DENIED),
        ("moderator", "participant", {"can_share_video": False}, None),
        ("moderator", "guest", {"can_share_screen": True}, None),
        ("moderator", "guest", {"can_manage_participants": True}, DENIED),
        ("moderator", "moderator", {"can_record": False}, DENIED),
        ("moderator", "moderator2", {"can_record": False}, DENIED),
        ("moderator", "host", {"can_record": False}, DENIED),
        ("participant", "guest", {"can_send_chat": False}, DENIED),
        ("participant", "participant", {"can_record": True}, DENIED),
        ("guest", "guest", {"can_share_screen": True}, DENIED),
        ("host", "nobody", {"can_record": True}, "user_not_found"),
        ("host", "guest", {}, "invalid_message"),
        ("host", "guest", {"can_fly": True}, "invalid_message"),
        ("host", "guest", {"can_record": "perhaps"}, "invalid_message"),
    ],
)
def test_who_gives_which_permission(actor: str, target: str, changes: dict[str, object], expected: str | None) -> None:
    house = House()
    people = cast_of(house)
    before = {name: house.room.participants[name].permissions for name in people}
    reply = people[actor].say("permission-update", {"user_id": target, "permissions": changes})
    assert code(reply) == expected
    if expected is not None:
        assert {name: house.room.participants[name].permissions for name in people} == before
        return
    assert reply["type"] == "permission-updated"
    assert reply["payload"]["permissions"] == before[target].model_dump() | changes
    assert people["guest2"].heard("permission-updated")[-1] == reply["payload"]
    saved = [e for e in house.saved if isinstance(e, fx.SaveRole)][-1]
    assert (saved.username, saved.overrides) == (target, changes)


def test_one_gives_only_what_one_has() -> None:
    house = House()
    host, mo, bob = house.join("host"), house.join("mo", role=MODERATOR), house.join("bob")
    host.say("permission-update", {"user_id": "mo", "permissions": {"can_record": False}})
    reply = mo.say("permission-update", {"user_id": "bob", "permissions": {"can_record": True}})
    assert code(reply) == DENIED
    assert code(mo.say("permission-update", {"user_id": "bob", "permissions": {"can_record": False}})) is None
    assert not house.room.participants[bob.username].permissions.can_record


@pytest.mark.parametrize(
    ("permission", "sources", "field"),
    [
        ("can_share_audio", ["microphone"], "audio_enabled"),
        ("can_share_video", ["camera"], "video_enabled"),
        ("can_share_screen", ["screen", "screen-audio"], "screen_sharing"),
    ],
)
def test_lost_rights_stop_the_media_and_regained_ones_start_it(permission: str, sources: list[str], field: str) -> None:
    house = House()
    host, bob, carol = house.join("host"), house.join("bob"), house.join("carol")
    bob.publish({"0": "audio", "1": "video", "2": "video", "3": "audio"}, {"2": "screen", "3": "screen-audio"})

    def muted() -> list[str]:
        return [p.source for p in house.room.publications() if house.router.producers[p.publication_id].muted]

    carol.forget()
    host.say("permission-update", {"user_id": "bob", "permissions": {permission: False}})
    assert muted() == sources
    told = carol.heard("media-control")
    assert [(m["user_id"], m[field]) for m in told] == [("bob", False)]
    assert sum(told[0][name] for name in ("audio_enabled", "video_enabled", "screen_sharing")) == 2
    assert code(bob.say("media-control", {field: True})) == DENIED
    host.say("permission-update", {"user_id": "bob", "permissions": {permission: True}})
    assert muted() == []
    assert carol.heard("media-control")[-1][field] is True


def test_what_was_switched_off_stays_off_when_the_right_comes_back() -> None:
    house = House()
    host, bob = house.join("host"), house.join("bob")
    bob.publish({"0": "audio"})
    (producer,) = house.router.producers.values()
    host.say("permission-update", {"user_id": "bob", "permissions": {"can_share_audio": False}})
    bob.say("media-control", {"audio_enabled": False})
    host.say("permission-update", {"user_id": "bob", "permissions": {"can_share_audio": True}})
    assert producer.muted
    bob.say("media-control", {"audio_enabled": True})
    assert not producer.muted


def test_who_lost_a_right_still_negotiates_but_adds_nothing() -> None:
    house = House()
    host, bob, carol = house.join("host"), house.join("bob"), house.join("carol")
    bob.publish({"0": "video"}, {"0": "camera"})
    host.say("permission-update", {"user_id": "bob", "permissions": {"can_share_video": False}})
    carol.forget()
    again = bob.publish({"0": "video", "1": "audio", "2": "video"}, {"0": "camera", "1": "microphone", "2": "camera"})
    assert again["type"] == "answer"
    assert [p["source"] for p in again["payload"]["publications"]] == ["camera", "microphone"]
    assert [m["publication"]["source"] for m in carol.heard("track-published")] == ["microphone"]
    bob.publish({})
    assert code(bob.publish({"3": "video"}, {"3": "camera"})) == DENIED


def test_a_role_takes_its_permissions_along_in_the_media() -> None:
    house = House()
    host, bob = house.join("host"), house.join("bob")
    bob.publish({"0": "video"}, {"0": "screen"})
    (producer,) = house.router.producers.values()
    host.say("role-update", {"user_id": "bob", "role": "guest"})
    assert producer.muted
    host.say("role-update", {"user_id": "bob", "role": "participant"})
    assert not producer.muted


def test_what_was_taken_away_stays_so_after_coming_back() -> None:
    house = House()
    host, bob, mo = house.join("host"), house.join("bob"), house.join("mo")
    host.say("permission-update", {"user_id": "bob", "permissions": {"can_send_chat": False, "can_record": True}})
    host.say("role-update", {"user_id": "mo", "role": "moderator"})
    for person in (bob, mo):
        house.leave(person)
    bob, mo = house.join("bob"), house.join("mo")
    permissions = house.room.participants["bob"].permissions
    assert (permissions.can_send_chat, permissions.can_record) == (False, True)
    assert house.role(mo) is MODERATOR
    house.leave(bob)
    house.join("bob", role=GUEST)
    permissions = house.room.participants["bob"].permissions
    assert (permissions.can_send_chat, permissions.can_record) == (False, False)


def test_own_name_and_picture() -> None:
    house = House()
    alice, bob = house.join("alice"), house.join("bob")
    reply = bob.say(
        "participant-update", {"display_name": " Bob\u202e  B. ", "avatar_url": "https://example.org/b.png"}
    )
    assert reply["type"] == "participant-update"
    told = reply["payload"]
    assert (told["user_id"], told["display_name"], told["updated_by"]) == ("bob", "Bob B.", "bob")
    assert told["avatar_url"] == "https://example.org/b.png"
    assert alice.heard("participant-update") == [told]
    assert bob.say("participant-update", {"avatar_url": ""})["payload"]["avatar_url"] is None


@pytest.mark.parametrize(
    ("actor", "payload", "expected"),
    [
        ("host", {"user_id": "moderator", "display_name": "Mo"}, None),
        ("moderator", {"user_id": "guest", "display_name": "G"}, None),
        ("moderator", {"user_id": "host", "display_name": "H"}, DENIED),
        ("moderator", {"user_id": "guest", "avatar_url": "https://example.org/x"}, DENIED),
        ("participant", {"user_id": "guest", "display_name": "G"}, DENIED),
        ("host", {"user_id": "nobody", "display_name": "N"}, "user_not_found"),
        ("guest", {}, "invalid_message"),
        ("guest", {"display_name": "\u202e \n"}, "invalid_message"),
        ("guest", {"display_name": "\u200b\u200d"}, "invalid_message"),
        ("guest", {"display_name": "x" * 129}, "invalid_message"),
        ("guest", {"avatar_url": "javascript:alert(1)"}, "invalid_message"),
        ("guest", {"avatar_url": "https://e.org/" + "x" * 2_048}, "invalid_message"),
    ],
)
def test_who_renames_whom(actor: str, payload: dict[str, Any], expected: str | None) -> None:
    house = House()
    people = cast_of(house)
    reply = people[actor].say("participant-update", payload)
    assert code(reply) == expected
    assert len(people["guest2"].heard("participant-update")) == (expected is None)


def test_a_given_name_stays() -> None:
    house = House()
    host, bob = house.join("host"), house.join("bob", display_name="Rude")
    host.say("participant-update", {"user_id": "bob", "display_name": "Bob"})
    house.join("bob", display_name="Rude")
    assert house.room.participants["bob"].display_name == "Bob"
    house.live.leave("bob", house.room.participants["bob"].session_id, "left")
    bob = house.join("bob", display_name="Rude")
    assert house.room.participants[bob.username].display_name == "Bob"
