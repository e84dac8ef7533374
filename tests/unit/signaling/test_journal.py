"""Which effects become events, and what of them is kept."""

from __future__ import annotations

import json
from typing import Any

import pytest

from signaling import effects as fx
from signaling.catalogue import CATALOGUE
from signaling.events.journal import Batch, Journal
from signaling.events.options import EventOptions
from signaling.events.table import NOT_LOGGED, RULES
from signaling.model import Role
from tests.unit.signaling.people import House

MIC = {"0": "audio"}


def listen(house: House, *, chat_text: bool = False) -> list[fx.AppendEvent]:
    """The events of a house from now on."""
    found: list[fx.AppendEvent] = []
    house.live.journal = Journal("w", EventOptions(chat_text=chat_text), found.append, lambda: house.now_unix)
    return found


def told(events: list[fx.AppendEvent]) -> list[tuple[str, str | None, dict[str, Any]]]:
    return [(e.type, e.actor, json.loads(e.payload)) for e in events]


def test_every_message_is_either_an_event_or_not() -> None:
    sent = {name for name, line in CATALOGUE.items() if line.sends is not None}
    undecided = sent - RULES.keys() - NOT_LOGGED
    assert not undecided, f"add a line to signaling/events/table.py for {sorted(undecided)}"
    assert not RULES.keys() & NOT_LOGGED


def test_every_field_that_is_kept_exists() -> None:
    for name, rule in RULES.items():
        line = CATALOGUE.get(name)
        if line is not None and line.sends is not None:
            fields = line.sends.model_fields.keys()
            assert any(kept in fields for kept in rule.keep), name
            assert all(text in fields for text in rule.text), name


def test_a_meeting() -> None:
    house = House()
    events = listen(house)
    alice, bob = house.join("alice"), house.join("bob")
    bob.publish(MIC)
    alice.say("chat-message", {"message": "the secret word"})
    alice.say("hand-raise", {"raised": True})
    alice.say("kick", {"user_id": "bob", "reason": "noise"})
    house.leave(alice, "left")
    types = [event.type for event in events]
    assert types[:3] == ["room-opened", "user-joined", "user-joined"]
    assert [t for t in types if t in ("track-published", "chat-message", "kick", "room-closed")] == [
        "track-published",
        "chat-message",
        "kick",
        "room-closed",
    ]
    assert types[-1] == "room-closed"
    assert ("kick", "alice", {"user_id": "bob", "kicked_by": "alice", "reason": "noise", "banned": False}) in told(
        events
    )
    assert ("hand-raise", "alice", {"user_id": "alice", "raised": True}) in told(events)
    assert ("user-left", "bob", {"username": "bob", "reason": "kicked"}) in told(events)
    assert [e.number for e in events] == list(range(1, len(events) + 1))
    assert {e.type: (e.tally, e.user) for e in events if e.tally} == {
        "user-joined": ("join", "bob"),
        "user-left": ("leave", "alice"),
        "chat-message": ("message", ""),
    }
    assert "secret" not in str(events)


def test_text_is_kept_only_by_setting_and_never_of_direct_messages() -> None:
    house = House()
    events = listen(house, chat_text=True)
    alice = house.join("alice")
    house.join("bob")
    del events[:]
    alice.say("chat-message", {"message": "to all"})
    alice.say("chat-message", {"message": "private", "target_user_id": "bob"})
    room, direct = [payload for _, _, payload in told(events)]
    assert (room["message"], room["direct"]) == ("to all", False)
    assert "message" not in direct
    assert direct["direct"] is True
    assert "bob" not in str(direct)
    assert len(events) == 2, "a direct message goes to two, and happened once"


def test_a_ban_and_its_end() -> None:
    house = House()
    events = listen(house)
    alice = house.join("alice")
    del events[:]
    alice.say("ban", {"user_id": "mallory", "reason": "spam"})
    alice.say("unban", {"user_id": "mallory"})
    assert told(events) == [
        ("ban", None, {"user_id": "mallory", "banned_by": "alice", "reason": "spam"}),
        ("unban", None, {"user_id": "mallory"}),
    ]


def test_a_room_that_nobody_entered_leaves_no_trace() -> None:
    house = House()
    events = listen(house)
    house.live.close_if_empty()
    assert events == []


def test_what_applications_count() -> None:
    house = House()
    events = listen(house)
    alice, bob = house.join("alice"), house.join("bob")
    del events[:]
    reply = bob.say("analytics-event", {"event_type": "poll.answered", "metadata": {"n": 3}, "user_id": "alice"})
    assert reply["type"] == "ack"
    expected = {"event_type": "poll.answered", "user_id": "bob", "metadata": {"n": 3}}
    assert told(events) == [("analytics-event", "bob", expected)]
    (shown,) = alice.heard("analytics-event")
    assert {k: v for k, v in shown.items() if k != "timestamp"} == expected
    assert bob.heard("analytics-event") == []


@pytest.mark.parametrize(
    "payload",
    [
        {},
        {"event_type": ""},
        {"event_type": "a b"},
        {"event_type": "x" * 65},
        {"event_type": "x", "metadata": []},
        {"event_type": "x", "metadata": {"a": "b" * 5_000}},
    ],
)
def test_what_applications_cannot_count(payload: dict[str, Any]) -> None:
    house = House()
    alice = house.join("alice")
    events = listen(house)
    assert alice.say("analytics-event", payload)["payload"]["error_code"] == "invalid_message"
    assert events == []


def test_nothing_is_counted_twice_by_a_takeover() -> None:
    house = House()
    events = listen(house)
    house.join("alice")
    house.join("alice")
    assert [e.tally for e in events if e.tally] == ["join"]
    assert house.room.participants["alice"].role is Role.HOST


def test_one_batch_one_event() -> None:
    found: list[fx.AppendEvent] = []
    journal = Journal("w", EventOptions(), found.append, lambda: 0.0)
    batch = Batch()
    relay = fx.Relay("bob", "file-share-complete", {"transfer_id": "t", "sender_id": "alice", "x": 1}, "alice")
    journal.note(relay, batch)
    failed = fx.Relay("bob", "file-share-complete", {"transfer_id": "u", "status": "failed"}, "alice")
    journal.note(failed, Batch())
    assert found.pop().tally == "", "a file that did not arrive whole is not shared"
    journal.note(relay, batch)
    journal.note(relay, Batch())
    assert [(e.type, e.tally, json.loads(e.payload)) for e in found[1:]] == [
        ("file-share-complete", "file", {"transfer_id": "t", "sender_id": "alice"})
    ] * 2
