"""The waiting room: who waits for what, in which order, who lets them in, and what they may do meanwhile."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signaling import effects as fx
from signaling.admission import check_reader
from signaling.catalogue import CATALOGUE
from signaling.errors import RoomError
from signaling.model import Role, RoomSettings, WaitReason
from signaling.options import RoomOptions
from signaling.restoring import restore
from signaling.room import Room
from signaling.stored_room import StoredRoom
from signaling.tokens import Identity
from signaling.waiting import WaitingRoom, restored, saved
from tests.unit.signaling.people import House, Person
from tests.unit.signaling.test_people import DENIED, code

DOOR = RoomSettings(enable_waiting_room=True)


def waits(person: Person) -> bool:
    return person.house.room.waiting.get(person.username) is not None


def inside(person: Person) -> bool:
    return person.username in person.house.room.participants


def place(person: Person) -> tuple[str, int]:
    told = person.heard("waiting-room-join")[-1]
    return told["reason"], told["position"]


def test_waiting_and_being_admitted_on_the_same_socket() -> None:
    house = House(settings=DOOR)
    host, mo = house.join("host"), house.join("mo", role=Role.MODERATOR)
    assert inside(host) and inside(mo), "the first and moderators by token do not wait"
    bob = house.join("bob", avatar_url="/b.png")
    first = bob.port.messages[0]
    assert (first["type"], first["seq"]) == ("waiting-room-join", 1)
    entry = {
        "user_id": "bob",
        "username": "bob",
        "display_name": "Bob",
        "avatar_url": "/b.png",
        "joined_waiting_at": "2027-01-15T08:00:00.000Z",
        "status": "waiting",
        "position": 1,
        "reason": "approval",
    }
    own = {"room_id": "demo", "session_id": bob.session.session_id, "heartbeat_interval_ms": 10_000}
    assert first["payload"] == entry | own
    assert host.heard("waiting-room-join") == [
        entry | {"room_id": "demo", "session_id": None, "heartbeat_interval_ms": None}
    ]
    assert house.join("mo2", role=Role.MODERATOR).heard("room-state")[0]["waiting_room"] == [entry]
    carol = house.join("carol")
    assert carol.heard("room-state") == []
    reply = mo.say("waiting-room-admit", {"user_id": "bob"})
    assert reply["type"] == "waiting-room-result"
    assert reply["payload"] == {"admitted": ["bob"], "rejected": [], "waiting": [], "not_found": []}
    assert bob.types() == ["waiting-room-join", "waiting-room-admit", "room-state"]
    state = bob.heard("room-state")[0]
    assert state["session_id"] == bob.session.session_id
    assert state["waiting_room"] == [], "who does not manage is not told who waits"
    assert [m["seq"] for m in bob.port.messages] == [1, 2, 3]
    assert host.heard("waiting-room-admit")[0]["status"] == "admitted"
    assert [m["username"] for m in host.heard("user-joined")] == ["mo", "mo2", "bob"]
    assert place(carol) == ("approval", 1)
    assert bob.say("heartbeat")["type"] == "heartbeat"
    tables = [(type(e).__name__, e.key) for e in house.saved if isinstance(e, fx.TableEffect) and e.table == "waiting"]
    assert ("SaveEntry", "bob") in tables and tables[-1] == ("ForgetEntry", "bob")


def test_rejected() -> None:
    house = House(settings=DOOR)
    host, bob, carol = house.join("host"), house.join("bob"), house.join("carol")
    reply = host.say("waiting-room-reject", {"user_id": "bob", "reason": "private"})
    assert reply["payload"]["rejected"] == ["bob"]
    assert bob.port.closed == (4403, "rejected")
    told = bob.heard("waiting-room-reject")[0]
    assert (told["status"], told["reason"], told["rejected_by"]) == ("rejected", "private", None)
    assert host.heard("waiting-room-reject")[0]["rejected_by"] == "host"
    assert place(carol) == ("approval", 1)
    house.leave(bob)
    assert [w.username for w in house.room.waiting] == ["carol"]


@pytest.mark.parametrize(
    ("payload", "admitted", "not_found"),
    [
        ({"all": True}, ["a", "b", "c"], []),
        ({"user_ids": ["c", "a", "x", "c"]}, ["a", "c"], ["x"]),
        ({"user_ids": []}, [], []),
        ({"user_id": "b"}, ["b"], []),
    ],
)
def test_in_bulk(payload: dict[str, Any], admitted: list[str], not_found: list[str]) -> None:
    for verb, field in (("admit", "admitted"), ("reject", "rejected")):
        house = House(settings=DOOR)
        host = house.join("host")
        people = [house.join(name) for name in "abc"]
        result = host.say(f"waiting-room-{verb}", payload)["payload"]
        assert (result[field], result["not_found"]) == (admitted, not_found)
        assert [p.username for p in people if not waits(p)] == admitted
        assert [inside(p) for p in people if p.username in admitted] == [verb == "admit"] * len(admitted)


@pytest.mark.parametrize(
    ("actor", "message", "payload", "expected"),
    [
        ("bob", "admit", {"user_id": "eve"}, DENIED),
        ("guest", "reject", {"all": True}, DENIED),
        ("mo", "admit", {"user_id": "nobody"}, "user_not_found"),
        ("mo", "admit", {"user_id": "bob"}, "user_not_found"),
        ("mo", "admit", {}, "invalid_message"),
        ("mo", "admit", {"user_id": "eve", "all": True}, "invalid_message"),
        ("mo", "reject", {"user_ids": "eve"}, "invalid_message"),
        ("mo", "reject", {"user_id": "eve", "reason": "x" * 257}, "invalid_message"),
        ("mo", "join", {}, "invalid_state"),
        ("mo", "admit", {"user_id": "eve"}, None),
    ],
)
def test_who_opens_the_door(actor: str, message: str, payload: dict[str, Any], expected: str | None) -> None:
    house = House()
    people = {
        "host": house.join("host"),
        "mo": house.join("mo", role=Role.MODERATOR),
        "bob": house.join("bob"),
        "guest": house.join("guest", role=Role.GUEST),
    }
    house.room.settings = DOOR
    eve = house.join("eve")
    assert code(people[actor].say(f"waiting-room-{message}", payload)) == expected
    assert waits(eve) == (expected is not None)


def test_approval_of_the_host_himself() -> None:
    house = House(settings=RoomSettings(require_host_approval=True))
    host, mo, bob = house.join("host"), house.join("mo", role=Role.MODERATOR), house.join("bob")
    assert code(mo.say("waiting-room-admit", {"user_id": "bob"})) == DENIED
    assert code(mo.say("room-settings-update", {"require_host_approval": False})) == DENIED
    host.say("waiting-room-admit", {"user_id": "bob"})
    assert inside(bob)


def test_switching_the_waiting_room_off_lets_all_in() -> None:
    house = House(settings=DOOR)
    host, bob, carol = house.join("host"), house.join("bob"), house.join("carol")
    host.say("room-settings-update", {"enable_waiting_room": False, "lock_room": True})
    assert waits(bob), "a locked room opens to nobody by itself"
    host.say("waiting-room-admit", {"user_id": "carol"})
    assert inside(carol)
    host.say("room-settings-update", {"lock_room": False})
    assert inside(bob)


def test_while_waiting_little_is_allowed() -> None:
    house = House(settings=DOOR)
    host, bob = house.join("host"), house.join("bob")
    host.forget()
    allowed = {"heartbeat", "leave", "participant-update", "waiting-room-join"}
    for name, line in CATALOGUE.items():
        if line.receives is not None and name not in allowed:
            assert code(bob.say(name, {"message": "hi"})) == "waiting_for_approval", name
    assert host.port.messages == []
    assert code(bob.say("nonsense")) == "invalid_message"
    assert {name for name, line in CATALOGUE.items() if line.while_waiting} == allowed
    assert bob.say("heartbeat")["type"] == "heartbeat"
    assert bob.say("waiting-room-join")["payload"]["position"] == 1
    assert bob.say("participant-update", {"display_name": "Robert"})["type"] == "ack"
    assert host.heard("waiting-room-join")[-1]["display_name"] == "Robert"
    assert code(bob.say("participant-update", {"user_id": "host", "display_name": "x"})) == DENIED
    assert code(bob.say("participant-update", {"display_name": "\n"})) == "invalid_message"
    assert bob.say("leave")["type"] == "ack"
    assert bob.port.closed == (1000, "left")
    assert host.heard("waiting-room-left") == [{"user_id": "bob", "reason": "left"}]
    assert not waits(bob)


def test_nobody_in_the_room_reaches_one_who_waits() -> None:
    house = House(settings=DOOR)
    host, bob = house.join("host"), house.join("bob")
    bob.forget()
    host.say("chat-message", {"message": "private"})
    assert code(host.say("chat-message", {"message": "psst", "target_user_id": "bob"})) == "user_not_found"
    assert code(host.say("offer", {"target_user_id": "bob", "sdp": "x"})) == "user_not_found"
    house.join("mo", role=Role.MODERATOR)
    assert bob.port.messages == []


def test_who_is_cut_off_keeps_its_place_for_a_while() -> None:
    house = House(settings=DOOR)
    host, bob = house.join("host"), house.join("bob")
    house.now_unix += 1
    carol = house.join("carol")
    house.leave(bob)
    assert host.heard("waiting-room-left") == [{"user_id": "bob", "reason": "disconnected"}]
    assert place(carol) == ("approval", 1)
    house.now_unix += 29
    bob = house.join("bob")
    assert place(bob) == ("approval", 1)
    assert place(carol) == ("approval", 2)
    house.leave(bob)
    house.now_unix += 31
    assert place(house.join("bob")) == ("approval", 2)


def test_a_second_socket_takes_the_place_over() -> None:
    house = House(settings=DOOR)
    house.join("host")
    old = house.join("bob")
    house.now_unix += 1
    house.join("carol")
    new = house.join("bob")
    assert old.port.closed == (4409, "session_replaced")
    assert place(new) == ("approval", 1)
    house.leave(old)
    assert waits(new)


def test_who_was_in_needs_no_approval_any_more_unless_kicked() -> None:
    house = House()
    host, bob, eve = house.join("host"), house.join("bob"), house.join("eve")
    house.room.settings = DOOR
    house.leave(bob)
    assert inside(house.join("bob"))
    host.say("kick", {"user_id": "eve"})
    assert waits(house.join("eve"))
    assert not inside(eve)


def test_a_ban_ends_the_wait() -> None:
    house = House(settings=DOOR)
    host, bob = house.join("host"), house.join("bob")
    host.say("ban", {"user_id": "bob", "reason": "no"})
    assert bob.port.closed == (4403, "rejected")
    assert not waits(bob)


def test_new_moderators_are_told_who_waits() -> None:
    house = House()
    host, bob = house.join("host"), house.join("bob")
    house.room.settings = DOOR
    house.join("carol")
    assert bob.heard("waiting-room-join") == []
    host.say("role-update", {"user_id": "bob", "role": "moderator"})
    assert [m["user_id"] for m in bob.heard("waiting-room-join")] == ["carol"]


class TestFullRoom:
    OPTIONS = RoomOptions(queue_when_full=True)
    SMALL = RoomSettings(max_participants=2)

    def test_places_are_given_in_order(self) -> None:
        house = House(self.OPTIONS, self.SMALL)
        host, bob, carol, dave = (house.join(name) for name in ("host", "bob", "carol", "dave"))
        assert (place(carol), place(dave)) == (("capacity", 1), ("capacity", 2))
        house.leave(bob)
        assert inside(carol)
        assert place(dave) == ("capacity", 1)
        host.say("room-settings-update", {"max_participants": 3})
        assert inside(dave)

    def test_moderators_by_token_come_first(self) -> None:
        house = House(self.OPTIONS, self.SMALL)
        _host, bob, carol = (house.join(name) for name in ("host", "bob", "carol"))
        mo = house.join("mo", role=Role.MODERATOR)
        assert (place(mo), place(carol)) == (("capacity", 1), ("capacity", 2))
        house.leave(bob)
        assert inside(mo) and waits(carol)

    def test_admitted_but_full(self) -> None:
        house = House(self.OPTIONS, self.SMALL.model_copy(update={"enable_waiting_room": True}))
        host, bob = house.join("host"), house.join("bob", role=Role.MODERATOR)
        carol = house.join("carol")
        dave = house.join("dave")
        result = host.say("waiting-room-admit", {"user_id": "dave"})["payload"]
        assert (result["admitted"], result["waiting"]) == ([], ["dave"])
        assert place(dave) == ("capacity", 2)
        assert host.heard("waiting-room-join")[-1]["reason"] == "capacity"
        house.leave(bob)
        assert inside(dave) and waits(carol)

    def test_without_a_queue_a_full_room_refuses(self) -> None:
        house = House(settings=self.SMALL.model_copy(update={"enable_waiting_room": True, "max_participants": 2}))
        host, _mo = house.join("host"), house.join("mo", role=Role.MODERATOR)
        bob, _carol = house.join("bob"), house.join("carol")
        assert code(host.say("waiting-room-admit", {"user_id": "bob"})) == "room_full"
        result = host.say("waiting-room-admit", {"all": True})["payload"]
        assert (result["admitted"], result["waiting"]) == ([], ["bob", "carol"])
        assert waits(bob)

    def test_the_queue_itself_has_an_end(self) -> None:
        house = House(RoomOptions(queue_when_full=True, max_waiting=1), self.SMALL)
        for name in ("host", "bob", "carol"):
            house.join(name)
        with pytest.raises(RoomError) as caught:
            house.join("dave")
        assert (caught.value.code, caught.value.details) == ("room_full", {"max_waiting": 1})


def test_near_capacity_newcomers_need_approval() -> None:
    house = House(RoomOptions(waiting_room_at_percent=50), RoomSettings(max_participants=4))
    host, bob, carol = house.join("host"), house.join("bob"), house.join("carol")
    assert place(carol) == ("approval", 1)
    house.leave(bob)
    assert inside(carol), "no longer near capacity"
    dave = house.join("dave")
    host.say("waiting-room-admit", {"user_id": "dave"})
    assert inside(dave)


class TestWithoutHost:
    OPTIONS = RoomOptions(wait_for_host=True)

    def test_all_wait_for_the_host(self) -> None:
        house = House(self.OPTIONS)
        bob, guest = house.join("bob"), house.join("guest", role=Role.GUEST)
        assert (place(bob), place(guest)) == (("no_host", 1), ("no_host", 2))
        assert not house.emptied
        host = house.join("host", role=Role.HOST)
        assert inside(bob) and inside(guest)
        assert house.role(host) is Role.HOST
        house.leave(bob)
        house.leave(guest)
        house.leave(host)
        assert house.emptied

    def test_a_moderator_by_token_becomes_host(self) -> None:
        house = House(self.OPTIONS, DOOR)
        bob = house.join("bob")
        mo = house.join("mo", role=Role.MODERATOR)
        assert house.role(mo) is Role.HOST
        assert place(bob) == ("approval", 1)

    def test_the_last_waiter_closes_the_room(self) -> None:
        house = House(self.OPTIONS)
        bob = house.join("bob")
        house.leave(bob)
        assert house.emptied == [house.live]

    def test_waiters_stay_when_the_room_empties(self) -> None:
        house = House(self.OPTIONS, DOOR)
        host = house.join("host", role=Role.HOST)
        bob = house.join("bob")
        house.leave(host)
        assert not house.emptied
        assert place(bob) == ("no_host", 1)


def test_guests_wait_before_an_empty_room_with_a_door() -> None:
    house = House(settings=DOOR)
    guest = house.join("guest", role=Role.GUEST)
    assert place(guest) == ("approval", 1)
    assert not house.emptied
    host = house.join("host")
    assert house.role(host) is Role.HOST
    assert [w["user_id"] for w in host.heard("room-state")[0]["waiting_room"]] == ["guest"]


def test_who_waited_is_not_let_into_what_has_ended() -> None:
    house = House(settings=DOOR)
    host, bob = house.join("host"), house.join("bob")
    house.leave(host)
    assert bob.heard("error")[0]["error_code"] == "room_closed"
    assert bob.port.closed == (4404, "room_closed")
    assert house.emptied == [house.live]


def test_restart_is_told_to_those_who_wait() -> None:
    house = House(settings=DOOR)
    host, bob = house.join("host"), house.join("bob")
    house.live.close(1012, "server_restart")
    assert host.port.closed == bob.port.closed == (1012, "server_restart")
    assert fx.ForgetEntry(fx.Table.WAITING, "bob") not in house.saved, "its place outlives the process"


def test_bans_places_and_hands_outlive_the_process() -> None:
    house = House(settings=DOOR)
    host, bob = house.join("host"), house.join("bob")
    host.say("ban", {"user_id": "eve"})
    host.say("hand-raise", {"raised": True})
    tables: dict[fx.Table, dict[str, str]] = {}
    for effect in house.saved:
        if isinstance(effect, fx.SaveEntry):
            tables.setdefault(effect.table, {})[effect.key] = effect.value
    again = House(settings=DOOR)
    stored = StoredRoom(roles={"host": Role.HOST}, overrides={"host": {"can_record": False}}, tables=tables)
    restore(again.room, stored, again.around.options, again.now_unix + 5)
    again.now_unix += 10
    host = again.join("host")
    assert host.heard("room-state")[0]["hand_raise_queue"][0]["user_id"] == "host"
    again.join("new")
    assert place(again.join(bob.username)) == ("approval", 1)
    with pytest.raises(RoomError, match="banned"):
        again.join("eve")


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"since_unix": "x", "approved": 1}', "null"])
def test_unreadable_state_is_left_out(text: str) -> None:
    room = Room("demo", RoomSettings(), 0.0)
    tables = {table: {"bob": text} for table in fx.Table}
    restore(room, StoredRoom(tables=tables), RoomOptions(), 0.0)
    assert (room.bans, room.hands) == ({}, {})
    assert room.waiting.kept("bob", 0.0) is None


@pytest.mark.parametrize(
    ("settings", "identity", "expected"),
    [
        (RoomSettings(), Identity("x", "X"), None),
        (RoomSettings(max_participants=1), Identity("x", "X"), None),
        (DOOR, Identity("x", "X"), "waiting_for_approval"),
        (DOOR, Identity("host", "H"), None),
        (DOOR, Identity("x", "X", role=Role.MODERATOR), None),
        (RoomSettings(lock_room=True), Identity("x", "X"), "room_locked"),
        (RoomSettings(), Identity("eve", "E"), DENIED),
    ],
)
def test_who_reads_from_outside(settings: RoomSettings, identity: Identity, expected: str | None) -> None:
    house = House()
    host = house.join("host")
    host.say("ban", {"user_id": "eve"})
    house.room.settings = settings
    answer = None
    try:
        check_reader(house.room, identity, house.around.options, house.now_unix)
    except RoomError as error:
        answer = error.code
    assert answer == expected


@given(st.lists(st.tuples(st.sampled_from("abcdef"), st.sampled_from(["add", "remove", "cut"])), max_size=40))
def test_the_queue_is_in_order_of_coming(steps: list[tuple[str, str]]) -> None:
    queue = WaitingRoom()
    since: dict[str, float] = {}
    for now, (name, step) in enumerate(steps):
        if step == "add":
            waiter = queue.get(name) or queue.add(Identity(name, name), "s", WaitReason.APPROVAL, float(now))
            since.setdefault(name, float(now))
            assert waiter.since_unix == since[name]
        elif step == "remove":
            queue.remove(name)
            since.pop(name, None)
        elif (known := queue.get(name)) is not None:
            queue.remove(name)
            kept = restored(saved(known), 1_000.0)
            assert kept is not None
            queue.keep(name, kept, float(now))
    here = [w.username for w in queue]
    assert here == sorted(here, key=lambda name: since[name])
    assert [info.position for info in queue.infos()] == list(range(1, len(here) + 1))
    assert [queue.position(name) for name in here] == list(range(1, len(here) + 1))
