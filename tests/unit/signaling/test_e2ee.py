"""Keys of end-to-end encryption: passed on, kept for a day, never logged."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from signaling import effects as fx
from signaling.e2ee import LIFETIME_S
from signaling.options import RoomOptions
from signaling.restoring import restore
from signaling.room import Room
from signaling.stored_room import StoredRoom
from tests.unit.signaling.people import NOW_UNIX, House

PUBLIC = base64.b64encode(bytes(range(32))).decode()
OTHER = base64.b64encode(bytes(range(1, 66))).decode()
KEY = {"public_key": PUBLIC, "key_id": "2026.1", "algorithm": "AES-GCM-256"}
STEP = {"ratchet_key": OTHER, "chain_index": 7}


def test_a_public_key_goes_to_the_others_and_to_newcomers() -> None:
    house = House()
    ada, bela = house.join("ada"), house.join("bela")
    assert ada.say("e2ee-key-exchange", {**KEY, "user_id": "bela"})["type"] == "ack"
    told = {"user_id": "ada", **KEY, "target_user_id": None}
    assert bela.heard("e2ee-key-exchange") == [told]
    assert ada.heard("e2ee-key-exchange") == []
    carl = house.join("carl")
    assert carl.heard("e2ee-key-exchange") == [told]
    assert carl.types().index("room-state") < carl.types().index("e2ee-key-exchange")
    saved = [effect for effect in house.saved if isinstance(effect, fx.SaveE2eeKey)]
    assert [(effect.username, effect.forgotten) for effect in saved] == [("ada", ())]


def test_the_newest_key_counts_and_those_of_the_absent_are_not_told() -> None:
    house = House()
    ada, bela = house.join("ada"), house.join("bela")
    ada.say("e2ee-key-exchange", KEY)
    ada.say("e2ee-key-exchange", {**KEY, "public_key": OTHER, "key_id": "2026.2"})
    bela.say("e2ee-key-exchange", KEY)
    house.leave(bela)
    assert [key["key_id"] for key in house.join("carl").heard("e2ee-key-exchange")] == ["2026.2"]
    # Back with a new session, it gets the others' keys again.
    assert [key["user_id"] for key in house.join("bela").heard("e2ee-key-exchange")] == ["ada"]


def test_keys_end_after_a_day() -> None:
    house = House()
    ada, bela = house.join("ada"), house.join("bela")
    ada.say("e2ee-key-exchange", KEY)
    house.now_unix += LIFETIME_S + 1
    assert house.join("carl").heard("e2ee-key-exchange") == []
    bela.say("e2ee-key-exchange", KEY)
    last = [effect for effect in house.saved if isinstance(effect, fx.SaveE2eeKey)][-1]
    assert last.forgotten == ("ada",)


def test_keys_survive_a_restart_of_the_server() -> None:
    house = House()
    house.join("ada").say("e2ee-key-exchange", KEY)
    saved = next(effect for effect in house.saved if isinstance(effect, fx.SaveE2eeKey))
    room = Room("demo", house.room.settings, NOW_UNIX)
    restore(room, StoredRoom(e2ee_keys={"ada": saved.record, "bela": "{"}), RoomOptions(), NOW_UNIX)
    assert room.e2ee_keys == house.room.e2ee_keys


def test_a_key_for_one_goes_to_that_one_and_is_not_kept() -> None:
    house = House()
    ada, bela, carl = house.join("ada"), house.join("bela"), house.join("carl")
    ada.say("e2ee-key-exchange", {**KEY, "target_user_id": "bela"})
    assert bela.heard("e2ee-key-exchange") == [{"user_id": "ada", **KEY, "target_user_id": "bela"}]
    assert carl.heard("e2ee-key-exchange") == []
    assert house.room.e2ee_keys == {}


def test_a_ratchet_step() -> None:
    house = House()
    ada, bela, carl = house.join("ada"), house.join("bela"), house.join("carl")
    ada.say("e2ee-ratchet-update", {**STEP, "timestamp": "1970-01-01T00:00:00Z"})
    told = {"user_id": "ada", **STEP, "timestamp": "2027-01-15T08:00:00.000Z", "target_user_id": None}
    assert bela.heard("e2ee-ratchet-update") == carl.heard("e2ee-ratchet-update") == [told]
    ada.say("e2ee-ratchet-update", {**STEP, "target_user_id": "carl"})
    assert (len(bela.heard("e2ee-ratchet-update")), len(carl.heard("e2ee-ratchet-update"))) == (1, 2)


@pytest.mark.parametrize(
    ("message_type", "payload", "code"),
    [
        ("e2ee-key-exchange", {}, "invalid_message"),
        ("e2ee-key-exchange", {**KEY, "public_key": "no base64!" * 5}, "invalid_message"),
        ("e2ee-key-exchange", {**KEY, "public_key": PUBLIC.rstrip("=")}, "invalid_message"),
        ("e2ee-key-exchange", {**KEY, "public_key": base64.b64encode(bytes(31)).decode()}, "invalid_message"),
        ("e2ee-key-exchange", {**KEY, "public_key": base64.b64encode(bytes(513)).decode()}, "invalid_message"),
        ("e2ee-key-exchange", {**KEY, "algorithm": "ROT13"}, "invalid_message"),
        ("e2ee-key-exchange", {**KEY, "key_id": ""}, "invalid_message"),
        ("e2ee-key-exchange", {**KEY, "key_id": "a" * 65}, "invalid_message"),
        ("e2ee-key-exchange", {**KEY, "target_user_id": "nobody"}, "user_not_found"),
        ("e2ee-key-exchange", {**KEY, "target_user_id": "ada"}, "invalid_message"),
        ("e2ee-ratchet-update", {"ratchet_key": OTHER}, "invalid_message"),
        ("e2ee-ratchet-update", {**STEP, "chain_index": -1}, "invalid_message"),
        ("e2ee-ratchet-update", {**STEP, "chain_index": 2**32}, "invalid_message"),
        ("e2ee-ratchet-update", {**STEP, "ratchet_key": "x"}, "invalid_message"),
        ("e2ee-ratchet-update", {**STEP, "target_user_id": "nobody"}, "user_not_found"),
    ],
)
def test_refusals(message_type: str, payload: dict[str, Any], code: str) -> None:
    house = House()
    ada, bela = house.join("ada"), house.join("bela")
    refused = ada.say(message_type, payload)
    assert refused["payload"]["error_code"] == code
    assert bela.heard(message_type) == []
    assert house.room.e2ee_keys == {}


def test_no_key_is_in_what_is_told_of_a_bad_one_or_in_the_log(capsys: pytest.CaptureFixture[str]) -> None:
    house = House()
    ada = house.join("ada")
    marked = "SECRETSECRETSECRETSECRETSECRET!!"
    refused = ada.say("e2ee-key-exchange", {**KEY, "public_key": marked})
    ada.say("e2ee-key-exchange", KEY)
    captured = capsys.readouterr()
    for text in (str(refused), captured.out, captured.err):
        assert marked not in text
        assert PUBLIC not in text
