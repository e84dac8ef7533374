"""Publishing and receiving: offers, answers, what is told, and what happens in between."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sfu.connection import TransportState
from sfu.transport import TransportRole
from signaling.model import RoomSettings
from signaling.options import RoomOptions
from tests.unit.signaling.people import House, Person

PUBLISH, SUBSCRIBE = TransportRole.PUBLISH, TransportRole.SUBSCRIBE
BOTH = {"0": "audio", "1": "video"}


def offers(person: Person) -> list[dict[str, Any]]:
    return person.heard("offer")


def ids(publications: list[dict[str, Any]]) -> list[str]:
    return [p["publication_id"] for p in publications]


def test_publish() -> None:
    house = House()
    alice, bob = house.join("alice"), house.join("bob")
    reply = alice.publish(BOTH, {"0": "microphone", "1": "camera"})
    assert reply["type"] == "answer"
    assert reply["payload"]["transport"] == "publish"
    own = reply["payload"]["publications"]
    assert [(p["user_id"], p["source"], p["kind"], p["muted"]) for p in own] == [
        ("alice", "microphone", "audio", False),
        ("alice", "camera", "video", False),
    ]
    assert [m["publication"] for m in bob.heard("track-published")] == own
    assert alice.heard("track-published") == []
    (offer,) = offers(bob)
    assert offer["transport"] == "subscribe"
    assert [(t["publication_id"], t["user_id"], t["source"], t["kind"]) for t in offer["tracks"].values()] == [
        (own[0]["publication_id"], "alice", "microphone", "audio"),
        (own[1]["publication_id"], "alice", "camera", "video"),
    ]
    assert offers(alice) == []


def test_late_joiner_gets_state_then_one_offer() -> None:
    house = House()
    alice = house.join("alice")
    alice.publish(BOTH)
    bob = house.join("bob")
    assert bob.types() == ["room-state", "offer"]
    assert len(bob.port.messages[0]["payload"]["publications"]) == 2
    assert len(offers(bob)[0]["tracks"]) == 2


def test_alone_no_subscribe_transport_exists() -> None:
    house = House()
    house.join("alice").publish(BOTH)
    assert [t.role for t in house.router.transports.values()] == [PUBLISH]


def test_one_offer_at_a_time() -> None:
    house = House()
    alice, bob, carol = house.join("alice"), house.join("bob"), house.join("carol")
    alice.publish({"0": "audio"})
    carol.publish({"0": "audio"})
    alice.publish(BOTH)
    assert len(offers(bob)) == 1
    assert bob.answer()["type"] == "ack"
    assert len(offers(bob)) == 2
    assert len(offers(bob)[1]["tracks"]) == 3
    bob.answer()
    assert len(offers(bob)) == 2
    assert bob.answer()["payload"]["error_code"] == "invalid_state"


def test_unpublish_by_a_new_offer() -> None:
    house = House()
    alice, bob = house.join("alice"), house.join("bob")
    audio, video = ids(alice.publish(BOTH)["payload"]["publications"])
    bob.answer()
    alice.publish({"0": "audio"})
    assert bob.heard("track-unpublished") == [{"publication_id": video, "user_id": "alice", "source": "camera"}]
    assert [t["publication_id"] for t in offers(bob)[-1]["tracks"].values()] == [audio]
    assert ids([p.info().model_dump() for p in house.room.publications()]) == [audio]


def test_leaving_withdraws_tracks_and_closes_transports() -> None:
    house = House()
    alice, bob = house.join("alice"), house.join("bob")
    alice.publish(BOTH)
    bob.answer()
    bob.forget()
    house.leave(alice)
    news = ["track-unpublished", "track-unpublished", "offer", "user-left", "role-updated", "permission-updated"]
    assert bob.types() == news
    assert offers(bob)[-1]["tracks"] == {}
    assert {t.owner for t in house.router.transports.values()} == {"bob"}
    assert house.router.producers == {}


def test_client_that_cannot_decode_is_told_and_not_asked_again() -> None:
    house = House()
    alice, bob = house.join("alice"), house.join("bob")
    alice.publish(BOTH)
    video_mid = next(mid for mid, t in offers(bob)[0]["tracks"].items() if t["kind"] == "video")
    bob.answer(refused=[video_mid])
    (error,) = bob.heard("error")
    assert error["error_code"] == "not_supported"
    assert error["details"]["user_id"] == "alice"
    assert len(offers(bob)[-1]["tracks"]) == 1
    bob.answer()
    assert len(offers(bob)) == 2


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        ({"transport": "publish", "sdp": "garbage"}, "invalid_message"),
        ({"transport": "subscribe", "sdp": "{}"}, "invalid_state"),
        ({"transport": "publish"}, "invalid_message"),
        ({"sdp": "{}"}, "invalid_message"),
        ({"transport": "publish", "target_user_id": "bob", "sdp": "{}"}, "invalid_message"),
        ({"transport": "publish", "sdp": "{}", "tracks": {"0": {"source": "xray"}}}, "invalid_message"),
        ({"target_user_id": "nobody", "sdp": "{}"}, "user_not_found"),
    ],
)
def test_bad_offers(payload: dict[str, Any], code: str) -> None:
    house = House()
    alice = house.join("alice")
    house.join("bob")
    reply = alice.say("offer", payload)
    assert (reply["type"], reply["payload"]["error_code"]) == ("error", code)
    assert house.router.transports == {}


def test_bad_renegotiation_changes_nothing() -> None:
    house = House()
    alice = house.join("alice")
    alice.publish(BOTH)
    assert alice.say("offer", {"transport": "publish", "sdp": "garbage"})["payload"]["details"] == {
        "reason": "invalid_sdp"
    }
    assert len(list(house.room.publications())) == 2
    assert alice.transport(PUBLISH).state is TransportState.NEW


def test_declared_source_without_the_right_refuses_the_offer() -> None:
    house = House()
    house.join("host")
    guest = house.join("guest", permissions={"can_share_screen": False})
    reply = guest.publish({"0": "video"}, {"0": "screen"})
    assert reply["payload"]["error_code"] == "permission_denied"
    assert reply["payload"]["details"] == {"permission": "can_share_screen", "source": "screen", "mid": "0"}
    assert house.router.transports == {}


@pytest.mark.parametrize(
    ("permissions", "tracks", "sources", "code"),
    [
        ({"can_share_video": False}, {"0": "video"}, {}, "permission_denied"),
        ({"can_share_video": False}, {"0": "video"}, {"0": "microphone"}, "invalid_message"),
        ({"can_share_audio": False}, {"0": "audio"}, {}, "permission_denied"),
        ({}, {"0": "audio"}, {"0": "camera"}, "invalid_message"),
    ],
)
def test_undeclared_or_wrongly_declared_track_is_not_passed_on(
    permissions: dict[str, bool], tracks: dict[str, str], sources: dict[str, str], code: str
) -> None:
    house = House()
    host = house.join("host")
    sly = house.join("sly", permissions=permissions)
    assert sly.publish(tracks, sources)["payload"]["publications"] == []
    assert [e["error_code"] for e in sly.heard("error")] == [code]
    assert host.heard("track-published") == []
    assert offers(host) == []
    assert all(p.muted for p in house.router.producers.values())


def test_too_many_publications() -> None:
    house = House(RoomOptions(max_publications=2))
    house.join("host")
    bob = house.join("bob")
    reply = bob.publish({"0": "audio", "1": "video", "2": "video"})
    assert len(reply["payload"]["publications"]) == 2
    assert [e["error_code"] for e in bob.heard("error")] == ["invalid_state"]


def test_publications_start_as_the_participant_wants() -> None:
    house = House(settings=RoomSettings(mute_on_entry=True))
    house.join("host")
    bob = house.join("bob")
    bob.say("media-control", {"video_enabled": False})
    own = bob.publish({**BOTH, "2": "video"}, {"2": "screen"})["payload"]["publications"]
    assert [p["muted"] for p in own] == [True, True, False]
    assert [p.muted for p in house.router.producers.values()] == [True, True, False]


def test_candidates() -> None:
    house = House()
    alice, bob = house.join("alice"), house.join("bob")
    early = {"transport": "publish", "candidate": {"candidate": "candidate:1 1 udp 1 192.0.2.1 9 typ host"}}
    assert alice.say("ice-candidate", early)["type"] == "ack"
    alice.publish(BOTH)
    assert alice.say("ice-candidate", early)["type"] == "ack"
    assert alice.say("ice-candidate", {"transport": "publish", "candidate": None})["type"] == "ack"
    assert alice.transport(PUBLISH).candidates == ["candidate:1 1 udp 1 192.0.2.1 9 typ host", None]
    bad = {"transport": "subscribe", "candidate": {"candidate": "nonsense"}}
    assert bob.say("ice-candidate", bad)["payload"]["error_code"] == "invalid_message"


def test_ice_restart_waits_for_the_outstanding_answer() -> None:
    house = House()
    alice, bob = house.join("alice"), house.join("bob")
    assert bob.say("ice-restart", {"transport": "subscribe"})["type"] == "ack"
    assert offers(bob) == []
    alice.publish(BOTH)
    bob.say("ice-restart", {"transport": "subscribe"})
    assert len(offers(bob)) == 1
    bob.answer()
    assert [json.loads(o["sdp"])["restart"] for o in offers(bob)] == [False, True]
    bob.answer()
    assert len(offers(bob)) == 2
    assert bob.say("ice-restart", {"transport": "publish"})["payload"]["error_code"] == "invalid_state"


def test_failed_connection_is_told_and_does_not_end_the_session() -> None:
    house = House()
    alice, bob = house.join("alice"), house.join("bob")
    alice.publish(BOTH)
    bob.transport(SUBSCRIBE).become(TransportState.FAILED)
    assert [(e["error_code"], e["details"]) for e in bob.heard("error")] == [
        ("media_failed", {"transport": "subscribe"})
    ]
    assert bob.port.closed is None


def test_closed_publish_transport_withdraws_its_tracks_and_can_be_replaced() -> None:
    house = House()
    alice, bob = house.join("alice"), house.join("bob")
    alice.publish(BOTH)
    bob.answer()
    alice.transport(PUBLISH).close()
    assert len(bob.heard("track-unpublished")) == 2
    assert list(house.room.publications()) == []
    bob.answer()
    assert len(alice.publish(BOTH)["payload"]["publications"]) == 2


def test_closed_subscribe_transport_is_replaced_on_demand() -> None:
    house = House()
    alice, bob = house.join("alice"), house.join("bob")
    alice.publish(BOTH)
    bob.transport(SUBSCRIBE).close()
    bob.say("ice-restart", {"transport": "subscribe"})
    assert len(offers(bob)) == 2
    assert len(offers(bob)[1]["tracks"]) == 2


@pytest.mark.parametrize(
    ("message_type", "payload"),
    [
        ("offer", {"sdp": "v=0", "custom": {"x": 1}}),
        ("answer", {"sdp": "v=0"}),
        ("ice-candidate", {"candidate": {"candidate": "c"}}),
    ],
)
def test_peer_to_peer_negotiation_is_passed_on_untouched(message_type: str, payload: dict[str, Any]) -> None:
    house = House()
    alice, bob, carol = house.join("alice"), house.join("bob"), house.join("carol")
    lie = {"sender_id": "carol", "user_id": "carol"}
    assert alice.say(message_type, {**payload, **lie, "target_user_id": "bob"})["type"] == "ack"
    message = bob.port.messages[-1]
    assert message["type"] == message_type
    assert message["sender"] == "alice"
    assert message["payload"] == {**payload, "target_user_id": "bob", "user_id": "alice"}
    assert carol.heard(message_type) == []
    assert house.router.transports == {}
