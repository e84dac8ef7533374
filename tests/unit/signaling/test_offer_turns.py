"""Offers of a whole room: some in a turn of the loop, with all that has changed until then."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from signaling.offer_turns import OfferTurns
from tests.unit.signaling.people import House, Person

ONE_AT_A_TIME = 0.0
"""Seconds in a row: the first offer is longer than that."""


@pytest.fixture
def house() -> House:
    made = House()
    made.around.offers = OfferTurns(ONE_AT_A_TIME)
    return made


def tracks_offered(person: Person) -> list[int]:
    return [len(offer["tracks"]) for offer in person.heard("offer")]


async def settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def test_one_in_a_turn(house: House) -> None:
    alice, *others = [house.join(name) for name in ("alice", "bob", "carol", "dave")]
    reply = alice.publish({"0": "audio"})
    assert reply["type"] == "answer"
    assert [tracks_offered(person) for person in others] == [[], [], []]
    for count in range(1, 4):
        await asyncio.sleep(0)
        assert sum(len(tracks_offered(person)) for person in others) == count
    await settle()
    assert [tracks_offered(person) for person in others] == [[1], [1], [1]]


async def test_what_changes_until_then_is_in_the_same_offer(house: House) -> None:
    alice, bob, carol = (house.join(name) for name in ("alice", "bob", "carol"))
    alice.publish({"0": "audio"})
    bob.publish({"0": "audio", "1": "video"})
    await settle()
    assert tracks_offered(carol) == [3]
    carol.forget()
    house.leave(bob)
    alice.publish({"0": "audio", "1": "video"})
    assert carol.answer()["type"] == "ack"
    assert tracks_offered(carol) == [], "the answer does not lead to an offer of its own"
    await settle()
    assert tracks_offered(carol) == [2]


async def test_who_leaves_is_not_made_an_offer_any_more(house: House) -> None:
    alice, bob, carol = (house.join(name) for name in ("alice", "bob", "carol"))
    alice.publish({"0": "audio"})
    house.leave(bob)
    await settle()
    assert (tracks_offered(bob), tracks_offered(carol)) == ([], [1])


async def test_a_room_that_moves_makes_none_until_it_stays_after_all(house: House) -> None:
    alice, bob = house.join("alice"), house.join("bob")
    alice.publish({"0": "audio"})
    house.live.suspend()
    await settle()
    assert tracks_offered(bob) == []
    house.live.go_on()
    await settle()
    assert tracks_offered(bob) == [1]


async def test_a_failure_concerns_one_offer(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    alice, bob, carol = (house.join(name) for name in ("alice", "bob", "carol"))
    consume = house.live.negotiation._consume

    def fail_for_bob(seat: Any, producers: Any) -> None:
        if seat.username == "bob":
            raise RuntimeError("a bug")
        consume(seat, producers)

    monkeypatch.setattr(house.live.negotiation, "_consume", fail_for_bob)
    alice.publish({"0": "audio"})
    await settle()
    assert (tracks_offered(bob), tracks_offered(carol)) == ([], [1])


async def test_rooms_take_turns_and_nothing_happens_once_closed() -> None:
    turns = OfferTurns(ONE_AT_A_TIME)
    houses = [House(), House()]
    people = []
    for house in houses:
        house.around.offers = turns
        people.append([house.join(name) for name in ("alice", "bob", "carol")])
        people[-1][0].publish({"0": "audio"})
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert [sum(len(tracks_offered(person)) for person in room[1:]) for room in people] == [1, 1]
    turns.close()
    await settle()
    assert [sum(len(tracks_offered(person)) for person in room[1:]) for room in people] == [1, 1]
