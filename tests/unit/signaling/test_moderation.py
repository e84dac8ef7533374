"""Kicking, banning, asking to unmute, raised hands, and the settings of a room."""

from __future__ import annotations

from typing import Any

import pytest

from signaling import effects as fx
from signaling.errors import RoomError
from signaling.messages.settings import SettingsUpdateRequest
from signaling.model import Role, RoomSettings
from tests.unit.signaling.people import House
from tests.unit.signaling.test_people import DENIED, cast_of, code
from tests.unit.signaling.test_whip_gate import OFFER, token
from tests.unit.signaling.test_whip_gate import House as MediaHouse

TAKING_OUT = [
    ("host", "moderator", None),
    ("host", "guest", None),
    ("moderator", "participant", None),
    ("moderator", "guest", None),
    ("moderator", "moderator2", DENIED),
    ("moderator", "host", DENIED),
    ("participant", "guest", DENIED),
    ("guest", "guest2", DENIED),
    ("host", "host", DENIED),
]


@pytest.mark.parametrize(("actor", "target", "expected"), [*TAKING_OUT, ("host", "nobody", "user_not_found")])
def test_kick(actor: str, target: str, expected: str | None) -> None:
    house = House()
    people = cast_of(house)
    reply = people[actor].say("kick", {"user_id": target, "reason": "noise"})
    assert code(reply) == expected
    if expected is not None:
        assert set(house.room.participants) == set(people)
        return
    assert people[target].port.closed == (4410, "kicked")
    assert people[target].heard("kick") == [{"user_id": target, "kicked_by": actor, "reason": "noise", "banned": False}]
    assert people["participant2"].heard("user-left") == [{"username": target, "reason": "kicked"}]
    house.join(target)


@pytest.mark.parametrize(("actor", "target", "expected"), [*TAKING_OUT, ("host", "nobody", None)])
def test_ban(actor: str, target: str, expected: str | None) -> None:
    house = House()
    people = cast_of(house)
    reply = people[actor].say("ban", {"user_id": target, "reason": "noise"})
    assert code(reply) == expected
    if expected is not None:
        assert house.room.bans == {}
        return
    entry = {"user_id": target, "banned_by": actor, "banned_at": "2027-01-15T08:00:00.000Z", "reason": "noise"}
    assert (reply["type"], reply["payload"]) == ("ban-list", {"bans": [entry]})
    assert any(isinstance(e, fx.SaveEntry) and e.table is fx.Table.BANS and e.key == target for e in house.saved)
    assert people["participant2"].heard("ban-list") == []
    other = "moderator2" if target != "moderator2" else "moderator"
    if other != actor:
        assert people[other].heard("ban-list") == [{"bans": [entry]}]
    if target in people:
        assert people[target].port.closed == (4403, "banned")
        assert people[target].heard("kick")[0]["banned"] is True
        assert people["participant2"].heard("user-left") == [{"username": target, "reason": "banned"}]
    with pytest.raises(RoomError) as caught:
        house.join(target, role=Role.MODERATOR)
    assert (caught.value.code, caught.value.close_code) == (DENIED, 4403)
    assert caught.value.details["banned"] is True
    house.join(target, role=Role.HOST)


def test_unban_and_list() -> None:
    house = House()
    host, bob = house.join("host"), house.join("bob")
    host.say("ban", {"user_id": "eve"})
    assert code(bob.say("ban-list")) == DENIED
    assert code(bob.say("unban", {"user_id": "eve"})) == DENIED
    assert [b["user_id"] for b in host.say("ban-list")["payload"]["bans"]] == ["eve"]
    assert host.say("unban", {"user_id": "eve"})["payload"] == {"bans": []}
    assert code(host.say("unban", {"user_id": "eve"})) == "user_not_found"
    assert fx.ForgetEntry(fx.Table.BANS, "eve") in house.saved
    house.join("eve")


def test_a_kicked_publisher_is_gone_from_the_media() -> None:
    house = House()
    host, bob = house.join("host"), house.join("bob")
    bob.publish({"0": "audio"})
    ended: list[tuple[str, str]] = []
    house.around.viewing_enders.append(lambda room_id, username: ended.append((room_id, username)))
    host.say("kick", {"user_id": "bob"})
    assert not house.router.producers
    assert ended == [("demo", "bob")]
    house.leave(bob)  # its socket ends
    assert set(house.room.participants) == {"host"}


async def test_kick_and_ban_end_what_came_by_whip_and_whep() -> None:
    house = MediaHouse()
    await house.join("host")
    await house.join("bob")
    live = house.hub.rooms["demo"]
    host = live.room.participants["host"]
    await house.gate.publish("demo", token("cam"), OFFER)
    await house.gate.play("demo", token("bob"), OFFER)
    await house.gate.play("demo", token("other"), OFFER)
    assert (len(house.router.producers), house.gate.viewers) == (2, 2)
    live.call(host, "kick", {"user_id": "bob"})
    assert house.gate.viewers == 1
    live.call(host, "kick", {"user_id": "cam"})
    assert not house.router.producers
    live.call(host, "ban", {"user_id": "cam"})
    live.call(host, "ban", {"user_id": "other"})
    assert house.gate.viewers == 0
    with pytest.raises(RoomError, match="banned"):
        await house.gate.publish("demo", token("cam"), OFFER)
    with pytest.raises(RoomError, match="banned"):
        await house.gate.play("demo", token("other"), OFFER)
    assert list(live.room.participants) == ["host"]


async def test_whip_and_whep_keep_to_the_door() -> None:
    house = MediaHouse(settings=RoomSettings(enable_waiting_room=True))
    await house.join("host")
    for way in (house.gate.publish, house.gate.play):
        with pytest.raises(RoomError, match="not been admitted"):
            await way("demo", token("cam"), OFFER)
    await house.gate.publish("demo", token("cam", role="moderator"), OFFER)
    await house.gate.play("demo", token("viewer", role="moderator"), OFFER)


@pytest.mark.parametrize(
    ("actor", "payload", "expected"),
    [
        ("host", {"user_id": "guest"}, None),
        ("moderator", {"user_id": "host", "audio": False, "video": True}, None),
        ("participant", {"user_id": "guest"}, DENIED),
        ("host", {"user_id": "nobody"}, "user_not_found"),
        ("host", {"user_id": "guest", "audio": False}, "invalid_message"),
        ("host", {"user_id": "guest2"}, "invalid_state"),
        ("host", {}, "invalid_message"),
    ],
)
def test_unmute_request(actor: str, payload: dict[str, Any], expected: str | None) -> None:
    house = House()
    people = cast_of(house)
    people["host"].say("permission-update", {"user_id": "guest2", "permissions": {"can_share_audio": False}})
    reply = people[actor].say("unmute-request", payload)
    assert code(reply) == expected
    if expected is None:
        asked = {"audio": True, "video": False} | payload | {"requested_by": actor}
        assert people[payload["user_id"]].heard("unmute-request") == [asked]
        assert people["participant2"].heard("unmute-request") == []


def hands(house: House) -> list[tuple[str, int]]:
    person = house.join("watcher")
    state = person.heard("room-state")[0]
    raised = {p["username"] for p in state["participants"] if p["is_hand_raised"]}
    queue = [(entry["user_id"], entry["position"]) for entry in state["hand_raise_queue"]]
    assert raised == {name for name, _ in queue}
    return queue


def test_hands_go_up_and_down_in_order() -> None:
    house = House()
    people = cast_of(house)
    people["guest"].say("hand-raise", {"raised": True})
    house.now_unix += 1
    reply = people["participant"].say("hand-raise", {"raised": True})
    assert reply["type"] == "hand-raise-queue"
    assert reply["payload"]["queue"] == [
        {"username": "guest", "user_id": "guest", "raised_at": "2027-01-15T08:00:00.000Z", "position": 1},
        {"username": "participant", "user_id": "participant", "raised_at": "2027-01-15T08:00:01.000Z", "position": 2},
    ]
    assert people["guest2"].heard("hand-raise-queue")[-1] == reply["payload"]
    house.now_unix += 1
    people["guest"].say("hand-raise", {"raised": True})
    assert len(people["guest2"].heard("hand-raise-queue")) == 2, "no news"
    assert hands(house) == [("guest", 1), ("participant", 2)]
    people["moderator"].say("hand-raise", {"raised": False, "user_id": "guest"})
    assert hands(house) == [("participant", 1)]
    house.leave(people["participant"])
    assert people["guest2"].heard("hand-raise-queue")[-1] == {"queue": []}
    changes = [e for e in house.saved if isinstance(e, fx.SaveEntry | fx.ForgetEntry) and e.table is fx.Table.HANDS]
    assert [(type(e).__name__, e.key) for e in changes] == [
        ("SaveEntry", "guest"),
        ("SaveEntry", "participant"),
        ("ForgetEntry", "guest"),
        ("ForgetEntry", "participant"),
    ]


@pytest.mark.parametrize(
    ("actor", "payload", "expected"),
    [
        ("participant", {"raised": False, "user_id": "guest"}, DENIED),
        ("host", {"raised": True, "user_id": "guest"}, DENIED),
        ("host", {"raised": False, "user_id": "nobody"}, "user_not_found"),
        ("guest", {}, "invalid_message"),
        ("guest", {"raised": "up"}, "invalid_message"),
        ("guest", {"raised": True, "user_id": "guest"}, None),
    ],
)
def test_whose_hand(actor: str, payload: dict[str, Any], expected: str | None) -> None:
    house = House()
    people = cast_of(house)
    assert code(people[actor].say("hand-raise", payload)) == expected


def test_settings_messages_know_all_settings() -> None:
    assert set(SettingsUpdateRequest.model_fields) == set(RoomSettings.model_fields)


@pytest.mark.parametrize(
    ("actor", "payload", "expected"),
    [
        ("host", {"lock_room": True, "max_participants": 2}, None),
        ("host", {"require_host_approval": True}, None),
        ("moderator", {"enable_chat": False}, None),
        ("moderator", {"require_host_approval": False, "enable_chat": False}, None),
        ("moderator", {"require_host_approval": True}, DENIED),
        ("participant", {"lock_room": True}, DENIED),
        ("guest", {"lock_room": True}, DENIED),
        ("host", {}, "invalid_message"),
        ("host", {"max_participants": 0}, "invalid_message"),
        ("host", {"max_participants": 10_001}, "invalid_message"),
        ("host", {"lock_room": "very"}, "invalid_message"),
        ("host", {"colour": "red"}, "invalid_message"),
        ("host", {"lock_room": None}, "invalid_message"),
    ],
)
def test_who_changes_settings(actor: str, payload: dict[str, Any], expected: str | None) -> None:
    house = House()
    people = cast_of(house)
    before = house.room.settings
    reply = people[actor].say("room-settings-update", payload)
    assert code(reply) == expected
    if expected is not None:
        assert house.room.settings == before
        return
    assert reply["payload"] == before.model_dump() | payload | {"updated_by": actor}
    assert people["guest2"].heard("room-settings-update") == [reply["payload"]]
    assert set(house.room.participants) == set(people), "nobody is sent away"
    assert fx.SaveSettings(house.room.settings) in house.saved


def test_settings_take_effect_at_once() -> None:
    house = House()
    host = house.join("host")
    host.say("room-settings-update", {"mute_on_entry": True, "enable_chat": False})
    bob = house.join("bob")
    bob.publish({"0": "audio"})
    assert all(p.muted for p in house.router.producers.values())
    assert code(bob.say("chat-message", {"message": "hi"})) == DENIED
    host.say("room-settings-update", {"lock_room": True})
    for role in (None, Role.PARTICIPANT, Role.GUEST):
        with pytest.raises(RoomError, match="locked"):
            house.join("late", role=role)
    house.join("mo", role=Role.MODERATOR)
    host.say("room-settings-update", {"lock_room": False, "max_participants": 3})
    with pytest.raises(RoomError, match="holds 3"):
        house.join("late")
