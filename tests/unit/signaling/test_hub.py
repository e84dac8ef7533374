"""Opening rooms, and what stays behind when something goes wrong."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from signaling import effects as fx
from signaling.model import Role, RoomSettings
from signaling.room_writes import RoomClosed, RoomOpened
from signaling.session import Session
from signaling.stored_room import StoredRoom
from signaling.tokens import Identity
from tests.unit.signaling.people import Port
from tests.unit.signaling.test_whip_gate import OFFER, House, Store, token


def store_of(house: House) -> Store:
    store: Any = house.hub._store
    return store  # type: ignore[no-any-return]


async def test_room_is_opened_with_what_is_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    house = House()

    async def load(room_id: str) -> StoredRoom:
        return StoredRoom(RoomSettings(max_participants=2), {"mo": Role.MODERATOR})

    monkeypatch.setattr(house.hub._store, "load", load)
    await house.join("alice")
    await house.join("mo")
    room = house.hub.rooms["demo"].room
    assert room.settings.max_participants == 2
    assert room.participants["mo"].role is Role.MODERATOR


async def test_two_at_once_open_one_room(monkeypatch: pytest.MonkeyPatch) -> None:
    house = House()

    async def load(room_id: str) -> StoredRoom:
        await asyncio.sleep(0.01)
        return StoredRoom()

    monkeypatch.setattr(house.hub._store, "load", load)
    await asyncio.gather(*(house.join(f"user{i}") for i in range(5)))
    assert len(house.hub.rooms["demo"].room.participants) == 5
    assert [w for _, w in store_of(house).saved].count(RoomOpened()) == 1


async def test_failed_join_leaves_nobody_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    house = House()
    await house.join("alice")
    live = house.hub.rooms["demo"]
    monkeypatch.setattr(live.negotiation, "enter", lambda *_, **__: 1 // 0)
    with pytest.raises(ZeroDivisionError):
        await house.join("bob")
    assert list(live.room.participants) == ["alice"]


async def test_failed_first_join_closes_the_room(monkeypatch: pytest.MonkeyPatch) -> None:
    house = House(settings={"max_participants": 1})
    await house.join("alice")
    live = house.hub.rooms["demo"]
    live.leave("alice", "s-alice", "left")
    assert house.hub.rooms == {}
    assert [w for _, w in store_of(house).saved][-1] == RoomClosed()
    assert house.engine.routers == {}


async def test_bug_while_publishing_leaks_no_transport(monkeypatch: pytest.MonkeyPatch) -> None:
    house = House()
    await house.join("alice")
    monkeypatch.setattr("tests.unit.signaling.engine_double.TransportDouble.accept_offer", lambda *_: 1 // 0)
    monkeypatch.setattr("tests.unit.signaling.engine_double.TransportDouble.accept_play_offer", lambda *_: 1 // 0)
    with pytest.raises(ZeroDivisionError):
        await house.gate.publish("demo", token(), OFFER)
    assert house.router.transports == {}


async def test_silent_sessions_are_dropped() -> None:
    house = House(session_timeout_s=30)
    alice = await house.join("alice")
    bob = Port()
    session = Session("s-bob", "bob", bob, time.monotonic() + 1_000)
    await house.hub.join("demo", Identity("bob", "Bob"), session)
    for sweep in house.hub.sweepers:
        sweep(time.monotonic() + 1_001)
    assert alice.closed == (4408, "timeout")
    assert bob.closed is None
    assert list(house.hub.rooms["demo"].room.participants) == ["bob"]
    assert bob.messages[-3]["payload"] == {"username": "alice", "reason": "timeout"}


async def test_presence_of_encoders_is_renewed_for_them() -> None:
    house = House()
    await house.join("alice")
    await house.gate.publish("demo", token(), OFFER)
    saved = store_of(house).saved
    saved.clear()
    renew = house.hub.sweepers[1]
    now = time.monotonic()
    for at in (now, now + 1, now + 9, now + 10.5):
        renew(at)
    assert saved == [("demo", fx.RenewPresence("cam"))] * 2


async def test_a_stream_is_expected_while_its_room_is_being_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    house = House()
    await house.join("alice")
    assert not house.hub.streams("demo", "s1") and not house.hub.streams("elsewhere", "s1")

    class Leases:
        def fence_of(self, room_id: str) -> str | None:
            return "7" if room_id in ("demo", "taken") else None

    monkeypatch.setattr(house.hub, "_ownership", Leases())
    assert house.hub.streams("taken", "s1"), "its lease is here, the room not yet"
    assert not house.hub.streams("demo", "s1") and not house.hub.streams("elsewhere", "s1")
