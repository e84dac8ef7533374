"""Breakout rooms: who may do what, who is where, and that nothing of one reaches another."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfu.transport import TransportRole
from signaling import effects as fx
from signaling.breakouts.moves import pass_time
from signaling.breakouts.rooms import Breakout, Breakouts, deal, spread
from signaling.model import Role
from signaling.options import RoomOptions
from signaling.restoring import restore
from signaling.room import Room
from signaling.stored_room import StoredRoom
from tests.unit.signaling.people import NOW_UNIX, House, Person

# -- pure rules --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("people", "filled", "limits", "assigned", "left_over"),
    [
        ("", {"a": 0}, {"a": None}, {}, ""),
        ("uvwx", {"a": 0, "b": 0}, {"a": None, "b": None}, {"u": "a", "v": "b", "w": "a", "x": "b"}, ""),
        ("uvw", {"a": 2, "b": 0}, {"a": None, "b": None}, {"u": "b", "v": "b", "w": "a"}, ""),
        ("uvw", {"a": 0, "b": 0}, {"a": 1, "b": None}, {"u": "a", "v": "b", "w": "b"}, ""),
        ("uvw", {"a": 0, "b": 1}, {"a": 1, "b": 2}, {"u": "a", "v": "b"}, "w"),
        ("u", {"a": 3}, {"a": 2}, {}, "u"),
    ],
)
def test_spread(
    people: str, filled: dict[str, int], limits: dict[str, int | None], assigned: dict[str, str], left_over: str
) -> None:
    assert spread(people, filled, limits) == (assigned, list(left_over))


@given(
    st.integers(0, 60),
    st.lists(st.tuples(st.integers(0, 10), st.one_of(st.none(), st.integers(0, 12))), min_size=1, max_size=8),
)
def test_spread_is_even_and_keeps_to_the_limits(people: int, places: list[tuple[int, int | None]]) -> None:
    filled = {str(i): count for i, (count, _) in enumerate(places)}
    limits = {str(i): limit for i, (_, limit) in enumerate(places)}
    assigned, left_over = spread([f"p{i}" for i in range(people)], filled, limits)
    assert len(assigned) + len(left_over) == people
    after = {place: count + list(assigned.values()).count(place) for place, count in filled.items()}
    for place, limit in limits.items():
        assert limit is None or after[place] <= max(limit, filled[place])
        assert not left_over or (limit is not None and after[place] >= limit)
    grown = [place for place in filled if after[place] > filled[place]]
    open_still = [place for place in filled if (limit := limits[place]) is None or after[place] < limit]
    assert all(after[one] - after[other] <= 1 for one in grown for other in open_still)


def test_deal() -> None:
    assert deal("uvwx", ["a", "b", "c"]) == {"u": "a", "v": "b", "w": "c", "x": "a"}
    assert deal("", ["a"]) == {}


@pytest.mark.parametrize(
    ("there", "wanted", "count", "names"),
    [
        ([], "Blue", 1, ["Blue"]),
        (["Blue"], "Blue", 1, ["Blue"]),
        ([], "Blue", 2, ["Blue 1", "Blue 2"]),
        ([], None, 1, ["Breakout room 1"]),
        (["Breakout room 1", "Breakout room 3"], None, 2, ["Breakout room 2", "Breakout room 4"]),
    ],
)
def test_names(there: list[str], wanted: str | None, count: int, names: list[str]) -> None:
    breakouts = Breakouts({str(i): breakout(name=name) for i, name in enumerate(there)})
    assert breakouts.names_for(wanted, count) == names


def breakout(breakout_room_id: str = "b", **fields: Any) -> Breakout:
    fields = {"name": "B", "created_unix": NOW_UNIX, "created_by": "host", **fields}
    return Breakout(breakout_room_id=breakout_room_id, **fields)


@pytest.mark.parametrize(
    ("ends", "due"),
    [
        ([], None),
        ([(None, False)], None),
        ([(900.0, False)], 840.0),
        ([(900.0, True)], 900.0),
        ([(900.0, True), (950.0, False)], 890.0),
        ([(900.0, True), (None, False), (1_000.0, False)], 900.0),
    ],
)
def test_when_something_is_due(ends: list[tuple[float | None, bool]], due: float | None) -> None:
    rooms = {str(i): breakout(ends_unix=end, notified=told) for i, (end, told) in enumerate(ends)}
    assert Breakouts(rooms).next_due_unix(60.0) == due


# -- in a room ---------------------------------------------------------------------------------------------------------


class Meeting(House):
    """A host, a moderator and four participants."""

    def __init__(self, options: RoomOptions | None = None) -> None:
        super().__init__(options)
        self.people = {
            name: self.join(name, role=role)
            for name, role in {
                "host": Role.HOST,
                "mod": Role.MODERATOR,
                **dict.fromkeys(("ann", "bob", "cleo", "dan"), Role.PARTICIPANT),
            }.items()
        }
        self.host, self.mod, self.ann, self.bob, self.cleo, self.dan = self.people.values()

    def make(self, **payload: Any) -> list[str]:
        """Let the host make breakout rooms; their ids."""
        reply = self.host.say("breakout-room-create", payload)
        assert reply["type"] == "breakout-room-create", reply
        return list(reply["payload"]["created_ids"])

    def move(self, place: str | None, *names: str) -> dict[str, Any]:
        payload = {"breakout_room_id": place, "participant_ids": list(names)}
        reply = self.host.say("breakout-room-assign", payload)
        assert reply["type"] == "breakout-room-assign", reply
        return dict(reply["payload"])

    def forget(self) -> None:
        for person in self.people.values():
            person.forget()

    def where(self) -> dict[str, str]:
        """Who is in which breakout room; those in the main room are left out."""
        return {p.username: p.breakout_room_id for p in self.room.participants.values() if p.breakout_room_id}

    def who_hears(self, message_type: str) -> set[str]:
        return {name for name, person in self.people.items() if person.heard(message_type)}


def code(reply: dict[str, Any]) -> str | None:
    return reply["payload"]["error_code"] if reply["type"] == "error" else None


def test_making_is_told_to_everybody_and_saved() -> None:
    meeting = Meeting()
    (blue,) = meeting.make(name="  Blue\u202e ", max_participants=3, participant_ids=["ann", "bob"])
    told = {str(person.heard("breakout-room-create")) for person in meeting.people.values()}
    assert len(told) == 1
    (message,) = meeting.dan.heard("breakout-room-create")
    info = {
        "breakout_room_id": blue,
        "name": "Blue",
        "participant_ids": ["ann", "bob"],
        "created_at": "2027-01-15T08:00:00.000Z",
        "created_by": "host",
        "max_participants": 3,
        "ends_at": None,
        "self_assign": False,
    }
    assert message == {**info, "created_ids": [blue], "breakout_rooms": [info]}
    assert meeting.where() == {"ann": blue, "bob": blue} == meeting.router.groups
    saved = {(e.table, e.key) for e in meeting.saved if isinstance(e, fx.SaveEntry) and "breakout" in e.table}
    assert saved == {(fx.Table.BREAKOUTS, blue), (fx.Table.BREAKOUT_PLACES, "ann"), (fx.Table.BREAKOUT_PLACES, "bob")}


def test_several_at_once_share_the_named_out() -> None:
    meeting = Meeting()
    one, two = meeting.make(count=2, participant_ids=["ann", "bob", "cleo"])
    assert meeting.where() == {"ann": one, "bob": two, "cleo": one}
    (message,) = meeting.ann.heard("breakout-room-create")
    names = [(b["name"], b["participant_ids"]) for b in message["breakout_rooms"]]
    assert names == [("Breakout room 1", ["ann", "cleo"]), ("Breakout room 2", ["bob"])]


@pytest.mark.parametrize(
    ("who", "payload", "error"),
    [
        ("ann", {"name": "Blue"}, "permission_denied"),
        ("host", {"name": ""}, "invalid_message"),
        ("host", {"name": "\u202e "}, "invalid_message"),
        ("host", {"name": "x" * 65}, "invalid_message"),
        ("host", {"count": 0}, "invalid_message"),
        ("host", {"count": 101}, "invalid_message"),
        ("host", {"count": 5}, "invalid_state"),
        ("host", {"max_participants": 0}, "invalid_message"),
        ("host", {"duration_s": 0}, "invalid_message"),
        ("host", {"duration_s": 86_401}, "invalid_message"),
        ("host", {"participant_ids": ["nobody"]}, "user_not_found"),
        ("host", {"participant_ids": ["ann", "bob"], "max_participants": 1}, "room_full"),
        ("mod", {"participant_ids": ["host"]}, "permission_denied"),
    ],
)
def test_making_refused(who: str, payload: dict[str, Any], error: str) -> None:
    meeting = Meeting(RoomOptions(max_breakout_rooms=4))
    meeting.forget()
    assert code(meeting.people[who].say("breakout-room-create", payload)) == error
    assert meeting.room.breakouts == Breakouts()
    assert meeting.where() == {}
    assert meeting.who_hears("breakout-room-create") == set()


def test_a_move_is_told_to_all_and_shows_the_new_surroundings_to_those_concerned() -> None:
    meeting = Meeting()
    (blue,) = meeting.make(name="Blue", participant_ids=["ann"])
    ann_mic, dan_mic = (
        person.publish({"0": "audio"}, {"0": "microphone"})["payload"]["publications"][0]["publication_id"]
        for person in (meeting.ann, meeting.dan)
    )
    meeting.forget()
    reply = meeting.move(blue, "dan")
    assert reply["assignments"] == {"dan": blue}
    assert (reply["participant_ids"], reply["name"], reply["assigned_by"]) == (["dan"], "Blue", "host")
    assert all(person.heard("breakout-room-assign") == [reply] for person in meeting.people.values())
    (arrived,) = meeting.dan.heard("breakout-room-area")
    assert (arrived["breakout_room_id"], arrived["complete"]) == (blue, True)
    assert [(p["username"], p["breakout_room_id"]) for p in arrived["participants"]] == [("ann", blue), ("dan", blue)]
    assert [p["publication_id"] for p in arrived["publications"]] == [ann_mic, dan_mic]
    (met,) = meeting.ann.heard("breakout-room-area")
    assert (met["complete"], [p["username"] for p in met["participants"]]) == (False, ["dan"])
    assert [p["publication_id"] for p in met["publications"]] == [dan_mic]
    assert meeting.who_hears("breakout-room-area") == {"ann", "dan"}
    assert meeting.dan.types() == ["breakout-room-assign", "breakout-room-area", "offer"]


@pytest.mark.parametrize(
    ("who", "payload", "error"),
    [
        ("ann", {"breakout_room_id": "full", "participant_ids": ["bob"]}, "permission_denied"),
        ("ann", {"breakout_room_id": "empty"}, "permission_denied"),
        ("ann", {"auto": True}, "permission_denied"),
        ("ann", {"self_assign": True}, "permission_denied"),
        ("ann", {"breakout_room_id": "empty", "self_assign": True}, "permission_denied"),
        ("bob", {"breakout_room_id": None}, "permission_denied"),
        ("mod", {"breakout_room_id": "empty", "participant_ids": ["host"]}, "permission_denied"),
        ("host", {"breakout_room_id": "nowhere"}, "room_not_found"),
        ("host", {"breakout_room_id": "nowhere", "participant_ids": ["ann"]}, "room_not_found"),
        ("host", {"breakout_room_id": "empty", "participant_ids": ["ann", "nobody"]}, "user_not_found"),
        ("host", {"breakout_room_id": "full", "participant_ids": ["ann"]}, "room_full"),
        ("host", {"breakout_room_id": "full", "participant_ids": ["mod", "ann"]}, "room_full"),
        ("host", {}, "invalid_message"),
        ("host", {"auto": True, "breakout_room_id": "empty"}, "invalid_message"),
        ("host", {"breakout_room_id": 7}, "invalid_message"),
        ("host", {"participant_ids": ["x"] * 1_001}, "invalid_message"),
    ],
)
def test_moving_refused(who: str, payload: dict[str, Any], error: str) -> None:
    meeting = Meeting()
    ids = {"empty": meeting.make()[0], "full": meeting.make(max_participants=1, participant_ids=["bob"])[0]}
    meeting.forget()
    before = meeting.where()
    named = {key: ids.get(value, value) for key, value in payload.items() if key == "breakout_room_id"}
    assert code(meeting.people[who].say("breakout-room-assign", payload | named)) == error
    assert meeting.where() == before == meeting.router.groups
    assert not any(breakout.self_assign for breakout in meeting.room.breakouts.rooms.values())
    assert meeting.who_hears("breakout-room-assign") == set()


def test_nothing_to_move_is_answered_and_told_to_nobody_else() -> None:
    meeting = Meeting()
    (blue,) = meeting.make(participant_ids=["ann"])
    meeting.forget()
    assert meeting.move(blue, "ann")["participant_ids"] == []
    assert meeting.host.say("breakout-room-assign", {"breakout_room_id": None})["payload"]["assignments"] == {}
    assert meeting.who_hears("breakout-room-assign") == {"host"}


def test_hosts_and_moderators_visit_any_and_take_no_place() -> None:
    meeting = Meeting()
    red, blue = meeting.make(count=2, max_participants=1, participant_ids=["ann", "bob"])
    assert meeting.mod.say("breakout-room-assign", {"breakout_room_id": red})["type"] == "breakout-room-assign"
    for place in (red, blue, None, blue):
        reply = meeting.host.say("breakout-room-assign", {"breakout_room_id": place})
        assert reply["payload"]["assignments"] == {"host": place}
    assert meeting.where() == {"ann": red, "bob": blue, "mod": red, "host": blue}
    meeting.move(None, "ann")
    meeting.move(red, "cleo")
    assert meeting.where()["cleo"] == red


def test_auto_spreads_those_in_the_main_room_evenly() -> None:
    meeting = Meeting()
    red, blue = meeting.make(count=2)
    meeting.move(blue, "dan")
    meeting.forget()
    reply = meeting.host.say("breakout-room-assign", {"auto": True})["payload"]
    assert reply["assignments"] == {"ann": red, "bob": red, "cleo": blue}
    assert (reply["auto"], reply["not_assigned"], reply["breakout_room_id"]) == (True, [], None)
    assert meeting.where() == {"ann": red, "bob": red, "cleo": blue, "dan": blue}
    assert all(len(person.heard("breakout-room-assign")) == 1 for person in meeting.people.values())
    assert meeting.who_hears("breakout-room-area") == {"ann", "bob", "cleo", "dan"}


def test_auto_deals_named_ones_anew() -> None:
    meeting = Meeting()
    red, blue = meeting.make(count=2, max_participants=2)
    meeting.move(red, "ann", "bob")
    meeting.host.say("breakout-room-assign", {"auto": True, "participant_ids": ["ann", "bob"]})
    assert meeting.where() == {"ann": red, "bob": blue}


def test_auto_tells_for_whom_there_is_no_place() -> None:
    meeting = Meeting()
    assert code(meeting.host.say("breakout-room-assign", {"auto": True})) == "invalid_state"
    meeting.make(count=3, max_participants=1)
    reply = meeting.host.say("breakout-room-assign", {"auto": True})["payload"]
    assert (reply["participant_ids"], reply["not_assigned"]) == (["ann", "bob", "cleo"], ["dan"])
    assert code(meeting.host.say("breakout-room-assign", {"auto": True})) == "room_full"


def test_participants_choose_where_that_is_set() -> None:
    meeting = Meeting()
    (red,) = meeting.make(self_assign=True, max_participants=1)
    (blue,) = meeting.make()
    go = "breakout-room-assign"
    assert meeting.ann.say(go, {"breakout_room_id": red})["payload"]["assignments"] == {"ann": red}
    assert code(meeting.bob.say(go, {"breakout_room_id": red, "participant_ids": ["bob"]})) == "room_full"
    assert code(meeting.ann.say(go, {"breakout_room_id": blue})) == "permission_denied"
    meeting.forget()
    reply = meeting.host.say(go, {"self_assign": True})["payload"]
    assert [b["self_assign"] for b in reply["breakout_rooms"]] == [True, True]
    assert meeting.who_hears(go) == set(meeting.people)
    assert code(meeting.ann.say(go, {"breakout_room_id": blue})) is None
    meeting.host.say(go, {"self_assign": False, "breakout_room_id": blue})
    assert [b.self_assign for b in meeting.room.breakouts.rooms.values()] == [True, False]
    assert code(meeting.ann.say(go, {"breakout_room_id": None})) == "permission_denied"
    assert meeting.where() == {"ann": blue}


def test_closing_brings_all_back() -> None:
    meeting = Meeting()
    red, blue = meeting.make(count=2, participant_ids=["ann", "bob", "cleo"])
    meeting.forget()
    reply = meeting.host.say("breakout-room-close", {"breakout_room_id": red})
    assert reply["payload"]["participant_ids"] == ["ann", "cleo"]
    assert (reply["payload"]["closed_ids"], reply["payload"]["closed_by"]) == ([red], "host")
    assert [b["breakout_room_id"] for b in reply["payload"]["breakout_rooms"]] == [blue]
    assert meeting.who_hears("breakout-room-close") == set(meeting.people)
    assert meeting.where() == {"bob": blue} == meeting.router.groups
    meeting.host.say("breakout-room-close", {"all": True})
    assert (meeting.where(), meeting.router.groups, meeting.room.breakouts) == ({}, {}, Breakouts())
    kept: dict[tuple[str, str], bool] = {}
    for effect in meeting.saved:
        if isinstance(effect, fx.SaveEntry | fx.ForgetEntry) and "breakout" in effect.table:
            kept[effect.table, effect.key] = isinstance(effect, fx.SaveEntry)
    assert not any(kept.values())


@pytest.mark.parametrize(
    ("who", "payload", "error"),
    [
        ("ann", {"all": True}, "permission_denied"),
        ("host", {"breakout_room_id": "nowhere"}, "room_not_found"),
        ("host", {}, "invalid_message"),
        ("host", {"all": True, "breakout_room_id": "b"}, "invalid_message"),
    ],
)
def test_closing_refused(who: str, payload: dict[str, Any], error: str) -> None:
    meeting = Meeting()
    meeting.make(participant_ids=["ann"])
    assert code(meeting.people[who].say("breakout-room-close", payload)) == error
    assert meeting.where().keys() == {"ann"}


def test_closing_all_of_none() -> None:
    assert Meeting().host.say("breakout-room-close", {"all": True})["payload"]["closed_ids"] == []


# -- separation --------------------------------------------------------------------------------------------------------


def separated() -> tuple[Meeting, str, str]:
    """Ann and bob in one, cleo in another, all others in the main room."""
    meeting = Meeting()
    red, blue = meeting.make(count=2)
    meeting.move(red, "ann", "bob")
    meeting.move(blue, "cleo")
    meeting.forget()
    return meeting, red, blue


@pytest.mark.parametrize(
    ("message_type", "payload", "told"),
    [
        ("chat-message", {"message": "psst"}, {"ann", "bob"}),
        ("chat-typing", {}, {"bob"}),
        ("media-control", {"audio_enabled": False}, {"ann", "bob"}),
        ("screen-share-control", {"screen_sharing": True}, {"ann", "bob"}),
        ("chat-message", {"message": "help", "target_user_id": "host"}, {"ann", "host"}),
        ("hand-raise", {"raised": True}, {"host", "mod", "ann", "bob", "cleo", "dan"}),
    ],
)
def test_who_hears_what_is_said_in_a_breakout_room(message_type: str, payload: dict[str, Any], told: set[str]) -> None:
    meeting, _, _ = separated()
    meeting.ann.say(message_type, payload)
    assert meeting.who_hears("hand-raise-queue" if message_type == "hand-raise" else message_type) == told


def test_hosts_reach_all_rooms() -> None:
    meeting, red, _ = separated()
    meeting.host.say("chat-message", {"message": "Five minutes", "to_all_rooms": True})
    assert meeting.who_hears("chat-message") == set(meeting.people)
    (message,) = meeting.cleo.heard("chat-message")
    assert (message["to_all_rooms"], message["breakout_room_id"]) == (True, None)
    meeting.move(red, "dan")
    page = meeting.dan.say("chat-history", {})["payload"]["messages"]
    assert [m["message"] for m in page] == ["Five minutes"]
    assert code(meeting.ann.say("chat-message", {"message": "x", "to_all_rooms": True})) == "permission_denied"
    both = {"message": "x", "to_all_rooms": True, "target_user_id": "ann"}
    assert code(meeting.host.say("chat-message", both)) == "invalid_message"


def test_each_room_is_read_for_itself() -> None:
    meeting = separated()[0]
    meeting.dan.say("chat-message", {"message": "in the main room"})
    (missed,) = meeting.host.heard("chat-message")
    meeting.bob.say("chat-message", {"message": "in red"})
    (seen,) = meeting.ann.heard("chat-message")
    meeting.ann.say("chat-read", {"message_id": seen["message_id"]})
    page = meeting.host.say("chat-history", {})["payload"]
    assert ([m["message"] for m in page["messages"]], page["reads"]) == (["in the main room"], [])
    meeting.move(None, "ann")
    meeting.dan.forget()
    meeting.ann.say("chat-read", {"message_id": missed["message_id"]})
    assert [m["message_id"] for m in meeting.dan.heard("chat-read")] == [missed["message_id"]]


def test_tracks_are_told_and_offered_in_the_own_room_only() -> None:
    meeting, red, _ = separated()
    ids = {
        name: person.publish({"0": "audio", "1": "video"})["payload"]["publications"][0]["publication_id"]
        for name, person in meeting.people.items()
    }
    got = {
        name: sorted({t["user_id"] for t in person.heard("offer")[0]["tracks"].values()})
        if person.heard("offer")
        else []
        for name, person in meeting.people.items()
    }
    assert got == {"host": ["mod"], "mod": ["host"], "ann": ["bob"], "bob": ["ann"], "cleo": [], "dan": ["host"]}
    assert {m["publication"]["user_id"] for m in meeting.ann.heard("track-published")} == {"bob"}
    assert {m["publication"]["user_id"] for m in meeting.dan.heard("track-published")} == {"host", "mod"}
    meeting.forget()
    meeting.ann.publish({"0": "audio"})
    assert meeting.who_hears("track-unpublished") == {"bob"}
    eve = meeting.join("eve")
    (state,) = eve.heard("room-state")
    assert {p["user_id"] for p in state["publications"]} == {"host", "mod", "dan"}
    assert ids["ann"] not in str(eve.heard("offer"))
    places = {p["username"]: p["breakout_room_id"] for p in state["participants"]}
    assert (places["ann"], places["dan"], state["breakout_room_id"]) == (red, None, None)
    assert [b["participant_ids"] for b in state["breakout_rooms"]] == [["ann", "bob"], ["cleo"]]


def test_who_speaks_elsewhere_is_not_shown_to_newcomers() -> None:
    meeting, _, _ = separated()
    for name in ("ann", "dan"):
        speaker = meeting.room.participants[name]
        speaker.is_speaking, speaker.audio_level = True, 0.5
    (state,) = meeting.join("eve").heard("room-state")
    shown = {p["username"]: (p["is_speaking"], p["audio_level"]) for p in state["participants"]}
    assert (shown["ann"], shown["dan"]) == ((False, 0.0), (True, 0.5))


async def test_speakers_of_each_room_are_told_there() -> None:
    meeting, red, _ = separated()
    mics = {
        name: meeting.people[name].publish({"0": "audio"})["payload"]["publications"][0]["publication_id"]
        for name in ("ann", "dan")
    }
    media = meeting.live.media
    media.on_speakers(mics["ann"], {mics["ann"]: 0.5}, red)
    assert meeting.who_hears("active-speakers") == {"ann", "bob"}
    media.on_speakers(mics["dan"], {mics["dan"]: 0.4}, None)
    media._tell_speakers()
    assert meeting.who_hears("active-speakers") == {"ann", "bob", "host", "mod", "dan"}
    meeting.move(None, "ann")
    assert not meeting.room.participants["ann"].is_speaking
    meeting.forget()
    media.on_speakers(None, {}, red)
    media.on_speakers(mics["dan"], {mics["dan"]: 0.4}, None)
    media._tell_speakers()
    assert meeting.bob.heard("active-speakers") == [{"dominant": None, "speakers": []}]
    assert meeting.ann.heard("active-speakers") == [
        {"dominant": "dan", "speakers": [{"user_id": "dan", "audio_level": 0.4}]}
    ]
    media.close()


def tracks(person: Person) -> list[str]:
    """Whom the last offer is about."""
    return sorted(t["user_id"] for t in person.heard("offer")[-1]["tracks"].values())


def test_a_move_changes_all_by_one_offer_each() -> None:
    meeting = Meeting()
    for person in meeting.people.values():
        person.publish({"0": "audio"})
    for person in meeting.people.values():
        while person.transport(TransportRole.SUBSCRIBE).outstanding:
            person.answer()
    meeting.forget()
    meeting.make(participant_ids=["ann", "bob", "cleo"])
    assert {name: tracks(person) for name, person in meeting.people.items()} == {
        "host": ["dan", "mod"],
        "mod": ["dan", "host"],
        "ann": ["bob", "cleo"],
        "bob": ["ann", "cleo"],
        "cleo": ["ann", "bob"],
        "dan": ["host", "mod"],
    }
    assert all(len(person.heard("offer")) == 1 for person in meeting.people.values())
    for person in meeting.people.values():
        person.answer()
    meeting.forget()
    meeting.host.say("breakout-room-close", {"all": True})
    assert all(len(tracks(person)) == 5 for person in meeting.people.values())
    assert all(len(person.heard("offer")) == 1 for person in meeting.people.values())


# -- time --------------------------------------------------------------------------------------------------------------


async def test_time_tells_then_closes() -> None:
    meeting = Meeting()
    meeting.room.breakouts.rooms = {
        "a": breakout("a", name="A", ends_unix=NOW_UNIX + 100),
        "b": breakout("b", ends_unix=NOW_UNIX + 500),
        "c": breakout("c"),
    }
    meeting.move("a", "ann")
    meeting.move("b", "bob")
    meeting.forget()

    def at(seconds: float) -> None:
        meeting.live.apply(pass_time(meeting.room, NOW_UNIX + seconds, 60.0))

    at(39)
    assert meeting.who_hears("breakout-room-closing") == set()
    at(40)
    at(41)
    assert meeting.who_hears("breakout-room-closing") == {"ann", "host", "mod"}
    assert meeting.ann.heard("breakout-room-closing") == [
        {"breakout_room_id": "a", "name": "A", "ends_at": "2027-01-15T08:01:40.000Z", "remaining_s": 60}
    ]
    assert '"notified":true' in [e.value for e in meeting.saved if isinstance(e, fx.SaveEntry)][-1]
    at(100)
    (closed,) = meeting.dan.heard("breakout-room-close")
    assert (closed["closed_by"], closed["closed_ids"], closed["participant_ids"]) == (None, ["a"], ["ann"])
    assert meeting.where() == {"bob": "b"}
    assert meeting.who_hears("breakout-room-area") >= {"ann", "dan"}
    at(10_000)
    assert list(meeting.room.breakouts.rooms) == ["c"]


async def test_the_timer_runs_and_ends_with_the_room() -> None:
    meeting = Meeting(RoomOptions(breakout_notice_s=0.1))
    meeting.around.unix = lambda: NOW_UNIX + asyncio.get_running_loop().time() - began
    began = asyncio.get_running_loop().time()
    meeting.room.breakouts.rooms["a"] = breakout("a", ends_unix=NOW_UNIX + 0.2)
    meeting.live.breakout_timer._unix = meeting.around.unix
    meeting.make(name="later", duration_s=3_600)
    async with asyncio.timeout(2):
        while not meeting.ann.heard("breakout-room-close"):  # noqa: ASYNC110 - a timer of the room's own
            await asyncio.sleep(0.01)
    assert len(meeting.host.heard("breakout-room-closing")) == 1
    timer = meeting.live.breakout_timer
    assert timer._handle is not None
    for person in meeting.people.values():
        meeting.leave(person, "left")
    assert timer._handle is None


# -- coming back -------------------------------------------------------------------------------------------------------


def test_who_comes_back_is_where_it_was() -> None:
    meeting, red, _ = separated()
    meeting.leave(meeting.ann)
    assert "ann" not in meeting.router.groups
    again = meeting.join("ann")
    (state,) = again.heard("room-state")
    assert state["breakout_room_id"] == red == meeting.router.groups["ann"]
    assert meeting.bob.heard("user-joined")[0]["breakout_room_id"] == red
    taken_over = meeting.join("ann")
    assert taken_over.heard("room-state")[0]["breakout_room_id"] == red


def test_who_comes_back_is_in_the_main_room_if_its_own_is_closed_or_full() -> None:
    meeting, red, blue = separated()
    meeting.room.breakouts.rooms[blue].max_participants = 1
    for person in (meeting.ann, meeting.cleo):
        meeting.leave(person)
    meeting.move(blue, "dan")
    meeting.host.say("breakout-room-close", {"breakout_room_id": red})
    assert fx.ForgetEntry(fx.Table.BREAKOUT_PLACES, "ann") in meeting.saved
    for name in ("ann", "cleo"):
        assert meeting.join(name).heard("room-state")[0]["breakout_room_id"] is None


def test_who_was_taken_out_does_not_come_back_there() -> None:
    meeting = separated()[0]
    meeting.host.say("kick", {"user_id": "ann"})
    assert fx.ForgetEntry(fx.Table.BREAKOUT_PLACES, "ann") in meeting.saved
    assert meeting.join("ann").heard("room-state")[0]["breakout_room_id"] is None


def test_a_restart_forgets_nothing() -> None:
    meeting, red, blue = separated()
    tables: dict[fx.Table, dict[str, str]] = {}
    for effect in meeting.saved:
        if isinstance(effect, fx.SaveEntry):
            tables.setdefault(effect.table, {})[effect.key] = effect.value
    tables[fx.Table.BREAKOUTS]["garbage"] = "{}"
    tables[fx.Table.BREAKOUT_PLACES]["eve"] = "gone"
    room = Room("demo", meeting.room.settings, NOW_UNIX)
    restore(room, StoredRoom(tables=tables), RoomOptions(), NOW_UNIX)
    assert room.breakouts == meeting.room.breakouts
    assert room.breakouts.places == {"ann": red, "bob": red, "cleo": blue}
