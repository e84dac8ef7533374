"""A session that loses its socket and goes on with another, without sockets."""

from __future__ import annotations

from typing import Any

import pytest

from sfu.transport import TransportRole
from signaling.envelope import parse_frame
from signaling.errors import RoomError
from signaling.options import RoomOptions
from signaling.session import Session
from signaling.websocket import ResumeWish, resume_wish
from tests.unit.signaling.people import House, Person, Port

MIC = {"0": "audio"}


def lose(house: House, person: Person, now: float = 100.0) -> None:
    house.live.away.lose(person.session, now)


def come_back(house: House, person: Person, last_seq: int, session_id: str | None = None) -> Port | None:
    port = Port()
    wanted = person.session.session_id if session_id is None else session_id
    session = house.live.away.resume(person.username, wanted, last_seq, port, 105.0)
    if session is None:
        return None
    assert session is person.session
    person.port = port
    return port


def seqs(port: Port) -> list[int]:
    return [m["seq"] for m in port.messages]


def test_what_was_missed_comes_once_and_in_order() -> None:
    house = House()
    alice, bob = house.join("alice"), house.join("bob")
    bob.publish(MIC)
    before = dict(house.router.transports)
    seen = bob.port.messages[-1]["seq"]
    alice.forget()
    lose(house, bob)
    for n in range(5):
        alice.say("chat-message", {"message": str(n)})
    assert alice.types() == ["chat-message"] * 5, "nobody is told of one who is away"
    port = come_back(house, bob, seen)
    assert port is not None
    assert port.messages[0]["type"] == "session-resumed"
    assert port.messages[0]["payload"] == {"session_id": bob.session.session_id, "replayed": 5}
    assert port.messages[0]["seq"] == seen
    assert [m["payload"]["message"] for m in port.messages[1:]] == list("01234")
    assert seqs(port)[1:] == list(range(seen + 1, seen + 6))
    alice.say("chat-message", {"message": "live"})
    assert seqs(port)[-1] == seen + 6
    assert house.router.transports == before, "media is as it was"
    assert bob.transport(TransportRole.PUBLISH).producers


def test_a_socket_that_still_seems_to_live_gives_way() -> None:
    house = House()
    alice, bob = house.join("alice"), house.join("bob")
    old = bob.port
    seen = old.messages[-1]["seq"]
    alice.say("chat-message", {"message": "lost on the way"})
    port = come_back(house, bob, seen)
    assert port is not None
    assert old.closed == (4409, "resumed_elsewhere")
    assert [m["payload"].get("message") for m in port.messages] == [None, "lost on the way"]
    assert bob.say("heartbeat")["type"] == "heartbeat"
    assert not bob.session.is_on(old)


@pytest.mark.parametrize(
    ("last_seq", "session_id"),
    [(99, None), (-1, None), (0, "guessed"), (0, ""), (0, "ä" * 30)],
)
def test_a_resume_that_cannot_be_done(last_seq: int, session_id: str | None) -> None:
    house = House()
    bob = house.join("bob")
    assert come_back(house, bob, last_seq, session_id) is None
    assert "bob" in house.room.participants
    newer = house.join("bob")
    assert newer.types()[0] == "room-state"


def test_another_user_cannot_take_a_session() -> None:
    house = House()
    alice, bob = house.join("alice"), house.join("bob")
    assert house.live.away.resume("bob", alice.session.session_id, 0, Port(), 1.0) is None
    assert house.live.away.resume("carol", alice.session.session_id, 0, Port(), 1.0) is None
    assert alice.say("heartbeat")["type"] == "heartbeat"
    assert bob.say("heartbeat")["type"] == "heartbeat"


def test_too_much_was_missed() -> None:
    house = House()
    alice, bob = house.join("alice"), house.join("bob")
    seen = bob.port.messages[-1]["seq"]
    lose(house, bob)
    for _ in range(1_001):
        alice.say("heartbeat")
        bob.session.send(_letter())
    assert come_back(house, bob, seen) is None
    assert house.join("bob").types()[0] == "room-state"


def _letter() -> Any:
    from signaling.envelope import Letter

    return Letter("active-speakers", "{}", None, 1_800_000_000.0)


def test_a_heartbeat_says_what_need_not_be_kept() -> None:
    house = House()
    bob = house.join("bob")
    bob.say("heartbeat", {"last_seq": 1})
    assert bob.session._replay.after(0) is None
    assert [m.seq for m in bob.session._replay.after(1) or []] == [2]
    assert bob.say("heartbeat", {"last_seq": "x"})["payload"]["error_code"] == "invalid_message"


def test_who_does_not_come_back_in_time_has_left() -> None:
    house = House()
    alice, bob = house.join("alice"), house.join("bob")
    lose(house, bob, 100.0)
    house.live.away.end_overdue(129.9)
    assert "bob" in house.room.participants
    house.live.away.end_overdue(130.1)
    assert list(house.room.participants) == ["alice"]
    assert alice.heard("user-left") == [{"username": "bob", "reason": "disconnected"}]
    assert come_back(house, bob, 1) is None


def test_resuming_can_be_switched_off() -> None:
    house = House(RoomOptions(resume_window_s=0))
    bob = house.join("bob")
    house.join("alice")
    lose(house, bob)
    assert list(house.room.participants) == ["alice"]


def test_who_left_or_was_closed_cannot_come_back() -> None:
    house = House()
    house.join("alice")
    bob = house.join("bob")
    bob.session.close(1013, "slow_reader")
    lose(house, bob)
    assert "bob" not in house.room.participants
    assert come_back(house, bob, 0) is None


def test_a_message_that_is_sent_again_is_done_once() -> None:
    house = House()
    alice, bob = house.join("alice"), house.join("bob")
    alice.forget()
    frame = parse_frame('{"type":"chat-message","payload":{"message":"once"},"id":"c7"}', 1_000)
    house.live.receive(bob.session, frame)
    seen = bob.port.messages[-1]["seq"] - 1  # the reply was lost on the way
    lose(house, bob)
    port = come_back(house, bob, seen)
    assert port is not None
    house.live.receive(bob.session, frame)
    assert [m["payload"]["message"] for m in alice.port.messages] == ["once"]
    assert [m.get("reply_to") for m in port.messages] == [None, "c7"]
    # On one and the same socket a client may use its ids as it likes.
    again = parse_frame('{"type":"chat-message","payload":{"message":"twice"},"id":"c8"}', 1_000)
    house.live.receive(bob.session, again)
    house.live.receive(bob.session, again)
    assert [m["payload"]["message"] for m in alice.port.messages] == ["once", "twice", "twice"]


class TestRefuse:
    def house(self) -> House:
        house = House(RoomOptions(duplicate_session="refuse"))
        self.now = 0.0
        house.around.monotonic = lambda: self.now
        return house

    def test_the_second_is_refused_and_the_first_untouched(self) -> None:
        house = self.house()
        bob = house.join("bob")
        with pytest.raises(RoomError) as caught:
            house.join("bob")
        assert caught.value.code.value == "duplicate_session"
        assert bob.port.closed is None
        assert bob.say("heartbeat")["type"] == "heartbeat"

    def test_one_that_is_away_gives_way(self) -> None:
        house = self.house()
        bob = house.join("bob")
        lose(house, bob)
        assert house.join("bob").types()[0] == "room-state"

    def test_one_that_missed_a_heartbeat_gives_way(self) -> None:
        house = self.house()
        house.join("bob")
        self.now = 15.1
        assert house.join("bob").types()[0] == "room-state"

    def test_the_own_session_gives_way(self) -> None:
        house = self.house()
        bob = house.join("bob")
        assert come_back(house, bob, -1) is None
        assert bob.port.closed == (4409, "given_up")
        assert house.join("bob").types()[0] == "room-state"


@pytest.mark.parametrize(
    ("session_id", "last_seq", "wish"),
    [
        ("abc", "5", ResumeWish("abc", 5)),
        ("abc", None, ResumeWish("abc", -1)),
        ("abc", "", ResumeWish("abc", -1)),
        ("abc", "-4", ResumeWish("abc", -1)),
        ("abc", "1e3", ResumeWish("abc", -1)),
        ("abc", "٣", ResumeWish("abc", -1)),
        ("abc", "9" * 16, ResumeWish("abc", -1)),
        (None, "5", None),
        ("", "5", None),
        ("a" * 65, "5", None),
    ],
)
def test_the_wish_in_the_address(session_id: str | None, last_seq: str | None, wish: ResumeWish | None) -> None:
    assert resume_wish(session_id, last_seq) == wish


def test_a_client_that_does_not_read_what_it_missed_is_closed() -> None:
    house = House()
    alice, bob = house.join("alice"), house.join("bob")
    lose(house, bob)
    alice.say("chat-message", {"message": "x"})
    port = Port()
    port.full = True
    session: Session | None = house.live.away.resume("bob", bob.session.session_id, 1, port, 1.0)
    assert session is bob.session
    assert session.closed
    assert port.closed == (1013, "slow_reader")
