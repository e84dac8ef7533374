"""Who may join, who is host, and what the others are told."""

from __future__ import annotations

from typing import Any

import pytest

from signaling import effects as fx
from signaling.errors import RoomError
from signaling.model import Permissions, Role, RoomSettings
from tests.unit.signaling.people import House


def test_first_message_is_the_room_state() -> None:
    house = House()
    alice = house.join("alice", avatar_url="https://example.org/a.png")
    bob = house.join("bob")
    first = bob.port.messages[0]
    assert first["type"] == "room-state"
    assert first["seq"] == 1
    assert first["sender"] is None
    state = first["payload"]
    assert state["room_id"] == "demo"
    assert state["user_id"] == "bob"
    assert state["role"] == "participant"
    assert state["session_id"] == bob.session.session_id
    assert [p["username"] for p in state["participants"]] == ["alice", "bob"]
    assert state["participants"][0]["avatar_url"] == "https://example.org/a.png"
    assert state["heartbeat_interval_ms"] == 10_000
    assert len(state["permissions"]) == 7
    assert len(state["settings"]) == len(RoomSettings.model_fields)
    assert [(m["username"], m["role"]) for m in alice.heard("user-joined")] == [("bob", "participant")]
    assert bob.heard("user-joined") == []


def test_seq_rises_by_one_for_each_session() -> None:
    house = House()
    alice = house.join("alice")
    bob = house.join("bob")
    for _ in range(3):
        alice.say("chat-message", {"message": "hi"})
    for person in (alice, bob):
        assert [m["seq"] for m in person.port.messages] == list(range(1, len(person.port.messages) + 1))


@pytest.mark.parametrize(
    ("joins", "roles"),
    [
        ([("a", None), ("b", None)], {"a": "host", "b": "participant"}),
        ([("a", "guest"), ("b", None)], {"a": "guest", "b": "host"}),
        ([("a", "participant"), ("b", "moderator")], {"a": "host", "b": "moderator"}),
        ([("a", None), ("b", "host")], {"a": "moderator", "b": "host"}),
        ([("a", "host"), ("b", "host")], {"a": "host", "b": "moderator"}),
        ([("a", "moderator"), ("b", None)], {"a": "host", "b": "participant"}),
    ],
)
def test_one_host(joins: list[tuple[str, str | None]], roles: dict[str, str]) -> None:
    house = House()
    for username, role in joins:
        house.join(username, role=Role(role) if role else None)
    assert {name: p.role.value for name, p in house.room.participants.items()} == roles


@pytest.mark.parametrize(
    ("others", "heir"),
    [
        (["participant", "participant"], "p0"),
        (["participant", "moderator"], "p1"),
        (["moderator", "moderator"], "p0"),
        (["guest", "participant"], "p1"),
        (["guest"], None),
    ],
)
def test_host_leaves(others: list[str], heir: str | None) -> None:
    house = House()
    host = house.join("host")
    people = [house.join(f"p{i}", role=Role(role)) for i, role in enumerate(others)]
    house.leave(host)
    assert house.room.host is (house.room.participants[heir] if heir else None)
    for person in people:
        assert person.heard("user-left") == [{"username": "host", "reason": "disconnected"}]
        told = [(m["user_id"], m["role"], m["updated_by"]) for m in person.heard("role-updated")]
        assert told == ([(heir, "host", None)] if heir else [])
        assert [m["permissions"]["can_manage_participants"] for m in person.heard("permission-updated")] == (
            [True] if heir and heir.startswith("p") and others[int(heir[1])] == "participant" else []
        )


def test_token_permissions_stay_whatever_the_role() -> None:
    house = House()
    host = house.join("host")
    bob = house.join("bob", permissions={"can_share_video": False})
    assert not house.room.participants["bob"].permissions.can_share_video
    house.leave(host)
    assert house.role(bob) is Role.HOST
    assert house.room.participants["bob"].permissions == Permissions(
        can_share_video=False, can_record=True, can_manage_participants=True
    )


def test_remembered_role_comes_back_but_hostship_does_not() -> None:
    house = House(None, None, mo=Role.MODERATOR, ex=Role.HOST)
    house.join("alice")
    assert house.role(house.join("mo")) is Role.MODERATOR
    assert house.role(house.join("ex")) is Role.PARTICIPANT


def refused(house: House, username: str, **identity: Any) -> RoomError:
    with pytest.raises(RoomError) as caught:
        house.join(username, **identity)
    return caught.value


def test_full_room() -> None:
    house = House(settings=RoomSettings(max_participants=2))
    house.join("a")
    b = house.join("b")
    error = refused(house, "c")
    assert (error.code, error.status, error.close_code) == ("room_full", 409, 4403)
    assert error.details == {"max_participants": 2}
    house.join("b")  # who is in takes over
    assert b.port.closed == (4409, "session_replaced")
    assert set(house.room.participants) == {"a", "b"}


def test_locked_room() -> None:
    house = House()
    house.join("a")
    house.room.settings = RoomSettings(lock_room=True)
    assert refused(house, "b").code == "room_locked"
    house.join("a")
    house.join("owner", role=Role.HOST)


def test_newest_session_wins_and_keeps_its_place() -> None:
    house = House()
    old = house.join("alice")
    bob = house.join("bob")
    old.publish({"0": "audio"})
    transports = set(house.router.transports)
    bob.forget()
    new = house.join("alice", display_name="Alice 2")
    assert old.port.closed == (4409, "session_replaced")
    assert house.role(new) is Role.HOST
    assert transports - set(house.router.transports), "the old session's transport is closed"
    assert bob.types()[0] == "track-unpublished"
    assert "user-left" not in bob.types()
    house.leave(old)  # the old socket ends later
    assert "alice" in house.room.participants
    seen = len(old.port.messages)
    bob.say("chat-message", {"message": "hi"})
    assert len(old.port.messages) == seen
    assert new.heard("chat-message")


def test_last_one_out_closes_the_room() -> None:
    house = House()
    alice = house.join("alice")
    assert alice.say("leave")["type"] == "ack"
    assert alice.port.closed == (1000, "left")
    assert house.emptied == [house.live]
    assert house.router.closed
    house.leave(alice)
    assert house.emptied == [house.live]


def test_state_is_saved() -> None:
    house = House()
    alice = house.join("alice")
    alice.say("heartbeat")
    house.leave(alice)
    seats = [e for e in house.saved if isinstance(e, (fx.SaveEntry, fx.ForgetEntry)) and e.table is fx.Table.SEATS]
    assert [type(effect) for effect in seats] == [fx.SaveEntry, fx.ForgetEntry]
    kinds = [type(effect) for effect in house.saved if effect not in seats]
    assert kinds == [fx.SaveParticipant, fx.SaveRole, fx.SaveEntry, fx.RenewPresence, fx.ForgetParticipant]
    assert isinstance(house.saved[1], fx.SaveRole)
    assert house.saved[1].role is Role.HOST


def test_slow_reader_is_closed_and_costs_the_others_nothing() -> None:
    house = House()
    alice, bob = house.join("alice"), house.join("bob")
    alice.port.full = True
    bob.say("chat-message", {"message": "hi"})
    assert alice.port.closed == (1013, "slow_reader")
    assert len(bob.heard("chat-message")) == 1
