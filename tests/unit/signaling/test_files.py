"""File transfers: what the two may say when, what others learn of it (nothing), and what is kept."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from signaling import effects as fx
from signaling.files.options import FileOptions
from signaling.files.transfer import Transfer, TransferBook, restored
from signaling.messages.files import TransferStatus
from signaling.model import Permissions, RolePermissions, RoomSettings
from signaling.options import RoomOptions
from signaling.restoring import restore
from signaling.room import Room
from signaling.stored_room import StoredRoom
from tests.unit.signaling.people import NOW_UNIX, House, Person

SUM = "ab" * 32
OFFER = {"receiver_id": "bela", "file_name": "plan.pdf", "file_size": 1_000, "file_type": "application/pdf"}
TYPES = {f"file-share-{name}" for name in ("offer", "accept", "reject", "progress", "complete")}


class Three:
    """A sender, a receiver, and one whom it does not concern."""

    def __init__(self, options: FileOptions | None = None, room: RoomSettings | None = None) -> None:
        self.house = House(RoomOptions(files=options or FileOptions()), room)
        self.ada, self.bela, self.carl = (self.house.join(name) for name in ("ada", "bela", "carl"))

    def offer(self, **changes: Any) -> str:
        reply = self.ada.say("file-share-offer", {**OFFER, **changes})
        assert reply["type"] == "file-share-offer", reply
        return str(reply["payload"]["transfer_id"])

    def accepted(self, **changes: Any) -> str:
        transfer_id = self.offer(**changes)
        assert self.bela.say("file-share-accept", {"transfer_id": transfer_id})["type"] == "file-share-accept"
        return transfer_id

    def transfer(self, transfer_id: str) -> Transfer:
        found = self.house.room.files.get(transfer_id)
        assert found is not None
        return found


def code(answer: dict[str, Any]) -> str:
    return str(answer["payload"].get("error_code"))


def test_from_offer_to_complete() -> None:
    three = Three()
    transfer_id = three.offer(sender_id="carl", transfer_id="mine")
    offered = three.bela.heard("file-share-offer")[0]
    assert transfer_id != "mine"
    assert offered == {
        "transfer_id": transfer_id,
        "sender_id": "ada",
        "receiver_id": "bela",
        "file_name": "plan.pdf",
        "file_size": 1_000,
        "file_type": "application/pdf",
        "checksum": None,
        "bytes_transferred": 0,
        "progress_percentage": 0.0,
        "status": "offered",
        "offered_at": "2027-01-15T08:00:00.000Z",
        "reason": None,
    }
    three.bela.say("file-share-accept", {"transfer_id": transfer_id})
    assert three.ada.heard("file-share-accept")[0]["offset"] == 0
    three.bela.say("file-share-progress", {"transfer_id": transfer_id, "bytes_transferred": 333})
    progress = three.ada.heard("file-share-progress")[0]
    assert (progress["bytes_transferred"], progress["progress_percentage"]) == (333, 33.3)
    three.ada.say("file-share-progress", {"transfer_id": transfer_id, "bytes_transferred": 1_000, "checksum": SUM})
    told = three.bela.heard("file-share-progress")[-1]
    # What the sender has sent is not what the receiver has.
    assert (told["checksum"], told["bytes_transferred"]) == (SUM, 333)
    reply = three.bela.say("file-share-complete", {"transfer_id": transfer_id, "checksum": SUM})
    assert (reply["payload"]["status"], reply["payload"]["progress_percentage"]) == ("complete", 100.0)
    assert three.ada.heard("file-share-complete")[0]["status"] == "complete"
    assert not TYPES & set(three.carl.types())
    assert three.house.room.files.completed() == 1


def test_a_wrong_checksum_fails_for_both() -> None:
    three = Three()
    transfer_id = three.accepted(checksum=SUM)
    three.bela.say("file-share-complete", {"transfer_id": transfer_id, "checksum": "cd" * 32})
    for person in (three.ada, three.bela):
        told = person.heard("file-share-complete")[0]
        assert (told["status"], told["reason"]) == ("failed", "checksum_mismatch")
    assert code(three.bela.say("file-share-complete", {"transfer_id": transfer_id, "checksum": SUM})) == "invalid_state"


def test_an_interrupted_transfer_goes_on_where_it_was() -> None:
    three = Three()
    transfer_id = three.accepted()
    three.bela.say("file-share-progress", {"transfer_id": transfer_id, "bytes_transferred": 700})
    three.house.leave(three.bela, "disconnected")
    assert three.transfer(transfer_id).status is TransferStatus.PROGRESS
    three.bela = three.house.join("bela")
    under_way = three.bela.heard("room-state")[0]["file_transfers"]
    assert [(one["transfer_id"], one["bytes_transferred"]) for one in under_way] == [(transfer_id, 700)]
    assert three.carl.heard("room-state")[0]["file_transfers"] == []
    three.bela.say("file-share-accept", {"transfer_id": transfer_id, "offset": 650})
    again = three.ada.heard("file-share-accept")[-1]
    assert (again["offset"], again["bytes_transferred"], again["status"]) == (650, 650, "accepted")


def test_who_leaves_for_good_ends_its_transfers() -> None:
    three = Three()
    first, second = three.offer(), three.accepted()
    three.bela.say("leave")
    told = three.ada.heard("file-share-reject")
    assert [(one["transfer_id"], one["status"], one["reason"], one["rejected_by"]) for one in told] == [
        (first, "cancelled", "left", None),
        (second, "cancelled", "left", None),
    ]
    assert three.house.room.files.open_of("ada") == []


@pytest.mark.parametrize(
    ("by", "accepted", "reason", "status", "told"),
    [
        ("bela", False, None, "rejected", "declined"),
        ("bela", False, "no_space", "rejected", "no_space"),
        ("ada", False, None, "cancelled", "cancelled"),
        ("ada", True, None, "cancelled", "cancelled"),
        ("bela", True, "timeout", "cancelled", "timeout"),
    ],
)
def test_rejecting_and_cancelling(by: str, accepted: bool, reason: str | None, status: str, told: str) -> None:
    three = Three()
    transfer_id = three.accepted() if accepted else three.offer()
    actor: Person = getattr(three, by)
    reply = actor.say("file-share-reject", {"transfer_id": transfer_id, "reason": reason})["payload"]
    assert (reply["status"], reply["reason"], reply["rejected_by"]) == (status, told, by)
    other = three.ada if by == "bela" else three.bela
    assert other.heard("file-share-reject") == [reply]
    assert code(actor.say("file-share-reject", {"transfer_id": transfer_id})) == "invalid_state"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"receiver_id": "nobody"}, "user_not_found"),
        ({"receiver_id": "ada"}, "invalid_message"),
        ({"file_size": 2_001}, "too_large"),
        ({"file_size": -1}, "invalid_message"),
        ({"file_size": 1.5}, "invalid_message"),
        ({"file_type": "video/mp4"}, "not_supported"),
        ({"file_type": "application/x-bad"}, "not_supported"),
        ({"file_type": "no type"}, "invalid_message"),
        ({"file_name": "setup.EXE"}, "not_supported"),
        ({"file_name": "setup.exe. "}, "not_supported"),
        ({"file_name": "../../etc/passwd"}, "invalid_message"),
        ({"file_name": "a\\b"}, "invalid_message"),
        ({"file_name": "a\x00b"}, "invalid_message"),
        ({"file_name": "fdp.\u202egpj"}, "invalid_message"),
        ({"file_name": ".."}, "invalid_message"),
        ({"file_name": " "}, "invalid_message"),
        ({"file_name": "a" * 256}, "invalid_message"),
        ({"checksum": "abc"}, "invalid_message"),
    ],
)
def test_refused_offers(changes: dict[str, Any], expected: str) -> None:
    rules = FileOptions(
        max_bytes=2_000, allowed_types=["application/*", "image/png"], denied_types=["application/x-bad"]
    )
    three = Three(rules)
    assert code(three.ada.say("file-share-offer", {**OFFER, **changes})) == expected
    assert three.bela.heard("file-share-offer") == []
    assert len(three.house.room.files) == 0


@pytest.mark.parametrize("name", ["Plan für Müller.pdf", "نامه‌ها.txt", "👨‍👩‍👧.png", "a..b", ".profile"])
def test_names_of_all_tongues(name: str) -> None:
    three = Three()
    three.offer(file_name=name)
    assert three.bela.heard("file-share-offer")[0]["file_name"] == name


def test_switches_and_permission() -> None:
    off = Three(FileOptions(enabled=False))
    assert code(off.ada.say("file-share-offer", OFFER)) == "not_supported"
    assert off.ada.heard("room-state")[0]["features"]["file_sharing"] is False
    silent = Three(room=RoomSettings(enable_chat=False))
    assert code(silent.ada.say("file-share-offer", OFFER)) == "permission_denied"
    options = RoomOptions(permissions=RolePermissions(participant=Permissions(can_send_chat=False)))
    house = House(options)
    house.join("bela")
    refused = house.join("ada").say("file-share-offer", OFFER)["payload"]
    assert (refused["error_code"], refused["details"]) == ("permission_denied", {"permission": "can_send_chat"})


def test_nobody_piles_up_transfers() -> None:
    three = Three(FileOptions(max_open=2))
    three.offer()
    first = three.offer()
    refused = three.ada.say("file-share-offer", OFFER)["payload"]
    assert (refused["error_code"], refused["details"]["max_open"]) == ("invalid_state", 2)
    # The receiver is spared as well, whoever offers.
    assert code(three.carl.say("file-share-offer", OFFER)) == "invalid_state"
    three.bela.say("file-share-reject", {"transfer_id": first})
    three.offer()


@pytest.mark.parametrize(
    ("who", "message_type", "payload", "expected"),
    [
        ("carl", "accept", {}, "transfer_not_found"),
        ("carl", "reject", {}, "transfer_not_found"),
        ("carl", "progress", {"bytes_transferred": 1}, "transfer_not_found"),
        ("carl", "complete", {"checksum": SUM}, "transfer_not_found"),
        ("ada", "accept", {}, "permission_denied"),
        ("ada", "complete", {"checksum": SUM}, "permission_denied"),
        ("bela", "accept", {"offset": 1_001}, "invalid_message"),
        ("bela", "accept", {"offset": -1}, "invalid_message"),
        ("bela", "accept", {"transfer_id": "other"}, "transfer_not_found"),
        ("bela", "accept", {"transfer_id": "a/b"}, "invalid_message"),
        ("bela", "progress", {"bytes_transferred": 1_001}, "invalid_message"),
        ("bela", "progress", {"bytes_transferred": 1, "checksum": SUM}, "permission_denied"),
        ("bela", "complete", {"checksum": SUM}, "invalid_state"),
        ("bela", "complete", {"checksum": SUM.upper()}, "invalid_message"),
        ("bela", "reject", {"reason": "<b>"}, "invalid_message"),
    ],
)
def test_refusals_under_way(who: str, message_type: str, payload: dict[str, Any], expected: str) -> None:
    three = Three()
    transfer_id = three.accepted()
    before = three.transfer(transfer_id).info()
    actor: Person = getattr(three, who)
    answer = actor.say(f"file-share-{message_type}", {"transfer_id": transfer_id, **payload})
    assert code(answer) == expected
    assert three.transfer(transfer_id).info() == before


def test_what_is_not_accepted_has_no_progress() -> None:
    three = Three()
    transfer_id = three.offer()
    for message_type, payload in (("progress", {"bytes_transferred": 1}), ("complete", {"checksum": SUM})):
        answer = three.bela.say(f"file-share-{message_type}", {"transfer_id": transfer_id, **payload})
        assert code(answer) == "invalid_state"


def test_a_checksum_is_told_once() -> None:
    three = Three()
    transfer_id = three.accepted(checksum=SUM)
    payload = {"transfer_id": transfer_id, "bytes_transferred": 0}
    assert code(three.ada.say("file-share-progress", {**payload, "checksum": "cd" * 32})) == "invalid_state"
    assert three.ada.say("file-share-progress", {**payload, "checksum": SUM})["type"] == "file-share-progress"


def test_an_absent_sender_is_waited_for() -> None:
    three = Three()
    transfer_id = three.accepted()
    three.house.leave(three.ada, "timeout")
    assert code(three.bela.say("file-share-accept", {"transfer_id": transfer_id, "offset": 5})) == "user_not_found"
    three.ada = three.house.join("ada")
    three.bela.say("file-share-accept", {"transfer_id": transfer_id, "offset": 5})
    assert three.ada.heard("file-share-accept")[0]["offset"] == 5


def test_an_empty_file() -> None:
    three = Three()
    transfer_id = three.accepted(file_size=0, checksum=SUM)
    done = three.bela.say("file-share-complete", {"transfer_id": transfer_id, "checksum": SUM})["payload"]
    assert (done["status"], done["progress_percentage"]) == ("complete", 100.0)


def test_it_is_kept_in_redis_and_known_again_after_a_restart() -> None:
    three = Three()
    transfer_id = three.accepted()
    three.bela.say("file-share-progress", {"transfer_id": transfer_id, "bytes_transferred": 40})
    saved = [e for e in three.house.saved if isinstance(e, fx.SaveEntry) and e.table is fx.Table.FILES]
    assert {entry.key for entry in saved} == {transfer_id}
    room = Room("demo", three.house.room.settings, NOW_UNIX)
    stored = StoredRoom(tables={fx.Table.FILES: {transfer_id: saved[-1].value, "broken": "{}"}})
    restore(room, stored, RoomOptions(), NOW_UNIX)
    assert room.files.get(transfer_id) == three.transfer(transfer_id)
    assert len(room.files) == 1


def test_the_oldest_that_are_over_are_forgotten() -> None:
    three = Three(FileOptions(max_remembered=2))
    first, second = three.offer(), three.offer()
    three.bela.say("file-share-reject", {"transfer_id": second})
    third = three.offer()
    forgotten = [e.key for e in three.house.saved if isinstance(e, fx.ForgetEntry) and e.table is fx.Table.FILES]
    assert forgotten == [second]
    assert [three.house.room.files.get(one) is not None for one in (first, second, third)] == [True, False, True]


def test_what_another_version_wrote_is_left_out() -> None:
    assert restored("{}") is None
    assert restored("no json") is None
    assert TransferBook().get("x") is None


class AnyOrder(RuleBasedStateMachine):
    """Whatever the two say in whatever order: no 500, and an end is an end."""

    def __init__(self) -> None:
        super().__init__()
        self.three = Three()
        self.transfer_id = self.three.offer()
        self.end: TransferStatus | None = None

    def say(self, who: Person, message_type: str, **payload: Any) -> None:
        answer = who.say(f"file-share-{message_type}", {"transfer_id": self.transfer_id, **payload})
        assert code(answer) not in ("internal", "transfer_not_found")

    @rule()
    def accept(self) -> None:
        self.say(self.three.bela, "accept", offset=10)

    @rule()
    def reject(self) -> None:
        self.say(self.three.bela, "reject")

    @rule()
    def cancel(self) -> None:
        self.say(self.three.ada, "reject")

    @rule()
    def progress(self) -> None:
        self.say(self.three.bela, "progress", bytes_transferred=500)

    @rule()
    def sent(self) -> None:
        self.say(self.three.ada, "progress", bytes_transferred=1_000, checksum=SUM)

    @rule()
    def complete(self) -> None:
        self.say(self.three.bela, "complete", checksum=SUM)

    @rule()
    def fail(self) -> None:
        self.say(self.three.bela, "complete", checksum="cd" * 32)

    @invariant()
    def ended_is_ended(self) -> None:
        status = self.three.transfer(self.transfer_id).status
        assert self.end in (None, status)
        if self.three.transfer(self.transfer_id).is_over:
            self.end = status


TestAnyOrder = AnyOrder.TestCase
TestAnyOrder.settings = settings(max_examples=30, stateful_step_count=12, deadline=None)
